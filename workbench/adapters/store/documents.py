"""Records as database documents and back; the layout is FiftyOne's own."""

from __future__ import annotations

import functools
import json
import mimetypes
import os
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from workbench.base.files import canonical_json
from workbench.core.schema import fields
from workbench.core.schema.labels import Attribute, Camera, Label, Labels, Record

MAP_TYPES: dict[str, tuple[str, str]] = {  # field -> FiftyOne label type, its key for the path
    fields.DEPTH: ("Heatmap", "map_path"),
    fields.INSTANCES: ("Segmentation", "mask_path"),
    fields.SEMANTIC: ("Segmentation", "mask_path"),
    fields.NORMALS: ("Segmentation", "mask_path"),
}
CLOUD_MEDIA = frozenset({"3d", "point-cloud"})
LABEL_KEYS = (
    frozenset(fo.Detection._fields)
    | {"polygons", "id", "T_cam_obj", "size_m", "xyxy_loose"}
    | frozenset(fields.LABEL_MEASURES)
)
SAMPLE_KEYS = frozenset(  # names that no column of the data may take
    {"id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at"}
    | {name for name in vars(fields).values() if isinstance(name, str)}
)
PLAIN = frozenset({"_id", "_cls", "tags", "attributes", "label", "bounding_box"})  # of nothing but a box
KINDS: dict[type, tuple[str, Any]] = {
    bool: ("flag", fo.BooleanField),
    int: ("number", fo.FloatField),
    float: ("number", fo.FloatField),
    str: ("text", fo.StringField),
}


class _Ids:
    """Object ids in order, at a fifth of the cost of the driver's own: seconds, random of the process, count."""

    def __init__(self) -> None:
        self._middle, self._count, self._lock = os.urandom(5), 0, threading.Lock()

    def take(self, n: int) -> list[ObjectId]:
        with self._lock:
            first, self._count = self._count, self._count + n
        start = int(time.time()).to_bytes(4, "big") + self._middle
        return [ObjectId(start + (count & 0xFFFFFF).to_bytes(3, "big")) for count in range(first, first + n)]


new_ids = _Ids().take


def new_id() -> ObjectId:
    """An id for a new document."""
    return new_ids(1)[0]


def now() -> datetime:
    """The current time for a document's time stamps, as FiftyOne stores it."""
    return datetime.now(timezone.utc)


def field_name(name: str, reserved: frozenset[str]) -> str:
    """A name that FiftyOne accepts: letters, digits and ``_``, not one of its own.

    >>> field_name("light level", frozenset())
    'light_level'
    """
    clean = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_").lower() if not name.isidentifier() else name.lstrip("_")
    clean = clean or "field"
    return f"data_{clean}" if clean in reserved or clean[0].isdigit() else clean


def sample_document(
    record: Record, *, source: str, source_key: str, content_sha256: str, dataset_id: Any
) -> dict[str, Any]:
    """The document of one new sample."""
    known = {name: record.attributes[name] for name in fields.ATTRIBUTES if record.attributes.get(name)}
    extra = {field_name(k, SAMPLE_KEYS): v for k, v in record.attributes.items() if k not in fields.ATTRIBUTES}
    document: dict[str, Any] = {
        "_id": new_id(),
        "_dataset_id": dataset_id,
        "_media_type": "image" if record.image_path else "3d",
        "_rand": random.random(),  # noqa: S311 - FiftyOne's key for random order, no secret
        "filepath": str(record.medium),
        "tags": list(dict.fromkeys(record.tags)),
        "metadata": _metadata(record),
        "created_at": now(),
        "last_modified_at": now(),
        fields.SOURCE: source,
        fields.ORIGIN: record.origin,
        fields.SOURCE_KEY: source_key,
        fields.CONTENT_SHA256: content_sha256,
        fields.SCENE_ID: record.scene_id,
        fields.SPLIT: record.split,
        fields.GROUND_TRUTH: detections(record.labels, record.width, record.height),
        fields.ATTRIBUTES_FROM: "data" if known else None,
        **known,
        **extra,
    }
    if record.classification is not None:
        document[fields.CLASSIFICATION] = _label_document("Classification", label=record.classification)
    for name, path in record.maps.items():
        cls, key = MAP_TYPES[name]
        document[name] = _label_document(cls, **{key: str(path)})
    if "keypoints" in record.labels.columns:
        document[fields.KEYPOINTS] = _keypoints(record)
    if record.cloud:
        document[fields.POINT_CLOUD] = str(record.cloud)
    if record.camera or record.T_cam_cloud is not None:
        document[fields.CAMERA] = camera_document(record.camera, record.T_cam_cloud)
    if record.generation:
        document[fields.GENERATION] = generation_document(record.generation)
    return document


