"""Annotations of a COCO file, turned into labels; what cannot be used is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.formats import rle
from workbench.formats.boxes import Frame, Xyxy, hull, numbers_of, rounded_out
from workbench.formats.names import attributes_of
from workbench.formats.pictures import Header
from workbench.formats.problems import Problems
from workbench.schema.labels import Attribute, Label

Names = Mapping[Any, str]
Given = tuple[str, Mapping[str, Any], Names]  # where, entry, class names of its file

_USED = frozenset(
    {"id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "score", "keypoints", "num_keypoints",
     "instance_id", "caption", "width", "height"}
)  # fmt: skip


def labels_of(given: Sequence[Given], header: Header, problems: Problems) -> tuple[Label, ...]:
    """The labels of one picture; the same label in two files is kept once."""
    frame = Frame(header.width, header.height, problems)
    labels: list[Label] = []
    first_seen: dict[tuple[str, Xyxy], str] = {}
    for where, entry, names in given:
        label = _label(entry, names, where, frame)
        if label is None:
            continue
        file = where.partition(", annotation")[0]
        key = (label.name, label.xyxy)
        if first_seen.setdefault(key, file) != file:
            message = f"Wanted each label once, found this {label.name} in {first_seen[key]} too. Kept once."
            problems.add("duplicate_label", where, message)
            continue
        labels.append(label)
    return tuple(labels)


def _label(entry: Mapping[str, Any], names: Names, where: str, frame: Frame) -> Label | None:
    category = entry.get("category_id")
    if isinstance(category, (list, dict)) or category not in names:
        if "caption" in entry:
            frame.problems.add("unsupported_annotation", where, "Wanted boxes or outlines, found a caption. Left out.")
            return None
        message = f"Wanted a declared category, found {category!r:.60}. Label left out."
        frame.problems.add("unknown_category", where, message)
        return None
    if entry.get("keypoints"):
        frame.problems.add(
            "unsupported_annotation", where, "Wanted boxes or outlines, found keypoints too. Keypoints left out."
        )
    polygons, mask = _segmentation(entry.get("segmentation"), where, frame)
    xyxy = _box(entry.get("bbox"), polygons, mask, where, frame)
    if xyxy is None:
        return None
    score, instance_id = entry.get("score"), entry.get("instance_id")
    return Label(
        name=names[category],
        xyxy=xyxy,
        polygons=polygons,
        mask=None if mask is None else _cut(mask, xyxy, where, frame),
        attributes=_attributes(entry),
        confidence=float(score) if isinstance(score, float) else None,
        instance_id=instance_id if isinstance(instance_id, int) and abs(instance_id) < 1 << 63 else None,
    )


def _attributes(entry: Mapping[str, Any]) -> dict[str, Attribute]:
    found = attributes_of(entry, known=_USED)
    if entry.get("iscrowd") in (1, True):
        found["iscrowd"] = True
    return found


def _box(
    given: Any, polygons: Sequence[NDArray[np.float64]], mask: NDArray[np.bool_] | None, where: str, frame: Frame
) -> Xyxy | None:
    if given is None and polygons:
        return frame.box(hull(polygons), where)
    if given is None and mask is not None and mask.any():
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    numbers = numbers_of(given)
    if numbers is None or len(numbers) != 4:
        message = f"Wanted bbox [x, y, width, height], found {given!r:.80}. Label left out."
        frame.problems.add("broken_annotation", where, message)
        return None
    x, y, width, height = numbers
    return frame.box((x, y, x + width, y + height), where)


def _segmentation(
    given: Any, where: str, frame: Frame
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.bool_] | None]:
    if isinstance(given, dict):
        return (), _mask(given, where, frame)
    if not isinstance(given, list):
        if given is not None:
            message = f"Wanted outlines or a run-length mask, found {type(given).__name__}. Box kept."
            frame.problems.add("broken_annotation", where, message)
        return (), None
    flat = [given] if numbers_of(given) and given else given  # some tools leave the outer list away
    found = (frame.polygon(polygon if isinstance(polygon, list) else [], where) for polygon in flat)
    return tuple(polygon for polygon in found if polygon is not None), None


def _mask(given: Mapping[str, Any], where: str, frame: Frame) -> NDArray[np.bool_] | None:
    counts, size = given.get("counts"), given.get("size")
    try:
        if size != [frame.height, frame.width]:
            raise ValueError(f"size {size!r:.60}")
        runs = rle.unpack(counts) if isinstance(counts, str) else counts
        if numbers_of(runs) is None:
            raise ValueError(f"counts {runs!r:.60}")
        return rle.decode(runs or [], frame.height, frame.width)
    except (ValueError, OverflowError) as cause:
        message = (
            f"Wanted a run-length mask of {frame.height} x {frame.width}, found: {cause}. Box kept, mask left out."
        )
        frame.problems.add("broken_annotation", where, message)
        return None


def _cut(mask: NDArray[np.bool_], xyxy: Xyxy, where: str, frame: Frame) -> NDArray[np.bool_]:
    left, top, right, bottom = rounded_out(xyxy)
    cut = mask[top:bottom, left:right]
    beyond = int(mask.sum()) - int(cut.sum())
    if beyond:
        message = f"Wanted the mask inside its box, found {beyond} pixels beyond. Those are left out."
        frame.problems.add("broken_annotation", where, message)
    return np.ascontiguousarray(cut)
