"""Groups of what pairs connect."""

from __future__ import annotations

from collections.abc import Iterable


def connected(n: int, pairs: Iterable[tuple[int, int]], *, least: int = 2) -> list[list[int]]:
    """Groups of at least so many places of ``0 .. n-1`` that pairs connect, over any number of steps; all in order.

    >>> connected(5, [(3, 1), (3, 4)])
    [[1, 3, 4]]
    >>> connected(3, [(0, 2)], least=1)
    [[0, 2], [1]]
    """
    parent = list(range(n))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    found: dict[int, list[int]] = {}
    for place in range(n):
        found.setdefault(root(place), []).append(place)
    return [group for group in found.values() if len(group) >= least]