def _metadata(record: Record) -> dict[str, Any]:
    return {
        "_cls": "ImageMetadata",
        "size_bytes": record.medium.stat().st_size if record.size_bytes is None else record.size_bytes,
        "mime_type": _mime_type(record.medium.suffix.lower()),
        "width": record.width,
        "height": record.height,
        "num_channels": None,
    }


@functools.cache
def _mime_type(suffix: str) -> str | None:
    return mimetypes.guess_type(f"x{suffix}")[0]


def _label_document(cls: str, **values: Any) -> dict[str, Any]:
    return {"_id": new_id(), "_cls": cls, "tags": [], **values}


def detections(labels: Sequence[Label], width: int, height: int) -> dict[str, Any]:
    """Labels of an image of this size in pixels, as FiftyOne's detections."""
    entries = [_detection(i, label, width, height) for i, label in zip(new_ids(len(labels)), labels, strict=True)]
    return {"_cls": "Detections", "detections": entries}


def _detection(new: ObjectId, label: Label, width: int, height: int) -> dict[str, Any]:
    left, top, right, bottom = label.xyxy
    document: dict[str, Any] = {
        "_id": new,
        "_cls": "Detection",
        "tags": [],
        "attributes": {},
        "label": label.name,
        "bounding_box": [left / width, top / height, (right - left) / width, (bottom - top) / height],
    }
    if label.mask is not None:
        document["mask"] = fou.serialize_numpy_array(label.mask)
    if label.confidence is not None:
        document["confidence"] = label.confidence
    if label.instance_id is not None:
        document["index"] = label.instance_id
    if label.polygons:
        document["polygons"] = [polygon.ravel().tolist() for polygon in label.polygons]
    if label.T_cam_obj is not None:
        document["T_cam_obj"] = label.T_cam_obj.tolist()
    if label.size_m is not None:
        document["size_m"] = list(label.size_m)
    if label.xyxy_loose is not None:
        document["xyxy_loose"] = list(label.xyxy_loose)
    if label.attributes:
        document.update({field_name(k, LABEL_KEYS): v for k, v in label.attributes.items()})
    return document


def _keypoints(record: Record) -> dict[str, Any]:
    """FiftyOne shows keypoints from a field of their own; ``of`` is the index of the label they belong to."""
    entries = []
    for index, label in enumerate(record.labels):
        if label.keypoints is not None:
            points = (label.keypoints[:, :2] / (record.width, record.height)).tolist()
            known = {
                "points": points,
                "visibility": label.keypoints[:, 2].tolist(),
                "names": list(label.keypoint_names),
            }
            entries.append(_label_document("Keypoint", attributes={}, label=label.name, of=index, **known))
    return {"_cls": "Keypoints", "keypoints": entries}


