"""Conditions that slices are made of: words of a facet, and quantile bins of a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.core.tables.column import MISSING_CODE, CategoryColumn, Mask, NumberColumn, SetColumn
from workbench.core.tables.filter import And, Filter, OneOf, Range, all_of, words
from workbench.core.tables.table import Table

BINS = (4, 2)  # quartiles, and halves so that a wide range is one condition
MOST_WORDS = 60  # of a facet; rarer ones are left out
PREFIXES = ("measures.",)  # left out in words


@dataclass(frozen=True, eq=False)
class Attribute:
    """Conditions of which a sample meets one at most.

    Attributes:
        facet: what they look at.
        codes: ``(n,)`` condition that a row meets; ``len(conditions)`` for none.
        conditions: the filters.
    """

    facet: str
    codes: NDArray[np.intp]
    conditions: tuple[Filter, ...]


def attributes(table: Table, facets: Iterable[str], least: int) -> list[Attribute]:
    """Conditions on facets that at least ``least`` samples meet.

    Args:
        table: the samples.
        facets: their names; see ``Table.column``.
        least: samples of a condition.

    Raises:
        FilterError: no such facet.
    """
    candidates: list[Attribute] = []
    for name in facets:
        column = table.column(name)
        if isinstance(column, NumberColumn):
            candidates += list(_number(name, column))
        elif isinstance(column, CategoryColumn):
            candidates.append(_category(name, column, least))
        else:
            candidates += list(_set(name, column, least))
    return [attribute for attribute in candidates if _useful(attribute, least)]


def _useful(attribute: Attribute, least: int) -> bool:
    """Whether some condition has enough samples, and not all of them."""
    conditions = len(attribute.conditions)
    n = np.bincount(attribute.codes, minlength=conditions + 1)[:conditions]
    return bool(((n >= least) & (n < len(attribute.codes))).any())


def _category(name: str, column: CategoryColumn, least: int) -> Attribute:
    n = np.bincount(column.codes + 1, minlength=len(column.names) + 1)[1:]
    kept = [code for code in np.argsort(-n, kind="stable")[:MOST_WORDS].tolist() if n[code] >= least]
    code_of = np.full(len(column.names) + 1, len(kept), np.intp)  # the last entry is for a missing word
    code_of[kept] = np.arange(len(kept))
    codes = code_of[np.where(column.codes == MISSING_CODE, len(column.names), column.codes)]
    return Attribute(name, codes, tuple(OneOf(name, (column.names[code],)) for code in kept))


def _set(name: str, column: SetColumn, least: int) -> Iterator[Attribute]:
    """Each word by itself, because a sample may have several."""
    n = np.bincount(column.codes, minlength=len(column.names))
    for code in np.argsort(-n, kind="stable")[:MOST_WORDS].tolist():
        if n[code] >= least:
            has = column.mask_of([column.names[code]])
            yield Attribute(name, (~has).astype(np.intp), (OneOf(name, (column.names[code],)),))


def _number(name: str, column: NumberColumn) -> Iterator[Attribute]:
    known = column.values[np.isfinite(column.values)]
    seen: set[tuple[float, ...]] = set()
    for bins in BINS:
        limits = _limits(known, bins)
        if limits and limits not in seen:
            seen.add(limits)
            codes = np.searchsorted(np.array(limits), column.values, side="left")  # x <= limit is below it
            codes[~np.isfinite(column.values)] = len(limits) + 1
            yield Attribute(name, codes, tuple(_ranges(name, limits)))


def _limits(known: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    """Quantiles in four digits, so that the filter can be read; they take no notice of the metric."""
    if not known.size:
        return ()
    quantiles = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])
    limits = {float(f"{q:.4g}") for q in quantiles}
    return tuple(sorted(limit for limit in limits if known.min() <= limit < known.max()))


def _ranges(name: str, limits: Sequence[float]) -> Iterator[Filter]:
    yield Range(name, "<=", limits[0])
    for low, high in pairwise(limits):
        yield And((Range(name, ">", low), Range(name, "<=", high)))
    yield Range(name, ">", limits[-1])


def matches(chosen: Sequence[tuple[Attribute, int]]) -> Mask:
    """Rows that meet all conditions, given as attribute and code."""
    return np.asarray(np.logical_and.reduce([attribute.codes == code for attribute, code in chosen]))


def joined(chosen: Sequence[tuple[Attribute, int]]) -> Filter:
    """The conditions as one filter."""
    return all_of(*(attribute.conditions[code] for attribute, code in chosen))


def in_words(chosen: Sequence[tuple[Attribute, int]]) -> str:
    """The conditions in words.

    >>> in_words([(Attribute("lighting", np.zeros(1, np.intp), (OneOf("lighting", ("dim",)),)), 0)])
    'lighting = dim'
    """
    return " and ".join(_in_words(attribute.conditions[code]) for attribute, code in chosen)


def _in_words(condition: Filter) -> str:
    match condition:
        case OneOf(facet, (value,)):
            return f"{_short(facet)} = {value}"
        case Range(facet, order, limit):
            return f"{_short(facet)} {order} {limit:g}"
        case And((Range(facet, _, low), Range(_, _, high))):
            return f"{low:g} < {_short(facet)} <= {high:g}"
    return words(condition)


def _short(facet: str) -> str:
    for prefix in PREFIXES:
        facet = facet.removeprefix(prefix)
    return facet
