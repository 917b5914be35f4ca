"""All conjunctions of up to three conditions, counted: which has the most evidence of being bad?

A set of attributes gives each row one mixed-radix code, and ``bincount`` the counts of all its conjunctions at once
(the idea of enumerating by linear algebra is SliceLine's, Sagadeeva & Boehm 2021). Rows that leave are subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, inf

import numpy as np
from numpy.typing import NDArray

from workbench.core.discovery.conditions import Attribute
from workbench.core.metrics.registry import Floats
from workbench.core.tables.column import Mask, Rows

MOST_ROW_VISITS = 3e8  # of triples: beyond, only those that extend the best pairs are counted
MOST_TRIPLES, FEWEST_TRIPLES = 6_000, 200
LEAST_NEW = 0.5  # share of a conjunction's rows that no slice before has taken
MOST_CELLS = 2_000  # of one set of attributes
Attributes = tuple[int, ...]  # indices in a list of attributes


@dataclass(frozen=True, eq=False)
class Data:
    """The rows that are searched.

    Attributes:
        attributes: with the codes of these rows.
        trials, bad: ``(n,)`` see ``Score``.
        spread: variance of ``bad`` where it is a rank, ``None`` where it counts trials.
        effect: the design effect.
        least: rows of a conjunction.
    """

    attributes: Sequence[Attribute]
    trials: Floats
    bad: Floats
    spread: float | None
    effect: float
    least: int

    def codes(self, chosen: Attributes, rows: Rows | slice = slice(None)) -> NDArray[np.intp]:
        """Number of the conjunction that each row meets."""
        codes = self.attributes[chosen[0]].codes[rows]
        for k, size in zip(chosen[1:], self.sizes(chosen)[1:], strict=True):
            codes = codes * size + self.attributes[k].codes[rows]
        return codes

    def sizes(self, chosen: Attributes) -> list[int]:
        """Conditions of each attribute, and one place for rows that meet none."""
        return [len(self.attributes[k].conditions) + 1 for k in chosen]

    def counts(self, chosen: Attributes, rows: Rows | slice = slice(None)) -> NDArray[np.float64]:
        """``(3, conjunctions)``: rows, trials, bad."""
        codes, n = self.codes(chosen, rows), int(np.prod(self.sizes(chosen)))
        samples = np.bincount(codes, minlength=n).astype(float)
        single = self.trials.size > 0 and self.trials.min() == self.trials.max() == 1
        trials = samples if single else np.bincount(codes, weights=self.trials[rows], minlength=n)
        return np.stack([samples, trials, np.bincount(codes, weights=self.bad[rows], minlength=n)])

    def valid(self, chosen: Attributes) -> Mask:
        """Which conjunctions are of conditions only."""
        valid = np.ones(1, np.bool_)
        for size in self.sizes(chosen):
            valid = np.logical_and.outer(valid, np.arange(size) < size - 1).ravel()
        return valid


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of the conjunctions of several sets of attributes, side by side.

    Attributes:
        data: what is counted.
        sets: the sets.
        bounds: where the cells of each begin; one more for the end.
        cells: ``(3, cells)`` rows, trials, bad of the rows that are left.
        whole: rows of each cell before any was removed.
        valid: cells that are conjunctions of conditions.
        lengths: conditions of each cell.
    """

    data: Data
    sets: list[Attributes]
    bounds: NDArray[np.intp]
    cells: NDArray[np.float64]
    whole: Floats
    valid: Mask
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, data: Data, sets: Sequence[Attributes]) -> Counts:
        """Count all conjunctions of the sets."""
        sets = [chosen for chosen in sets if np.prod(data.sizes(chosen)) <= MOST_CELLS]
        sizes = [int(np.prod(data.sizes(chosen))) for chosen in sets]
        bounds = np.cumsum([0, *sizes])
        cells = np.zeros((3, bounds[-1]))
        valid = np.zeros(bounds[-1], np.bool_)
        for at, chosen in enumerate(sets):
            cells[:, bounds[at] : bounds[at + 1]] = data.counts(chosen)
            valid[bounds[at] : bounds[at + 1]] = data.valid(chosen)
        lengths = np.repeat(np.array([len(chosen) for chosen in sets], np.intp), sizes)
        return cls(data, sets, bounds, cells, cells[0].copy(), valid, lengths)

    def joined(self, other: Counts) -> Counts:
        """These and the other's."""
        return Counts(
            self.data,
            self.sets + other.sets,
            np.concatenate([self.bounds, other.bounds[1:] + self.bounds[-1]]),
            np.concatenate([self.cells, other.cells], axis=1),
            np.concatenate([self.whole, other.whole]),
            np.concatenate([self.valid, other.valid]),
            np.concatenate([self.lengths, other.lengths]),
        )

    def evidence(self, total: float, bad: float) -> Floats:
        """Half the deviance of each cell from the rate of all, less what the best of as many shows by chance.

        Args:
            total: trials of all rows that are left.
            bad: how many of them are bad.
        """
        samples, trials, worse = self.cells
        # of what is mostly removed already, the rest is no slice of its own but a near-copy
        enough = self.valid & (samples >= self.data.least) & (samples >= LEAST_NEW * self.whole)
        evidence = np.full(len(samples), -inf)
        if total <= 0:
            return evidence
        rate = bad / total
        share = np.divide(worse, trials, out=np.zeros_like(worse), where=trials > 0)
        at = np.flatnonzero(enough & (share > rate + 1e-12))
        many = np.log(np.maximum(np.bincount(self.lengths, weights=enough, minlength=4), 1))[self.lengths[at]]
        deviance = (
            _deviance(share[at], rate) if self.data.spread is None else (share[at] - rate) ** 2 / self.data.spread
        )
        evidence[at] = trials[at] * deviance / 2 / self.data.effect - many
        return evidence

    def conjunction(self, cell: int) -> tuple[Attributes, tuple[int, ...], Rows]:
        """Attributes and codes of a cell, and the rows that are in it."""
        at = int(np.searchsorted(self.bounds, cell, side="right")) - 1
        code, chosen = cell - int(self.bounds[at]), self.sets[at]
        codes = np.unravel_index(code, self.data.sizes(chosen))
        return chosen, tuple(map(int, codes)), np.flatnonzero(self.data.codes(chosen) == code)

    def remove(self, rows: Rows) -> None:
        """Take rows out of all counts."""
        for at, chosen in enumerate(self.sets):
            self.cells[:, self.bounds[at] : self.bounds[at + 1]] -= self.data.counts(chosen, rows)