def camera_document(camera: Camera | None, T_cam_cloud: NDArray[np.float64] | None) -> dict[str, Any]:
    """Intrinsics in pixels, poses in metres."""
    document: dict[str, Any] = {"_cls": "DynamicEmbeddedDocument"}
    if camera is not None:
        document |= {name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
        document["distortion"] = list(camera.distortion)
        if camera.T_world_cam is not None:
            document["T_world_cam"] = camera.T_world_cam.tolist()
    if T_cam_cloud is not None:
        document["T_cam_cloud"] = T_cam_cloud.tolist()
    return document


def generation_document(generation: Mapping[str, Any]) -> dict[str, Any]:
    """Lineage: scalars as fields to slice by, and the whole as exact JSON in ``record``."""
    params = {k.replace(".", "_"): v for k, v in generation.get("params", {}).items() if type(v) in KINDS}
    scalars = {field_name(k, frozenset()): v for k, v in generation.items() if type(v) in KINDS}
    return {
        "_cls": "DynamicEmbeddedDocument",
        **scalars,
        "params": {"_cls": "DynamicEmbeddedDocument", **params},
        "parent_sample_ids": list(generation.get("parent_sample_ids") or ()),
        "parent_tags": list(generation.get("parent_tags") or ()),
        "record": canonical_json(dict(generation)),
    }


def dynamic_values(document: Mapping[str, Any]) -> Iterator[tuple[str, Attribute]]:
    """Path and value of everything that needs a field of its own, lists of labels included."""
    for name, value in document.items():
        if name in SAMPLE_KEYS and name != fields.POINT_CLOUD:
            continue
        if type(value) in KINDS:
            yield name, value
    for detection in document[fields.GROUND_TRUTH]["detections"]:
        if len(detection) == len(PLAIN):
            continue
        for name, value in detection.items():
            if name not in LABEL_KEYS and type(value) in KINDS:
                yield f"{fields.GROUND_TRUTH}.detections.{name}", value
    for group in (fields.CAMERA, fields.GENERATION):
        yield from _nested(group, document.get(group) or {})


def _nested(prefix: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Attribute]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _nested(f"{prefix}.{name}", value)
        elif type(value) in KINDS and name != "_cls":
            yield f"{prefix}.{name}", value


def record_of(document: Mapping[str, Any]) -> Record:
    """The record of a stored document."""
    metadata = document.get("metadata") or {}
    width, height = metadata.get("width") or 0, metadata.get("height") or 0
    detections = (document.get(fields.GROUND_TRUTH) or {}).get("detections") or []
    classification = document.get(fields.CLASSIFICATION) or {}
    camera = document.get(fields.CAMERA)
    attributes = {
        k: v
        for k, v in document.items()
        if not k.startswith("_") and type(v) in KINDS and (k in fields.ATTRIBUTES or k not in SAMPLE_KEYS)
    }
    image_path = None if document.get("_media_type") in CLOUD_MEDIA else Path(document["filepath"])
    cloud = document.get(fields.POINT_CLOUD) or (document["filepath"] if image_path is None else None)
    return Record(
        image_path=image_path,
        origin=document.get(fields.ORIGIN) or Path(document["filepath"]).name,
        width=width,
        height=height,
        labels=_labels(document, detections, width, height),
        classification=classification.get("label"),
        split=document.get(fields.SPLIT),
        scene_id=document.get(fields.SCENE_ID),
        attributes=attributes,
        camera=_camera(camera) if camera and "fx" in camera else None,
        maps={name: Path(document[name][key]) for name, (_, key) in MAP_TYPES.items() if document.get(name)},
        generation=generation_of(document),
        source_key=document.get(fields.SOURCE_KEY),
        tags=tuple(document.get("tags") or ()),
        cloud=Path(cloud) if cloud else None,
        T_cam_cloud=_matrix((camera or {}).get("T_cam_cloud")),
    )


def _labels(document: Mapping[str, Any], detections: list[Mapping[str, Any]], width: int, height: int) -> Labels:
    things = (document.get(fields.KEYPOINTS) or {}).get("keypoints") or []
    keypoints = {thing["of"]: thing for thing in things if "of" in thing}
    boxed = [(index, d) for index, d in enumerate(detections) if d.get("bounding_box")]  # 3D ones have none
    if not things and all(d.keys() <= PLAIN for _, d in boxed):  # nothing but boxes, nearly always
        edges = list(chain.from_iterable(_xyxy(d, width, height) for _, d in boxed))
        return Labels(tuple([str(d.get("label")) for _, d in boxed]), edges)
    return Labels.of(_label(d, width, height, keypoints.get(index)) for index, d in boxed)


def _xyxy(detection: Mapping[str, Any], width: int, height: int) -> tuple[float, float, float, float]:
    x, y, w, h = detection["bounding_box"]
    return x * width, y * height, (x + w) * width, (y + h) * height


def _label(document: Mapping[str, Any], width: int, height: int, keypoints: Mapping[str, Any] | None) -> Label:
    mask = document.get("mask")
    return Label(
        name=str(document.get("label")),
        xyxy=_xyxy(document, width, height),
        polygons=tuple(np.reshape(np.asarray(p, float), (-1, 2)) for p in document.get("polygons") or ()),
        mask=None if mask is None else fou.deserialize_numpy_array(mask).astype(bool),
        attributes={
            k: v for k, v in document.items() if k not in LABEL_KEYS and not k.startswith("_") and type(v) in KINDS
        },
        confidence=document.get("confidence"),
        instance_id=document.get("index"),
        keypoints=None if keypoints is None else _points(keypoints, width, height),
        keypoint_names=tuple((keypoints or {}).get("names") or ()),
        T_cam_obj=_matrix(document.get("T_cam_obj")),
        size_m=tuple(document["size_m"]) if document.get("size_m") else None,
        xyxy_loose=tuple(document["xyxy_loose"]) if document.get("xyxy_loose") else None,
    )


def _points(document: Mapping[str, Any], width: int, height: int) -> NDArray[np.float64]:
    points = np.asarray(document["points"], float).reshape(-1, 2) * (width, height)
    return np.column_stack([points, np.asarray(document["visibility"], float)])


def _matrix(rows: Any) -> NDArray[np.float64] | None:
    return None if rows is None else np.asarray(rows, float)


def _camera(document: Mapping[str, Any]) -> Camera:
    k1, k2, p1, p2 = document.get("distortion") or (0.0, 0.0, 0.0, 0.0)
    return Camera(
        width=int(document["width"]),
        height=int(document["height"]),
        fx=document["fx"],
        fy=document["fy"],
        cx=document["cx"],
        cy=document["cy"],
        distortion=(k1, k2, p1, p2),
        T_world_cam=_matrix(document.get("T_world_cam")),
    )


def generation_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The exact lineage that ``generation_document`` stored; empty for a sample that was not generated."""
    text = (document.get(fields.GENERATION) or {}).get("record")
    return json.loads(text) if text else {}
