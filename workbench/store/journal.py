"""The journal of tag changes: written ahead, applied set-based, marked done.

One document per change in ``workbench_journal``; the ids that it really changes lie beside it in
chunks, so a change of a million samples stays below the size limit of a document. Applying a
change twice does no harm, so one that was cut off is simply applied again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import fiftyone.core.odm.database as odm_database
import pymongo.errors
from bson import ObjectId

from workbench.schema import fields
from workbench.store.database import Dataset, translated
from workbench.store.documents import now
from workbench.store.groups import samples_only
from workbench.store.samples import object_id

JOURNAL, CHANGED_IDS = "workbench_journal", "workbench_journal_ids"
CHUNK = 100_000
Action = Literal["tag", "untag"]
Role = Literal["change", "undo", "redo"]


@dataclass(frozen=True)
class Entry:
    """One change of tags.

    Attributes:
        change_id: id of the change.
        number: 1, 2, ... within the dataset.
        action: ``tag`` adds, ``untag`` removes.
        tag: the tag.
        changed: samples that really changed.
        already: selected samples that were so before.
        where: the filter, as text, when one was used.
        reason, who, when: for the audit.
        role: a change of its own, or the undo or redo of the change ``of``.
    """

    change_id: str
    number: int
    action: Action
    tag: str
    changed: int
    already: int
    where: str
    reason: str
    who: str
    when: datetime
    role: Role
    of: str | None


@translated
def apply_change(
    dataset: Dataset,
    *,
    action: Action,
    tag: str,
    ids: Sequence[str],
    where: str,
    reason: str,
    who: str,
    role: Role = "change",
    of: str | None = None,
) -> Entry:
    """Write the change ahead, carry it out in one set-based update per chunk, mark it done."""
    finish_pending(dataset)
    targets = _really_changing(dataset, action, tag, [object_id(i) for i in ids])
    document = {
        "_id": ObjectId(),
        "dataset_id": dataset._doc.id,
        "action": action,
        "tag": tag,
        "changed": len(targets),
        "already": len(ids) - len(targets),
        "where": where,
        "reason": reason,
        "who": who,
        "when": now(),
        "role": role,
        "of": object_id(of) if of else None,
        "state": "pending",
    }
    database = odm_database.get_db_conn()
    if targets:
        chunks = [targets[i : i + CHUNK] for i in range(0, len(targets), CHUNK)]
        database[CHANGED_IDS].insert_many([{"change": document["_id"], "ids": chunk} for chunk in chunks])
    _append(database, document)
    _carry_out(dataset, database, document)
    return _entry(document)


@translated
def finish_pending(dataset: Dataset) -> int:
    """Carry out changes that were written but cut off; returns how many."""
    database = odm_database.get_db_conn()
    pending = list(database[JOURNAL].find({"dataset_id": dataset._doc.id, "state": "pending"}).sort("number", 1))
    for document in pending:
        _carry_out(dataset, database, document)
    return len(pending)


@translated
def entries(dataset: Dataset) -> list[Entry]:
    """All changes of a dataset, oldest first."""
    finish_pending(dataset)
    found = odm_database.get_db_conn()[JOURNAL].find({"dataset_id": dataset._doc.id}).sort("number", 1)
    return [_entry(document) for document in found]


@translated
def changed_ids(change_id: str) -> list[str]:
    """Ids of the samples that a change really changed."""
    found = odm_database.get_db_conn()[CHANGED_IDS].find({"change": object_id(change_id)}).sort("_id", 1)
    return [str(i) for chunk in found for i in chunk["ids"]]


def _really_changing(dataset: Dataset, action: Action, tag: str, ids: list[ObjectId]) -> list[ObjectId]:
    condition = {"$ne": tag} if action == "tag" else tag
    found: list[ObjectId] = []
    for start in range(0, len(ids), CHUNK):
        query = samples_only(dataset, {"_id": {"$in": ids[start : start + CHUNK]}, fields.TAGS: condition})
        found += [document["_id"] for document in dataset._sample_collection.find(query, {"_id": 1})]
    return found


def _append(database: Any, document: dict[str, Any]) -> None:
    """Insert with the next free number; another curator may take it first."""
    journal = database[JOURNAL]
    journal.create_index([("dataset_id", 1), ("number", 1)], unique=True)
    while True:
        last = journal.find_one({"dataset_id": document["dataset_id"]}, sort=[("number", -1)])
        document["number"] = (last["number"] if last else 0) + 1
        try:
            journal.insert_one(document)
            return
        except pymongo.errors.DuplicateKeyError:
            continue


def _carry_out(dataset: Dataset, database: Any, document: dict[str, Any]) -> None:
    operator = "$addToSet" if document["action"] == "tag" else "$pull"
    for chunk in database[CHANGED_IDS].find({"change": document["_id"]}):
        dataset._sample_collection.update_many(
            {"_id": {"$in": chunk["ids"]}},
            {operator: {fields.TAGS: document["tag"]}, "$set": {"last_modified_at": now()}},
        )
    database[JOURNAL].update_one({"_id": document["_id"]}, {"$set": {"state": "done"}})


def _entry(document: dict[str, Any]) -> Entry:
    plain = {name: document[name] for name in Entry.__dataclass_fields__ if name not in ("change_id", "of")}
    return Entry(change_id=str(document["_id"]), of=str(document["of"]) if document["of"] else None, **plain)
