"""Labels as plain values that JSON holds, exactly, and back."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.labels import Label, Labels

LABEL = {  # shape of a document
    "name": str, "xyxy": [float, 4], "polygons?": [[[float, 2]]], "mask?": {"shape": [int, 2], "bits": str},
    "attributes?": {str: (str, int, float, bool)}, "confidence?": float, "instance_id?": int,
    "keypoints?": [[float, 3]], "keypoint_names?": [str], "T_cam_obj?": [[float, 4], 4], "size_m?": [float, 3],
    "xyxy_loose?": [float, 4],
}  # fmt: skip
_ARRAYS = ("keypoints", "T_cam_obj")
_TUPLES = ("xyxy", "keypoint_names", "size_m", "xyxy_loose")


def labels_to_json(labels: Iterable[Label]) -> list[dict[str, Any]]:
    """A dictionary for each label, with the fields that it has.

    >>> labels_to_json([Label("cup", (0.0, 0.0, 2.0, 1.0), mask=np.ones((1, 2), bool))])
    [{'name': 'cup', 'xyxy': [0.0, 0.0, 2.0, 1.0], 'mask': {'shape': [1, 2], 'bits': 'wA=='}}]
    """
    return [_document(label) for label in labels]


def labels_from_json(documents: Iterable[Mapping[str, Any]]) -> Labels:
    """The labels of ``labels_to_json``.

    Raises:
        ValueError, KeyError, TypeError: the values are no labels.
    """
    return Labels.of([_label(document) for document in documents])


def _document(label: Label) -> dict[str, Any]:
    values = {field.name: getattr(label, field.name) for field in dataclasses.fields(label)}
    plain = {name: value for name, value in values.items() if value is not None and not _is_empty(value)}
    for name in _TUPLES:
        if name in plain:
            plain[name] = list(plain[name])
    for name in _ARRAYS:
        if name in plain:
            plain[name] = plain[name].tolist()
    if "polygons" in plain:
        plain["polygons"] = [outline.tolist() for outline in label.polygons]
    if label.mask is not None:
        bits = base64.b64encode(np.packbits(label.mask).tobytes()).decode()
        plain["mask"] = {"shape": list(label.mask.shape), "bits": bits}
    if label.attributes:
        plain["attributes"] = dict(label.attributes)
    return plain


def _is_empty(value: Any) -> bool:
    return isinstance(value, (tuple, Mapping)) and not value


def _label(document: Mapping[str, Any]) -> Label:
    values = dict(document)
    for name in _TUPLES:
        if name in values:
            values[name] = tuple(values[name])
    for name in _ARRAYS:
        if name in values:
            values[name] = np.array(values[name], np.float64)
    if "polygons" in values:
        values["polygons"] = tuple(np.array(outline, np.float64).reshape(-1, 2) for outline in values["polygons"])
    if "mask" in values:
        values["mask"] = _mask(values["mask"])
    return Label(**values)


def _mask(document: Mapping[str, Any]) -> NDArray[np.bool_]:
    rows, columns = document["shape"]
    bits = np.frombuffer(base64.b64decode(document["bits"]), np.uint8)
    return np.unpackbits(bits, count=rows * columns).reshape(rows, columns).astype(np.bool_)
