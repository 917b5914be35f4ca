"""The classes: how often each is labelled, and how many of its own labels the model finds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from workbench.adapters.store import predictions as stored_predictions
from workbench.base.progress import Cancel
from workbench.core.metrics.intervals import NOTHING, Estimate
from workbench.core.metrics.outcomes import HIT, MISS
from workbench.core.metrics.score import Score, score
from workbench.core.schema.boxes import Boxes
from workbench.core.tables.filter import all_of
from workbench.ui.board.conditions import chosen_words
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

FACET = "class"
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
    """
    others = all_of(*(part for facet, part in state.conditions.items() if facet != FACET))
    counts: dict[str, Counter[str]] = {}  # by class: labels, hits by sample and misses by sample
    found: dict[str, dict[str, list[int]]] = {}
    for at, one in enumerate(stored_predictions.boxes(state.dataset, None, where=others)):
        if at % _CHECKED_EACH == 0:
            cancel.check()
        _count(one, counts, found)
    base = score(state.table, "recall") if state.is_evaluated else None
    on, _ = chosen_words(state.conditions.get(FACET))
    rows = [_row(state, base, name, counts[name], found[name], on=name in on) for name in counts]
    rows.sort(key=lambda row: (row["value"] is None, row["value"] or 0.0, -row["labels"], row["name"]))
    return {"rows": rows[:MOST], "all": len(rows), "evaluated": base is not None}


def _count(one: Boxes, counts: dict[str, Counter[str]], found: dict[str, dict[str, list[int]]]) -> None:
    """Add the true labels of a sample; ``found`` holds hits and misses of each class by sample id."""
    for box in one.truth:
        counts.setdefault(box.name, Counter())["labels"] += 1
        outcomes = found.setdefault(box.name, {}).setdefault(one.sample_id, [0, 0])
        if box.outcome in (HIT, MISS):
            outcomes[box.outcome == MISS] += 1
    for name in {box.name for box in one.truth}:
        counts[name]["samples"] += 1


def _row(
    state: Selection, base: Score | None, name: str, counts: Counter[str], found: dict[str, list[int]], *, on: bool
) -> dict[str, Any]:
    outcomes = np.array(list(found.values()), float)
    hits, misses = (int(n) for n in outcomes.sum(axis=0))
    value, low, high = NOTHING if base is None else _recall(state, base, list(found), outcomes)
    return {
        "name": name,
        "labels": counts["labels"],
        "samples": counts["samples"],
        "hits": None if base is None else hits,
        "misses": None if base is None else misses,
        "value": value,
        "low": low,
        "high": high,
        "on": on,
    }


def _recall(state: Selection, base: Score, ids: list[str], outcomes: np.ndarray[Any, np.dtype[np.float64]]) -> Estimate:
    """Recall of labels by their ``(n, 2)`` hits and misses in ``n`` samples; scenes as for every other metric."""
    rows = state.table.rows_of(ids)
    known = rows >= 0  # a sample may have come since the table was read
    of_class = Score("recall", outcomes[known, 1], outcomes[known].sum(axis=1), base.groups[rows[known]], "low")
    return of_class.estimate(np.ones(int(known.sum()), np.bool_))


COMMANDS = {"classes": Command(classes, background=True)}
PANEL = Panel("Classes", "classes.js", COMMANDS, order=55)
