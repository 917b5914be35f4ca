"""Annotations of a COCO file, turned into labels; what cannot be used is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.coco.annotations import EDGES_MODE, Annotations
from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.arrays import box_of, cut_out
from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy, hull, numbers_of
from workbench.adapters.formats.toolkit.json_files import json_type
from workbench.adapters.formats.toolkit.names import attributes_of
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import solid_of
from workbench.base.plurals import counted
from workbench.core.schema.labels import Attribute, Label, Labels


@dataclass(frozen=True, slots=True)
class Category:
    """A declared class and the names of its keypoints."""

    name: str
    keypoints: tuple[str, ...] = ()


Names = Mapping[Any, Category]
Given = tuple[Annotations, int, int, Names]  # annotations of a file, the rows of one image, class names

_USED = frozenset(
    {"id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "score", "keypoints", "num_keypoints",
     "instance_id", "index", "caption", "width", "height", "keypoint_names", "T_cam_obj", "size_m", "bbox_mode"}
)  # fmt: skip


def labels_of(given: Sequence[Given], header: Header, problems: Problems) -> Labels:
    """The labels of one image; the same label in two files is kept once."""
    frame = Frame(header.width, header.height, problems)
    if len(given) == 1:
        boxes = _boxes(*given[0], frame)
        return boxes if boxes is not None else Labels.of(label for label, _ in _labels(*given[0], frame))
    labels: list[Label] = []
    first_seen: dict[tuple[str, Xyxy], str] = {}
    for part in given:
        source = part[0]
        for label, row in _labels(*part, frame):
            file = first_seen.setdefault((label.name, label.xyxy), source.file)
            if file == source.file:
                labels.append(label)
            else:
                message = f"The same label '{label.name}' is also in {file}; kept once."
                problems.add("duplicate_label", source.where(int(source.indices[row])), message)
    return Labels.of(labels)


def _boxes(source: Annotations, start: int, stop: int, names: Names, frame: Frame) -> Labels | None:
    """All labels at once where each is a plain box inside the image, which is usual."""
    edges, codes = source.edges[start:stop], source.categories[start:stop].tolist()
    categories = [names.get(source.category_ids[code]) for code in codes if code >= 0]
    classes = tuple([category.name for category in categories if category is not None])
    inside = (edges[:, 2:] <= (frame.width, frame.height)).all()
    if not inside or len(classes) < len(codes) or not source.sound[start:stop].all():
        return None
    return Labels(classes, edges)


def _labels(source: Annotations, start: int, stop: int, names: Names, frame: Frame) -> Iterator[tuple[Label, int]]:
    """Labels that can be used, each with its row; most are a plain box inside the image."""
    width, height = frame.width, frame.height
    for row, xyxy, sound, code in source.rows(start, stop):
        category = names.get(source.category_ids[code]) if code >= 0 else None
        if sound and category is not None and xyxy[2] <= width and xyxy[3] <= height:
            yield Label(category.name, xyxy), row
            continue
        where = source.where(int(source.indices[row]))
        label = label_of(source.entry(row), names, where, frame)
        if label is not None:
            yield label, row


def label_of(entry: Mapping[str, Any], names: Names, where: str, frame: Frame) -> Label | None:
    """The label of one annotation, or ``None``; the reason is reported."""
    category = entry.get("category_id")
    if isinstance(category, (list, dict)) or category not in names:
        if "caption" in entry:
            frame.problems.add(
                "unsupported_annotation", where, "The annotation is a caption, which is not supported; left out."
            )
            return None
        message = f"No category has the id {category!r:.60}; label left out."
        frame.problems.add("unknown_category", where, message)
        return None
    polygons, mask = _segmentation(entry.get("segmentation"), where, frame)
    xyxy = _box(entry, polygons, mask, where, frame)
    if xyxy is None:
        return None
    keypoints = _keypoints(entry.get("keypoints"), where, frame)
    pose, size_m = solid_of(entry, where, frame.problems)
    score = entry.get("score")
    return Label(
        name=names[category].name,
        xyxy=xyxy,
        polygons=polygons,
        mask=None if mask is None else _cut(mask, xyxy, where, frame),
        attributes=_attributes(entry),
        confidence=float(score) if isinstance(score, float) else None,
        instance_id=_instance_id(entry.get("instance_id", entry.get("index")), where, frame),
        keypoints=keypoints,
        keypoint_names=_keypoint_names(entry, names[category], keypoints),
        T_cam_obj=pose,
        size_m=size_m,
    )


def _instance_id(given: Any, where: str, frame: Frame) -> int | None:
    """A whole number that the database can hold."""
    if given is None or (type(given) is int and abs(given) < 1 << 63):
        return given
    message = f"The instance_id {given!r:.60} is not a whole number of at most 63 bits; label kept without it."
    frame.problems.add("broken_annotation", where, message)
    return None


def _keypoints(given: Any, where: str, frame: Frame) -> NDArray[np.float64] | None:
    """Points ``x, y, v`` in turn; ``None`` when there are none or they are invalid."""
    if not given:
        return None
    numbers = numbers_of(given)
    points = None if numbers is None or len(numbers) % 3 else np.asarray(numbers, dtype=np.float64).reshape(-1, 3)
    if points is None or not np.isfinite(points).all() or not np.isin(points[:, 2], (0, 1, 2)).all():
        message = f"The keypoints are not x, y, v with v 0, 1 or 2 ({given!r:.80}); keypoints left out."
        frame.problems.add("broken_annotation", where, message)
        return None
    return points


def _keypoint_names(
    entry: Mapping[str, Any], category: Category, keypoints: NDArray[np.float64] | None
) -> tuple[str, ...]:
    if keypoints is None:
        return ()
    own = entry.get("keypoint_names")
    names = tuple(map(str, own)) if isinstance(own, list) else category.keypoints
    return names if len(names) == len(keypoints) else ()


def _attributes(entry: Mapping[str, Any]) -> dict[str, Attribute]:
    attributes = attributes_of(entry, known=_USED)
    if entry.get("iscrowd") in (1, True):
        attributes["iscrowd"] = True
    return attributes


def _box(
    entry: Mapping[str, Any],
    polygons: Sequence[NDArray[np.float64]],
    mask: NDArray[np.bool_] | None,
    where: str,
    frame: Frame,
) -> Xyxy | None:
    given = entry.get("bbox")
    if given is None and polygons:
        return frame.box(hull(polygons), where)
    if given is None and mask is not None and mask.any():
        return box_of(mask)
    numbers = numbers_of(given)
    if numbers is None or len(numbers) != 4:
        message = f"bbox is not [x, y, width, height] ({given!r:.80}); label left out."
        frame.problems.add("broken_annotation", where, message)
        return None
    x, y, width, height = numbers
    if entry.get("bbox_mode") == EDGES_MODE:
        return frame.box((x, y, width, height), where)
    return frame.box((x, y, x + width, y + height), where)


def _segmentation(
    given: Any, where: str, frame: Frame
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.bool_] | None]:
    if isinstance(given, dict):
        return (), _mask(given, where, frame)
    if not isinstance(given, list):
        if given is not None:
            message = (
                f"segmentation is {json_type(given)}, neither outlines nor a run-length mask; box kept without it."
            )
            frame.problems.add("broken_annotation", where, message)
        return (), None
    flat = [given] if numbers_of(given) and given else given  # some tools leave the outer list away
    polygons = (frame.polygon(polygon if isinstance(polygon, list) else [], where) for polygon in flat)
    return tuple(polygon for polygon in polygons if polygon is not None), None


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
        size = f"{frame.width} x {frame.height}"
        message = f"The run-length mask does not fit the image of {size} ({cause}); box kept, mask left out."
        frame.problems.add("broken_annotation", where, message)
        return None


def _cut(mask: NDArray[np.bool_], xyxy: Xyxy, where: str, frame: Frame) -> NDArray[np.bool_]:
    cut = cut_out(mask, xyxy)
    beyond = int(mask.sum()) - int(cut.sum())
    if beyond:
        message = f"The mask has {counted(beyond, 'pixel')} outside its box; those are left out."
        frame.problems.add("broken_annotation", where, message)
    return cut
