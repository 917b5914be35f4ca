"""The same annotation in several files, merged field by field: boxes in one, keypoints or outlines in another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workbench.adapters.formats.coco.annotations import is_empty
from workbench.adapters.formats.coco.categories import Category
from workbench.adapters.formats.toolkit.boxes import Xyxy, shown_box
from workbench.adapters.formats.toolkit.problems import Problems

_SAME = 0.5  # IoU from which boxes of one id and class are the same object, drawn twice
_DIGITS = 2  # decimals of a pixel to which boxes are the same
_APART = frozenset(  # compared otherwise, or never used
    {"id", "image_id", "category_id", "category_name", "category", "bbox", "bbox_mode", "area", "num_keypoints"}
    | {"attributes", "keypoint_names"}
)
CONFLICT: Final = "annotation_conflict"


@dataclass(slots=True)
class Annotation:
    """One annotation of an image, maybe of several files.

    Attributes:
        entry: its object.
        id: its id as text, ``None`` where it has none.
        category: its class, ``None`` where no file declares it.
        where: file and place in the list, for messages.
        xyxy: its box, or that of its outline; ``None`` where there is none that can be used.
    """

    entry: Mapping[str, Any]
    id: str | None
    category: Category | None
    where: str
    xyxy: Xyxy | None

    @property
    def place(self) -> Hashable:
        """What equal labels have in common: class and rounded box; ``None`` where one is missing."""
        if self.category is None or self.xyxy is None:
            return None
        return self.category.name, *(round(edge, _DIGITS) for edge in self.xyxy)


def merged(files: Iterable[Iterable[Annotation]], problems: Problems) -> list[Annotation]:
    """The annotations of one image in all files, each object once; contradictions are reported, the first counts.

    Annotations of different files are the same when their ids are and nothing speaks against it, or when their
    class and box are. Within one file all are different.
    """
    whole: list[Annotation] = []
    for file in files:
        entries = list(file)
        earlier = set(range(len(whole)))  # those that no entry of this file repeats yet
        by_id, by_place = _indexed(whole, "id"), _indexed(whole, "place")
        twins: dict[int, int] = {}
        for at, new in enumerate(entries):
            for twin in by_id[new.id] if new.id is not None else ():
                if twin in earlier and _is_same(whole[twin], new, problems):
                    twins[at] = twin
                    earlier.discard(twin)
                    break
        for at, new in enumerate(entries):
            places = by_place[new.place] if at not in twins and new.place is not None else []
            same = next((twin for twin in places if twin in earlier), None)
            if same is not None:
                twins[at] = same
                earlier.discard(same)
        for at, new in enumerate(entries):
            if at in twins:
                whole[twins[at]] = _joined(whole[twins[at]], new, problems)
            else:
                whole.append(new)
    return whole


def _indexed(whole: list[Annotation], key: str) -> defaultdict[Hashable, list[int]]:
    indices: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at, annotation in enumerate(whole):
        indices[getattr(annotation, key)].append(at)
    return indices


def _is_same(first: Annotation, second: Annotation, problems: Problems) -> bool:
    """Whether two annotations of one id are one; files that each count from 1 give equal ids to different objects."""
    if "caption" in first.entry or "caption" in second.entry:
        return False
    names = {annotation.category.name for annotation in (first, second) if annotation.category is not None}
    apart = first.xyxy is not None and second.xyxy is not None and _iou(first.xyxy, second.xyxy) < _SAME
    if len(names) == 2 and not apart and first.xyxy is not None and second.xyxy is not None:
        message = (
            f"The annotation {first.id:.60} is '{_name(second)}' here and '{_name(first)}' in {first.where}; "
            "loaded as two labels."
        )
        problems.add(CONFLICT, second.where, message)
    if len(names) == 1 and apart and first.xyxy is not None and second.xyxy is not None:
        message = (
            f"The annotation {first.id:.60} has the box xyxy {shown_box(second.xyxy)} here and "
            f"{shown_box(first.xyxy)} in {first.where}; loaded as two labels."
        )
        problems.add(CONFLICT, second.where, message)
    return len(names) < 2 and not apart


def _name(annotation: Annotation) -> str:
    return annotation.category.name if annotation.category is not None else ""


def _iou(a: Xyxy, b: Xyxy) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (a, b))
    return both / (areas - both) if areas > both else 0.0


def _joined(first: Annotation, second: Annotation, problems: Problems) -> Annotation:
    """Both as one: what the first has none of comes from the second."""
    entry = joined(first.entry, second.entry, second.where, first.where, problems, apart=_APART)
    before, after = (each.entry.get("attributes") for each in (first, second))
    if isinstance(before, dict) and isinstance(after, dict):
        entry["attributes"] = joined(before, after, second.where, first.where, problems)
    elif is_empty(before):
        entry["attributes"] = after
    if first.xyxy is None or is_empty(first.entry.get("bbox")):
        if not is_empty(second.entry.get("bbox")):
            entry |= {"bbox": second.entry["bbox"], "bbox_mode": second.entry.get("bbox_mode")}
    elif second.xyxy is not None and not is_empty(second.entry.get("bbox")) and _moved(first.xyxy, second.xyxy):
        message = (
            f"The box is xyxy {shown_box(second.xyxy)} here and {shown_box(first.xyxy)} in {first.where}; "
            "the latter is kept."
        )
        problems.add(CONFLICT, second.where, message)
    _name_points(entry, first, second)
    category = first.category if first.category is not None else second.category
    xyxy = first.xyxy if first.xyxy is not None else second.xyxy
    return Annotation(entry, first.id if first.id is not None else second.id, category, first.where, xyxy)


def _moved(a: Xyxy, b: Xyxy) -> bool:
    return any(round(one, _DIGITS) != round(other, _DIGITS) for one, other in zip(a, b, strict=True))


def _name_points(entry: dict[str, Any], first: Annotation, second: Annotation) -> None:
    """Keypoints keep the names that they have in their own file."""
    for given in (first, second):
        if is_empty(given.entry.get("keypoints")):
            continue
        names = given.entry.get("keypoint_names") or (given.category.facts.keypoints if given.category else ())
        if names:
            entry["keypoint_names"] = list(names)
            return


def joined(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    where: str,
    earlier: str,
    problems: Problems,
    *,
    apart: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Two objects as one; where they contradict each other the first counts, and that is reported.

    Args:
        first, second: the objects.
        where: place of the second.
        earlier: place of the first.
        problems: where to report.
        apart: keys of the first that are kept, and not compared.

    >>> problems = Problems()
    >>> joined({"a": 1, "b": None}, {"a": 2, "b": 3}, "2.json, image 0", "1.json, image 0", problems)
    {'a': 1, 'b': 3}
    >>> [problem.message for problem in problems]
    ["'a' is 2 here and 1 in 1.json, image 0; the latter is kept."]
    """
    whole = dict(first)
    for key, value in second.items():
        before = whole.get(key)
        if key in apart or is_empty(value) or value == before:
            continue
        if is_empty(before):
            whole[key] = value
            continue
        message = f"'{key:.60}' is {value!r:.60} here and {before!r:.60} in {earlier}; the latter is kept."
        problems.add(CONFLICT, where, message)
    return whole
