"""Annotations of one SOLO capture, joined by instance; what cannot be used is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.arrays import packed, packed_color, read_map
from workbench.adapters.formats.toolkit.json_files import dicts_in, read_object
from workbench.adapters.formats.toolkit.partial_labels import PartialLabel
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import matrix_of, rigid, rotation_of
from workbench.adapters.formats.toolkit.tree import Tree, plain_parts

_VISIBLE = (0, 1, 2)  # states of a keypoint, the same as ours
_READ = ("BoundingBox2DAnnotation", "BoundingBox3DAnnotation", "InstanceSegmentationAnnotation", "KeypointAnnotation")


@dataclass(frozen=True, slots=True)
class Definitions:
    """Class and keypoint names of the data set.

    Attributes:
        names: class by label id.
        keypoints: names of keypoints by template id.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    keypoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def definitions(tree: Tree, home: str, problems: Problems) -> Definitions:
    """Read ``annotation_definitions.json``, which is only written when a simulation ends well."""
    file = f"{home}/annotation_definitions.json".lstrip("/")
    content = read_object(tree.path(file), file, problems) if file in tree.known else None
    names: dict[int, str] = {}
    keypoints: dict[str, tuple[str, ...]] = {}
    for definition in dicts_in((content or {}).get("annotationDefinitions")):
        for entry in dicts_in(definition.get("spec")):
            if type(entry.get("label_id")) is int and isinstance(entry.get("label_name"), str):
                names[entry["label_id"]] = entry["label_name"]
        template = definition.get("template")
        if isinstance(template, dict):
            points = [point for point in dicts_in(template.get("keypoints")) if type(point.get("index")) is int]
            points.sort(key=lambda point: point["index"])
            keypoints[str(template.get("templateId"))] = tuple(str(point.get("label", "")) for point in points)
    return Definitions(names, keypoints)


def partial_labels(
    tree: Tree,
    folder: str,
    entry: Mapping[str, Any],
    metrics: list[dict[str, Any]],
    known: Definitions,
    header: Header,
    where: str,
    problems: Problems,
) -> list[PartialLabel]:
    """All objects of a capture. Where 2D boxes are given, an object without one is hidden."""
    capture = _Capture(known, where, problems)
    has_boxes = False
    for at, annotation in enumerate(dicts_in(entry.get("annotations"))):
        kind = str(annotation.get("@type", "")).rpartition(".")[2]
        annotation_where = f"{where}, annotation {at}"
        has_boxes |= kind == _READ[0]
        if kind == "InstanceSegmentationAnnotation":
            capture.masks(annotation, _pixels(tree, folder, annotation, header, annotation_where, problems))
        elif kind in _READ:
            template = known.keypoints.get(str(annotation.get("templateId")), ())
            for value in dicts_in(annotation.get("values")):
                capture.value(kind, value, template, annotation_where)
        else:
            problems.count("unsupported_annotation", f"{annotation_where}: {kind or 'no @type':.60}")
            tree.mark_opened([f"{folder}/{annotation.get('filename')}".lstrip("/")])  # named with its annotation
    capture.visible_pixels(metrics, str(entry.get("id")))
    labels = list(capture.labels.values())
    for label in labels:
        if has_boxes and label.xyxy is None and label.keypoints is None:
            label.mask = label.T_cam_obj = None  # no box of its own: not one pixel is seen
    return labels


