"""Cells: a metric per combination of words of one or two facets, with an interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import FilterError, InputError
from workbench.core.tables.column import CategoryColumn, Mask, NumberColumn, SetColumn
from workbench.core.tables.filter import Filter, Missing, OneOf, Range
from workbench.core.tables.table import Table

Z_95 = 1.959964
BINS = 4  # of a facet with numbers: quartiles
METRICS = ("count", "recall", "precision", "ap50", "mean:<facet>", "share:<tag>")
EVALUATION = "evaluation"  # prefix of the facets that evaluation writes
HITS, MISSES = f"{EVALUATION}.hits", f"{EVALUATION}.misses"
WRONG = tuple(f"{EVALUATION}.{name}" for name in ("false_alarms", "wrong_class", "badly_placed", "duplicates"))
Estimate = tuple[float | None, float | None, float | None]  # value, low and high end of the 95 % interval
Estimator = Callable[[Mask], Estimate]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        words: word by facet; ``None`` is missing.
        samples: samples in the cell.
        labels: their labels.
        value: the metric, ``None`` in an empty cell.
        low, high: 95 % interval, ``None`` where there is none (a count, fewer than two samples of a mean).
    """

    words: dict[str, str | None]
    samples: int
    labels: int
    value: float | None
    low: float | None
    high: float | None


def cells(
    table: Table, by: Sequence[str], *, metric: str | Estimator = "count", rows: Mask | None = None
) -> list[Cell]:
    """Every combination of words of the facets ``by``, empty cells included.

    Args:
        table: the samples.
        by: one or two facets; numbers are cut into quartiles; of a facet with several words per sample
            a sample counts in each.
        metric: ``count``, ``mean:<facet>`` (normal interval of the mean), ``share:<tag>``, ``recall`` or
            ``precision`` (Wilson intervals; of labels for the last two), or any function of the rows of a cell.
        rows: only these rows.

    Raises:
        FilterError: unknown facet.
        InputError: unknown metric, or not one or two facets.
    """
    if not 1 <= len(by) <= 2:
        raise InputError("one or two facets", found=str(len(by)), where="by", fix="For example lighting,surface.")
    chosen = np.ones(len(table), np.bool_) if rows is None else rows
    estimate = estimator(table, metric) if isinstance(metric, str) else metric
    labels = table.columns.get("labels")
    parts = [list(parts_of(table, name, chosen)) for name in by]
    found = []
    for combination in product(*parts):
        mask = np.logical_and.reduce([chosen, *(part for _, part in combination)])
        words = {name: word for name, (word, _) in zip(by, combination, strict=True)}
        n_labels = int(labels.values[mask].sum()) if isinstance(labels, NumberColumn) else 0
        found.append(Cell(words, int(mask.sum()), n_labels, *estimate(mask)))
    return found


def parts_of(table: Table, name: str, rows: Mask) -> Iterator[tuple[str | None, Mask]]:
    """Words of a facet that occur, with the rows of each; missing last."""
    for word, condition in conditions_of(table, name, rows):
        yield word, table.mask(condition)


def conditions_of(table: Table, name: str, rows: Mask) -> Iterator[tuple[str | None, Filter]]:
    """Words of a facet that occur in some rows, with the condition for each; missing last."""
    column = table.column(name)
    if isinstance(column, NumberColumn):
        yield from _bins(column, name, rows)
    elif isinstance(column, CategoryColumn | SetColumn):
        for word, n in column.counts(rows).items():
            if n:
                yield word, OneOf(name, (word,))
    if (column.missing() & rows).any():
        yield None, Missing(name)


def _bins(column: NumberColumn, name: str, rows: Mask) -> Iterator[tuple[str, Filter]]:
    known = column.values[rows & ~column.missing()]
    if not known.size:
        return
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    if len(edges) == 1:
        edges = np.repeat(edges, 2)
    for i, (low, high) in enumerate(pairwise(edges)):
        above = Range(name, ">=" if i == 0 else ">", float(low))
        yield f"{low:.4g} to {high:.4g}", above & Range(name, "<=", float(high))


def estimator(table: Table, metric: str) -> Estimator:
    """What computes a metric from the rows of a cell.

    Raises:
        FilterError: a facet that the metric needs is not there, or has no numbers.
        InputError: unknown metric.
    """
    kind, _, name = metric.partition(":")
    if metric == "count":
        return lambda rows: (float(np.count_nonzero(rows)), None, None)
    if metric in ("recall", "precision"):
        hits = _numbers(table, HITS, fix="Evaluate first: wb.evaluate(ds, 'predictions').")
        others = [_numbers(table, other) for other in ((MISSES,) if metric == "recall" else WRONG)]
        return partial(_ratio, hits, np.sum(others, axis=0))
    if kind == "mean" and name:
        return partial(_mean, _numbers(table, name))
    if kind == "share" and name:
        tagged = table.column("tags").mask_of([name])
        return lambda rows: _share(int(np.count_nonzero(tagged & rows)), int(np.count_nonzero(rows)))
    raise InputError("a metric", found=repr(metric), where="metric", fix=f"One of: {', '.join(METRICS)}.")


def _numbers(table: Table, name: str, *, fix: str = "") -> NDArray[np.float64]:
    if fix and name not in table.columns:
        raise FilterError("an evaluated dataset", found=f"no facet {name!r}", where="metric", fix=fix)
    column = table.column(name)
    if not isinstance(column, NumberColumn):
        raise FilterError("a facet with numbers", found=f"words in {name!r}", where="metric")
    return column.values


def _share(hits: int, n: int) -> Estimate:
    return (hits / n, *wilson(hits, n)) if n else (None, None, None)


def _ratio(hits: NDArray[np.float64], others: NDArray[np.float64], rows: Mask) -> Estimate:
    n_hits, n_others = (int(np.nansum(values[rows])) for values in (hits, others))
    return _share(n_hits, n_hits + n_others)


def _mean(values: NDArray[np.float64], rows: Mask) -> Estimate:
    known = values[rows & ~np.isnan(values)]
    if not known.size:
        return None, None, None
    mean = float(known.mean())
    if known.size < 2:
        return mean, None, None
    half = Z_95 * float(known.std(ddof=1)) / sqrt(known.size)
    return mean, mean - half, mean + half


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, "Probable inference, the law of succession").

    >>> [round(x, 3) for x in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, z2 = hits / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)
