"""The journal of tag changes: written ahead, applied set-based, marked done.

One document per change in ``workbench_journal``; what it really changes lies beside it in chunks, so a change of a
million samples stays below the size limit of a document. Writers take turns (``turn``). Applying a change twice does
no harm, so one that was cut off is simply applied again, before anything else. A change counts once its document is
on the server's disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import fiftyone.core.odm.database as odm_database
from bson import ObjectId
from pymongo import WriteConcern

from workbench.adapters.store.checked import checked
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.documents import now
from workbench.adapters.store.groups import samples_only
from workbench.adapters.store.samples import object_id
from workbench.adapters.store.write_lock import WriteLock, write_lock
from workbench.base.errors import DatasetError
from workbench.base.plurals import counted
from workbench.base.shapes import Shape
from workbench.core.schema import fields

JOURNAL, CHANGED_IDS = "workbench_journal", "workbench_journal_ids"
CHUNK, LABEL_CHUNK = 100_000, 5_000
Action = Literal["tag", "untag"]
Role = Literal["change", "undo", "redo"]
Kind = Literal["samples", "labels"]
ENTRY: Shape = {
    "number": int, "action": frozenset(get_args(Action)), "tag": str, "changed": int, "already": int, "where": str,
    "reason": str, "who": str, "when": datetime, "role": frozenset(get_args(Role)), "of": (ObjectId, None),
    "kind?": frozenset(get_args(Kind)), "copy_of?": (str, None),
}  # fmt: skip
CHANGED: Shape = {"ids": [ObjectId], "path?": str, "labels?": [ObjectId]}


@dataclass(frozen=True)
class Entry:
    """One change of tags.

    Attributes:
        change_id: id of the change.
        number: 1, 2, ... within the dataset.
        action: ``tag`` adds, ``untag`` removes.
        tag: the tag.
        changed: samples, or labels, that really changed.
        already: selected ones that were so before.
        where: the filter, as text, when one was used.
        reason, who, when: for the audit.
        role: a change of its own, or the undo or redo of the change ``of``.
        kind: whether the tag is on samples or on single labels.
        copy_of: the change of another dataset's history that was replayed here.
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
    kind: Kind = "samples"
    copy_of: str | None = None

    def is_named(self, name: str) -> bool:
        """Whether a name means this change: its id, or its number as the history lists it."""
        return name in (self.change_id, str(self.number))

    @property
    def amount(self) -> str:
        """The number of things changed, as text: ``3 samples`` or ``1 label``."""
        return counted(self.changed, self.kind.removesuffix("s"))


@dataclass(frozen=True)
class Targets:
    """The targets of a change: samples, or labels in them.

    Attributes:
        ids: ids of samples.
        path: list of labels in those samples, e.g. ``ground_truth.detections``; empty for the samples themselves.
        labels: ids of labels.
    """

    ids: Sequence[ObjectId]
    path: str = ""
    labels: Sequence[ObjectId] = ()

    @property
    def size(self) -> int:
        """How many things can change."""
        return len(self.labels) if self.path else len(self.ids)


@dataclass(frozen=True)
class Request:
    """A requested change; attributes as of ``Entry``."""

    action: Action
    tag: str
    where: str = ""
    reason: str = ""
    who: str = ""
    role: Role = "change"
    of: str | None = None
    when: datetime | None = None
    copy_of: str | None = None


