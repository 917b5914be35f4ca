"""A dataset that holds clouds is a FiftyOne grouped dataset; the rest of the workbench does not notice.

An image lies in the slice ``image``; its cloud lies beside it in the slice ``cloud`` as a companion: a document
without ``source_key`` that shows a scene with the labels' 3D boxes. A cloud without an image is a sample of its own
in the slice ``cloud``. Samples are what has a ``source_key`` or lies in the main slice; companions are never counted.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo
import fiftyone.core.odm.database as odm_database
from bson import ObjectId
from fiftyone.core.groups import is_group_field
from fiftyone.core.metadata import get_metadata_cls
from pymongo import ReplaceOne

from workbench.adapters.store.database import Dataset
from workbench.adapters.store.documents import now
from workbench.adapters.store.scenes import Scene, boxes_in_cloud, scenes_of
from workbench.base.errors import DatasetError
from workbench.base.files import sha256_text
from workbench.core.schema import fields
from workbench.core.schema.labels import Record

IMAGE, CLOUD = "image", "cloud"
MEDIA = {IMAGE: "image", CLOUD: "3d"}
_GROUP_STATE = ("media_type", "group_field", "group_media_types", "default_group_slice")
_CARRIED = (fields.SOURCE, fields.ORIGIN, fields.SCENE_ID, fields.SPLIT)  # so that the App filters companions too


def main_query(dataset: Dataset) -> dict[str, Any]:
    """What tells samples from companions, for MongoDB; empty for a dataset without groups."""
    name = dataset.group_field
    if name is None:
        return {}
    return {"$or": [{f"{name}.name": _main_slice(dataset)}, {fields.SOURCE_KEY: {"$type": "string"}}]}


def samples_only(dataset: Dataset, query: Mapping[str, Any]) -> dict[str, Any]:
    """A query narrowed to samples; the same query for a dataset without groups."""
    main = main_query(dataset)
    return {"$and": [dict(query), main]} if main and query else main or dict(query)


def samples_view(dataset: Dataset, query: Mapping[str, Any]) -> Any:
    """The samples of a query as a FiftyOne view.

    In a grouped dataset it keeps the groups, so that the App shows the image and its cloud together. Only images
    and clouds without images mixed make a flat view, since one slice cannot hold both.
    """
    name = dataset.group_field
    if name is None:
        return dataset.match(dict(query)) if query else dataset.view()
    only = samples_only(dataset, query)
    slices = dataset._sample_collection.distinct(f"{name}.name", only)
    if len(slices) > 1:
        return dataset.select_group_slices(_allow_mixed=True).match(only)
    view = dataset.view()
    view.group_slice = slices[0] if slices else _main_slice(dataset)
    return view.match(only) if query or view.group_slice != _main_slice(dataset) else view


def _main_slice(dataset: Dataset) -> str | None:
    """The images' slice; in a grouped dataset of another maker its default."""
    name: str | None = IMAGE if IMAGE in (dataset.group_media_types or {}) else dataset.default_group_slice
    return name


def join_groups(dataset: Dataset, documents: Sequence[dict[str, Any]], records: Sequence[Record]) -> None:
    """Give new documents their group, and write the companions of those that have an image and a cloud.

    A group's and a companion's id follow from the sample's ``source_key``, so a load that was killed between the two
    writes is made whole by the next one. The first cloud makes the dataset a grouped one.

    Raises:
        DatasetError: the dataset holds media that have no place beside images and clouds.
        InputError: a cloud cannot be read any more.
    """
    follow(dataset)
    if dataset.group_field is None and not any(record.cloud for record in records):
        return
    _make_grouped(dataset)
    if any(record.image_path for record in records):
        _require_slice(dataset, IMAGE)
    if any(record.cloud for record in records):
        _require_slice(dataset, CLOUD)
        _declare(dataset)
    companions = []
    for document, record, scene in zip(documents, records, scenes_of(records), strict=True):
        document[dataset.group_field] = _group(document, _slice(dataset, IMAGE if record.image_path else CLOUD))
        if scene is not None and record.image_path is None:
            document |= {"filepath": str(scene.path), "metadata": _metadata(scene)}
        elif scene is not None:
            companions.append(_companion(dataset, document, record, scene))
    if companions:
        writes = [ReplaceOne({"_id": companion["_id"]}, companion, upsert=True) for companion in companions]
        dataset._sample_collection.bulk_write(writes, ordered=False)


def follow(dataset: Dataset) -> None:
    """Take over what another process has made of the groups, and give one to samples that it added as flat ones."""
    datasets = odm_database.get_db_conn()["datasets"]
    stored = datasets.find_one({"_id": dataset._doc.id}, dict.fromkeys(_GROUP_STATE, 1)) or {}
    if stored.get("media_type") != "group" and dataset.group_field is None:
        return
    if any(stored.get(name) != dataset._doc[name] for name in _GROUP_STATE):
        dataset.reload()
    _assign_groups(dataset, dataset.group_field)