class _Capture:
    """The objects of one capture by instance id, collected from its annotations."""

    def __init__(self, known: Definitions, where: str, problems: Problems) -> None:
        self.known, self.where, self.problems = known, where, problems
        self.labels: dict[int, PartialLabel] = {}

    def value(self, kind: str, value: dict[str, Any], template: tuple[str, ...], where: str) -> None:
        """One entry of a box or keypoint annotation."""
        label = self._object(value, where)
        if label is None:
            return
        if kind == "BoundingBox2DAnnotation":
            origin, size = matrix_of(value.get("origin"), 2), matrix_of(value.get("dimension"), 2)
            if origin is None or size is None:
                self._broken(where, "origin[2] and dimension[2]", value)
            else:
                left, top, right, bottom = (float(edge) for edge in (*origin, *(origin + size)))
                if label.xyxy is not None:
                    self._again(label, "box", label.xyxy, (left, top, right, bottom), where)
                    return
                label.xyxy, label.where = (left, top, right, bottom), f"{where}, instance {label.instance_id}"
        elif kind == "BoundingBox3DAnnotation":
            self._solid(label, value, where)
        else:
            self._keypoints(label, value, template, where)

    def masks(self, annotation: dict[str, Any], pixels: NDArray[Any] | None) -> None:
        """The pixels of every instance."""
        if pixels is None:
            return
        numbers, channels = packed(pixels), 1 if pixels.ndim == 2 else pixels.shape[2]
        for value in dicts_in(annotation.get("instances")):
            label, color = self._object(value, self.where), matrix_of(value.get("color"), 4)
            if label is not None and color is not None:
                wanted = packed_color(tuple(int(channel) for channel in np.clip(color, 0, 255)), channels)
                mask = numbers == wanted
                label.mask = mask if label.mask is None else label.mask | mask

    def visible_pixels(self, metrics: list[dict[str, Any]], sensor: str) -> None:
        """Add the pixels that a metric counted for each object of this sensor."""
        for metric in metrics:
            ours = str(metric.get("@type", "")).endswith("RenderedObjectInfoMetric")
            for value in dicts_in(metric.get("values")) if ours and metric.get("sensorId") == sensor else ():
                label, count = self.labels.get(_number(value.get("instanceId"))), value.get("visiblePixels")
                if label is not None and type(count) is int and count >= 0:
                    label.attributes = {**label.attributes, "visible_px": count}

    def _object(self, value: dict[str, Any], where: str) -> PartialLabel | None:
        number = _number(value.get("instanceId"))
        name = value.get("labelName") or self.known.names.get(_number(value.get("labelId")))
        if number < 0 or (number not in self.labels and not name):
            self._broken(where, "instanceId and labelName", value)
            return None
        if number not in self.labels:
            self.labels[number] = PartialLabel(f"{where}, instance {number}", str(name), instance_id=number)
        elif name and self.labels[number].name != name:
            first = self.labels[number]
            message = (
                f"The instance is '{name!s:.60}' here and '{first.name:.60}' in {first.where}; the latter is kept."
            )
            self.problems.add("annotation_conflict", f"{where}, instance {number}", message)
        return self.labels[number]

    def _solid(self, label: PartialLabel, value: dict[str, Any], where: str) -> None:
        """Turning y over: (x, y, z) to (x, -y, z), and the quaternion (x, y, z, w) to (-x, y, -z, w)."""
        shift, size = matrix_of(value.get("translation"), 3), matrix_of(value.get("size"), 3)
        quaternion = matrix_of(value.get("rotation"), 4)
        turn = None if quaternion is None else rotation_of(quaternion * (-1, 1, -1, 1))
        if shift is None or size is None or turn is None or (size <= 0).any():
            self._broken(where, "translation[3], size[3] and rotation[4]", value)
            return
        pose = rigid(turn, shift * (1, -1, 1))
        if label.T_cam_obj is not None:
            self._again(label, "3D box", label.T_cam_obj.ravel().tolist(), pose.ravel().tolist(), where)
            return
        label.T_cam_obj = pose
        label.size_m = (float(size[0]), float(size[1]), float(size[2]))

    def _keypoints(self, label: PartialLabel, value: dict[str, Any], template: tuple[str, ...], where: str) -> None:
        points = sorted(dicts_in(value.get("keypoints")), key=lambda point: _number(point.get("index")))
        rows = [matrix_of([*_pair(point.get("location")), point.get("state")], 3) for point in points]
        if not rows or any(row is None or row[2] not in _VISIBLE for row in rows):
            self._broken(where, "keypoints with location[2] and state 0, 1 or 2", value)
            return
        points_of = np.array(rows, dtype=np.float64)
        if label.keypoints is not None:
            self._again(label, "keypoints", label.keypoints.ravel().tolist(), points_of.ravel().tolist(), where)
            return
        label.keypoints = points_of
        label.keypoint_names = template if len(template) == len(rows) else ()
        if isinstance(value.get("pose"), str) and value["pose"] not in ("", "unset"):
            label.attributes = {**label.attributes, "pose": value["pose"]}

    def _again(
        self, label: PartialLabel, what: str, first: Sequence[float], second: Sequence[float], where: str
    ) -> None:
        """Report a second annotation of the same object that says something else."""
        if not np.array_equal(np.round(first, 3), np.round(second, 3)):
            message = f"The {what} of the instance is another than in an earlier annotation; the first is kept."
            self.problems.add("annotation_conflict", f"{where}, instance {label.instance_id}", message)

    def _broken(self, where: str, needed: str, value: Any) -> None:
        message = f"The entry has no valid {needed} ({value!r:.80}); entry left out."
        self.problems.add("broken_annotation", where, message)


def _pixels(
    tree: Tree, folder: str, annotation: dict[str, Any], header: Header, where: str, problems: Problems
) -> NDArray[Any] | None:
    file_name = str(annotation.get("filename"))
    file = f"{folder}/{'/'.join(plain_parts(file_name)[0])}".lstrip("/")
    if plain_parts(file_name)[1] or file not in tree.known:
        problems.add("missing_map", where, f"There is no map '{file_name:.100}' beside the image; masks left out.")
        return None
    pixels = read_map(tree.path(file), file, problems)
    if pixels is not None and (pixels.shape[:2] != (header.height, header.width) or pixels.dtype.kind not in "ui"):
        size = f"an image of {header.width} x {header.height}"
        message = f"The array {pixels.shape} of {pixels.dtype} is not a map of colours for {size}; map left out."
        problems.add("unreadable_map", file, message)
        return None
    return pixels


def _number(value: Any) -> int:
    return value if type(value) is int and value < 1 << 63 else -1


def _pair(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
