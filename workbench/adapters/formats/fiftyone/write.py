"""Write FiftyOne's own data set folder (``FiftyOneDataset``), with the fields that the workbench stores.

Written as plain JSON, without FiftyOne; ids are made of names, so that the same input gives the same bytes.
"""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters import documents
from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything
from workbench.base.files import canonical_json, sha256_text, write_bytes
from workbench.core.schema import fields
from workbench.core.schema.classes import of_classes
from workbench.core.schema.labels import Record

name = "fiftyone"
numbered = embeds = False
holds = everything
tolerance_px = ROUNDING_PX
takes: frozenset[str] | None = None

_ID_CHARS = 24
_DYNAMIC = "fiftyone.core.odm.embedded_document.DynamicEmbeddedDocument"
_TYPES: dict[type, str] = {bool: "BooleanField", int: "FloatField", float: "FloatField", str: "StringField"}
_TEXTS = (
    fields.SOURCE_KEY, fields.ORIGIN, fields.CONTENT_SHA256, fields.SCENE_ID, fields.SPLIT, fields.ATTRIBUTES_FROM
)  # fmt: skip


_TAKEN = frozenset(  # names of fields of samples
    {"id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at"}
    | {name for name in vars(fields).values() if isinstance(name, str)} - {*fields.ATTRIBUTES, fields.SOURCE}
)


