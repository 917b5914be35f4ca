"""Records as database documents and back; the layout is FiftyOne's own."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from workbench.adapters import documents
from workbench.adapters.documents import LABEL_KEYS, MAP_TYPES, renamed, text
from workbench.adapters.store.odd_labels import is_boxed
from workbench.base.files import canonical_json
from workbench.core.schema import fields
from workbench.core.schema.labels import Camera, Label, Labels, Record

CLOUD_MEDIA = frozenset({"3d", "point-cloud"})
SAMPLE_KEYS = frozenset(  # names that no column of the data may take
    {"id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at"}
    | {name for name in vars(fields).values() if isinstance(name, str)}
)
GENERATION_KEYS = frozenset({"params", "parent_sample_ids", "parent_tags", "record"})
PLAIN = frozenset({"_id", "_cls", "tags", "attributes", "label", "bounding_box"})  # of nothing but a box
KINDS: dict[type, Any] = {bool: fo.BooleanField, int: fo.FloatField, float: fo.FloatField, str: fo.StringField}


class _Ids:
    """Object ids in order, at a fifth of the cost of the driver's own: seconds, random of the process, count."""

    def __init__(self) -> None:
        self.begin()
        os.register_at_fork(after_in_child=self.begin)  # a copy of the process would count on with the same numbers

    def begin(self) -> None:
        """Begin with another random number."""
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


def sample_document(
    record: Record, *, source: str, source_key: str, content_sha256: str, dataset_id: Any
) -> dict[str, Any]:
    """The document of one new sample."""
    given = record.attributes
    known = {name: text(str(given[name])) for name in fields.ATTRIBUTES if given.get(name)}
    extra = renamed({k: v for k, v in given.items() if k not in fields.ATTRIBUTES}, SAMPLE_KEYS)
    document: dict[str, Any] = {
        "_id": new_id(),
        "_dataset_id": dataset_id,
        "_media_type": "image" if record.image_path else "3d",
        "_rand": random.random(),  # noqa: S311 - FiftyOne's key for random order, no secret
        "filepath": str(record.medium),
        "tags": list(dict.fromkeys(map(text, record.tags))),
        "metadata": documents.metadata(record),
        "created_at": now(),
        "last_modified_at": now(),
        fields.SOURCE: source,
        fields.ORIGIN: text(record.origin),
        fields.SOURCE_KEY: source_key,
        fields.CONTENT_SHA256: content_sha256,
        fields.SCENE_ID: None if record.scene_id is None else text(record.scene_id),
        fields.SPLIT: None if record.split is None else text(record.split),
        **label_fields(record),
        fields.ATTRIBUTES_FROM: "data" if known else None,
        **known,
        **extra,
    }
    for name, path in record.maps.items():
        cls, key = MAP_TYPES[name]
        document[name] = documents.label_document(cls, new_id(), **{key: str(path)})
    if record.cloud:
        document[fields.POINT_CLOUD] = str(record.cloud)
    if record.camera or record.T_cam_cloud is not None:
        document[fields.CAMERA] = camera_document(record.camera, record.T_cam_cloud)
    if record.generation:
        document[fields.GENERATION] = generation_document(record.generation)
        document[fields.GENERATION_PARAMS] = params_document(record.generation)
    return document


def label_fields(record: Record) -> dict[str, Any]:
    """The fields that hold the labels, with new ids."""
    document = {fields.GROUND_TRUTH: detections(record.labels, record.width, record.height)}
    if (name := record.classification) is not None:
        document[fields.CLASSIFICATION] = documents.label_document("Classification", new_id(), label=text(name))
    if "keypoints" in record.labels.columns:
        document[fields.KEYPOINTS] = documents.keypoints(record, lambda _: new_id())
    return document


def detections(labels: Sequence[Label], width: int, height: int) -> dict[str, Any]:
    """Labels of an image of this size in pixels, with new ids."""
    return documents.detections(labels, width, height, ids=new_ids(len(labels)), pack=fou.serialize_numpy_array)


def camera_document(camera: Camera | None, T_cam_cloud: NDArray[np.float64] | None) -> dict[str, Any]:
    """Intrinsics in pixels, poses in metres."""
    document: dict[str, Any] = {"_cls": "DynamicEmbeddedDocument"}
    if camera is not None:
        document |= camera.to_dict()
    if T_cam_cloud is not None:
        document["T_cam_cloud"] = T_cam_cloud.tolist()
    return document


def generation_document(generation: Mapping[str, Any]) -> dict[str, Any]:
    """Lineage: scalars as fields to slice by, and the whole as exact JSON in ``record``."""
    scalars = {k: v for k, v in generation.items() if type(v) in KINDS}
    return {
        "_cls": "DynamicEmbeddedDocument",
        **renamed(scalars, GENERATION_KEYS),
        "parent_sample_ids": list(generation.get("parent_sample_ids") or ()),
        "parent_tags": list(generation.get("parent_tags") or ()),
        "record": text(canonical_json(dict(generation))),
    }


def params_document(generation: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a scenario drew, to slice by; beside the lineage, as the App takes no document in a document."""
    params = {k.replace(".", "_"): v for k, v in generation.get("params", {}).items() if type(v) in KINDS}
    return {"_cls": "DynamicEmbeddedDocument", **renamed(params, frozenset())}


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
        camera=Camera.from_dict(camera) if camera and "fx" in camera else None,
        maps={name: Path(document[name][key]) for name, (_, key) in MAP_TYPES.items() if document.get(name)},
        generation=generation_of(document),
        source_key=document.get(fields.SOURCE_KEY),
        tags=tuple(document.get("tags") or ()),
        cloud=Path(cloud) if cloud else None,
        T_cam_cloud=_matrix((camera or {}).get("T_cam_cloud")),
    )


def _labels(document: Mapping[str, Any], detections: list[Mapping[str, Any]], width: int, height: int) -> Labels:
    point_sets = (document.get(fields.KEYPOINTS) or {}).get("keypoints") or []
    keypoints = {points["of"]: points for points in point_sets if "of" in points}
    boxed = [(index, d) for index, d in enumerate(detections) if is_boxed(d)]  # 3D ones have none
    if not point_sets and all(d.keys() <= PLAIN for _, d in boxed):  # nothing but boxes, nearly always
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


def generation_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The exact lineage that ``generation_document`` stored; empty for a sample that was not generated."""
    text = (document.get(fields.GENERATION) or {}).get("record")
    return json.loads(text) if text else {}
