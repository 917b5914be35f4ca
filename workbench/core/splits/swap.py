"""Swap groups between splits as long as that brings the splits closer to their shares.

Placing one group after another cannot look ahead: the last ones go where there is room. Swapping two groups of equal
size keeps all totals and mends that. A swap of k in split A for l in split B changes the sum of squared differences by
``2 d (D_A - D_B) + 2 d^2``: ``d`` is l's share of each stratum less that of k, ``D`` is by how much a split holds more
of it than wanted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.core.splits.balance import Capacity, Item

MOST_SWAPS = 500
MOST_CELLS = 20_000_000  # groups x strata: with more groups, splits are alike without swaps
CANDIDATES = 48  # of each side, the most promising, all pairs of which are tried
CLOSE = 0.001  # of a stratum: nearer to its share than this is near enough

Floats = NDArray[np.float64]


def swap(
    items: Sequence[Item],
    placed: Mapping[str, str],
    capacity: Capacity,
    shares: Mapping[str, float],
    *,
    keep_cells: bool = False,
) -> dict[str, str]:
    """Split by name of group, after the swaps.

    Args:
        items: groups that may move.
        placed: split by name of group.
        capacity: content of the splits; changed.
        shares: wanted share of every stratum by split.
        keep_cells: swap only groups of the same slices, so that the least number of each stays.
    """
    split_of = dict(placed)
    totals = {stratum: lies.total() for stratum, lies in sorted(capacity.strata.items()) if lies.total()}
    if len(split_of) * len(totals) > MOST_CELLS:
        return split_of
    alike: defaultdict[object, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.name):  # whatever the order of loading
        if item.name in split_of:
            cells = tuple(sorted(item.cells.items())) if keep_cells else ()
            alike[tuple(sorted(item.weight.items())), item.eligible, cells].append(item)
    names = sorted(shares)
    over = np.array([[capacity.strata[s][name] / n - shares[name] for s, n in totals.items()] for name in names])
    for own in alike.values():
        if np.abs(over).max(initial=0.0) < CLOSE:
            break
        holds = np.array([[item.strata.get(s, 0) / n for s, n in totals.items()] for item in own])
        where = np.array([names.index(split_of[item.name]) for item in own])
        for at in _settle(holds, where, over):
            item, target = own[at], names[where[at]]
            capacity.move(item, split_of[item.name], target)
            split_of[item.name] = target
    return split_of


def _settle(holds: Floats, where: NDArray[np.int64], over: Floats) -> list[int]:
    """Swap until nothing is gained; ``where`` and ``over`` are changed. Returns the indices of what moved."""
    before = where.copy()
    pairs = list(combinations(range(len(over)), 2))
    for _ in range(MOST_SWAPS):
        gain, first, second = max((_best(holds, where, over, a, b) for a, b in pairs), default=(0.0, 0, 0))
        if gain <= 0 or np.abs(over).max(initial=0.0) < CLOSE:
            break
        difference = holds[second] - holds[first]
        over[where[first]] += difference
        over[where[second]] -= difference
        where[first], where[second] = where[second], where[first]
    return np.flatnonzero(where != before).tolist()


def _best(holds: Floats, where: NDArray[np.int64], over: Floats, a: int, b: int) -> tuple[float, int, int]:
    """The best swap between two splits among the most promising groups: its gain, and the groups' indices."""
    pull = over[a] - over[b]
    inside = [np.flatnonzero(where == split) for split in (a, b)]
    if not all(map(len, inside)):
        return 0.0, 0, 0
    worth = [holds[indices] @ pull for indices in inside]
    firsts, seconds = inside[0][_largest(worth[0])], inside[1][_largest(-worth[1])]
    difference = holds[seconds][None] - holds[firsts][:, None]
    gains = -2 * (difference @ pull + (difference**2).sum(axis=2))
    row, column = np.unravel_index(np.argmax(gains), gains.shape)
    return float(gains[row, column]), int(firsts[row]), int(seconds[column])


def _largest(values: Floats) -> NDArray[np.int64]:
    return np.argpartition(-values, CANDIDATES)[:CANDIDATES] if len(values) > CANDIDATES else np.arange(len(values))
