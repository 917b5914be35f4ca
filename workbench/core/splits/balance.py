"""Give every split its share of every class and attribute: iterative stratification of groups.

The rarest stratum goes first, and each of its groups to the split that still misses most of it, as long as there is
room for the whole group; so totals stay within one group of what is wanted. Ties are broken by a hash of seed and
group, never by the order of loading.
Source: Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data" (2011), with groups for samples.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    """A group to be placed as a whole.

    Attributes:
        name: stable, so that the outcome does not depend on the order.
        weight: samples that count by split.
        strata: samples by stratum.
        cells: samples by slice, for the least number of each.
        eligible: splits that it may go to.
    """

    name: str
    weight: Mapping[str, int]
    strata: Mapping[str, int]
    cells: Mapping[str, int]
    eligible: tuple[str, ...]


@dataclass
class Capacity:
    """How full the splits are.

    Attributes:
        wanted: samples by split.
        have: samples by split.
        strata: samples by stratum and split.
        cells: samples by slice and split.
    """

    wanted: Mapping[str, int]
    have: Counter[str] = field(default_factory=Counter)
    strata: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    cells: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, item: Item, split: str) -> None:
        """Put a group into a split."""
        self.have[split] += item.weight[split]
        for stratum, n in item.strata.items():
            self.strata[stratum][split] += n
        for cell, n in item.cells.items():
            self.cells[cell][split] += n

    def move(self, item: Item, before: str, after: str) -> None:
        """Put a group into another split."""
        for split, sign in ((before, -1), (after, 1)):
            self.have[split] += sign * item.weight[split]
            for stratum, n in item.strata.items():
                self.strata[stratum][split] += sign * n
            for cell, n in item.cells.items():
                self.cells[cell][split] += sign * n

    def room(self, split: str) -> int:
        """Samples that a split still lacks."""
        return self.wanted[split] - self.have[split]


def quotas(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers that add up to the total, each less than one from its share (largest remainder).

    >>> quotas({"train": 0.7, "val": 0.15, "test": 0.15}, 11)
    {'train': 8, 'val': 1, 'test': 2}
    """
    exact = {name: share * total for name, share in shares.items()}
    whole = {name: int(value + 1e-9) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: (whole[name] - exact[name], -exact[name], name))
    for name in rest[: total - sum(whole.values())]:
        whole[name] += 1
    return whole


def balance(
    items: Sequence[Item],
    capacity: Capacity,
    shares: Mapping[str, float],
    seed: int,
    *,
    at_least: int = 0,
    strict: bool = False,
) -> dict[str, str]:
    """Split by name of group.

    Args:
        items: groups without a split; those that have one are on the capacity.
        capacity: changed.
        shares: wanted share of every stratum by split.
        seed: of the ties.
        at_least: samples of each slice that every split gets first, as far as there are groups and room.
        strict: never exceed what is wanted; groups without room get no split.
    """
    order = sorted(items, key=lambda item: (-max(item.weight.values(), default=0), _hash(seed, item.name)))
    totals: Counter[str] = Counter()
    for item in order:
        totals.update(item.strata)
    for stratum, lies in capacity.strata.items():
        totals[stratum] += lies.total()
    placed: dict[str, str] = {}
    if at_least:
        placed |= _least_first(order, capacity, at_least)
    for stratum, waiting in _rarest_first([item for item in order if item.name not in placed]):
        for item in waiting:
            split = _best(item, stratum, capacity, shares, totals, seed, strict=strict)
            if split is not None:
                capacity.add(item, split)
                placed[item.name] = split
    return placed


def _hash(seed: int, text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{text}".encode()).digest()[:8], "big")


def _rarest_first(items: Sequence[Item]) -> Iterable[tuple[str, list[Item]]]:
    """Strata with the groups that they place: the one with the fewest samples left first; those without any last."""
    left = {item.name: item for item in items}
    holders: defaultdict[str, list[Item]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for item in items:
        counts.update(item.strata)
        for stratum in item.strata:
            holders[stratum].append(item)
    while counts:
        stratum = min(counts, key=lambda name: (counts[name], name))
        waiting = [item for item in holders[stratum] if item.name in left]
        yield stratum, waiting
        for item in waiting:
            del left[item.name]
            counts.subtract(item.strata)
        del counts[stratum]
        counts = +counts
    yield "", list(left.values())


def _best(
    item: Item,
    stratum: str,
    capacity: Capacity,
    shares: Mapping[str, float],
    totals: Mapping[str, int],
    seed: int,
    *,
    strict: bool,
) -> str | None:
    """The split with room that misses most of the stratum, then of all others of the group, then at all."""
    fitting = [name for name in item.eligible if capacity.room(name) >= item.weight[name]]
    if not fitting:
        return None if strict else max(item.eligible, key=lambda name: (capacity.room(name), _hash(seed, name)))

    def missing(name: str) -> tuple[float, float, float]:
        own = totals.get(stratum, 0) * shares[name] - capacity.strata[stratum][name]
        others = sum((totals[s] * shares[name] - capacity.strata[s][name]) / totals[s] for s in item.strata)
        return own, others, capacity.room(name)

    lacks = {name: missing(name) for name in fitting}
    most = max(lacks.values())
    return max((name for name in fitting if lacks[name] == most), key=lambda name: _hash(seed, f"{name}|{item.name}"))


def _least_first(items: Sequence[Item], capacity: Capacity, at_least: int) -> dict[str, str]:
    """Give every split its least number of each slice, the rarest slice and the smallest split first."""
    placed: dict[str, str] = {}
    supply: defaultdict[str, list[Item]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for item in items:
        counts.update(item.cells)
        for cell in item.cells:
            supply[cell].append(item)
    names = sorted(capacity.wanted, key=lambda name: (capacity.wanted[name], name))
    for cell in sorted(counts, key=lambda cell: (counts[cell], cell)):
        waiting = [item for item in supply[cell] if item.name not in placed]
        for name in names:
            for item in waiting:
                if capacity.cells[cell][name] >= at_least:
                    break
                if item.name not in placed and name in item.eligible and capacity.room(name) >= item.weight[name]:
                    capacity.add(item, name)
                    placed[item.name] = name
    return placed
