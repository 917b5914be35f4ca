"""Entries of COCO's lists for records; what COCO has no place for goes into further keys, which readers keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.adapters.formats.toolkit.masks import whole_mask
from workbench.core.schema.labels import Attribute, Label, Labels

LABEL_KEYS = frozenset(  # of annotations, which no attribute may take
    {"id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "score", "keypoints", "num_keypoints",
     "instance_id", "index", "caption", "width", "height", "keypoint_names", "T_cam_obj", "size_m", "bbox_mode",
     "xyxy_loose", "category_name", "category", "segments_info", "attributes"}
)  # fmt: skip
IMAGE_KEYS = frozenset(
    {"id", "file_name", "width", "height", "split", "scene_id", "generation", "tags", "classification", "camera"}
    | {"attributes", "classes"}
)
_DIGITS = 6  # decimals of a pixel


def image_entry(item: NamedRecord, image_id: int) -> dict[str, Any]:
    """An image as an entry of ``images``, with all that its record says in keys of their own."""
    record = item.record
    extra: dict[str, Any] = {
        "scene_id": record.scene_id,
        "classification": record.classification,
        "camera": record.camera.to_dict() if record.camera else None,
        "generation": dict(record.generation) or None,
        "tags": list(record.tags) or None,
    }
    size = {"width": record.width, "height": record.height}
    filled = {key: value for key, value in extra.items() if value is not None}
    plain = with_attributes({}, record.attributes, IMAGE_KEYS)
    return {**plain, **filled, **size, "split": record.split, "id": image_id, "file_name": item.name}


def with_attributes(
    entry: dict[str, Any], attributes: Mapping[str, Attribute], taken: frozenset[str]
) -> dict[str, Any]:
    """An entry with attributes as keys; those whose names mean something else lie together in ``attributes``.

    >>> with_attributes({}, {"lighting": "dim", "id": 3}, frozenset({"id"}))
    {'lighting': 'dim', 'attributes': {'id': 3}}
    """
    entry |= {key: value for key, value in attributes.items() if key not in taken}
    apart = {key: value for key, value in attributes.items() if key in taken}
    return {**entry, "attributes": apart} if apart else entry


def box_entries(labels: Labels) -> list[str]:
    """The entries of labels without further columns, as JSON without brackets.

    The same text as of ``annotation_entry``, in a fifth of the time: most images have nothing but boxes.

    >>> box_entries(Labels(("cup",), (1.5, 2.0, 4.0, 3.0)))
    ['"iscrowd": 0, "bbox": [1.5, 2.0, 2.5, 1.0], "area": 2.5']
    """
    edges = labels.xyxy
    sizes = edges[:, 2:] - edges[:, :2]
    numbers = np.concatenate([edges[:, :2], sizes, sizes[:, :1] * sizes[:, 1:]], axis=1).round(_DIGITS)
    return [
        f'"iscrowd": 0, "bbox": [{left}, {top}, {width}, {height}], "area": {area}'
        for left, top, width, height, area in numbers.tolist()
    ]


def annotation_entry(label: Label, shape: tuple[int, int], keypoint_names: tuple[str, ...]) -> dict[str, Any]:
    """A label as an entry of ``annotations``, without ids."""
    left, top, right, bottom = label.xyxy
    width, height = right - left, bottom - top
    crowd = label.attributes.get("iscrowd")
    own = label.attributes if crowd is not True else {k: v for k, v in label.attributes.items() if k != "iscrowd"}
    entry: dict[str, Any] = {
        **with_attributes({}, own, LABEL_KEYS),
        "iscrowd": int(crowd is True),
        "bbox": [round(left, _DIGITS), round(top, _DIGITS), round(width, _DIGITS), round(height, _DIGITS)],
        "area": round(width * height, _DIGITS),
    }
    if label.mask is not None:
        entry["segmentation"] = {"counts": rle.encode(whole_mask(label, shape)), "size": list(shape)}
        entry["area"] = int(label.mask.sum())
    elif label.polygons:
        entry["segmentation"] = [np.round(polygon.ravel(), _DIGITS).tolist() for polygon in label.polygons]
        entry["area"] = round(sum(_area(polygon) for polygon in label.polygons), _DIGITS)
    if label.confidence is not None:
        entry["score"] = float(label.confidence)
    if label.instance_id is not None:
        entry["index"] = label.instance_id  # FiftyOne's word; it refuses others
    if label.xyxy_loose is not None:
        entry["xyxy_loose"] = list(label.xyxy_loose)
    if label.keypoints is not None or label.T_cam_obj is not None:
        entry |= _further(label, keypoint_names)
    return entry


def _further(label: Label, keypoint_names: tuple[str, ...]) -> dict[str, Any]:
    """Keypoints, and what COCO knows nothing of: the 3D box."""
    entry: dict[str, Any] = {}
    if label.keypoints is not None:
        entry["keypoints"] = np.round(label.keypoints.ravel(), _DIGITS).tolist()
        entry["num_keypoints"] = int((label.keypoints[:, 2] > 0).sum())
        if label.keypoint_names != keypoint_names:  # another skeleton than its class
            entry["keypoint_names"] = list(label.keypoint_names)
    if label.T_cam_obj is not None:
        entry["T_cam_obj"] = label.T_cam_obj.tolist()
        if label.size_m is not None:
            entry["size_m"] = list(label.size_m)
    return entry


def _area(polygon: NDArray[np.float64]) -> float:
    """Area of an outline by the shoelace formula."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)
