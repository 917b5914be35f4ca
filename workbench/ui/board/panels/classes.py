"""The classes: how often each is labelled, and how many of its own labels the model finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench.adapters.store import predictions as stored_predictions
from workbench.base.progress import Cancel
from workbench.core.metrics.intervals import NOTHING
from workbench.core.metrics.per_class import CLASS, LABELS, LabelOutcomes, by_class
from workbench.core.metrics.registry import HITS, MISSES
from workbench.core.metrics.score import Score, score
from workbench.core.tables import CategoryColumn, NumberColumn, Table
from workbench.core.tables.column import Mask
from workbench.core.tables.filter import all_of
from workbench.ui.board.conditions import chosen_words
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

MOST = 500  # rows; a thousand classes are for code
_CHECKED_EACH = 1_000  # samples between two looks at whether the browser still waits


def classes(state: Selection, jobs: Jobs, cancel: Cancel) -> dict[str, Any]:
    """A row per class of the samples that pass the filter's other conditions, the lowest recall first.

    The recall of a class counts labels of that class alone, whatever else their pictures show. Its 95 % interval is
    Wilson's, widened where labels of a scene are found or missed together; labels of one scene alone have none.

    Returns:
        ``rows``: ``name``, ``labels``, ``samples`` with at least one, ``hits`` and ``misses`` (``None`` before an
        evaluation), ``value``, ``low`` and ``high`` of the recall, 0..1, and ``on``: the filter names it.
        ``all``: number of classes. ``evaluated``: whether there are hits and misses.
        ``notes``: labels that cannot be used, in words, if there are any.
    """
    others = all_of(*(part for facet, part in state.conditions.items() if facet != CLASS))
    table = by_class(
        state.table, _checked(stored_predictions.label_outcomes(state.dataset, None, where=others), cancel)
    )
    recall = score(table, "recall") if state.is_evaluated else None
    on, _ = chosen_words(state.conditions.get(CLASS))
    column = table.columns[CLASS]
    assert isinstance(column, CategoryColumn)
    rows = [
        {"name": name, **_numbers(table, recall, column.codes == code), "on": name in on}
        for code, name in enumerate(column.names)
    ]
    rows.sort(key=lambda row: (row["value"] is None, row["value"] or 0.0, -row["labels"], row["name"]))
    return {"rows": rows[:MOST], "all": len(rows), "evaluated": recall is not None, **state.label_notes()}


def _checked(samples: Iterator[LabelOutcomes], cancel: Cancel) -> Iterator[LabelOutcomes]:
    for at, sample in enumerate(samples):
        if at % _CHECKED_EACH == 0:
            cancel.check()
        yield sample


def _numbers(table: Table, recall: Score | None, rows: Mask) -> dict[str, Any]:
    value, low, high = NOTHING if recall is None else recall.estimate(rows)
    return {
        "labels": _sum(table, LABELS, rows),
        "samples": int(rows.sum()),
        "hits": None if recall is None else _sum(table, HITS, rows),
        "misses": None if recall is None else _sum(table, MISSES, rows),
        "value": value,
        "low": low,
        "high": high,
    }


def _sum(table: Table, facet: str, rows: Mask) -> int:
    column = table.columns[facet]
    assert isinstance(column, NumberColumn)
    return int(np.nansum(column.values[rows]))


COMMANDS = {"classes": Command(classes, background=True)}
PANEL = Panel("Classes", "classes.js", COMMANDS, order=55)
