"""The order of rows by a facet."""

from __future__ import annotations

import numpy as np

from workbench.core.tables.column import Column, NumberColumn, Rows, SetColumn


def ranking(column: Column, n: int, *, descending: bool) -> Rows:
    """All rows in the order of a column, missing last; rows that are alike stay in the order of loading."""
    if isinstance(column, NumberColumn):
        order = np.argsort(-column.values if descending else column.values, kind="stable")
        return order.astype(np.int64)
    if isinstance(column, SetColumn):
        codes = np.full(n, -1, np.int64)
        present = np.flatnonzero(~column.missing())
        codes[present] = column.codes[column.starts[present]]
    else:
        codes = column.codes.astype(np.int64)
    if not n:
        return codes
    last = int(codes.max(initial=0)) + 1
    keys = np.where(codes < 0, last, last - 1 - codes if descending else codes)
    return np.argsort(keys, kind="stable").astype(np.int64)
