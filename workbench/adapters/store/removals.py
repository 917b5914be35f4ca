"""Samples taken out of a dataset so that they can be put back: written ahead, moved set-based, marked done.

Whoever removes or restores holds the write lock, so that the two never move the same samples at once.
One document per removal in ``workbench_removals``; the samples' documents wait in ``workbench_removed``. Each step
can be done twice without harm, so a removal or a restoration that was cut off is carried out by the next call.
Files stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import fiftyone.core.odm.database as odm_database
from bson import ObjectId
from pymongo import ReplaceOne

from workbench.adapters.store.checked import checked
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.documents import now
from workbench.adapters.store.samples import object_id
from workbench.adapters.store.write_lock import WriteLock, write_lock
from workbench.base.errors import DatasetError, one_of
from workbench.base.shapes import Shape
from workbench.core.schema import fields

REMOVALS, REMOVED = "workbench_removals", "workbench_removed"
BATCH = 1_000
State = Literal["removing", "removed", "restoring", "restored"]
REMOVAL: Shape = {
    "what": str, "samples": int, "ids": [ObjectId], "who": str, "when": datetime, "reason": str,
    "state": frozenset(get_args(State)),
}  # fmt: skip


@dataclass(frozen=True)
class Removal:
    """Samples that were taken out together.

    Attributes:
        removal_id: id of the removal.
        what: of what the samples came, in words.
        samples: how many.
        who, when, reason: for the audit.
        state: ``removed``, or ``restored`` after it was taken back.
    """

    removal_id: str
    what: str
    samples: int
    who: str
    when: datetime
    reason: str
    state: State


@translated
def remove(dataset: Dataset, ids: Sequence[str], *, what: str, who: str, reason: str = "") -> Removal:
    """Take samples, with the clouds that belong to them, out of a dataset; ``restore`` puts them back."""
    with write_lock(dataset) as held:
        _finish_pending(dataset, held)
        document = {
            "_id": ObjectId(),
            "dataset_id": dataset._doc.id,
            "what": what,
            "samples": len(ids),
            "ids": _with_companions(dataset, [object_id(i) for i in ids]),
            "who": who,
            "when": now(),
            "reason": reason,
            "state": "removing",
        }
        held.renew()
        odm_database.get_db_conn()[REMOVALS].insert_one(document)
        _carry_out(dataset, document, held)
    return _removal(document)


@translated
def restore(dataset: Dataset, removal_id: str | None = None, *, who: str) -> Removal:
    """Put the samples of a removal back, by default of the last one; those that were generated anew meanwhile stay new.

    Raises:
        DatasetError: there is no such removal, or it was restored already.
    """
    with write_lock(dataset) as held:
        _finish_pending(dataset, held)
        return _restore(dataset, removal_id, who, held)


def _restore(dataset: Dataset, removal_id: str | None, who: str, held: WriteLock) -> Removal:
    known = [removal for removal in list_removals(dataset) if removal.state == "removed"]
    chosen = [removal for removal in known if removal_id in (None, removal.removal_id)]
    if not chosen:
        named = "" if removal_id is None else f" {removal_id!r}"
        fix = one_of(removal_id or "", [removal.removal_id for removal in known]) if known else ""
        raise DatasetError(f"There is no removal{named} to restore.", at=dataset.name, fix=fix)
    collection = odm_database.get_db_conn()[REMOVALS]
    query = {"_id": object_id(chosen[-1].removal_id)}
    collection.update_one(query, {"$set": {"state": "restoring", "restored_by": who, "restored_at": now()}})
    document = collection.find_one(query)
    _carry_out(dataset, document, held)
    return _removal(document)


@translated
def list_removals(dataset: Dataset) -> list[Removal]:
    """All removals of a dataset, oldest first."""
    documents = odm_database.get_db_conn()[REMOVALS].find({"dataset_id": dataset._doc.id}).sort("_id", 1)
    return [_removal(checked(dataset, document, REMOVAL, REMOVALS)) for document in documents]


@translated
def finish_pending(dataset: Dataset) -> int:
    """Complete removals that were interrupted; returns how many."""
    if not odm_database.get_db_conn()[REMOVALS].count_documents(_pending(dataset), limit=1):
        return 0
    with write_lock(dataset) as held:  # it may belong to a live process: then this waits for its end
        return _finish_pending(dataset, held)


def forget_removals(dataset: Dataset) -> None:
    """Delete the removals of a dataset, and the samples that wait in them."""
    database = odm_database.get_db_conn()
    removals = [document["_id"] for document in database[REMOVALS].find({"dataset_id": dataset._doc.id}, {"_id": 1})]
    for batch in _batches(removals):
        database[REMOVED].delete_many({"removal": {"$in": batch}})
    database[REMOVALS].delete_many({"dataset_id": dataset._doc.id})


def _pending(dataset: Dataset) -> dict[str, Any]:
    return {"dataset_id": dataset._doc.id, "state": {"$in": ["removing", "restoring"]}}


def _finish_pending(dataset: Dataset, held: WriteLock) -> int:
    pending = list(odm_database.get_db_conn()[REMOVALS].find(_pending(dataset)).sort("_id", 1))
    for document in pending:
        _carry_out(dataset, checked(dataset, document, REMOVAL, REMOVALS), held)
    return len(pending)


def _carry_out(dataset: Dataset, document: dict[str, Any], held: WriteLock) -> None:
    database = odm_database.get_db_conn()
    step = _take_out if document["state"] == "removing" else _put_back
    for batch in _batches(document["ids"]):
        held.renew()
        step(dataset, database[REMOVED], document["_id"], batch)
    document["state"] = "removed" if document["state"] == "removing" else "restored"
    database[REMOVALS].update_one({"_id": document["_id"]}, {"$set": {"state": document["state"]}})


def _take_out(dataset: Dataset, removed: Any, removal: ObjectId, ids: list[ObjectId]) -> None:
    samples = list(dataset._sample_collection.find({"_id": {"$in": ids}}))
    if samples:  # none: this batch was moved before the call was cut off
        kept = [
            ReplaceOne(
                {"_id": sample["_id"]}, {"_id": sample["_id"], "removal": removal, "sample": sample}, upsert=True
            )
            for sample in samples
        ]
        removed.bulk_write(kept, ordered=False)
        dataset._sample_collection.delete_many({"_id": {"$in": ids}})


def _put_back(dataset: Dataset, removed: Any, removal: ObjectId, ids: list[ObjectId]) -> None:
    waiting = removed.find({"_id": {"$in": ids}, "removal": removal})
    kept = [
        checked(dataset, document, {"sample": {"_id": ObjectId, "filepath": str}}, REMOVED)["sample"]
        for document in waiting
    ]
    keys = [key for sample in kept if (key := sample.get(fields.SOURCE_KEY))]
    query = {fields.SOURCE_KEY: {"$in": keys}, "_id": {"$nin": ids}}
    anew = {sample[fields.SOURCE_KEY] for sample in dataset._sample_collection.find(query, {fields.SOURCE_KEY: 1})}
    stamp = now()
    back = [sample | {"last_modified_at": stamp} for sample in kept if sample.get(fields.SOURCE_KEY) not in anew]
    if back:
        again = [ReplaceOne({"_id": sample["_id"]}, sample, upsert=True) for sample in back]
        dataset._sample_collection.bulk_write(again, ordered=False)
    removed.delete_many({"_id": {"$in": ids}, "removal": removal})


def _with_companions(dataset: Dataset, ids: list[ObjectId]) -> list[ObjectId]:
    """The ids, with those of the other members of their groups."""
    name = dataset.group_field
    if name is None:
        return ids
    collection, with_group = dataset._sample_collection, set(ids)
    for batch in _batches(ids):
        groups = collection.distinct(f"{name}._id", {"_id": {"$in": batch}})
        with_group |= {document["_id"] for document in collection.find({f"{name}._id": {"$in": groups}}, {"_id": 1})}
    return sorted(with_group)


def _batches(ids: list[ObjectId]) -> Iterator[list[ObjectId]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _removal(document: dict[str, Any]) -> Removal:
    plain = {name: document[name] for name in Removal.__dataclass_fields__ if name != "removal_id"}
    return Removal(removal_id=str(document["_id"]), **plain)
