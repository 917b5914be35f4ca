"""Annotations of a COCO file, turned into labels; what cannot be used is reported."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.coco import panoptic
from workbench.adapters.formats.coco.annotations import EDGES_MODE, Annotations, has_place, is_empty
from workbench.adapters.formats.coco.categories import Category
from workbench.adapters.formats.coco.entries import LABEL_KEYS
from workbench.adapters.formats.coco.merge import Annotation, merged
from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.arrays import box_of, cut_out
from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy, hull, loose_of, numbers_of
from workbench.adapters.formats.toolkit.json_files import json_type
from workbench.adapters.formats.toolkit.names import attributes_of
from workbench.adapters.formats.toolkit.partial_labels import BOX_FROM
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import solid_of
from workbench.base.plurals import counted
from workbench.core.schema.classes import ClassFacts
from workbench.core.schema.labels import Attribute, Label, Labels

Given = tuple[Annotations, int, int]  # annotations of a file, and the rows of one image

_USED = LABEL_KEYS - {"attributes", "category", "segments_info"}


@dataclass(frozen=True, slots=True)
class ImageLabels:
    """What the annotations of one image say.

    Attributes:
        labels: of its objects.
        classes: of the image as a whole, from annotations without a box.
        facts: what the files say of these classes.
    """

    labels: Labels
    classes: tuple[str, ...] = ()
    facts: Mapping[str, ClassFacts] = field(default_factory=dict)


def labels_of(given: Sequence[Given], header: Header, problems: Problems) -> ImageLabels:
    """The labels of one image; an annotation in several files is merged."""
    frame = Frame(header.width, header.height, problems)
    if not given:
        return ImageLabels(Labels())
    if len(given) == 1:
        source, start, stop = given[0]
        boxes = _boxes(source, start, stop, frame)
        if boxes is not None:
            return ImageLabels(boxes, (), facts_of(boxes.names, given))
        pairs = _labels(source, start, stop, frame)
    else:
        files = (_annotations(*part, frame) for part in given)
        pairs = (_label_or_class(each, frame, given) for each in merged(files, problems))
    labels: list[Label] = []
    classes: dict[str, None] = {}
    for result in pairs:
        if isinstance(result, Label):
            labels.append(result)
        elif result is not None:
            classes[result] = None
    names = (*(label.name for label in labels), *classes)
    return ImageLabels(Labels.of(labels), tuple(classes), facts_of(names, given))


def facts_of(names: Iterable[str], given: Sequence[Given]) -> dict[str, ClassFacts]:
    """What the files of an image say of these classes."""
    facts: dict[str, ClassFacts] = {}
    for source, _, _ in given:
        known = source.declared.facts
        for name in set(names) & known.keys() if known else ():
            facts[name] = facts[name].joined(known[name])[0] if name in facts else known[name]
    return facts


def _boxes(source: Annotations, start: int, stop: int, frame: Frame) -> Labels | None:
    """All labels at once where each is a plain box inside the image, which is usual."""
    edges, codes = source.edges[start:stop], source.categories[start:stop].tolist()
    categories = [source.classes[code] for code in codes if code >= 0]
    classes = tuple([category.name for category in categories if category is not None])
    inside = (edges[:, 2:] <= (frame.width, frame.height)).all()
    if not inside or len(classes) < len(codes) or not source.sound[start:stop].all():
        return None
    return Labels(classes, edges)


def _labels(source: Annotations, start: int, stop: int, frame: Frame) -> Iterator[Label | str | None]:
    """Labels that can be used; most are a plain box inside the image."""
    width, height = frame.width, frame.height
    for row, xyxy, sound, code in source.rows(start, stop):
        category = source.classes[code] if code >= 0 else None
        if sound and category is not None and xyxy[2] <= width and xyxy[3] <= height:
            yield Label(category.name, xyxy)
            continue
        for annotation in _entries(source, row, frame):
            yield _label_or_class(annotation, frame, ((source, start, stop),))


def _annotations(source: Annotations, start: int, stop: int, frame: Frame) -> Iterator[Annotation]:
    """The annotations of one file for one image, with their places."""
    quiet = Frame(frame.width, frame.height, Problems())
    for row in range(start, stop):
        for annotation in _entries(source, row, frame):
            annotation.xyxy = place_of(annotation.entry, quiet)
            yield annotation


def _entries(source: Annotations, row: int, frame: Frame) -> Iterator[Annotation]:
    """An annotation as an object, or one for each segment of a panoptic map."""
    entry, where = source.entry(row), source.where(int(source.indices[row]))
    if isinstance(entry.get("segments_info"), list):
        for at, segment in enumerate(panoptic.segments(entry, source.map_of(entry), where, frame)):
            category = source.declared.of(segment)
            yield Annotation(panoptic.with_kind(segment, category), None, category, f"{where}, segment {at}", None)
    else:
        yield Annotation(entry, source.id_of(row), source.declared.of(entry), where, None)


def place_of(entry: Mapping[str, Any], frame: Frame) -> Xyxy | None:
    """The box of an annotation, or that of its outline or mask; ``None`` where neither can be used."""
    box = _given_box(entry)
    if box is not None:
        return frame.box(box, "")
    if is_empty(entry.get("segmentation")):
        return None
    polygons, mask = _segmentation(entry["segmentation"], "", frame)
    return hull(polygons) if polygons else box_of(mask) if mask is not None and mask.any() else None


def _label_or_class(annotation: Annotation, frame: Frame, given: Sequence[Given]) -> Label | str | None:
    """The label of an annotation, or its class where it speaks of the whole image."""
    category, entry = annotation.category, annotation.entry
    if category is None or has_place(entry):
        return label_of(entry, category, annotation.where, frame)
    if any(source.has_places for source, _, _ in given):
        frame.problems.count("missing_box", annotation.where)
    return category.name


def label_of(entry: Mapping[str, Any], category: Category | None, where: str, frame: Frame) -> Label | None:
    """The label of one annotation, or ``None``; the reason is reported."""
    if category is None:
        if "caption" in entry:
            frame.problems.count("unsupported_annotation", where)
            return None
        message = f"No category has the id {entry.get('category_id')!r:.60}; label left out."
        frame.problems.add("unknown_category", where, message)
        return None
    polygons, mask = _segmentation(entry.get("segmentation"), where, frame)
    keypoints = _keypoints(entry.get("keypoints"), where, frame)
    xyxy, made_of = _box(entry, polygons, mask, keypoints, where, frame)
    if xyxy is None:
        return None
    pose, size_m = solid_of(entry, where, frame.problems)
    score = numbers_of([entry.get("score")])
    return Label(
        name=category.name,
        xyxy=xyxy,
        polygons=polygons,
        mask=None if mask is None else _cut(mask, xyxy, where, frame),
        attributes={**_attributes(entry), **({BOX_FROM: made_of} if made_of else {})},
        confidence=score[0] if score and math.isfinite(score[0]) else None,
        instance_id=_instance_id(entry.get("instance_id", entry.get("index")), where, frame),
        keypoints=keypoints,
        keypoint_names=_keypoint_names(entry, category, keypoints),
        T_cam_obj=pose,
        size_m=size_m,
        xyxy_loose=loose_of(entry.get("xyxy_loose")),
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
    names = tuple(map(str, own)) if isinstance(own, list) else category.facts.keypoints
    return names if len(names) == len(keypoints) else ()


def _attributes(entry: Mapping[str, Any]) -> dict[str, Attribute]:
    attributes = attributes_of(entry, known=_USED)
    nested = entry.get("attributes")
    if isinstance(nested, dict):  # CVAT and datumaro keep a label's attributes together
        attributes.pop("attributes", None)
        attributes = {**attributes_of(nested, known=frozenset()), **attributes}
    if entry.get("iscrowd") in (1, True):
        attributes.setdefault("iscrowd", True)
    return attributes


def _given_box(entry: Mapping[str, Any]) -> Xyxy | None:
    """The edges as the entry has them, ``None`` where it has no four numbers; numbers may be written as texts."""
    numbers = numbers_of(_read_numbers(entry.get("bbox")))
    if numbers is None or len(numbers) != 4:
        return None
    x, y, width, height = numbers
    return (x, y, width, height) if entry.get("bbox_mode") == EDGES_MODE else (x, y, x + width, y + height)


def _read_numbers(given: Any) -> Any:
    """Numbers in texts as numbers; anything else as it is.

    >>> _read_numbers(["1", 2]), _read_numbers("[1, 2.5]"), _read_numbers("a")
    ([1.0, 2], [1.0, 2.5], 'a')
    """
    try:
        if isinstance(given, str):
            return [float(text) for text in given.strip("[]() ").replace(",", " ").split()]
        if isinstance(given, list):
            return [float(value) if isinstance(value, str) else value for value in given]
    except ValueError:
        pass
    return given


def _box(
    entry: Mapping[str, Any],
    polygons: Sequence[NDArray[np.float64]],
    mask: NDArray[np.bool_] | None,
    keypoints: NDArray[np.float64] | None,
    where: str,
    frame: Frame,
) -> tuple[Xyxy | None, str | None]:
    """The box, and what it was made of where that should be said; ``None`` is reported."""
    box, given = _given_box(entry), entry.get("bbox")
    if box is not None:
        return frame.box(box, where), None
    made: Xyxy | None = None
    made_of = None
    if polygons:
        made = frame.box(hull(polygons), where)
    elif mask is not None and mask.any():
        made = box_of(mask)
    elif is_empty(given) and keypoints is not None and (keypoints[:, 2] > 0).any():
        made, made_of = frame.box(hull([keypoints[keypoints[:, 2] > 0, :2]]), where), "keypoints"
    if made is None or not is_empty(given):
        rest = "label left out" if made is None else "loaded with the box of its outline or mask"
        message = f"bbox is not [x, y, width, height] ({given!r:.80}); {rest}."
        frame.problems.add("broken_annotation", where, message)
    return made, made_of


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
