"""Records as database documents and back; the layout is FiftyOne's own."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from workbench.adapters.formats.toolkit.masks import fitted_mask
from workbench.adapters.store.odd_labels import OddLabel, sorted_out
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


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """The record of a stored document, ids of its labels (``None`` where they were not read), and its odd labels."""

    record: Record
    label_ids: tuple[str | None, ...]
    odd: tuple[OddLabel, ...]


def read_document(document: Mapping[str, Any]) -> ReadDocument:
    """The record of a stored document, and the labels that are not in it."""
    metadata = document.get("metadata") or {}
    width, height = metadata.get("width") or 0, metadata.get("height") or 0
    classification = document.get(fields.CLASSIFICATION) or {}
    camera = document.get(fields.CAMERA)
    attributes = {
        k: v
        for k, v in document.items()
        if not k.startswith("_") and type(v) in KINDS and (k in fields.ATTRIBUTES or k not in SAMPLE_KEYS)
    }
    image_path = None if document.get("_media_type") in CLOUD_MEDIA else Path(document["filepath"])
    cloud = document.get(fields.POINT_CLOUD) or (document["filepath"] if image_path is None else None)
    labels, label_ids, odd = _labels(document, width, height)
    record = Record(
        image_path=image_path,
        origin=document.get(fields.ORIGIN) or Path(document["filepath"]).name,
        width=width,
        height=height,
        labels=labels,
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
    return ReadDocument(record, label_ids, odd)


def _labels(
    document: Mapping[str, Any], width: int, height: int
) -> tuple[Labels, tuple[str | None, ...], tuple[OddLabel, ...]]:
    """The labels with a box (3D ones have none), their ids, and those that cannot be used."""
    boxed, odd = sorted_out(document.get(fields.GROUND_TRUTH))
    ids = tuple([str(d["_id"]) if "_id" in d else None for _, d in boxed])
    point_sets = (document.get(fields.KEYPOINTS) or {}).get("keypoints") or []
    if not point_sets and all(d.keys() <= PLAIN for _, d in boxed):  # nothing but boxes, nearly always
        edges = list(chain.from_iterable(_xyxy(d, width, height) for _, d in boxed))
        return Labels(tuple([d["label"] for _, d in boxed]), edges), ids, odd
    keypoints = {points["of"]: points for points in point_sets if "of" in points}
    parts: list[OddLabel] = []
    labels = Labels.of([_label(at, d, width, height, keypoints.get(at), parts) for at, d in boxed])
    return labels, ids, (*odd, *parts)


def _xyxy(detection: Mapping[str, Any], width: int, height: int) -> tuple[float, float, float, float]:
    x, y, w, h = detection["bounding_box"]
    return x * width, y * height, (x + w) * width, (y + h) * height


def _label(
    at: int,
    document: Mapping[str, Any],
    width: int,
    height: int,
    keypoints: Mapping[str, Any] | None,
    odd: list[OddLabel],
) -> Label:
    """The label of a document; of a part that cannot be read the reason is added to ``odd``."""

    def part(name: str, read: Callable[[Any], Any], value: Any, absent: Any = None) -> Any:
        if value is None:
            return absent
        try:
            return read(value)
        except (ValueError, TypeError, KeyError, AttributeError, EOFError, OverflowError, zlib.error) as cause:
            odd.append(OddLabel(at, f"its {name} cannot be read ({cause})", is_kept=True))
            return absent

    xyxy = _xyxy(document, width, height)
    return Label(
        name=document["label"],
        xyxy=xyxy,
        polygons=part("outline", _polygons, document.get("polygons"), ()),
        mask=part("mask", lambda packed: _mask(packed, xyxy), document.get("mask")),
        attributes={
            k: v for k, v in document.items() if k not in LABEL_KEYS and not k.startswith("_") and type(v) in KINDS
        },
        confidence=document.get("confidence"),
        instance_id=part("index", _whole, document.get("index")),
        keypoints=part("points", lambda points: _points(points, width, height), keypoints),
        keypoint_names=tuple((keypoints or {}).get("names") or ()),
        T_cam_obj=part("pose", lambda rows: np.asarray(rows, float).reshape(4, 4), document.get("T_cam_obj")),
        size_m=part("size", lambda size: _numbers(size, 3), document.get("size_m")),
        xyxy_loose=part("loose box", lambda edges: _numbers(edges, 4), document.get("xyxy_loose")),
    )


def _polygons(polygons: Any) -> tuple[NDArray[np.float64], ...]:
    outlines = tuple(np.reshape(np.asarray(polygon, float), (-1, 2)) for polygon in polygons)
    if not all(np.isfinite(outline).all() for outline in outlines):
        raise ValueError("an edge is not finite")
    return outlines


def _mask(packed: Any, xyxy: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """The mask over the whole pixels that its box touches; FiftyOne stretches a mask of any size over its box."""
    return fitted_mask(fou.deserialize_numpy_array(packed), xyxy, xyxy)


def _whole(index: Any) -> int:
    if isinstance(index, bool) or int(index) != index:
        raise ValueError("it is not a whole number")
    return int(index)


def _numbers(values: Any, n: int) -> tuple[float, ...]:
    numbers = tuple(map(float, values))
    if len(numbers) != n or not np.isfinite(numbers).all():
        raise ValueError(f"it is not {n} numbers")
    return numbers


def _points(document: Mapping[str, Any], width: int, height: int) -> NDArray[np.float64]:
    points = np.asarray(document["points"], float).reshape(-1, 2) * (width, height)
    return np.column_stack([points, np.asarray(document["visibility"], float)])


def _matrix(rows: Any) -> NDArray[np.float64] | None:
    return None if rows is None else np.asarray(rows, float)


def generation_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The exact lineage that ``generation_document`` stored; empty for a sample that was not generated."""
    kept = document.get(fields.GENERATION)
    text = kept.get("record") if isinstance(kept, Mapping) else None
    try:
        record = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):  # of another tool
        record = None
    return record if isinstance(record, dict) else {}
