"""Add, read and change samples in bulk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import fiftyone.core.odm.database as odm_database
import pymongo.errors
from bson import ObjectId
from bson.errors import InvalidId
from pymongo import UpdateOne

from workbench.adapters.documents import text
from workbench.adapters.formats.toolkit.names import holds_bytes
from workbench.adapters.store import documents
from workbench.adapters.store.corrections import Corrections, correct, fingerprint, note_loaded
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.field_types import Mixed, declare, settle
from workbench.adapters.store.groups import join_groups, samples_only
from workbench.adapters.store.odd_labels import OddLabel
from workbench.base.errors import DatasetError
from workbench.base.files import sha256_file, sha256_text
from workbench.core.schema import fields
from workbench.core.schema.fields import SourceName
from workbench.core.schema.labels import Record

DUPLICATE_KEY = 11000
WRITE_BATCH = 5_000
MANY_LABELS = 100  # of a sample whose labels are set as one list
READ_BATCH = 500  # documents decoded at once: they take ten times the memory of their records
UNREAD = {f"{fields.GROUND_TRUTH}.detections.{name}": 0 for name in ("_id", "_cls", "tags")}  # a third of all bytes


@dataclass(frozen=True)
class Added:
    """Outcome of ``add``, one entry per record in the order given.

    Attributes:
        ids: sample id.
        new: whether this call added it; false for records that were there before.
        mixed: values that are not of the type of their field, kept as text.
        corrections: records that were there with other labels.
        with_bytes: origins of new records by the name of an attribute whose bytes, no facts of an image, are left out.
    """

    ids: list[str] = field(default_factory=list)
    new: list[bool] = field(default_factory=list)
    mixed: list[Mixed] = field(default_factory=list)
    corrections: Corrections = field(default_factory=Corrections)
    with_bytes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored sample.

    ``label_ids`` of ``record.labels`` are ``None`` unless they were asked for; ``odd`` are the labels that cannot be
    used and are not in ``record``, or are there without some part that cannot be read.
    """

    id: str
    record: Record
    source: str | None
    content_sha256: str | None
    source_key: str | None
    tags: tuple[str, ...]
    measures: Mapping[str, float]
    attributes_from: str | None
    measured_file: str | None = None
    label_ids: tuple[str | None, ...] = ()
    odd: tuple[OddLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Medium:
    """The medium of a sample, without its labels.

    Attributes:
        id: sample id.
        origin: path inside what was loaded.
        width, height: pixels.
        path: of the file.
        split: split, or ``None``.
    """

    id: str
    origin: str
    width: int
    height: int
    path: str = ""
    split: str | None = None


@translated
def media(dataset: Dataset) -> Iterator[Medium]:
    """The images of all samples, in order of loading."""
    wanted = {fields.ORIGIN: 1, fields.SPLIT: 1, "filepath": 1, "metadata.width": 1, "metadata.height": 1}
    documents = dataset._sample_collection.find(samples_only(dataset, {}), wanted).sort("_id", 1)
    return (
        Medium(
            str(document["_id"]),
            document.get(fields.ORIGIN) or document["filepath"],
            (document.get("metadata") or {}).get("width") or 0,
            (document.get("metadata") or {}).get("height") or 0,
            document["filepath"],
            document.get(fields.SPLIT),
        )
        for document in documents
    )


@translated
def add(dataset: Dataset, records: Sequence[Record], *, source: SourceName, update: bool = False) -> Added:
    """Add records that are not there yet; doing it again changes nothing.

    A record is the same when its ``source_key`` is; without one the key is made of the image's
    content and its origin. Labels that are others than those of the record that is there are reported and, with
    ``update``, replaced; see ``corrections``.
    """
    if not records:
        return Added()
    hashes = _hashes(records)
    keys = [r.source_key or sha256_text(f"{h}|{text(r.origin)}") for r, h in zip(records, hashes, strict=True)]
    known = source_keys(dataset, keys)
    again = {key: record for key, record in zip(keys, records, strict=True) if key in known}
    corrections = correct(dataset, source, again, known, update=update) if again else Corrections()
    fresh: dict[str, dict[str, Any]] = {}
    new_records: list[Record] = []
    for key, record, digest in zip(keys, records, hashes, strict=True):
        if key not in known and key not in fresh:
            fresh[key] = documents.sample_document(
                record, source=source, source_key=key, content_sha256=digest, dataset_id=dataset._doc.id
            )
            new_records.append(record)
    loaded = [fingerprint(document) for document in fresh.values()]
    mixed = settle(dataset, list(fresh.values())) if fresh else []
    for document, hash_of in zip(fresh.values(), loaded, strict=True):
        note_loaded(document, hash_of)
    join_groups(dataset, list(fresh.values()), new_records)
    inserted = _insert(dataset, list(fresh.values()))
    ids = known | {key: str(fresh[key]["_id"]) for key in inserted}
    ids |= source_keys(dataset, [key for key in fresh if key not in ids])  # those another process added first
    seen: set[str] = set()
    new = []
    for key in keys:
        new.append(key in inserted and key not in seen)
        seen.add(key)
    return Added([ids[key] for key in keys], new, mixed, corrections, _with_bytes(new_records))


def _with_bytes(records: Sequence[Record]) -> dict[str, list[str]]:
    """Origins of records by the name of an attribute, of theirs or of a label, that is or holds bytes."""
    origins: dict[str, list[str]] = {}
    for record in records:
        of_labels = record.labels.columns.get("attributes", ())
        names = [
            name for given in (record.attributes, *of_labels) for name, value in given.items() if holds_bytes(value)
        ]
        for name in dict.fromkeys(names):
            origins.setdefault(name, []).append(record.origin)
    return origins


def _hashes(records: Sequence[Record]) -> list[str]:
    """SHA-256 of each medium; most readers have it already."""
    unread = [record for record in records if record.content_sha256 is None]
    hashes: Iterator[str] = iter(())
    if unread:
        with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) * 2)) as pool:
            hashes = iter(list(pool.map(lambda record: sha256_file(record.medium), unread)))
    return [record.content_sha256 or next(hashes) for record in records]


