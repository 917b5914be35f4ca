"""Datasets of earlier versions hold ``generation.params``, a document in a document, which the FiftyOne App refuses."""

from __future__ import annotations

from typing import Any

import fiftyone.core.odm.database as odm_database

from workbench.adapters.store.database import Dataset
from workbench.adapters.store.write_lock import write_lock
from workbench.core.schema import fields

NESTED = f"{fields.GENERATION}.params"


def flatten_params(dataset: Dataset) -> None:
    """Move ``generation.params`` to ``generation_params``: values and fields; does nothing where that is done."""
    if dataset.get_field(NESTED) is None:
        return
    with write_lock(dataset):
        dataset.reload()
        if dataset.get_field(NESTED) is None:  # another process was first
            return
        flat = {"$mergeObjects": [f"${NESTED}", f"${fields.GENERATION_PARAMS}"]}
        moved = [{"$set": {fields.GENERATION_PARAMS: flat}}, {"$unset": NESTED}]
        dataset._sample_collection.update_many({NESTED: {"$exists": True}}, moved)
        _move_fields(dataset)
        dataset.reload()


def _move_fields(dataset: Dataset) -> None:
    datasets = odm_database.get_db_conn()["datasets"]
    declared = datasets.find_one({"_id": dataset._doc.id}, {"sample_fields": 1})["sample_fields"]
    own = next(field for field in declared if field["name"] == fields.GENERATION)
    nested = next(field for field in own["fields"] if field["name"] == "params")
    own["fields"].remove(nested)
    flat: Any = next((field for field in declared if field["name"] == fields.GENERATION_PARAMS), None)
    if flat is None:
        flat = {**nested, "name": fields.GENERATION_PARAMS, "db_field": fields.GENERATION_PARAMS}
        declared.append(flat)
    else:
        there = {field["name"] for field in flat["fields"]}
        flat["fields"] += [field for field in nested["fields"] if field["name"] not in there]
    datasets.update_one({"_id": dataset._doc.id}, {"$set": {"sample_fields": declared}})
