"""Metrics per slice of a dataset, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from workbench import store
from workbench.slicing import Filter, parse
from workbench.slicing.cells import cells
from workbench.store import Dataset


def slices(
    dataset: Dataset, by: str | Sequence[str], *, metric: str = "count", where: str | Filter | None = None
) -> pd.DataFrame:
    """A metric for every combination of words of one or two facets, empty ones included.

    Args:
        dataset: the dataset.
        by: facets, e.g. ``["lighting", "surface"]``; numbers are cut into quartiles.
        metric: ``count``, ``mean:<facet>`` or ``share:<tag>``.
        where: only the samples of this filter.

    Returns:
        Columns: the facets, ``samples``, ``labels``, ``value``, and ``low`` and ``high`` of the 95 %
        interval (normal for a mean, Wilson for a share).

    Raises:
        FilterError, InputError: unknown facet or metric, or not one or two facets.
    """
    names = [by] if isinstance(by, str) else list(by)
    table = store.table(dataset)
    rows = None if where is None else table.mask(parse(where) if isinstance(where, str) else where)
    found = cells(table, names, metric=metric, rows=rows)
    numbers = ["samples", "labels", "value", "low", "high"]
    # a facet named like a number ("labels") wins: it says which cell this is
    shown = [{**{name: getattr(cell, name) for name in numbers}, **cell.words} for cell in found]
    return pd.DataFrame(shown, columns=[*names, *(name for name in numbers if name not in names)])
