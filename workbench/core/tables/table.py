"""A columnar table of a dataset: one row per sample, counts of facets that follow each other's filters.

Rows are never copied; a filter is a bool mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.tables.column import Column, Mask, NumberColumn, Rows
from workbench.core.tables.filter import And, Everything, Filter, Missing, Not, OneOf, Or, Range, not_a_number, resolve


@dataclass(frozen=True, eq=False)
class Table:
    """Samples as columns.

    Attributes:
        ids: sample id per row, in order of loading, which is the order of ids.
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
            FilterError: unknown facet, or ``<`` or ``>`` on a facet without numbers.
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

    def rows_of(self, ids: Sequence[str] | NDArray[np.str_]) -> Rows:
        """The row of each id, -1 for an unknown id."""
        wanted = np.asarray(ids, dtype=str)
        if not len(self):
            return np.full(len(wanted), -1, np.int64)
        rows = np.minimum(np.searchsorted(self.ids, wanted), len(self) - 1)
        return np.where(self.ids[rows] == wanted, rows, -1)

    def taken(self, rows: Rows) -> Table:
        """Some rows, in the given order."""
        return Table(self.ids[rows], {name: column.taken(rows) for name, column in self.columns.items()})

    def joined(self, *others: Table) -> Table:
        """These rows, then those of other tables with the same facets."""
        table = self
        for other in others:
            columns: dict[str, Any] = dict(other.columns)
            joined = {name: column.joined(columns[name]) for name, column in table.columns.items()}
            table = Table(np.concatenate([table.ids, other.ids]), joined)
        return table

    def patched(self, part: Table) -> Table:
        """With the rows of another table: those of known ids take the place of theirs, the others come to the end.

        The facets are those of ``part``; one that is new here is missing in the rows that stay.
        """
        rows = self.rows_of(part.ids)
        changed, added = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
        columns: dict[str, Column] = {}
        for name, new in part.columns.items():
            old: Any = self.columns.get(name)
            old = old if type(old) is type(new) else type(new).missing_rows(len(self))
            columns[name] = old.replaced(rows[changed], new.taken(changed)).joined(new.taken(added))
        table = Table(np.concatenate([self.ids, part.ids[added]]), columns)
        order = np.argsort(table.ids, kind="stable")
        return table if np.array_equal(order, np.arange(len(order))) else table.taken(order)

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
