"""Read an export back with the project's own reader and compare it with what was meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.errors import OutputError
from workbench.formats.boxes import hull
from workbench.formats.contract import Placed, Writer
from workbench.formats.problems import Problems
from workbench.formats.registry import FORMATS
from workbench.schema.labels import Label, Record

TOLERANCE_PX = 0.01  # rounding of text

_SHOWN = 3


def compare(folder: Path, placed: Sequence[Placed], writer: Writer) -> None:
    """Every picture with its split, its count of labels per class and its boxes.

    Raises:
        OutputError: anything differs.
    """
    problems = Problems()
    found = {record.origin: record for record in FORMATS[writer.name].read(folder, problems)}
    wanted = {writer.picture_path(str(item.record.split), item.name): item.record for item in placed}
    differences = [f"{path} is missing" for path in wanted if path not in found]
    differences += [f"{path} was not to be there" for path in found if path not in wanted]
    for path in wanted.keys() & found.keys():
        differences += [f"{path}: {text}" for text in _differences(wanted[path], found[path])]
    if differences:
        named = [f"{problem.where}: {problem.message}" for problem in problems]
        shown = "; ".join([*sorted(differences)[:_SHOWN], *named[:_SHOWN]])
        more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        fix = "Nothing was left behind. Please report this with the manifest of the data."
        raise OutputError("an export that reads back as it was meant", found=shown + more, where=writer.name, fix=fix)


def _differences(wanted: Record, found: Record) -> Iterator[str]:
    if wanted.split != found.split:
        yield f"split {wanted.split} became {found.split}"
    before, after = _per_class(wanted), _per_class(found)
    if before != after:
        yield f"labels {dict(before)} became {dict(after)}"
        return
    if (wanted.width, wanted.height) != (found.width, found.height):
        yield f"size {wanted.width} x {wanted.height} became {found.width} x {found.height}"
    for name in before:
        first = [label for label in wanted.labels if label.name == name]
        second = [label for label in found.labels if label.name == name]
        worst = max(map(_moved_px, first, second))
        if worst > TOLERANCE_PX:
            yield f"a box of {name} moved by {worst:.3g} px"


def _moved_px(wanted: Label, found: Label) -> float:
    """How far an edge moved; a label written as its outline alone comes back with the outline's box."""
    outline = [hull(wanted.polygons)] if wanted.polygons and found.polygons else []
    return min(max(abs(a - b) for a, b in zip(box, found.xyxy, strict=True)) for box in [wanted.xyxy, *outline])


def _per_class(record: Record) -> Counter[str]:
    return Counter(label.name for label in record.labels)