def _make_grouped(dataset: Dataset) -> None:
    """Turn a flat dataset into a grouped one: first its samples, in bulk, then what it says of itself, at once.

    Cut off before that, it is a flat dataset still, with a field that nobody reads.
    """
    if dataset.group_field is not None:
        return
    if dataset.media_type not in (None, "image"):
        raise DatasetError(
            f"The dataset has media type '{dataset.media_type}', which cannot hold point clouds beside images.",
            at=dataset.name,
            fix="Load the clouds into another dataset.",
        )
    name = _group_field(dataset)
    group = {"embedded_doc_type": fo.Group}
    dataset._sample_doc_cls.add_field(name, fo.EmbeddedDocumentField, **group)  # the public way would switch at once
    collection = dataset._sample_collection
    for part in ("_id", "name"):
        collection.create_index(f"{name}.{part}")
    _assign_groups(dataset, name)
    if collection.find_one({}, {"_id": 1}):
        dataset._doc.group_media_types, dataset._doc.default_group_slice = {IMAGE: MEDIA[IMAGE]}, IMAGE
    dataset._doc.media_type, dataset._doc.group_field = "group", name
    dataset._update_metadata_field("group")  # any kind of metadata
    dataset.save()
    dataset.reload()
    _assign_groups(dataset, name)  # samples that another process added meanwhile


def _group_field(dataset: Dataset) -> str:
    """``group``, unless the data has another field of that name."""
    for name in (fields.GROUP, f"media_{fields.GROUP}"):
        present = dataset.get_field(name)
        if present is None or is_group_field(present):
            return name
    raise DatasetError(
        "The fields 'group' and 'media_group' are taken by other data.",
        at=dataset.name,
        fix="Rename one of them, or load the clouds into another dataset.",
    )


def _assign_groups(dataset: Dataset, name: str) -> None:
    """A group of its own, with its own id, for every sample that has none; ``<name>.name`` has an index."""
    group = {"_id": "$_id", "_cls": "Group", "name": {"$literal": _slice(dataset, IMAGE)}}
    dataset._sample_collection.update_many({f"{name}.name": None}, [{"$set": {name: group}}])


def _slice(dataset: Dataset, kind: str) -> str:
    """The slice for images or clouds: ours, or the one of another maker that serves."""
    kinds: Mapping[str, str] = dataset.group_media_types or {}
    if kind in kinds:
        return kind
    if kind == CLOUD:  # FiftyOne allows only one slice of scenes
        return next((name for name, media in kinds.items() if media == MEDIA[CLOUD]), CLOUD)
    default = dataset.default_group_slice
    return str(default) if kinds.get(default) == MEDIA[IMAGE] else IMAGE


def _require_slice(dataset: Dataset, kind: str) -> None:
    name = _slice(dataset, kind)
    if name in (dataset.group_media_types or {}):
        return
    dataset.add_group_slice(name, MEDIA[kind])
    metadata = fo.EmbeddedDocumentField(get_metadata_cls(MEDIA[kind]))
    dataset._sample_doc_cls.merge_field_schema({"metadata": metadata}, validate=False)  # as FiftyOne does it
    if name == IMAGE:  # what the App opens with
        dataset.default_group_slice = IMAGE
        dataset.group_slice = IMAGE


def _declare(dataset: Dataset) -> None:
    present = dataset.get_field_schema()
    if fields.BOXES_3D not in present:
        dataset.add_sample_field(fields.BOXES_3D, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)


def _group(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"_id": _id_of("group", document[fields.SOURCE_KEY]), "_cls": "Group", "name": name}


def _id_of(what: str, source_key: str) -> ObjectId:
    return ObjectId(sha256_text(f"{what}|{source_key}")[:24])


def _metadata(scene: Scene) -> dict[str, Any]:
    return {
        "_cls": "SceneMetadata",
        "size_bytes": scene.size_bytes,
        "mime_type": "application/octet-stream",
        "asset_counts": {scene.asset: 1},
    }


def _companion(dataset: Dataset, document: dict[str, Any], record: Record, scene: Scene) -> dict[str, Any]:
    key = document[fields.SOURCE_KEY]
    return {
        "_id": _id_of("cloud", key),
        "_dataset_id": document["_dataset_id"],
        "_media_type": MEDIA[CLOUD],
        "_rand": random.random(),  # noqa: S311 - FiftyOne's key for random order, no secret
        "filepath": str(scene.path),
        "tags": [],  # a curator's tags belong to the sample
        "metadata": _metadata(scene),
        "created_at": now(),
        "last_modified_at": now(),
        dataset.group_field: _group(document, _slice(dataset, CLOUD)),
        fields.POINT_CLOUD: str(record.cloud),
        fields.BOXES_3D: {"_cls": "Detections", "detections": _boxes(document, record)},
        **{name: document.get(name) for name in _CARRIED},
    }


def _boxes(document: dict[str, Any], record: Record) -> list[dict[str, Any]]:
    """3D boxes, each linked to its label in the image: pointing at one in the App lights up the other."""
    flat, key = document[fields.GROUND_TRUTH]["detections"], document[fields.SOURCE_KEY]
    boxes = []
    for index, label, box in boxes_in_cloud(record):
        instance = {"_id": _id_of(f"label {index}", key), "_cls": "Instance"}  # equal, whichever process writes it
        flat[index]["instance"] = instance
        known = {"confidence": label.confidence, "index": label.instance_id}
        boxes.append(
            {
                "_id": ObjectId(),
                "_cls": "Detection",
                "tags": [],
                "attributes": {},
                "label": label.name,
                "location": list(box.location),
                "dimensions": list(box.dimensions),
                "rotation": list(box.rotation),
                "instance": instance,
                **{name: value for name, value in known.items() if value is not None},
            }
        )
    return boxes
