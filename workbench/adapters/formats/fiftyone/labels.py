"""FiftyOne's label documents, turned into labels: shares of the image become pixel edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.fiftyone.extended_json import array_of
from workbench.adapters.formats.toolkit.arrays import read_map
from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy, hull, loose_of, numbers_of
from workbench.adapters.formats.toolkit.json_files import dicts_in
from workbench.adapters.formats.toolkit.masks import fitted_mask
from workbench.adapters.formats.toolkit.names import attributes_of
from workbench.adapters.formats.toolkit.partial_labels import BOX_FROM
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import solid_of
from workbench.adapters.formats.toolkit.tree import Tree, plain_parts
from workbench.core.schema.labels import Attribute, Label, Labels

LISTS = {"Detections": "detections", "Polylines": "polylines", "Keypoints": "keypoints"}
OBJECTS = frozenset({"Detection", "Polyline", "Detections", "Polylines"})
POINTS = frozenset({"Keypoint", "Keypoints"})
_USED = frozenset(
    {"_id", "id", "_cls", "label", "bounding_box", "mask", "mask_path", "confidence", "index", "attributes", "polygons",
     "T_cam_obj", "size_m", "xyxy_loose", "points", "closed", "filled", "visibility", "names", "of", "instance"}
)  # fmt: skip
_HALF_PX = 0.5


@dataclass(frozen=True, slots=True)
class Context:
    """What the labels of one sample are read with.

    Attributes:
        tree: all files, for masks that are files of their own.
        folder: where the data set lies in the tree.
        frame: the image.
        where: name of the sample for problems.
        keypoint_names: names of the keypoints, from the data set's skeleton.
    """

    tree: Tree
    folder: str
    frame: Frame
    where: str
    keypoint_names: tuple[str, ...] = ()


def entries_of(field: Any) -> list[dict[str, Any]]:
    """The single labels of a field's value, which is one label or a list of them.

    >>> entries_of({"_cls": "Detections", "detections": [{"label": "a"}]}), entries_of(None)
    ([{'label': 'a'}], [])
    """
    if not isinstance(field, dict):
        return []
    key = LISTS.get(str(field.get("_cls")))
    return [field] if key is None else dicts_in(field.get(key))


def labels_of(objects: Any, points: Any, context: Context) -> Labels:
    """Labels of a field of boxes or outlines and of a field of keypoints.

    Keypoints that say by ``of`` to which box they belong become part of its label; others are labels of their own.
    """
    boxes = entries_of(objects)
    of: dict[int, Mapping[str, Any]] = {}
    alone: list[tuple[int, Mapping[str, Any]]] = []
    for at, entry in enumerate(entries_of(points)):
        owner = entry.get("of")
        if type(owner) is int and 0 <= owner < len(boxes) and owner not in of:
            of[owner] = entry
        else:
            alone.append((at, entry))
    labels = [_object(entry, of.get(at), f"{context.where}, label {at}", context) for at, entry in enumerate(boxes)]
    labels += [_points_alone(entry, f"{context.where}, keypoints {at}", context) for at, entry in alone]
    return Labels.of(label for label in labels if label is not None)


def _object(entry: Mapping[str, Any], points: Mapping[str, Any] | None, where: str, context: Context) -> Label | None:
    name = _name(entry, where, context)
    if name is None:
        return None
    is_outline = entry.get("_cls") == "Polyline"
    polygons = tuple(_outlines(entry, where, context) if is_outline else _polygons(entry, where, context))
    if is_outline and not polygons:
        return None
    given = hull(polygons) if is_outline else _box(entry, where, context)
    xyxy = None if given is None else context.frame.box(given, where)
    if given is None or xyxy is None:
        return None
    keypoints = None if points is None else _keypoints(points, where, context)
    pose, size_m = solid_of(entry, where, context.frame.problems)
    return Label(
        name=name,
        xyxy=xyxy,
        polygons=polygons,
        mask=None if is_outline else _mask(entry, given, xyxy, where, context),
        attributes=_attributes(entry),
        confidence=_confidence(entry, where, context),
        instance_id=_index(entry),
        keypoints=keypoints,
        keypoint_names=() if points is None or keypoints is None else _point_names(points, len(keypoints), context),
        T_cam_obj=pose,
        size_m=size_m,
        xyxy_loose=loose_of(entry.get("xyxy_loose")),
    )


def _points_alone(entry: Mapping[str, Any], where: str, context: Context) -> Label | None:
    """A label around keypoints; one that has no extent becomes a pixel wide."""
    name, keypoints = _name(entry, where, context), _keypoints(entry, where, context)
    if name is None or keypoints is None:
        return None
    seen = keypoints[keypoints[:, 2] > 0, :2]
    if not len(seen):
        context.frame.problems.count("hidden_object", where)
        return None
    (left, top), (right, bottom) = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
    wide, high = (_HALF_PX if right == left else 0.0), (_HALF_PX if bottom == top else 0.0)
    xyxy = context.frame.box((left - wide, top - high, right + wide, bottom + high), where)
    if xyxy is None:
        return None
    return Label(
        name=name,
        xyxy=xyxy,
        attributes={**_attributes(entry), BOX_FROM: "keypoints"},
        confidence=_confidence(entry, where, context),
        instance_id=_index(entry),
        keypoints=keypoints,
        keypoint_names=_point_names(entry, len(keypoints), context),
    )


def _name(entry: Mapping[str, Any], where: str, context: Context) -> str | None:
    name = entry.get("label")
    if isinstance(name, (str, int)) and name != "":
        return str(name)
    context.frame.problems.add(
        "unknown_category", where, f"The label has no class name ({name!r:.60}); label left out."
    )
    return None


def _box(entry: Mapping[str, Any], where: str, context: Context) -> Xyxy | None:
    numbers = numbers_of(entry.get("bounding_box"))
    if numbers is None or len(numbers) != 4:
        if entry.get("location") is not None or entry.get("dimensions") is not None:
            context.frame.problems.count("unsupported_annotation", f"{where}, a box in a cloud")
            return None
        given = f"{entry.get('bounding_box')!r:.80}"
        message = f"bounding_box is not [x, y, width, height] as shares of the image ({given}); label left out."
        context.frame.problems.add("broken_annotation", where, message)
        return None
    x, y, w, h = numbers
    width, height = context.frame.width, context.frame.height
    return x * width, y * height, (x + w) * width, (y + h) * height


def _outlines(entry: Mapping[str, Any], where: str, context: Context) -> Iterator[NDArray[np.float64]]:
    if not (entry.get("closed") or entry.get("filled")):
        context.frame.problems.count("unsupported_annotation", f"{where}, an open line")
        return
    shapes = entry.get("points")
    size = (context.frame.width, context.frame.height)
    for shape in shapes if isinstance(shapes, list) else [None]:
        pairs = [numbers_of(pair) for pair in shape] if isinstance(shape, list) else [None]
        flat = [v * s for pair in pairs if pair is not None and len(pair) == 2 for v, s in zip(pair, size, strict=True)]
        if len(flat) != 2 * len(pairs):
            message = f"The outline is not a list of pairs of numbers ({shape!r:.80}); outline left out."
            context.frame.problems.add("broken_annotation", where, message)
        elif (polygon := context.frame.polygon(flat, where)) is not None:
            yield polygon


def _polygons(entry: Mapping[str, Any], where: str, context: Context) -> Iterator[NDArray[np.float64]]:
    """Outlines in pixels beside a box: what the workbench itself stores."""
    given = entry.get("polygons")
    for flat in given if isinstance(given, list) else ():
        polygon = context.frame.polygon(flat, where) if isinstance(flat, list) else None
        if polygon is not None:
            yield polygon


def _keypoints(entry: Mapping[str, Any], where: str, context: Context) -> NDArray[np.float64] | None:
    """Points in pixels with a visibility; a point that is no number is one that was not labelled."""
    given = entry.get("points")
    pairs = [numbers_of(pair) for pair in given] if isinstance(given, list) else []
    visibility = numbers_of(entry.get("visibility")) or [2.0] * len(pairs)
    fits = all(pair is not None and len(pair) == 2 for pair in pairs) and len(visibility) == len(pairs)
    if not pairs or not fits or not set(visibility) <= {0.0, 1.0, 2.0}:
        message = (
            f"The keypoints are not [x, y] with a visibility of 0, 1 or 2 each ({given!r:.80}); keypoints left out."
        )
        context.frame.problems.add("broken_annotation", where, message)
        return None
    points = np.asarray(pairs, np.float64) * (context.frame.width, context.frame.height)
    absent = ~np.isfinite(points).all(axis=1)
    keypoints = np.column_stack([points, np.asarray(visibility, np.float64)])
    keypoints[absent] = 0.0
    return keypoints


def _point_names(entry: Mapping[str, Any], count: int, context: Context) -> tuple[str, ...]:
    own = entry.get("names")
    names = tuple(map(str, own)) if isinstance(own, list) else context.keypoint_names
    return names if len(names) == count else ()


def _mask(entry: Mapping[str, Any], given: Xyxy, xyxy: Xyxy, where: str, context: Context) -> NDArray[np.bool_] | None:
    """The mask over the box's whole pixels; FiftyOne stretches a mask of any size over its box."""
    pixels = _mask_pixels(entry, where, context)
    if pixels is None:
        return None
    try:
        return fitted_mask(pixels, given, xyxy)
    except ValueError as cause:
        context.frame.problems.add("unreadable_map", where, f"{cause}; mask left out.")
        return None


