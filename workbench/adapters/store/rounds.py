"""Rounds of the loop: the results of each model, stored with the dataset.

A round's arrays lie in pieces in ``workbench_round_parts``, below the size limit of a document. They are written first,
under an id of their own, and the round's document last, so that a round is whole or not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone.core.odm.database as odm_database
from bson import Binary, ObjectId
from pymongo.errors import DuplicateKeyError

from workbench.adapters.store.checked import checked
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.owners import is_dead, this_process
from workbench.base.shapes import Shape

ROUNDS, PARTS = "workbench_rounds", "workbench_round_parts"
PART_BYTES = 8_000_000
HEAD: Shape = {"number": int, "name": str, "said": {str: object}, "content": ObjectId}


@dataclass(frozen=True)
class StoredRound:
    """One stored round.

    Attributes:
        number: 1, 2, ... in order of the first recording.
        name: of the model; one round per name.
        said: plain values.
        payload: arrays, as bytes.
    """

    number: int
    name: str
    said: dict[str, Any]
    payload: bytes


@translated
def put_round(dataset: Dataset, name: str, document: Mapping[str, Any], payload: bytes) -> int:
    """Keep a round; one of the same name is replaced and keeps its number, which is returned."""
    rounds, parts = _collections()
    rounds.create_index([("dataset_id", 1), ("name", 1)], unique=True)
    rounds.create_index([("dataset_id", 1), ("number", 1)], unique=True)
    content, key = ObjectId(), {"dataset_id": dataset._doc.id}
    _forget_cut_off(dataset)
    pieces = [payload[start : start + PART_BYTES] for start in range(0, len(payload), PART_BYTES)]
    parts.insert_many(
        [
            {**key, "content": content, "place": i, "bytes": Binary(piece), "owner": this_process()}
            for i, piece in enumerate(pieces)
        ]
    )
    value = {"said": dict(document), "content": content}
    while True:
        old = rounds.find_one_and_update({**key, "name": name}, {"$set": value})
        if old is not None:
            parts.delete_many({"content": old.get("content")})
            return int(checked(dataset, old, HEAD, ROUNDS)["number"])
        newest = rounds.find_one(key, {"number": 1}, sort=[("number", -1)])
        number = checked(dataset, newest, {"number": int}, ROUNDS)["number"] + 1 if newest else 1
        try:
            rounds.insert_one({**key, "name": name, "number": number, **value})
        except DuplicateKeyError:
            continue  # another process was faster: look again
        return int(number)


def _forget_cut_off(dataset: Dataset) -> None:
    """Delete pieces that no round names, of processes that were killed before they named or deleted them."""
    heads, parts = _collections()
    own = {"dataset_id": dataset._doc.id}
    query = {**own, "place": 0, "content": {"$nin": heads.distinct("content", own)}}
    for piece in parts.find(query, {"content": 1, "owner": 1}):
        if is_dead(piece.get("owner")):
            parts.delete_many({"content": piece["content"]})


@translated
def rounds(dataset: Dataset) -> list[StoredRound]:
    """All rounds of a dataset, in order."""
    heads, parts = _collections()
    stored = []
    for head in heads.find({"dataset_id": dataset._doc.id}).sort("number", 1):
        checked(dataset, head, HEAD, ROUNDS)
        pieces = parts.find({"content": head["content"]}).sort("place", 1)
        payload = b"".join(checked(dataset, piece, {"bytes": bytes}, PARTS)["bytes"] for piece in pieces)
        stored.append(StoredRound(int(head["number"]), head["name"], head["said"], payload))
    return stored


def forget_rounds(dataset: Dataset) -> None:
    """Delete all rounds of a dataset."""
    for collection in _collections():
        collection.delete_many({"dataset_id": dataset._doc.id})


def _collections() -> tuple[Any, Any]:
    database = odm_database.get_db_conn()
    database[PARTS].create_index("content")
    return database[ROUNDS], database[PARTS]
