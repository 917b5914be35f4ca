"""A filter that a user asks for: what it names that no sample has is said, so that no empty result is silent."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.adapters.store.columns import facets, word_counts
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.groups import samples_only
from workbench.base.errors import FilterWarning, WorkbenchWarning
from workbench.core.tables import EVERYTHING, Facet, Filter, as_filter
from workbench.core.tables.absent import asked_values, no_such_number, no_such_word, nothing_selected
from workbench.core.tables.facet import Scalar
from workbench.core.tables.filter import resolve, to_query

PACKAGE = str(Path(__file__).parents[2])
warnings.filterwarnings(
    "always", category=WorkbenchWarning, append=True
)  # in a notebook, a cell that runs again says it


@translated
def asked(dataset: Dataset, where: str | Filter | None) -> Filter:
    """The filter that a user wrote; warns of words that no sample has, or when no sample matches.

    Raises:
        FilterError: the text is not in the language, or names an unknown facet.
    """
    condition = as_filter(where)
    if condition != EVERYTHING:
        warn(_doubts(dataset, condition))
    return condition


def warn(notes: Iterable[str], category: type[WorkbenchWarning] = FilterWarning) -> None:
    """Say something, of a filter or of labels, to whoever called the workbench."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith((PACKAGE, contextlib.__file__)):
        frame, level = frame.f_back, level + 1
    for note in notes:
        warnings.warn(note, category, stacklevel=level)


def _doubts(dataset: Dataset, condition: Filter) -> list[str]:
    known, collection = facets(dataset), dataset._sample_collection
    query = samples_only(dataset, to_query(condition, known))
    notes = []
    for name, value in asked_values(condition):
        facet = known[resolve(name, known)]
        having = samples_only(dataset, facet.where({"$in": facet.stored((value,))}))
        if collection.find_one(having, {"_id": 1}) is None:
            notes.append(_no_such(dataset, name, facet, value))
    if not notes and collection.find_one(query, {"_id": 1}) is None:
        notes = [nothing_selected(condition)]
    return notes


def _no_such(dataset: Dataset, name: str, facet: Facet, value: Scalar) -> str:
    only = samples_only(dataset, {})
    if facet.kind == "count":
        length = facet.whole_value()
        groups = [{"$match": only}, {"$group": {"_id": None, "least": {"$min": length}, "most": {"$max": length}}}]
        ends: dict[str, Any] = next(iter(dataset._sample_collection.aggregate(groups)), {})
        return no_such_number(name, value, ends.get("least"), ends.get("most"))
    if facet.items is not None:
        return no_such_word(name, value, sorted(word_counts(dataset, facet)))
    there = [v for path in facet.paths for v in dataset._sample_collection.distinct(path, only) if v is not None]
    if facet.numeric:
        numbers = [v for v in there if isinstance(v, int | float) and v == v]
        return no_such_number(name, value, min(numbers, default=None), max(numbers, default=None))
    return no_such_word(name, value, list(dict.fromkeys(map(str, there))))
