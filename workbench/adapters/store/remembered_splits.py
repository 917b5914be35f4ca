"""The splits that were drawn, by specification, so that later draws keep them."""

from __future__ import annotations

from collections.abc import Mapping

import fiftyone.core.odm.database as odm_database
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from workbench.adapters.store.database import Dataset, translated

DRAWS = "workbench_draws"
DUPLICATE_KEY = 11000
BATCH = 5_000


@translated
def remembered_splits(dataset: Dataset, memory: str) -> dict[str, str]:
    """Split by key of the samples drawn under this memory (``SplitSpec.memory``); empty when there are none."""
    documents = odm_database.get_db_conn()[DRAWS].find({"dataset_id": dataset._doc.id, "wish": memory}, {"_id": 0})
    return {document["key"]: document["split"] for document in documents}


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


def put_splits_back(dataset: Dataset, memory: str, before: Mapping[str, str]) -> None:
    """Restore the splits that were stored before."""
    new = [key for key in remembered_splits(dataset, memory) if key not in before]
    for start in range(0, len(new), BATCH):
        query = {"dataset_id": dataset._doc.id, "wish": memory, "key": {"$in": new[start : start + BATCH]}}
        odm_database.get_db_conn()[DRAWS].delete_many(query)
    remember_splits(dataset, memory, before)


def forget_splits(dataset: Dataset) -> None:
    """Delete all stored splits of a dataset."""
    odm_database.get_db_conn()[DRAWS].delete_many({"dataset_id": dataset._doc.id})