def _mask_pixels(entry: Mapping[str, Any], where: str, context: Context) -> NDArray[Any] | None:
    packed, path = entry.get("mask"), entry.get("mask_path")
    if packed is not None:
        try:
            return array_of(packed)
        except ValueError as cause:
            message = f"The mask cannot be unpacked ({cause}); mask left out."
            context.frame.problems.add("unreadable_map", where, message)
            return None
    if path is None:
        return None
    file = part_of(context.tree, context.folder, path, where, context.frame.problems)
    return None if file is None else read_map(context.tree.path(file), file, context.frame.problems)


def part_of(tree: Tree, folder: str, path: Any, where: str, problems: Problems) -> str | None:
    """The file of the tree that a path to a mask, map or cloud means, or ``None``; the reason is reported."""
    text = path if isinstance(path, str) else repr(path)
    files = tree.find(text, near=[folder])
    if len(files) == 1:
        return files[0]
    leaves = plain_parts(text)[1]
    if leaves:
        message = f"The path '{text:.200}' leads out of the folder; left out."
        problems.add("path_outside_folder", where, message)
    else:
        message = f"{'Several files match' if files else 'There is no file'} '{text:.200}'; left out."
        problems.add("missing_map", where, message)
    return None


def _confidence(entry: Mapping[str, Any], where: str, context: Context) -> float | None:
    given = entry.get("confidence")
    numbers: Sequence[float] = numbers_of([given]) or ()
    if given is None or isinstance(given, list):  # a list: one per keypoint
        return None
    if not numbers or not 0 <= numbers[0] <= 1:
        message = f"The confidence {given!r:.60} is not a number from 0 to 1; confidence left out."
        context.frame.problems.add("broken_annotation", where, message)
        return None
    return numbers[0]


def _index(entry: Mapping[str, Any]) -> int | None:
    index = entry.get("index")
    return index if type(index) is int and abs(index) < 1 << 63 else None


def _attributes(entry: Mapping[str, Any]) -> dict[str, Attribute]:
    """Fields of its own, and the older kind: objects with a value below ``attributes``."""
    older = entry.get("attributes")
    values = {
        key: given.get("value") if isinstance(given, dict) else given
        for key, given in (older.items() if isinstance(older, dict) else ())
    }
    return attributes_of({**values, **entry}, known=_USED)
