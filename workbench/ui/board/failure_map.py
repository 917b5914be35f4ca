"""The failure map: a metric for every combination of words of two facets, each a click away from its samples."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from workbench.actions.evaluate.slices import estimator
from workbench.base.errors import InputError
from workbench.core.metrics.per_slice import cells, conditions_of
from workbench.core.metrics.registry import METRICS, find
from workbench.core.tables import Filter
from workbench.core.tables.column import Mask
from workbench.core.tables.filter import all_of
from workbench.ui.board.state import Selection

MOST_WORDS = 40  # of one axis; more cannot be read as a map


def failure_map(chosen: Selection, by: tuple[str, ...], metric: str) -> dict[str, Any]:
    """Cells as plain values, of the samples that pass the filter's other conditions.

    Raises:
        FilterError: unknown facet, or the dataset is not evaluated.
        InputError: unknown metric, or a facet with too many words.
    """
    rows, table = _rows(chosen, by), chosen.table
    axes = [dict(conditions_of(table, name, rows)) for name in by]
    for name, words in zip(by, axes, strict=True):
        if len(words) > MOST_WORDS:
            fix = "Choose another facet, or filter first."
            raise InputError(f"a facet of up to {MOST_WORDS} words", found=f"{len(words):,} of {name}", fix=fix)
    found = cells(table, by, metric=estimator(chosen.dataset, table, metric), rows=rows)
    places = list(product(*axes))
    return {
        "by": list(by),
        "metric": metric,
        "metrics": [known.usage for known in METRICS.values()],
        "axes": [list(words) for words in axes],
        "share": find(metric)[0].share,
        "where": str(all_of(*(one for facet, one in chosen.conditions.items() if facet not in by))),
        "cells": [
            {
                "words": list(words),
                "samples": one.samples,
                "labels": one.labels,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "on": all(
                    chosen.conditions.get(f) == axes[k][w] for k, (f, w) in enumerate(zip(by, words, strict=True))
                ),
            }
            for words, one in zip(places, found, strict=True)
        ],
    }


def toggle_cell(chosen: Selection, by: tuple[str, ...], words: tuple[str | None, ...]) -> None:
    """Filter to the samples of one cell; a second time takes the filter away.

    Raises:
        InputError: no such cell.
    """
    rows = _rows(chosen, by)
    found: dict[str, Filter] = {}
    for name, word in zip(by, words, strict=True):
        conditions = dict(conditions_of(chosen.table, name, rows))
        if word not in conditions:
            raise InputError("a cell of the map", found=f"{name}: {word}"[:80], where="failure map", fix="Refresh.")
        found[name] = conditions[word]
    chosen.put(found)


def _rows(chosen: Selection, by: tuple[str, ...]) -> Mask:
    """Rows of all conditions but those on the axes: a click on a cell leaves the others to compare."""
    if not 1 <= len(set(by)) == len(by) <= 2:
        raise InputError("one or two different facets", found=", ".join(by)[:80], where="failure map")
    others = [chosen.table.mask(one) for facet, one in chosen.conditions.items() if facet not in by]
    found: Mask = np.logical_and.reduce([np.ones(len(chosen.table), np.bool_), *others])
    return found
