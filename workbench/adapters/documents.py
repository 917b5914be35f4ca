"""How labels, maps and sizes lie in FiftyOne's documents, the same in the database and in FiftyOne's own folder.

The database has ids and bytes of its own kind (BSON), the folder writes them as extended JSON; callers give both.
"""

from __future__ import annotations

import functools
import mimetypes
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.names import attribute_value
from workbench.core.schema import fields
from workbench.core.schema.labels import Attribute, Label, Record

MAP_TYPES: dict[str, tuple[str, str]] = {  # field -> label type, its key for the path
    fields.DEPTH: ("Heatmap", "map_path"),
    fields.INSTANCES: ("Segmentation", "mask_path"),
    fields.SEMANTIC: ("Segmentation", "mask_path"),
    fields.NORMALS: ("Segmentation", "mask_path"),
}
OUTCOME = "outcome"  # of a label in an evaluation: says something of a model, and nothing of the label
LABEL_KEYS = frozenset(  # names that no attribute of a label may take
    {"id", "_cls", "tags", "attributes", "label", "bounding_box", "mask", "mask_path", "confidence", "index"}
    | {"polygons", "T_cam_obj", "size_m", "xyxy_loose", OUTCOME}
    | set(fields.LABEL_MEASURES)
)
METHODS = frozenset({  # of FiftyOne's documents: an attribute of such a name would take the place of the method
    "STRICT", "add_field", "add_implied_field", "add_labels", "cascade_save", "clean", "clear_field",
    "collection_name", "compare_indexes", "compute_metadata", "copy", "copy_with_new_id", "create_index",
    "dataset", "dataset_id", "delete", "delete_attribute", "drop_collection", "ensure_indexes", "export_mask",
    "fancy_repr", "field_names", "field_to_mongo", "field_to_python", "filename", "from_dict", "from_doc",
    "from_frame", "from_json", "from_mask", "get_attribute_value", "get_field", "get_field_schema", "get_mask",
    "get_media_key", "get_text_score", "has_attribute", "has_field", "has_mask", "import_mask", "in_dataset",
    "in_db", "instance", "instance_id", "iter_attributes", "iter_fields", "list_indexes", "media_reference",
    "merge", "merge_field_schema", "modify", "my_metaclass", "pk", "register_delete_rule", "reload", "save",
    "select_related", "set_attribute_value", "set_field", "switch_collection", "switch_db", "to_dbref",
    "to_dict", "to_json", "to_mongo", "to_mongo_dict", "to_polyline", "to_segmentation", "to_shapely", "update",
    "update_fields", "validate",
})  # fmt: skip
NO_FLAG = frozenset({"", "0", "0.0", "false", "no", "none"})
_FLAG = frozenset({"1", "1.0", "true", "yes"})
Pack = Callable[[NDArray[Any]], Any]


@functools.lru_cache(maxsize=4096)  # of few names, many times
def field_name(name: str, reserved: frozenset[str]) -> str:
    """A name that FiftyOne accepts: letters, digits and ``_``, not one of its own.

    >>> field_name("light level", frozenset())
    'light_level'
    """
    clean = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_").lower() if not name.isidentifier() else name.lstrip("_")
    clean = clean or "field"
    return f"data_{clean}" if clean in reserved | METHODS or clean[0].isdigit() else clean


def renamed(attributes: Mapping[str, Attribute], reserved: frozenset[str]) -> dict[str, Attribute]:
    """Attributes under names that FiftyOne accepts, and with text that the database accepts.

    Where two get the same name, the one that had it already keeps it, and the other gets a number.

    >>> renamed({"light level": 1, "light_level": 2}, frozenset())
    {'light_level': 2, 'light_level_2': 1}
    """
    names = {name: field_name(name, reserved) for name in attributes}
    if len(set(names.values())) < len(names):
        taken: set[str] = set()
        for name in sorted(names, key=lambda name: (names[name] != name, name)):
            clean, n = names[name], 1
            while names[name] in taken:
                n += 1
                names[name] = f"{clean}_{n}"
            taken.add(names[name])
        names = dict(sorted(names.items(), key=lambda pair: pair[1]))
    plain = {names[name]: plain_value(attributes[name]) for name in names}
    return {name: value for name, value in plain.items() if value is not None}


def plain_value(value: Any) -> Attribute | None:
    """A value as a flag, a number of at most 64 bits or text; ``None`` when there is nothing to keep."""
    if type(value) is str:
        return text(value)
    if type(value) is bool or type(value) is float or (type(value) is int and -(1 << 63) <= value < 1 << 63):
        return value
    value = attribute_value(value.item() if isinstance(value, np.generic) else value)
    return text(value) if isinstance(value, str) else value


def text(value: str) -> str:
    r"""Text that can be stored: half of a surrogate pair, which is no character, is written as its number.

    >>> text("caf\u00e9"), text("a\ud800")
    ('café', 'a\\ud800')
    """
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def label_attributes(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """The attributes of a label as FiftyOne's labels hold them: names of its own get others, ``iscrowd`` is a flag.

    >>> label_attributes({"iscrowd": 1, "id": 3}), label_attributes({"iscrowd": "dim"})
    ({'iscrowd': True, 'data_id': 3}, {'iscrowd_text': 'dim'})
    """
    stored = renamed(attributes, LABEL_KEYS)
    if "iscrowd" in stored:
        word = str(stored["iscrowd"]).strip().lower()
        if word in NO_FLAG or word in _FLAG:
            stored["iscrowd"] = word in _FLAG
        else:
            stored["iscrowd_text"] = stored.pop("iscrowd")
    return stored


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
        "label": text(label.name),
        "bounding_box": [left / width, top / height, (right - left) / width, (bottom - top) / height],
    }
    if label.mask is not None:
        document["mask"] = pack(label.mask)
    if label.confidence is not None:
        document["confidence"] = label.confidence
    if label.instance_id is not None:
        fits = abs(label.instance_id) < 1 << 63
        document["index" if fits else "index_text"] = label.instance_id if fits else str(label.instance_id)
    if label.polygons:
        document["polygons"] = [polygon.ravel().tolist() for polygon in label.polygons]
    if label.T_cam_obj is not None:
        document["T_cam_obj"] = label.T_cam_obj.tolist()
    if label.size_m is not None:
        document["size_m"] = list(label.size_m)
    if label.xyxy_loose is not None:
        document["xyxy_loose"] = list(label.xyxy_loose)
    if label.attributes:
        document.update(label_attributes(label.attributes))
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
                "names": [text(name) for name in label.keypoint_names],
            }
            documents.append(
                label_document("Keypoint", new_id(at), attributes={}, label=text(label.name), of=at, **values)
            )
    return {"_cls": "Keypoints", "keypoints": documents}
