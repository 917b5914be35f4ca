"""Cells: a metric per combination of words of one or two facets, with an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from workbench.base.errors import InputError
from workbench.core.metrics.per_class import CLASS
from workbench.core.metrics.registry import HITS, Estimator, estimator, find
from workbench.core.tables.column import CategoryColumn, Mask, NumberColumn, SetColumn
from workbench.core.tables.filter import Filter, Missing, OneOf, Range
from workbench.core.tables.table import Table

BINS = 4  # of a facet with numbers: quartiles


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        words: word by facet; ``None`` is missing.
        samples: samples in the cell; of a metric of an evaluation those that were evaluated, and where a class is
            one of the words, those that have it.
        labels: their labels; where a class is one of the words, those of the class.
        value: the metric, ``None`` in an empty cell.
        low, high: 95 % interval, ``None`` where there is none (a count, fewer than two samples of a mean).
    """

    words: dict[str, str | None]
    samples: int
    labels: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class Basis:
    """What a metric is computed from.

    Attributes:
        table: rows of samples, or of the classes in each (``per_class.by_class``).
        estimate: the metric of some of its rows.
        known: rows that the metric can be computed of: after an evaluation those that were evaluated.
    """

    table: Table
    estimate: Estimator
    known: Mask

    @classmethod
    def of(cls, table: Table, metric: str, estimate: Estimator | None = None) -> Basis:
        """The rows of a table with a metric.

        Raises:
            FilterError: a facet that the metric needs is not there, or has no numbers.
            InputError: no such metric.
        """
        evaluated = find(metric)[0].needs_evaluation and HITS in table.columns
        known = ~table.columns[HITS].missing() if evaluated else np.ones(len(table), np.bool_)
        return cls(table, estimate or estimator(table, metric), known)


def cells(table: Table, by: Sequence[str], *, metric: str | Basis = "count", rows: Mask | None = None) -> list[Cell]:
    """Every combination of words of the facets ``by``, empty cells included.

    Args:
        table: the samples.
        by: one or two facets; numbers are cut into quartiles; of a facet with several words per sample
            a sample counts in each.
        metric: a name of ``registry.METRICS``, or what one is computed from.
        rows: only these rows.

    Raises:
        FilterError: unknown facet.
        InputError: unknown metric, or not one or two facets.
    """
    if not 1 <= len(by) <= 2:
        raise InputError(
            f"Slices are by one or two facets, not {len(by)}.", at="by", fix="For example lighting,surface."
        )
    chosen = np.ones(len(table), np.bool_) if rows is None else rows
    basis = Basis.of(table, metric) if isinstance(metric, str) else metric
    fine = basis.table
    inside = basis.known & (chosen if fine is table else chosen[table.rows_of(fine.ids)])
    labels = fine.columns.get("labels")
    parts = [
        [(word, fine.mask(condition)) for word, condition in words.items()] for words in axes(table, by, basis, chosen)
    ]
    result = []
    for combination in product(*parts):
        mask = np.logical_and.reduce([inside, *(part for _, part in combination)])
        words = {name: word for name, (word, _) in zip(by, combination, strict=True)}
        n_labels = int(labels.values[mask].sum()) if isinstance(labels, NumberColumn) else 0
        n_samples = int(mask.sum()) if fine is table else len(np.unique(fine.ids[mask]))
        result.append(Cell(words, n_samples, n_labels, *basis.estimate(mask)))
    return result


def axes(table: Table, by: Sequence[str], basis: Basis, rows: Mask) -> list[dict[str | None, Filter]]:
    """Words of each facet with their conditions; a class that is predicted and nowhere true is one where that counts.

    Args:
        table: the samples.
        by: facets.
        basis: what the metric is computed from.
        rows: only these rows of the table.
    """
    fine, words = basis.table, [dict(conditions_of(table, name, rows)) for name in by]
    if fine is not table:
        inside = basis.known & rows[table.rows_of(fine.ids)]
        for name, own in zip(by, words, strict=True):
            if table.column(name) is table.columns.get(CLASS):
                own |= {word: part for word, part in conditions_of(fine, name, inside) if word is not None}
    return words


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
