"""Find the odd labels of a dataset, whoever wrote them, for actions that do not read every label themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from workbench.adapters.store.columns import query_of
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.odd_labels import FAR, OddLabel, OddLabels, sorted_out
from workbench.adapters.store.samples import object_id
from workbench.core.schema import fields
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter

IDS = 50_000  # in one query, which may be 16 MB long


@translated
def odd_labels(
    dataset: Dataset, field: str, *, where: str | Filter | None = None, ids: Sequence[str] | None = None
) -> dict[str, tuple[OddLabel, ...]]:
    """Odd labels of a field by sample id: of all samples, of those of a filter, or of some ids.

    The server finds the samples that may have any, so this costs a look at each sample, and reads next to none.
    """
    queries: Iterable[Mapping[str, Any]]
    if ids is None:
        queries = [query_of(dataset, where)]
    else:
        wanted = map(object_id, ids)
        queries = ({"_id": {"$in": batch}} for batch in iter(lambda: list(islice(wanted, IDS)), []))
    found: dict[str, tuple[OddLabel, ...]] = {}
    for query in queries:
        for document in dataset._sample_collection.find({"$and": [query, may_be_odd(field)]}, {field: 1}):
            if odd := sorted_out(document.get(field), predicted=field != fields.GROUND_TRUTH, by_id=True)[1]:
                found[str(document["_id"])] = odd
    return found


def odd_label_problems(
    dataset: Dataset,
    names: Iterable[str] = (fields.GROUND_TRUTH,),
    *,
    where: str | Filter | None = None,
    ids: Sequence[str] | None = None,
) -> list[Problem]:
    """What an action has to say of odd labels in some fields; see ``odd_labels``."""
    odd = OddLabels()
    for name in names:
        for sample_id, labels in odd_labels(dataset, name, where=where, ids=ids).items():
            odd.look(f"sample {sample_id}", name, labels)
    return odd.problems()


_LIMITS: Final = {"0": (0, 1), "1": (0, 1), "2": (0, FAR), "3": (0, FAR)}  # of boxes that start inside of the image


def may_be_odd(field: str) -> dict[str, Any]:
    """A query for samples that may have odd labels: all that have any, and a few more."""
    not_within: list[dict[str, Any]] = [
        {f"bounding_box.{at}": {"$not": {"$gte" if at < "2" else "$gt": low, "$lt": high}}}
        for at, (low, high) in _LIMITS.items()
    ]
    no_class: list[dict[str, Any]] = [{"label": {"$not": {"$type": "string"}}}, {"label": {"$regex": r"^\s*$"}}]
    no_number: list[dict[str, Any]] = [
        {"confidence": {"$exists": True, "$not": {"$type": ["number", "null"]}}},
        {"confidence": {"$in": [math.nan, math.inf, -math.inf]}},
    ]
    faulty = [*not_within, *no_class, *no_number, {"bounding_box": {"$not": {"$size": 4}}}]
    path = f"{field}.detections"
    return {
        "$or": [
            {field: {"$exists": True, "$not": {"$type": ["object", "null"]}}},
            {path: {"$exists": True, "$not": {"$type": "array"}}},
            {path: {"$elemMatch": {"$or": faulty}}},
            {path: {"$elemMatch": {"_id": {"$exists": False}}}},
            {path: {"$elemMatch": {"$not": {"$type": "object"}}}},
        ]
    }