def _insert(dataset: Dataset, documents: list[dict[str, Any]]) -> set[str]:
    """Insert documents; returns the keys that went in (another process may have added some before)."""
    if not documents:
        return set()
    if dataset.media_type is None:
        dataset.reload()  # another process may have been first
    if dataset.media_type is None:
        dataset.media_type = "image"
    keys = {document[fields.SOURCE_KEY] for document in documents}
    try:
        dataset._sample_collection.insert_many(documents, ordered=False)
    except pymongo.errors.BulkWriteError as error:
        faults = error.details["writeErrors"]
        others = [fault for fault in faults if fault["code"] != DUPLICATE_KEY]
        if others:
            problem = f"The samples could not be added: {others[0]['errmsg'][:200]}."
            raise DatasetError(problem, at=dataset.name) from error
        keys -= {fault["op"][fields.SOURCE_KEY] for fault in faults}
    if not odm_database.get_db_conn()["datasets"].count_documents({"_id": dataset._doc.id}, limit=1):
        dataset._sample_collection.drop()  # made anew by this write, and of no dataset
        problem = "The dataset was deleted while samples were added; none of them is kept."
        raise DatasetError(problem, at=dataset._doc.name, fix="Load the data again, into a new dataset.")
    return keys


@translated
def source_keys(dataset: Dataset, keys: Sequence[str]) -> dict[str, str]:
    """Sample id by source key, for the keys that are in the dataset."""
    if not keys:
        return {}
    documents = dataset._sample_collection.find({fields.SOURCE_KEY: {"$in": list(keys)}}, {fields.SOURCE_KEY: 1})
    return {document[fields.SOURCE_KEY]: str(document["_id"]) for document in documents}


@translated
def read(dataset: Dataset, ids: Sequence[str] | None = None, *, label_ids: bool = False) -> Iterator[Stored]:
    """Samples with their labels: all in order of loading, or those asked for in the order of ``ids``.

    Args:
        dataset: the dataset.
        ids: which samples.
        label_ids: whether to read the ids of the labels too.
    """
    collection = dataset._sample_collection
    unread = {path: 0 for path in UNREAD if not (label_ids and path.endswith("._id"))}
    if ids is None:
        return (
            _stored(document)
            for document in collection.find(samples_only(dataset, {}), unread, batch_size=READ_BATCH).sort("_id", 1)
        )
    return _read_ids(dataset, [object_id(i) for i in ids], unread)


def _read_ids(dataset: Dataset, ids: list[ObjectId], unread: Mapping[str, int]) -> Iterator[Stored]:
    collection = dataset._sample_collection
    for start in range(0, len(ids), WRITE_BATCH):
        batch = ids[start : start + WRITE_BATCH]
        query = samples_only(dataset, {"_id": {"$in": batch}})
        documents = {document["_id"]: document for document in collection.find(query, unread)}
        yield from (_stored(documents[i]) for i in batch if i in documents)


def _stored(document: Mapping[str, Any]) -> Stored:
    measures = document.get(fields.MEASURES) or {}
    read_document = documents.read_document(document)
    return Stored(
        id=str(document["_id"]),
        record=read_document.record,
        source=document.get(fields.SOURCE),
        content_sha256=document.get(fields.CONTENT_SHA256),
        source_key=document.get(fields.SOURCE_KEY),
        tags=tuple(document.get("tags") or ()),
        measures={k: v for k, v in measures.items() if isinstance(v, float | int)},
        attributes_from=document.get(fields.ATTRIBUTES_FROM),
        measured_file=document.get(fields.MEASURED_FILE),
        label_ids=read_document.label_ids,
        odd=read_document.odd,
    )


