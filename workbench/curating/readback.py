"""Read an export back with the project's own reader and compare it with what was meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from workbench.errors import OutputError
from workbench.formats import unpacked
from workbench.formats.boxes import hull
from workbench.formats.contract import Placed, Writer
from workbench.formats.problems import Problems
from workbench.formats.registry import FORMATS
from workbench.formats.tree import following_links
from workbench.schema.labels import Label, Record

_SHOWN = 3


def compare(folder: Path, placed: Sequence[Placed], writer: Writer, scratch: Path) -> None:
    """Every picture with its split, its count of labels per class and its boxes; its bytes where they lie in a file.

    Args:
        folder: what was written, without the manifest.
        placed: what was meant.
        writer: the format.
        scratch: where pictures that lie inside of files are unpacked to.

    Raises:
        OutputError: anything differs.
    """
    problems = Problems()
    with unpacked.within(scratch), following_links():
        root = folder.resolve()
        found = {path_of(record, root, writer): record for record in FORMATS[writer.name].read(folder, problems)}
    wanted = {writer.picture_path(str(item.record.split), item.name): item.record for item in placed}
    differences = [f"{path} is missing" for path in wanted if path not in found]
    differences += [f"{path} was not to be there" for path in found if path not in wanted]
    for path in wanted.keys() & found.keys():
        differences += [f"{path}: {text}" for text in _differences(wanted[path], found[path], path, writer)]
    if differences:
        named = [f"{problem.where}: {problem.message}" for problem in problems]
        shown = "; ".join([*sorted(differences)[:_SHOWN], *named[:_SHOWN]])
        more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        fix = "Nothing was left behind. Please report this with the manifest of the data."
        raise OutputError("an export that reads back as it was meant", found=shown + more, where=writer.name, fix=fix)


def path_of(record: Record, root: Path, writer: Writer) -> str:
    """What the writer calls the picture of a record that was read back."""
    if writer.embeds or record.image_path is None:
        return record.origin
    return str(record.image_path)[len(f"{root}/") :]  # 20 times faster than a Path, and there are many


def _differences(wanted: Record, found: Record, path: str, writer: Writer) -> Iterator[str]:
    told = found.split or (wanted.split if wanted.split in path.split("/") else None)  # a folder of an unusual name
    if wanted.split != told:
        yield f"split {wanted.split} became {found.split}"
    meant = [label for label in wanted.labels if writer.holds(label)]
    before, after = _per_class(meant), _per_class(found.labels)
    if before != after:
        yield f"labels {dict(before)} became {dict(after)}"
        return
    if (wanted.width, wanted.height) != (found.width, found.height):
        yield f"size {wanted.width} x {wanted.height} became {found.width} x {found.height}"
    if writer.embeds and wanted.content_sha256 not in (None, found.content_sha256):
        yield "the picture changed since it was loaded, so its labels may not fit any more"
    for name in before:
        first = [label for label in meant if label.name == name]
        second = [label for label in found.labels if label.name == name]
        worst = max(map(_moved_px, first, second))
        if worst > writer.tolerance_px:
            yield f"a box of {name} moved by {worst:.3g} px"


def _moved_px(wanted: Label, found: Label) -> float:
    """How far an edge moved; a label written as its outline alone comes back with the outline's box."""
    outline = [hull(wanted.polygons)] if wanted.polygons and found.polygons else []
    return min(max(abs(a - b) for a, b in zip(box, found.xyxy, strict=True)) for box in [wanted.xyxy, *outline])


def _per_class(labels: Iterable[Label]) -> Counter[str]:
    return Counter(label.name for label in labels)