def picture_path(split: str, name: str) -> str:
    """Where an image belongs; splits are a field.

    >>> picture_path("val", "a.jpg")
    'data/a.jpg'
    """
    return f"data/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """Everything but point clouds is kept; attributes of names that FiftyOne refuses get others."""
    labels = losses.AllLabels(records)
    counts = {
        "point clouds of {n} samples": sum(record.cloud is not None for record in records),
        "attributes of {n} labels under their names (FiftyOne has its own of these names)": sum(
            documents.label_attributes(label.attributes) != label.attributes for label in labels
        ),
        "attributes of {n} samples under their names (FiftyOne has its own of these names)": sum(
            any(documents.field_name(key, _TAKEN) != key for key in record.attributes) for record in records
        ),
    }
    return losses.sentences(counts)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write ``metadata.json``, ``samples.json`` and the maps; see ``contract.Writer.write``."""
    samples = [_sample(item) for item in items]
    for item in items:
        for field, path in item.record.maps.items():
            target = folder / _map_path(item, field, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    text = ",".join(json.dumps(sample, ensure_ascii=False) for sample in samples)
    write_bytes(folder / "samples.json", f'{{"samples": [{text}]}}\n'.encode())
    facts = canonical_json(of_classes({k: v for item in items for k, v in item.record.class_facts.items()}))
    metadata = _metadata(samples, {"workbench": {"classes": facts}} if facts != "{}" else {})
    write_bytes(folder / "metadata.json", json.dumps(metadata, ensure_ascii=False, indent=1).encode())


def _map_path(item: NamedRecord, field: str, path: Path) -> str:
    return f"fields/{field}/{item.name.rpartition('.')[0]}{path.suffix.lower()}"


def _sample(item: NamedRecord) -> dict[str, Any]:
    record = item.record
    key = record.source_key or sha256_text(f"{item.name}|{record.origin}")
    width, height = record.width, record.height
    sample: dict[str, Any] = {
        "_id": _id(key),
        "_media_type": "image",
        "_rand": int(sha256_text(f"random {key}")[:8], 16) / 2**32,
        "filepath": picture_path(str(record.split), item.name),
        "tags": list(record.tags),
        "metadata": documents.metadata(record),
        fields.SOURCE_KEY: key,
        fields.ORIGIN: record.origin,
        fields.CONTENT_SHA256: record.content_sha256 or "",
        fields.SCENE_ID: record.scene_id,
        fields.SPLIT: record.split,
        fields.ATTRIBUTES_FROM: "data" if set(fields.ATTRIBUTES) & record.attributes.keys() else None,
        **{documents.field_name(key, _TAKEN): value for key, value in record.attributes.items()},
        fields.GROUND_TRUTH: documents.detections(
            record.labels, width, height, ids=(_id(f"{key}|{at}") for at in range(len(record.labels))), pack=_packed
        ),
    }
    return sample | dict(_further(item, key))


def _further(item: NamedRecord, key: str) -> Iterator[tuple[str, Any]]:
    """Fields that not every sample has."""
    record = item.record
    if (name := record.classification) is not None:
        yield fields.CLASSIFICATION, documents.label_document("Classification", _id(f"{key}|class"), label=name)
    if "keypoints" in record.labels.columns:
        yield fields.KEYPOINTS, documents.keypoints(record, lambda at: _id(f"{key}|points {at}"))
    for field, path in record.maps.items():
        cls, path_key = documents.MAP_TYPES[field]
        yield field, documents.label_document(cls, _id(f"{key}|{field}"), **{path_key: _map_path(item, field, path)})
    if record.camera is not None:
        yield fields.CAMERA, {"_cls": "DynamicEmbeddedDocument", **record.camera.to_dict()}
    if record.generation:
        yield fields.GENERATION, _generation(record.generation)


def _id(text: str) -> dict[str, str]:
    return {"$oid": sha256_text(text)[:_ID_CHARS]}


def _packed(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """An array as FiftyOne stores it: a ``.npy`` file, packed with zlib."""
    stream = io.BytesIO()
    np.save(stream, mask, allow_pickle=False)
    return {"$binary": {"base64": base64.b64encode(zlib.compress(stream.getvalue())).decode(), "subType": "00"}}


def _generation(generation: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values to slice by, and the whole as exact JSON in ``record``."""
    plain = {key: value for key, value in generation.items() if type(value) in _TYPES and key.isidentifier()}
    return {"_cls": "DynamicEmbeddedDocument", **plain, "record": canonical_json(dict(generation))}


def _metadata(samples: Sequence[Mapping[str, Any]], info: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the data set: FiftyOne fills in the rest."""
    return {
        "name": "export",
        "version": importlib.metadata.version("fiftyone"),
        "media_type": "image",
        "sample_fields": _fields(samples),
        "info": dict(info),
        "classes": {},
        "default_classes": [],
        "mask_targets": {},
        "default_mask_targets": {},
        "skeletons": {},
        "frame_fields": [],
        "app_config": {"media_fields": ["filepath"], "grid_media_field": "filepath", "modal_media_field": "filepath"},
    }


def _fields(samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    metadata = [_field(key, "IntField") for key in ("size_bytes", "width", "height", "num_channels")]
    metadata.append(_field("mime_type", "StringField"))
    declared = [
        _field("id", "ObjectIdField", db_field="_id"),
        _field("filepath", "StringField"),
        _field("tags", "ListField", subfield="fiftyone.core.fields.StringField"),
        _field("metadata", document="fiftyone.core.metadata.ImageMetadata", inner=metadata),
        _field("created_at", "DateTimeField"),
        _field("last_modified_at", "DateTimeField"),
        *(_field(key, "StringField") for key in _TEXTS),
    ]
    known = {str(field["name"]) for field in declared}
    values = {key: value for sample in samples for key, value in sample.items() if value is not None}
    for key, value in sorted(values.items()):
        if key not in known and not key.startswith("_"):
            declared.append(
                _field(key, _TYPES[type(value)]) if type(value) in _TYPES else _document(key, value, samples)
            )
    return declared


def _document(key: str, value: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if key in (fields.CAMERA, fields.GENERATION):
        inner = {k: v for sample in samples for k, v in (sample.get(key) or {}).items() if type(v) in _TYPES}
        plain = [_field(k, _TYPES[type(v)]) for k, v in sorted(inner.items()) if k != "_cls"]
        return _field(key, document=_DYNAMIC, inner=plain)
    return _field(key, document=f"fiftyone.core.labels.{value['_cls']}")


def _field(
    name: str,
    kind: str = "EmbeddedDocumentField",
    *,
    subfield: str | None = None,
    document: str | None = None,
    inner: Sequence[Mapping[str, Any]] = (),
    db_field: str | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "ftype": f"fiftyone.core.fields.{kind}",
        "embedded_doc_type": document,
        "subfield": subfield,
        "fields": list(inner),
        "db_field": db_field or name,
        "description": None,
        "info": None,
        "read_only": False,
    }
