"""A columnar table of a dataset: one row per sample, counts of facets that follow each other's filters.

Three kinds of column: ``CategoryColumn`` (one word per sample), ``NumberColumn`` and ``SetColumn``
(several words per sample: tags, classes). Rows are never copied; a filter is a bool mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.slicing.filter import (
    And,
    Everything,
    Filter,
    Missing,
    Not,
    OneOf,
    Or,
    Range,
    Scalar,
    not_a_number,
    resolve,
)

Mask = NDArray[np.bool_]
MISSING_CODE = -1
DEFAULT_BINS = 24


@dataclass(frozen=True, eq=False)
class CategoryColumn:
    """One word per row: ``codes`` index ``names``, -1 is missing."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[object]) -> CategoryColumn:
        """Build from words; ``None`` is missing."""
        codes, names = pd.factorize(np.asarray([None if v is None else str(v) for v in values], dtype=object))
        order = np.argsort(np.asarray(names, dtype=str)) if len(names) else np.zeros(0, np.int64)
        rank = np.empty(len(names) + 1, np.int32)
        rank[order], rank[-1] = np.arange(len(names)), MISSING_CODE
        return cls(rank[codes], tuple(str(names[i]) for i in order))

    def mask_of(self, values: Sequence[Scalar]) -> Mask:
        wanted = {str(value) for value in values}
        hit = np.array([name in wanted for name in self.names] + [False])
        return hit[self.codes]

    def missing(self) -> Mask:
        return np.asarray(self.codes == MISSING_CODE)

    def counts(self, rows: Mask) -> dict[str, int]:
        """Rows per word, words without rows included."""
        found = np.bincount(self.codes[rows] + 1, minlength=len(self.names) + 1)[1:]
        return dict(zip(self.names, found.tolist(), strict=True))

    def to_series(self) -> pd.Series[str]:
        return pd.Series(pd.Categorical.from_codes(self.codes, categories=pd.Index(self.names, dtype=object)))


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """One number per row; NaN is missing."""

    values: NDArray[np.float64]

    def mask_of(self, values: Sequence[Scalar]) -> Mask:
        numbers = [float(v) for v in values if not isinstance(v, str)]
        return np.isin(self.values, numbers)

    def missing(self) -> Mask:
        return np.isnan(self.values)

    def compare(self, order: str, limit: float) -> Mask:
        ufunc = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[order]
        found: Mask = ufunc(self.values, limit)
        return found

    def bin_edges(self, bins: int = DEFAULT_BINS) -> NDArray[np.float64]:
        """Equal bins over all rows, so that bars do not jump when the filter changes."""
        known = self.values[np.isfinite(self.values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        return np.linspace(low, high if high > low else low + 1.0, bins + 1)

    def counts(self, rows: Mask, edges: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.histogram(self.values[rows], bins=edges)[0]

    def to_series(self) -> pd.Series[float]:
        return pd.Series(self.values)


@dataclass(frozen=True, eq=False)
class SetColumn:
    """Several words per row: row ``i`` has ``codes[starts[i]:starts[i + 1]]`` of ``names``, each once."""

    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[Iterable[object] | None]) -> SetColumn:
        """Build from one collection of words per row."""
        sets = [sorted({str(word) for word in row or ()}) for row in values]
        names = tuple(sorted(set().union(*sets))) if sets else ()
        code_of = {name: code for code, name in enumerate(names)}
        starts = np.zeros(len(sets) + 1, np.int64)
        starts[1:] = np.cumsum([len(row) for row in sets])
        codes = np.fromiter((code_of[word] for row in sets for word in row), np.int32, int(starts[-1]))
        return cls(starts, codes, names)

    @property
    def _rows(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def mask_of(self, values: Sequence[Scalar]) -> Mask:
        wanted = {str(value) for value in values}
        hit = np.array([name in wanted for name in self.names] + [False])
        found = np.zeros(len(self.starts) - 1, np.bool_)
        found[self._rows[hit[self.codes]]] = True
        return found

    def missing(self) -> Mask:
        return np.asarray(np.diff(self.starts) == 0)

    def counts(self, rows: Mask) -> dict[str, int]:
        """Rows that have each word; a row counts once for each of its words."""
        chosen = np.repeat(rows, np.diff(self.starts))
        found = np.bincount(self.codes[chosen], minlength=len(self.names))
        return dict(zip(self.names, found.tolist(), strict=True))

    def to_series(self) -> pd.Series[str]:
        names = np.array(self.names, dtype=object)
        return pd.Series([tuple(names[self.codes[a:b]]) for a, b in zip(self.starts, self.starts[1:], strict=False)])


Column = CategoryColumn | NumberColumn | SetColumn


@dataclass(frozen=True, eq=False)
class Table:
    """Samples as columns.

    Attributes:
        ids: sample id per row.
        columns: column per facet name.
    """

    ids: NDArray[np.str_]
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, facet: str) -> Column:
        """The column of a facet; a unique last part of its name will do.

        Raises:
            FilterError: no such facet, or several.
        """
        return self.columns[resolve(facet, self.columns)]

    def mask(self, condition: Filter) -> Mask:
        """The rows that a filter selects.

        Raises:
            FilterError: unknown facet, or an order asked of a facet without numbers.
        """
        match condition:
            case Everything():
                return np.ones(len(self), np.bool_)
            case OneOf(facet, values):
                return self.column(facet).mask_of(values)
            case Range(facet, order, limit):
                return self._number(facet).compare(order, limit)
            case Missing(facet):
                return self.column(facet).missing()
            case And(parts):
                return np.asarray(np.logical_and.reduce([self.mask(part) for part in parts]))
            case Or(parts):
                return np.asarray(np.logical_or.reduce([self.mask(part) for part in parts]))
            case Not(part):
                return ~self.mask(part)
        raise TypeError(f"not a filter: {condition!r}")

    def _number(self, facet: str) -> NumberColumn:
        column = self.column(facet)
        if not isinstance(column, NumberColumn):
            raise not_a_number(facet)
        return column

    def linked_masks(self, conditions: Mapping[str, Filter]) -> tuple[Mask, dict[str, Mask]]:
        """Rows that pass all conditions, and per condition the rows that pass all *others*.

        The second is what a facet's own bars count: choosing "dim" must not hide "bright".
        """
        masks = {key: self.mask(condition) for key, condition in conditions.items()}
        failures = np.zeros(len(self), np.uint8)
        for mask in masks.values():
            failures += ~mask
        others = {key: failures == ~mask for key, mask in masks.items()}
        return failures == 0, others

    def to_frame(self) -> pd.DataFrame:
        """The table as pandas, indexed by sample id; sets become tuples."""
        data = {name: column.to_series() for name, column in self.columns.items()}
        return pd.DataFrame(data).set_axis(pd.Index(self.ids, name="id"), axis=0)