def count(data: Data) -> Counts:
    """Count all conjunctions of one and two conditions, and of three as far as time allows."""
    counts = Counts.of(data, [*_sets(data, 1), *_sets(data, 2)])
    return counts.joined(Counts.of(data, _triples(counts)))


def possible(n: int) -> int:
    """Sets of one to three of ``n`` attributes."""
    return n + comb(n, 2) + comb(n, 3)


def _sets(data: Data, size: int) -> list[Attributes]:
    return [chosen for chosen in combinations(range(len(data.attributes)), size) if _may_join(data, chosen)]


def _may_join(data: Data, chosen: Attributes) -> bool:
    """Whether no facet comes twice, save sets of words, of which a sample may have several."""
    single = [data.attributes[k].facet for k in chosen if len(data.attributes[k].conditions) > 1]
    return len(set(single)) == len(single)


def _triples(counts: Counts) -> list[Attributes]:
    """All triples, or those that extend the pairs with the most evidence."""
    data, n = counts.data, len(counts.data.attributes)
    most = int(min(MOST_TRIPLES, max(FEWEST_TRIPLES, MOST_ROW_VISITS / max(len(data.trials), 1))))
    if comb(n, 3) <= most:
        return _sets(data, 3)
    evidence = counts.evidence(float(data.trials.sum()), float(data.bad.sum()))
    best = np.maximum.reduceat(evidence, counts.bounds[:-1])
    triples: dict[Attributes, None] = {}
    for at in np.argsort(-best, kind="stable").tolist():
        pair = counts.sets[at]
        for third in range(n) if len(pair) == 2 else ():
            triple = tuple(sorted({*pair, third}))
            if len(triple) == 3 and _may_join(data, triple):
                triples[triple] = None
        if len(triples) >= most:
            break
    return list(triples)[:most]


def _deviance(share: Floats, rate: float) -> Floats:
    """Twice the Kullback-Leibler divergence of shares from a lower rate, per trial."""
    if rate <= 0:
        return np.full_like(share, inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - rate)), 0.0)
        deviance: Floats = 2 * (share * np.log(share / rate) + rest)
    return deviance
