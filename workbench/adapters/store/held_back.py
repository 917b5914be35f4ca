"""Samples whose pixels nothing may be made of: those that models are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.groups import samples_only
from workbench.adapters.store.remembered_splits import drawn_into
from workbench.core.schema import fields


@translated
def held_back(dataset: Dataset, splits: Sequence[str] = ("test",), *, alike: bool = True) -> frozenset[str]:
    """Ids of the samples of some splits, and with ``alike`` of all that share a scene or the content with one of them.

    A split has those that were loaded so and those that an export has drawn into it, with whatever settings.
    """
    ties = ("_id", fields.SCENE_ID, fields.CONTENT_SHA256) if alike else ("_id",)
    read = dict.fromkeys((*ties, fields.SPLIT, fields.SOURCE_KEY), 1)
    documents = list(dataset._sample_collection.find(samples_only(dataset, {}), read))
    drawn = drawn_into(dataset, splits)
    judged: set[tuple[str, str]] = set()
    for document in documents:
        key = document.get(fields.SOURCE_KEY) or str(document["_id"])
        if document.get(fields.SPLIT) in splits or key in drawn:
            judged |= _tied(document, ties)
    return frozenset(str(document["_id"]) for document in documents if not judged.isdisjoint(_tied(document, ties)))


def _tied(document: Mapping[str, Any], ties: Sequence[str]) -> set[tuple[str, str]]:
    """What a sample shares with others; with itself its id."""
    return {(name, str(document[name])) for name in ties if document.get(name)}


@translated
def has_splits(dataset: Dataset) -> bool:
    """Whether any sample has a split, given or drawn by an export."""
    given = {fields.SPLIT: {"$nin": [None, ""]}}
    return bool(dataset._sample_collection.find_one(given, {"_id": 1}) or drawn_into(dataset, limit=1))
