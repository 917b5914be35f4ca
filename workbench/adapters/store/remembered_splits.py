"""The splits that were drawn, by specification, so that later draws keep them.

An export and the memory of its splits come into being together: the splits are written ahead as an intent, which counts
from the moment at which the folder has got its name. Who comes next completes the intent of a process that was killed
after it, and forgets that of one that was killed before.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm_database
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from workbench.adapters.store.checked import checked
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.owners import is_dead, this_process
from workbench.base.shapes import Shape

DRAWS, INTENTS = "workbench_draws", "workbench_draw_intents"
DUPLICATE_KEY = 11000
BATCH = 5_000
DRAW: Shape = {"key": str, "split": str}
INTENT: Shape = {"token": str, "wish": str, "target": str, "folder": [int, 2], "owner": object}


@translated
def remembered_splits(dataset: Dataset, memory: str) -> dict[str, str]:
    """Split by key of the samples drawn under this memory (``SplitSpec.memory``); empty when there are none."""
    _settle(dataset)
    documents = odm_database.get_db_conn()[DRAWS].find({"dataset_id": dataset._doc.id, "wish": memory}, {"_id": 0})
    drawn = checked(dataset, list(documents), [DRAW], DRAWS)
    return {document["key"]: document["split"] for document in drawn}


@translated
def drawn_into(dataset: Dataset, splits: Sequence[str] = (), *, limit: int = 0) -> frozenset[str]:
    """Keys of the samples that were drawn into some splits, or any, under whatever memory; 0 is no limit."""
    _settle(dataset)
    query = {"dataset_id": dataset._doc.id, **({"split": {"$in": list(splits)}} if splits else {})}
    found = odm_database.get_db_conn()[DRAWS].find(query, {"key": 1}, limit=limit)
    return frozenset(document["key"] for document in checked(dataset, list(found), [{"key": str}], DRAWS))


@translated
def remember_splits(dataset: Dataset, memory: str, drawn: Mapping[str, str]) -> None:
    """Store splits; a key that is stored already gets the new one."""
    collection = odm_database.get_db_conn()[DRAWS]
    key_of_memory = {"dataset_id": dataset._doc.id, "wish": memory}
    collection.create_index([("dataset_id", 1), ("wish", 1), ("key", 1)], unique=True)
    items = list(drawn.items())
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        try:  # nearly always all of them are new, and inserting is ten times faster
            collection.insert_many(
                [{**key_of_memory, "key": key, "split": split} for key, split in batch], ordered=False
            )
        except BulkWriteError as error:
            if any(fault["code"] != DUPLICATE_KEY for fault in error.details["writeErrors"]):
                raise
            known = [fault["op"] for fault in error.details["writeErrors"]]
            changes = [
                UpdateOne({**key_of_memory, "key": document["key"]}, {"$set": {"split": document["split"]}})
                for document in known
            ]
            collection.bulk_write(changes, ordered=False)


@translated
@contextlib.contextmanager
def remembering(dataset: Dataset, memory: str, drawn: Mapping[str, str], target: Path, part: Path) -> Iterator[None]:
    """Store splits when the body gives the folder ``part`` its name ``target``: both happen, or neither.

    Raises:
        Whatever the body raises; nothing is stored then.
    """
    collection = odm_database.get_db_conn()[INTENTS]
    token, status = uuid.uuid4().hex, part.stat()
    head = {"dataset_id": dataset._doc.id, "token": token}
    items = list(drawn.items())
    pages = [dict(items[start : start + BATCH]) for start in range(0, len(items), BATCH)]
    collection.insert_many([{**head, "page": [[*item] for item in page.items()]} for page in pages] or [head])
    intent = {"wish": memory, "target": str(target), "folder": [status.st_dev, status.st_ino], "owner": this_process()}
    collection.insert_one({**head, **intent})  # last: now it is whole
    try:
        yield
    except BaseException:
        collection.delete_many({"token": token})
        raise
    _complete(dataset, {**head, **intent})


def _settle(dataset: Dataset) -> None:
    """Complete or forget what processes that were killed had written ahead."""
    collection = odm_database.get_db_conn()[INTENTS]
    for intent in collection.find({"dataset_id": dataset._doc.id, "target": {"$exists": True}}):
        checked(dataset, intent, INTENT, INTENTS)
        if _has_appeared(intent):
            _complete(dataset, intent)
        elif is_dead(intent["owner"]):
            collection.delete_many({"token": intent["token"]})


def _has_appeared(intent: Mapping[str, Any]) -> bool:
    """Whether the folder has its name: it is the same folder as the one that was written."""
    try:
        status = Path(intent["target"]).stat()
    except OSError:
        return False
    return [status.st_dev, status.st_ino] == list(intent["folder"])


def _complete(dataset: Dataset, intent: Mapping[str, Any]) -> None:
    collection = odm_database.get_db_conn()[INTENTS]
    pages = collection.find({"token": intent["token"], "page": {"$exists": True}})
    drawn = {
        key: split for page in pages for key, split in checked(dataset, page, {"page": [[str, 2]]}, INTENTS)["page"]
    }
    if drawn:
        remember_splits(dataset, intent["wish"], drawn)
    collection.delete_many({"token": intent["token"]})


def put_splits_back(dataset: Dataset, memory: str, before: Mapping[str, str]) -> None:
    """Restore the splits that were stored before."""
    new = [key for key in remembered_splits(dataset, memory) if key not in before]
    for start in range(0, len(new), BATCH):
        query = {"dataset_id": dataset._doc.id, "wish": memory, "key": {"$in": new[start : start + BATCH]}}
        odm_database.get_db_conn()[DRAWS].delete_many(query)
    remember_splits(dataset, memory, before)


def forget_splits(dataset: Dataset) -> None:
    """Delete all stored splits of a dataset."""
    for name in (DRAWS, INTENTS):
        odm_database.get_db_conn()[name].delete_many({"dataset_id": dataset._doc.id})