@translated
def apply_change(dataset: Dataset, wanted: Request, targets: Sequence[Targets]) -> Entry:
    """Write the change ahead, carry it out in one set-based update per chunk, mark it done."""
    with write_lock(dataset) as held:
        _finish_pending(dataset, held)
        changing = [
            targets_to_change for part in targets for targets_to_change in _really_changing(dataset, wanted, part)
        ]
        changed = sum(part.size for part in changing)
        document = {
            "_id": ObjectId(),
            "dataset_id": dataset._doc.id,
            "number": _next_number(dataset),
            "action": wanted.action,
            "tag": wanted.tag,
            "changed": changed,
            "already": sum(part.size for part in targets) - changed,
            "where": wanted.where,
            "reason": wanted.reason,
            "who": wanted.who,
            "when": wanted.when or now(),
            "role": wanted.role,
            "of": object_id(wanted.of) if wanted.of else None,
            "kind": "labels" if any(part.path for part in targets) else "samples",
            "copy_of": wanted.copy_of,
            "state": "pending",
        }
        if changing:
            parts = [_chunk_document(document["_id"], part) for part in changing]
            odm_database.get_db_conn()[CHANGED_IDS].insert_many(parts)
        held.renew()
        _journal().insert_one(document)
        _carry_out(dataset, document, held)
    return _entry(document)


@translated
def finish_pending(dataset: Dataset) -> int:
    """Complete changes that were interrupted; returns how many."""
    if not _journal().count_documents(_pending(dataset), limit=1):
        return 0
    with write_lock(dataset) as held:  # it may belong to a live process: then this waits for its end
        return _finish_pending(dataset, held)


@translated
def entries(dataset: Dataset) -> list[Entry]:
    """All changes of a dataset, oldest first."""
    finish_pending(dataset)
    found = _journal().find({"dataset_id": dataset._doc.id}).sort("number", 1)
    return [_entry(checked(dataset, document, ENTRY, JOURNAL)) for document in found]


@translated
def changed_by(dataset: Dataset, change_id: str) -> list[Targets]:
    """The targets that a change has changed."""
    found = odm_database.get_db_conn()[CHANGED_IDS].find({"change": object_id(change_id)}).sort("_id", 1)
    chunks = [checked(dataset, chunk, CHANGED, CHANGED_IDS) for chunk in found]
    return [Targets(chunk["ids"], chunk.get("path", ""), chunk.get("labels", ())) for chunk in chunks]


def sample_targets(ids: Iterable[str]) -> list[Targets]:
    """Samples as targets of a change; each once."""
    unique = [object_id(i) for i in dict.fromkeys(ids)]
    return [Targets(unique[start : start + CHUNK]) for start in range(0, len(unique), CHUNK)]


@translated
def label_targets(dataset: Dataset, labels: Iterable[str]) -> list[Targets]:
    """Labels in any field of boxes, outlines or keypoints as targets of a change.

    Raises:
        DatasetError: there is no label of one of the ids.
    """
    wanted = [object_id(label) for label in dict.fromkeys(labels)]
    missing, targets = set(wanted), []
    for start in range(0, len(wanted), LABEL_CHUNK):
        part = wanted[start : start + LABEL_CHUNK]
        for path in label_paths(dataset):
            ids, inside = _labels_in(dataset, path, {f"{path}._id": {"$in": part}}, {"$in": ["$$this._id", part]})
            if inside:
                targets.append(Targets(ids, path, inside))
                missing -= set(inside)
    if missing:
        fix = "Ids of labels are in dataset.values('ground_truth.detections.id', unwind=True)."
        raise DatasetError(f"There is no label with id {min(missing)}.", at=dataset.name, fix=fix)
    return targets


def label_paths(dataset: Dataset) -> list[str]:
    """Paths of the lists of labels, e.g. ``ground_truth.detections``."""
    dataset.reload()
    paths = [dataset._get_label_field_path(name)[1] for name in dataset._get_label_fields()]
    return [path for path in paths if "." in path]


@translated
def tags_labels(dataset: Dataset) -> bool:
    """Whether single labels were ever tagged here."""
    return bool(_journal().count_documents({"dataset_id": dataset._doc.id, "kind": "labels"}, limit=1))


