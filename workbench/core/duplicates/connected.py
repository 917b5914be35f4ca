"""Groups of what pairs connect."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connected(n: int, pairs: Iterable[tuple[int, int]], *, least: int = 2) -> list[list[int]]:
    """Groups of at least so many members of ``0 .. n-1`` that pairs connect, over any number of steps; all in order.

    >>> connected(5, [(3, 1), (3, 4)])
    [[1, 3, 4]]
    >>> connected(3, [(0, 2)], least=1)
    [[0, 2], [1]]
    """
    if not n:
        return []
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), np.bool_), (ends[:, 0], ends[:, 1])), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    members = np.argsort(group, kind="stable")
    groups = np.split(members, np.flatnonzero(np.diff(group[members])) + 1)
    return sorted((part.tolist() for part in groups if len(part) >= least), key=lambda part: part[0])
