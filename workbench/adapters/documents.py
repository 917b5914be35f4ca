"""How labels, maps and sizes lie in FiftyOne's documents, the same in the database and in FiftyOne's own folder.

The database has ids and bytes of its own kind (BSON), the folder writes them as extended JSON; callers give both.
"""

from __future__ import annotations

import functools
import mimetypes
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

from workbench.core.schema import fields
from workbench.core.schema.labels import Label, Record

MAP_TYPES: dict[str, tuple[str, str]] = {  # field -> label type, its key for the path
    fields.DEPTH: ("Heatmap", "map_path"),
    fields.INSTANCES: ("Segmentation", "mask_path"),
    fields.SEMANTIC: ("Segmentation", "mask_path"),
    fields.NORMALS: ("Segmentation", "mask_path"),
}
LABEL_KEYS = frozenset(  # names that no attribute of a label may take
    {"id", "_cls", "tags", "attributes", "label", "bounding_box", "mask", "mask_path", "confidence", "index"}
    | {"polygons", "T_cam_obj", "size_m", "xyxy_loose"}
    | set(fields.LABEL_MEASURES)
)
Pack = Callable[[NDArray[Any]], Any]


@functools.lru_cache(maxsize=4096)  # of few names, many times
def field_name(name: str, reserved: frozenset[str]) -> str:
    """A name that FiftyOne accepts: letters, digits and ``_``, not one of its own.

    >>> field_name("light level", frozenset())
    'light_level'
    """
    clean = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_").lower() if not name.isidentifier() else name.lstrip("_")
    clean = clean or "field"
    return f"data_{clean}" if clean in reserved or clean[0].isdigit() else clean


def label_document(cls: str, new_id: Any, **values: Any) -> dict[str, Any]:
    """A label of any type."""
    return {"_id": new_id, "_cls": cls, "tags": [], **values}


def metadata(record: Record) -> dict[str, Any]:
    """Size and type of an image."""
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


def detections(labels: Sequence[Label], width: int, height: int, *, ids: Iterable[Any], pack: Pack) -> dict[str, Any]:
    """Labels of an image of this size in pixels.

    Args:
        labels: the labels.
        width, height: pixels.
        ids: one for each label.
        pack: makes a value of a mask.
    """
    documents = [_detection(i, label, width, height, pack) for i, label in zip(ids, labels, strict=True)]
    return {"_cls": "Detections", "detections": documents}


def _detection(new_id: Any, label: Label, width: int, height: int, pack: Pack) -> dict[str, Any]:
    left, top, right, bottom = label.xyxy
    document: dict[str, Any] = {
        "_id": new_id,
        "_cls": "Detection",
        "tags": [],
        "attributes": {},
        "label": label.name,
        "bounding_box": [left / width, top / height, (right - left) / width, (bottom - top) / height],
    }
    if label.mask is not None:
        document["mask"] = pack(label.mask)
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


def keypoints(record: Record, new_id: Callable[[int], Any]) -> dict[str, Any]:
    """FiftyOne shows keypoints from a field of their own; ``of`` is the index of the label that they belong to.

    Args:
        record: the image with its labels.
        new_id: id by index of the label.
    """
    documents = []
    for at, label in enumerate(record.labels):
        if label.keypoints is not None:
            values = {
                "points": (label.keypoints[:, :2] / (record.width, record.height)).tolist(),
                "visibility": label.keypoints[:, 2].tolist(),
                "names": list(label.keypoint_names),
            }
            documents.append(label_document("Keypoint", new_id(at), attributes={}, label=label.name, of=at, **values))
    return {"_cls": "Keypoints", "keypoints": documents}
