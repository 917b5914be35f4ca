"""One facet of all samples: words, numbers or sets of words, each with counts in a few milliseconds per million rows.

Every kind of column can be built from values, joined with another, and have some rows replaced, so that a table
follows its dataset without reading it again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.tables.facet import Scalar

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
MISSING_CODE = -1
DEFAULT_BINS = 24


def _factorized(words: Iterable[object]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes into the sorted names; ``None`` is -1, and so is what is no single value."""
    given = np.fromiter(words, dtype=object)
    try:
        codes, names = pd.factorize(given)
    except TypeError:  # a document or list, which FiftyOne allows wherever a word belongs
        single = (word if isinstance(word, Hashable) else None for word in given)
        codes, names = pd.factorize(np.fromiter(single, dtype=object, count=len(given)))
    texts = [str(name) for name in names]
    joined, rank = _joined_names([], texts)
    return np.append(rank, MISSING_CODE).astype(np.int32)[codes], joined


def _joined_names(first: Sequence[str], second: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """All names, sorted, and where those of ``second`` have gone."""
    joined = tuple(sorted({*first, *second}))
    code_of = {name: code for code, name in enumerate(joined)}
    return joined, np.fromiter((code_of[name] for name in second), np.int32, len(second))


@dataclass(frozen=True, eq=False)
class CategoryColumn:
    """One word per row: ``codes`` index ``names``, -1 is missing."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[object]) -> CategoryColumn:
        """Build from words; ``None`` is missing."""
        return cls(*_factorized(values))

    @classmethod
    def missing_rows(cls, n: int) -> CategoryColumn:
        """``n`` rows without a word."""
        return cls(np.full(n, MISSING_CODE, np.int32), ())

    def joined(self, other: CategoryColumn) -> CategoryColumn:
        """These rows, then the other's."""
        names, codes, others = self._same_names(other)
        return CategoryColumn(np.concatenate([codes, others]), names)

    def replaced(self, rows: Rows, other: CategoryColumn) -> CategoryColumn:
        """Other values in some rows."""
        names, codes, others = self._same_names(other)
        codes[rows] = others
        return CategoryColumn(codes, names)

    def _same_names(self, other: CategoryColumn) -> tuple[tuple[str, ...], NDArray[np.int32], NDArray[np.int32]]:
        names, theirs = _joined_names(self.names, other.names)
        ours = _joined_names(other.names, self.names)[1]
        return names, np.append(ours, MISSING_CODE)[self.codes], np.append(theirs, MISSING_CODE)[other.codes]

    def taken(self, rows: Rows) -> CategoryColumn:
        """Some rows, in the given order."""
        return CategoryColumn(self.codes[rows], self.names)

    def mask_of(self, values: Sequence[Scalar]) -> Mask:
        """Rows with one of these words."""
        wanted = {str(value) for value in values}
        hit = np.array([name in wanted for name in self.names] + [False])
        return hit[self.codes]

    def missing(self) -> Mask:
        """Rows without a word."""
        return np.asarray(self.codes == MISSING_CODE)

    def counts(self, rows: Mask) -> dict[str, int]:
        """Rows per word, words without rows included."""
        # rows left out are counted in a place of their own: faster than picking the others out
        codes = np.where(rows, self.codes, len(self.names)) + 1
        counts = np.bincount(codes, minlength=len(self.names) + 2)[1:-1]
        return dict(zip(self.names, counts.tolist(), strict=True))

    def to_series(self) -> pd.Series[str]:
        """The column as pandas."""
        return pd.Series(pd.Categorical.from_codes(self.codes, categories=pd.Index(self.names, dtype=object)))


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """One number per row; NaN is missing."""

    values: NDArray[np.float64]

    @classmethod
    def of(cls, values: Iterable[object]) -> NumberColumn:
        """Build from numbers; ``None`` is missing."""
        return cls(np.array(list(values), dtype=np.float64))  # NumPy takes None for NaN

    @classmethod
    def missing_rows(cls, n: int) -> NumberColumn:
        """``n`` rows without a number."""
        return cls(np.full(n, np.nan))

    def joined(self, other: NumberColumn) -> NumberColumn:
        """These rows, then the other's."""
        return NumberColumn(np.concatenate([self.values, other.values]))

    def replaced(self, rows: Rows, other: NumberColumn) -> NumberColumn:
        """Other values in some rows."""
        values = self.values.copy()
        values[rows] = other.values
        return NumberColumn(values)

    def taken(self, rows: Rows) -> NumberColumn:
        """Some rows, in the given order."""
        return NumberColumn(self.values[rows])

    def mask_of(self, values: Sequence[Scalar]) -> Mask:
        """Rows with one of these numbers."""
        numbers = [float(v) for v in values if not isinstance(v, str)]
        return np.isin(self.values, numbers)

    def missing(self) -> Mask:
        """Rows without a number."""
        return np.isnan(self.values)

    def compare(self, order: str, limit: float) -> Mask:
        """Rows whose number is ``<``, ``<=``, ``>`` or ``>=`` a limit."""
        ufunc = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[order]
        rows: Mask = ufunc(self.values, limit)
        return rows

    def bin_edges(self, bins: int = DEFAULT_BINS) -> NDArray[np.float64]:
        """Equal bins over all rows, so that bars do not jump when the filter changes."""
        known = self.values[np.isfinite(self.values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        return np.linspace(low, high if high > low else low + 1.0, bins + 1)

    def counts(self, rows: Mask, edges: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows per bin."""
        return np.histogram(self.values[rows], bins=edges)[0]

    def to_series(self) -> pd.Series[float]:
        """The column as pandas."""
        return pd.Series(self.values)


@dataclass(frozen=True, eq=False)
class SetColumn:
    """Several words per row: row ``i`` has ``codes[starts[i]:starts[i + 1]]`` of ``names``, each once, sorted."""

    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[Sequence[object] | None]) -> SetColumn:
        """Build from one collection of words per row."""
        sets = [row or () for row in values]
        sizes = np.fromiter(map(len, sets), np.int64, len(sets))
        codes, names = _factorized(chain.from_iterable(sets))
        known = codes != MISSING_CODE
        rows = np.repeat(np.arange(len(sets)), sizes)[known]
        pairs = np.unique(rows * max(len(names), 1) + codes[known])  # each word once per row, in order
        rows, codes = np.divmod(pairs, max(len(names), 1))
        return cls(_starts(np.bincount(rows, minlength=len(sets))), codes.astype(np.int32), names)

    @classmethod
    def missing_rows(cls, n: int) -> SetColumn:
        """``n`` rows without words."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), ())

    def joined(self, other: SetColumn) -> SetColumn:
        """These rows, then the other's."""
        names, codes, others = self._same_names(other)
        starts = np.concatenate([self.starts, other.starts[1:] + self.starts[-1]])
        return SetColumn(starts, np.concatenate([codes, others]), names)

    def replaced(self, rows: Rows, other: SetColumn) -> SetColumn:
        """Other words in some rows."""
        names, codes, others = self._same_names(other)
        sizes = self._sizes.copy()
        stays = np.ones(len(sizes), np.bool_)
        stays[rows] = False
        keep = np.repeat(stays, sizes)
        sizes[rows] = other._sizes
        patched = np.empty(int(sizes.sum()), np.int32)
        changed = np.repeat(~stays, sizes)
        patched[~changed] = codes[keep]
        order = np.argsort(rows, kind="stable")  # the other's rows in the order of this table
        patched[changed] = others[_picked(other.starts, order)]
        return SetColumn(_starts(sizes), patched, names)

    def _same_names(self, other: SetColumn) -> tuple[tuple[str, ...], NDArray[np.int32], NDArray[np.int32]]:
        names, theirs = _joined_names(self.names, other.names)
        ours = _joined_names(other.names, self.names)[1]
        return names, ours[self.codes], theirs[other.codes]

    def taken(self, rows: Rows) -> SetColumn:
        """Some rows, in the given order."""
        return SetColumn(_starts(self._sizes[rows]), self.codes[_picked(self.starts, rows)], self.names)

    @property
    def _sizes(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def mask_of(self, values: Sequence[Scalar]) -> Mask:
        """Rows that have one of these words."""
        wanted = {str(value) for value in values}
        hit = np.array([name in wanted for name in self.names] + [False])[self.codes]
        before = np.zeros(len(hit) + 1, np.int64)
        np.cumsum(hit, out=before[1:])
        return np.asarray(before[self.starts[1:]] > before[self.starts[:-1]])

    def missing(self) -> Mask:
        """Rows without words."""
        return np.asarray(self._sizes == 0)

    def counts(self, rows: Mask) -> dict[str, int]:
        """Rows that have each word; a row counts once for each of its words."""
        chosen = np.repeat(rows, self._sizes)
        counts = np.bincount(np.where(chosen, self.codes, len(self.names)), minlength=len(self.names) + 1)[:-1]
        return dict(zip(self.names, counts.tolist(), strict=True))

    def to_series(self) -> pd.Series[str]:
        """The column as pandas; each row a tuple."""
        names = np.array(self.names, dtype=object)
        return pd.Series([tuple(names[self.codes[a:b]]) for a, b in zip(self.starts, self.starts[1:], strict=False)])


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def _picked(starts: NDArray[np.int64], rows: Rows) -> NDArray[np.int64]:
    """Where the words of some rows lie, row by row."""
    sizes = np.diff(starts)[rows]
    return np.repeat(starts[:-1][rows] - _starts(sizes)[:-1], sizes) + np.arange(int(sizes.sum()))


Column = CategoryColumn | NumberColumn | SetColumn
KINDS: dict[str, type[CategoryColumn] | type[NumberColumn] | type[SetColumn]] = {
    "category": CategoryColumn,
    "flag": CategoryColumn,
    "number": NumberColumn,
    "count": NumberColumn,
    "set": SetColumn,
    "sets": SetColumn,
}
