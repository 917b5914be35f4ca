"""The failure map: a metric for every combination of words of two facets, each a click away from its samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

import numpy as np

from workbench.actions.evaluate import heatmap
from workbench.actions.evaluate.slices import basis
from workbench.base.errors import InputError
from workbench.base.progress import Cancel
from workbench.core.metrics.per_class import CLASS
from workbench.core.metrics.per_slice import axes, cells, conditions_of
from workbench.core.metrics.registry import find
from workbench.core.tables import Filter
from workbench.core.tables.column import Mask
from workbench.core.tables.filter import EVERYTHING, all_of
from workbench.ui.board.code_line import DS, call
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

CELL = ("samples", "labels", "value", "low", "high")
MOST_WORDS = 40  # of one axis; more cannot be read as a map


def heat(
    state: Selection, jobs: Jobs, cancel: Cancel, by: list[str], metric: str, by_user: bool = False
) -> dict[str, Any]:
    """Cells of the samples that pass the filter's other conditions; ``by_user`` makes it a line of code.

    Raises:
        FilterError: unknown facet, or the dataset is not evaluated.
        InputError: unknown metric, or a facet with too many words.
    """
    rows, table = _rows(state, by), state.table
    computed = basis(state.dataset, table, metric, by)
    words_of = axes(table, by, computed, rows)
    _require_few(dict(zip(by, words_of, strict=True)))
    estimates = cells(table, tuple(by), metric=computed, rows=rows)
    if by_user:
        where = all_of(*(part for facet, part in state.conditions.items() if facet not in by))
        state.note_code(call(heatmap, DS, by, metric=metric, where=None if where == EVERYTHING else where))
    chosen = [state.conditions.get(name) for name in by]
    return {
        "by": by,
        "metric": metric,
        "axes": [list(words) for words in words_of],
        "share": find(metric)[0].share,
        **state.label_notes(),
        "cells": [
            {
                "words": list(words),
                **{name: getattr(cell, name) for name in CELL},
                "on": chosen == [axis[word] for axis, word in zip(words_of, words, strict=True)],
            }
            for words, cell in zip(product(*words_of), estimates, strict=True)
        ],
    }


def _require_few(words_of: Mapping[str, Collection[str | None]]) -> None:
    """Refuse axes with too many words to be read as a map."""
    for name, words in words_of.items():
        if len(words) > MOST_WORDS:
            fix = "Choose another facet, or filter first."
            raise InputError(f"'{name}' has {len(words):,} values; a map shows at most {MOST_WORDS}.", fix=fix)


def toggle_cell(state: Selection, jobs: Jobs, by: list[str], words: list[str | None]) -> None:
    """Filter to the samples of one cell; a second time takes the filter away.

    Raises:
        InputError: no such cell.
    """
    rows = _rows(state, by)
    conditions: dict[str, Filter] = {}
    if len(words) != len(by):
        raise InputError(f"A cell of the failure map has one value per facet, not {len(words)} for {len(by)}.")
    for name, word in zip(by, words, strict=True):
        known = dict(conditions_of(state.table, name, rows))
        if word not in known and state.table.column(name) is state.table.columns.get(CLASS):
            fix = "Look at the outcomes of predictions in the gallery."
            raise InputError(f"No sample of these has a label '{word}': it is only predicted.", fix=fix)
        if word not in known:
            raise InputError(f"The failure map has no cell '{f'{name}: {word}'[:80]}'.", fix="Refresh.")
        conditions[name] = known[word]
    state.put(conditions)


def _rows(state: Selection, by: list[str]) -> Mask:
    """Rows of all conditions but those on the axes: a click on a cell leaves the others to compare."""
    if not 1 <= len(set(by)) == len(by) <= 2:
        raise InputError(f"The failure map takes one or two different facets, not '{', '.join(by)[:80]}'.")
    others = [state.table.mask(part) for facet, part in state.conditions.items() if facet not in by]
    rows: Mask = np.logical_and.reduce([np.ones(len(state.table), np.bool_), *others])
    return rows


COMMANDS = {
    "heat": Command(heat, background=True),
    "cell": Command(toggle_cell),
}
PANEL = Panel(None, "map.js", COMMANDS, order=20)