def _really_changing(dataset: Dataset, wanted: Request, part: Targets) -> Iterator[Targets]:
    """The targets that lack the tag, or that have it when it is to be removed."""
    condition = {"$ne": wanted.tag} if wanted.action == "tag" else wanted.tag
    if not part.path:
        query = samples_only(dataset, {"_id": {"$in": list(part.ids)}, fields.TAGS: condition})
        ids = [document["_id"] for document in dataset._sample_collection.find(query, {"_id": 1})]
        if ids:
            yield Targets(ids)
        return
    has = {"$in": [wanted.tag, {"$ifNull": ["$$this.tags", []]}]}
    chosen = {"$in": ["$$this._id", list(part.labels)]}
    ids, labels = _labels_in(
        dataset,
        part.path,
        {"_id": {"$in": list(part.ids)}},
        {"$and": [chosen, {"$not": [has]} if wanted.action == "tag" else has]},
    )
    if labels:
        yield Targets(ids, part.path, labels)


def _labels_in(
    dataset: Dataset, path: str, query: dict[str, Any], condition: dict[str, Any]
) -> tuple[list[ObjectId], list[ObjectId]]:
    """Ids of the samples of a query that hold labels under a condition, and of those labels."""
    kept = {"$filter": {"input": {"$ifNull": [f"${path}", []]}, "cond": condition}}
    only_ids = {"$map": {"input": kept, "in": "$$this._id"}}
    stages = [{"$match": samples_only(dataset, query)}, {"$project": {"label_ids": only_ids}}]
    ids, labels = [], []
    for document in dataset._sample_collection.aggregate(stages):
        if document["label_ids"]:
            ids.append(document["_id"])
            labels += document["label_ids"]
    return ids, labels


def _chunk_document(change: ObjectId, part: Targets) -> dict[str, Any]:
    inside = {"path": part.path, "labels": list(part.labels)} if part.path else {}
    return {"change": change, "ids": list(part.ids), **inside}


def _next_number(dataset: Dataset) -> int:
    _journal().create_index([("dataset_id", 1), ("number", 1)], unique=True)
    last = _journal().find_one({"dataset_id": dataset._doc.id}, sort=[("number", -1)])
    return int(checked(dataset, last, {"number": int}, JOURNAL)["number"]) + 1 if last else 1


def _pending(dataset: Dataset) -> dict[str, Any]:
    return {"dataset_id": dataset._doc.id, "state": "pending"}


def _finish_pending(dataset: Dataset, held: WriteLock) -> int:
    pending = list(_journal().find(_pending(dataset)).sort("number", 1))
    for document in pending:
        _carry_out(dataset, checked(dataset, document, ENTRY, JOURNAL), held)
    return len(pending)


def _carry_out(dataset: Dataset, document: dict[str, Any], held: WriteLock) -> None:
    operator = "$addToSet" if document["action"] == "tag" else "$pull"
    for part in changed_by(dataset, str(document["_id"])):
        held.renew()
        path = f"{part.path}.$[label].tags" if part.path else fields.TAGS
        chosen = [{"label._id": {"$in": list(part.labels)}}] if part.path else None
        dataset._sample_collection.update_many(
            {"_id": {"$in": list(part.ids)}},
            {operator: {path: document["tag"]}, "$set": {"last_modified_at": now()}},
            array_filters=chosen,
        )
    _journal().update_one({"_id": document["_id"]}, {"$set": {"state": "done"}})


def _journal() -> Any:
    """The journal; also where FiftyOne connected first, a write returns when it is on disk."""
    return odm_database.get_db_conn()[JOURNAL].with_options(write_concern=WriteConcern(w=1, j=True))


def forget_journal(dataset: Dataset) -> None:
    """Delete the journal of a dataset."""
    changes = [document["_id"] for document in _journal().find({"dataset_id": dataset._doc.id}, {"_id": 1})]
    for start in range(0, len(changes), CHUNK):
        odm_database.get_db_conn()[CHANGED_IDS].delete_many({"change": {"$in": changes[start : start + CHUNK]}})
    _journal().delete_many({"dataset_id": dataset._doc.id})


def _entry(document: dict[str, Any]) -> Entry:
    known = {name: document[name] for name in Entry.__dataclass_fields__ if name in document}
    return Entry(**known | {"change_id": str(document["_id"]), "of": str(document["of"]) if document["of"] else None})
