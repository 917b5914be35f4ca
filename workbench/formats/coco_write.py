"""Write COCO: ``annotations/instances_<split>.json`` and ``images/<split>/``, as pycocotools users expect.

What COCO has no place for goes into further keys of the image or annotation, which readers keep.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import write_bytes
from workbench.formats import losses, rle
from workbench.formats.boxes import rounded_out
from workbench.formats.contract import Placed
from workbench.schema.labels import Camera, Label, Record

name = "coco"

_DIGITS = 6  # decimals of a pixel


def picture_path(split: str, name: str) -> str:
    """Where a picture belongs.

    >>> picture_path("train", "a.jpg")
    'images/train/a.jpg'
    """
    return f"images/{split}/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """COCO keeps all but the per-pixel maps and the point clouds."""
    maps = sorted({name for record in records for name in record.maps})
    told = [f"{name} maps of {sum(name in record.maps for record in records):,} samples" for name in maps]
    return told + losses.told({"point clouds of {n} samples": sum(record.cloud is not None for record in records)})


def write(folder: Path, placed: Sequence[Placed]) -> None:
    """Write one file per split; see ``contract.Writer.write``."""
    names = sorted({label.name for item in placed for label in item.record.labels})
    ids = {name: at for at, name in enumerate(names, 1)}
    points = _keypoint_names(placed)
    categories = [
        {"id": at, "name": name, "supercategory": "", **({"keypoints": list(points[name])} if name in points else {})}
        for name, at in ids.items()
    ]
    (folder / "annotations").mkdir(exist_ok=True)
    image_id = annotation_id = 0
    for split in sorted({str(item.record.split) for item in placed}):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for item in placed:
            if item.record.split == split:
                image_id += 1
                images.append(_image(item, image_id))
                for label in item.record.labels:
                    annotation_id += 1
                    shape = (item.record.height, item.record.width)
                    ids_of = {"id": annotation_id, "image_id": image_id, "category_id": ids[label.name]}
                    annotations.append({**_annotation(label, shape, points.get(label.name, ())), **ids_of})
        content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
        text = json.dumps(content, ensure_ascii=False)  # no indent: ten times faster with many labels
        write_bytes(folder / "annotations" / f"instances_{split}.json", f"{text}\n".encode())


def _keypoint_names(placed: Sequence[Placed]) -> dict[str, tuple[str, ...]]:
    """Names of keypoints by class: those of its first label that has any."""
    found: dict[str, tuple[str, ...]] = {}
    for item in placed:
        for label in item.record.labels:
            if label.keypoints is not None and label.keypoint_names:
                found.setdefault(label.name, label.keypoint_names)
    return found


def _image(item: Placed, image_id: int) -> dict[str, Any]:
    record = item.record
    extra: dict[str, Any] = {
        "scene_id": record.scene_id,
        "classification": record.classification,
        "camera": _camera(record.camera) if record.camera else None,
        "generation": dict(record.generation) or None,
        "tags": list(record.tags) or None,
    }
    size = {"width": record.width, "height": record.height}
    filled = {key: value for key, value in extra.items() if value is not None}
    return {**record.attributes, **filled, **size, "split": record.split, "id": image_id, "file_name": item.name}


def _camera(camera: Camera) -> dict[str, Any]:
    pose = camera.T_world_cam
    return {
        **{key: getattr(camera, key) for key in ("fx", "fy", "cx", "cy")},
        "distortion": list(camera.distortion),
        "T_world_cam": None if pose is None else pose.tolist(),
    }


def _annotation(label: Label, shape: tuple[int, int], keypoint_names: tuple[str, ...]) -> dict[str, Any]:
    left, top, right, bottom = label.xyxy
    found: dict[str, Any] = {**label.attributes, "iscrowd": int(bool(label.attributes.get("iscrowd")))}
    found["bbox"] = [round(value, _DIGITS) for value in (left, top, right - left, bottom - top)]
    found["area"] = round((right - left) * (bottom - top), _DIGITS)
    if label.mask is not None:
        found["segmentation"] = {"counts": rle.encode(_whole_mask(label, shape)), "size": list(shape)}
        found["area"] = int(label.mask.sum())
    elif label.polygons:
        found["segmentation"] = [np.round(polygon.ravel(), _DIGITS).tolist() for polygon in label.polygons]
        found["area"] = round(sum(_area(polygon) for polygon in label.polygons), _DIGITS)
    if label.confidence is not None:
        found["score"] = float(label.confidence)
    if label.instance_id is not None:
        found["instance_id"] = label.instance_id
    return {**found, **_further(label, keypoint_names)}


def _further(label: Label, keypoint_names: tuple[str, ...]) -> dict[str, Any]:
    """Keypoints, and what COCO knows nothing of: the 3D box."""
    found: dict[str, Any] = {}
    if label.keypoints is not None:
        found["keypoints"] = np.round(label.keypoints.ravel(), _DIGITS).tolist()
        found["num_keypoints"] = int((label.keypoints[:, 2] > 0).sum())
        if label.keypoint_names != keypoint_names:  # another skeleton than its class
            found["keypoint_names"] = list(label.keypoint_names)
    if label.T_cam_obj is not None:
        found["T_cam_obj"] = label.T_cam_obj.tolist()
        if label.size_m is not None:
            found["size_m"] = list(label.size_m)
    return found


def _whole_mask(label: Label, shape: tuple[int, int]) -> NDArray[np.bool_]:
    left, top, _, _ = rounded_out(label.xyxy)
    whole = np.zeros(shape, dtype=np.bool_)
    assert label.mask is not None
    rows, columns = label.mask.shape
    whole[top : top + rows, left : left + columns] = label.mask[: shape[0] - top, : shape[1] - left]
    return whole


def _area(polygon: NDArray[np.float64]) -> float:
    """Area of an outline by the shoelace formula."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)
