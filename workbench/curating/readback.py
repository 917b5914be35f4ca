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
    wanted = {writer.picture_path(str(item.record.split), item.name): item.record for item in placed}
    differences: list[str] = []
    root = folder.resolve()
    with unpacked.within(scratch), following_links():
        for found in FORMATS[writer.name].read(folder, problems):  # one at a time: memory stays as it is
            path = path_of(found, root, writer)
            meant = wanted.pop(path, None)
            if meant is None:
                differences.append(f"{path} was not to be there")
            else:
                differences += [f"{path}: {text}" for text in _differences(meant, found, path, writer)]
    differences += [f"{path} is missing" for path in wanted]
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
    pairs = _pairs(meant, found.labels)
    if pairs is None:
        yield f"labels {dict(_per_class(meant))} became {dict(_per_class(found.labels))}"
        return
    if (wanted.width, wanted.height) != (found.width, found.height):
        yield f"size {wanted.width} x {wanted.height} became {found.width} x {found.height}"
    if writer.embeds and wanted.content_sha256 not in (None, found.content_sha256):
        yield "the picture changed since it was loaded, so its labels may not fit any more"
    worst = max(pairs, key=lambda pair: _moved_px(*pair), default=None)
    if worst is not None and _moved_px(*worst) > writer.tolerance_px:
        yield f"a box of {worst[0].name} moved by {_moved_px(*worst):.3g} px"


def _pairs(meant: Sequence[Label], found: Sequence[Label]) -> list[tuple[Label, Label]] | None:
    """Labels that stand for each other, in the order of each class; ``None`` when their counts differ."""
    if [label.name for label in meant] != [label.name for label in found]:  # hardly ever
        if _per_class(meant) != _per_class(found):
            return None
        meant, found = (sorted(labels, key=lambda label: label.name) for labels in (meant, found))
    return list(zip(meant, found, strict=True))


def _moved_px(wanted: Label, found: Label) -> float:
    """How far an edge moved; a label written as its outline alone comes back with the outline's box."""
    if wanted.xyxy == found.xyxy:  # nearly always
        return 0.0
    outline = [hull(wanted.polygons)] if wanted.polygons and found.polygons else []
    return min(max(abs(a - b) for a, b in zip(box, found.xyxy, strict=True)) for box in [wanted.xyxy, *outline])


def _per_class(labels: Iterable[Label]) -> Counter[str]:
    return Counter(label.name for label in labels)