def object_id(text: str) -> ObjectId:
    """The database's id for a sample id.

    Raises:
        DatasetError: not an id at all.
    """
    try:
        return ObjectId(text)
    except (InvalidId, TypeError) as cause:
        raise DatasetError(f"{text!r:.80} is not an id (24 hexadecimal digits).") from cause


@translated
def require_sample(dataset: Dataset, sample_id: str) -> Stored:
    """One sample.

    Raises:
        DatasetError: no sample with that id.
    """
    sample = next(iter(read(dataset, [sample_id])), None)
    if sample is None:
        fix = "List ids with board.selected_ids or `workbench info`."
        raise DatasetError(f"There is no sample with id {sample_id}.", at=dataset.name, fix=fix)
    return sample


@translated
def lineage(dataset: Dataset, sample_id: str) -> dict[str, Any]:
    """How a sample was generated, exactly as the generator wrote it; empty for one that was not."""
    return dict(require_sample(dataset, sample_id).record.generation)


@translated
def set_values(dataset: Dataset, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Set fields of many samples in bulk; new fields are declared, see ``field_types``.

    Args:
        dataset: the dataset.
        values: by sample id, values by field path, e.g. ``{"measures.blur_px": 1.5}``; ``None`` clears.
    """
    declare_paths(dataset, values.values())
    items = list(values.items())
    for start in range(0, len(items), WRITE_BATCH):
        stamp = documents.now()
        dataset._sample_collection.bulk_write(
            [
                UpdateOne({"_id": object_id(i)}, {"$set": {**fields_of, "last_modified_at": stamp}})
                for i, fields_of in items[start : start + WRITE_BATCH]
            ],
            ordered=False,
        )


@translated
def set_label_values(dataset: Dataset, field: str, values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Set attributes of labels by the id of the label: one that was removed meanwhile stays removed.

    Args:
        dataset: the dataset.
        field: field of boxes.
        values: by sample id, by label id, values by name.
    """
    path = f"{field}.detections"
    of_labels = (named for by_label in values.values() for named in by_label.values())
    declare_paths(dataset, ({f"{path}.{name}": value for name, value in named.items()} for named in of_labels))
    left = [i for i, by_label in values.items() if by_label]
    many = [i for i in left if len(values[i]) > MANY_LABELS]
    done = {i for i in many if _set_whole_list(dataset, path, i, values[i])}
    writes = [_set_labels(path, i, values[i]) for i in left if i not in done]
    for start in range(0, len(writes), WRITE_BATCH):
        dataset._sample_collection.bulk_write(writes[start : start + WRITE_BATCH], ordered=False)


def _set_whole_list(dataset: Dataset, path: str, sample_id: str, by_label: Mapping[str, Mapping[str, Any]]) -> bool:
    """The same for many labels of a sample at once, as long as they are those that are there; whether they were.

    A filter for each label takes the server a look at every label: minutes where a sample has ten thousand.
    """
    collection, key = dataset._sample_collection, {"_id": object_id(sample_id)}
    parent, _, name = path.rpartition(".")
    document = collection.find_one(key, {f"{path}._id": 1}) or {}
    labels = (document.get(parent) or {}).get(name) or []
    ids = [label.get("_id") for label in labels]
    if None in ids:
        return False
    given = [dict(by_label.get(str(label_id), {})) for label_id in ids]
    pair = {"$mergeObjects": [{"$arrayElemAt": ["$$this", 0]}, {"$arrayElemAt": ["$$this", 1]}]}
    merged = {"$map": {"input": {"$zip": {"inputs": [f"${path}", {"$literal": given}]}}, "in": pair}}
    same = {path: {"$size": len(ids)}, "$expr": {"$eq": [f"${path}._id", {"$literal": ids}]}}
    result = collection.update_one({**key, **same}, [{"$set": {path: merged, "last_modified_at": documents.now()}}])
    return bool(result.matched_count)


def _set_labels(path: str, sample_id: str, by_label: Mapping[str, Mapping[str, Any]]) -> UpdateOne:
    ids = [object_id(label) for label in by_label]
    values = {
        f"{path}.$[l{at}].{name}": value for at, named in enumerate(by_label.values()) for name, value in named.items()
    }
    return UpdateOne(
        {"_id": object_id(sample_id), f"{path}._id": {"$in": ids}},
        {"$set": {**values, "last_modified_at": documents.now()}},
        array_filters=[{f"l{at}._id": label_id} for at, label_id in enumerate(ids)],
    )


def declare_paths(dataset: Dataset, updates: Iterable[Mapping[str, Any]]) -> None:
    """Declare the fields of values that are to be set; see ``field_types``.

    Raises:
        DatasetError: a value does not fit the field that is there.
    """
    of_path: dict[str, dict[type, Any]] = {}  # a value of each type
    for values in updates:
        for path, value in values.items():
            if value is not None:
                of_path.setdefault(path, {})[type(value)] = value
    declare(dataset, {path: of_type.values() for path, of_type in of_path.items()})
