"""Compare ways to train on the same seeds and pictures: what an arm gained, and how far towards an oracle.

Seeds of training differ as much as arms do, so arms are paired by seed and by picture. Intervals come from a bootstrap
that draws both seeds and pictures, the same for all arms (Efron & Tibshirani 1993, chapter 8). Of five seeds a
bootstrap is too narrow; no interval is narrower than Student's of the seeds' own gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from workbench.base.errors import InputError
from workbench.core.metrics.average_precision import mean_ap
from workbench.core.metrics.compare import ALPHA, Change
from workbench.core.metrics.counts import RoundCounts
from workbench.core.tables.column import Mask

DRAWS, AP_DRAWS = 1000, 200
METRICS = ("recall", "ap50")
Values = NDArray[np.float64]


def means(arm: Sequence[RoundCounts], rows: Mask, metric: str) -> Values:
    """A metric of a slice, ``(seeds,)``; NaN where there are no labels.

    Args:
        arm: one tally per seed.
        rows: ``(n,)`` pictures of the slice.
        metric: ``recall`` or ``ap50``.
    """
    return _values(arm, rows.astype(float)[None], metric)[:, 0]


def gain(before: Sequence[RoundCounts], after: Sequence[RoundCounts], rows: Mask, metric: str) -> Change:
    """Mean over the seeds of what ``after`` has more than ``before``, with its 95 % interval.

    Args:
        before, after: tallies of the same pictures, in the same order of seeds.
        rows, metric: as of ``means``.

    Raises:
        InputError: the arms have not the same seeds, or none.
    """
    _check(before, after)
    each = means(after, rows, metric) - means(before, rows, metric)
    drawn = _drawn((before, after), rows, metric)
    low, high = (float(q) for q in np.nanquantile(drawn[1] - drawn[0], [ALPHA / 2, 1 - ALPHA / 2]))
    half = _student(each)
    value = float(each.mean())
    return Change(value, min(low, value - half), max(high, value + half))


def closed(
    none: Sequence[RoundCounts], arm: Sequence[RoundCounts], oracle: Sequence[RoundCounts], rows: Mask, metric: str
) -> Change:
    """Share of the way from ``none`` to ``oracle`` that ``arm`` goes; 1 is as good as the oracle.

    Without a value where the oracle itself gained nothing for sure: then there is no way to go, and what is missing is
    not data (see ``verdict.gate``).

    Args:
        none, arm, oracle: tallies as of ``gain``.
        rows, metric: as of ``means``.

    Raises:
        InputError: as of ``gain``.
    """
    _check(none, arm, oracle)
    if not gain(none, oracle, rows, metric).rose:
        return Change(None)
    base, own, best = (float(means(one, rows, metric).mean()) for one in (none, arm, oracle))
    drawn = _drawn((none, arm, oracle), rows, metric)
    ways = drawn[2] - drawn[0]
    shares = np.divide(drawn[1] - drawn[0], ways, out=np.full_like(ways, np.nan), where=ways > 0)
    low, high = (float(q) for q in np.nanquantile(shares, [ALPHA / 2, 1 - ALPHA / 2]))
    return Change((own - base) / (best - base), low, high)


def _check(*arms: Sequence[RoundCounts]) -> None:
    numbers = [len(arm) for arm in arms]
    if min(numbers) == 0 or len(set(numbers)) > 1:
        raise InputError(f"The arms have different numbers of seeds: {numbers}.", fix="Train the missing ones.")


def _drawn(arms: Sequence[Sequence[RoundCounts]], rows: Mask, metric: str) -> Values:
    """Mean over drawn seeds of each arm on drawn pictures, ``(arms, draws)``."""
    rng, chosen = np.random.default_rng(0), np.flatnonzero(rows)
    n, seeds = (AP_DRAWS if metric == "ap50" else DRAWS), len(arms[0])
    weights = np.stack([np.bincount(rng.choice(chosen, len(chosen)), minlength=len(rows)) for _ in range(n)])
    counts = np.stack([np.bincount(rng.integers(0, seeds, seeds), minlength=seeds) for _ in range(n)])
    found: Values = np.stack(
        [np.einsum("sd,ds->d", _values(arm, weights.astype(float), metric), counts) / seeds for arm in arms]
    )
    return found


def _values(arm: Sequence[RoundCounts], weights: Values, metric: str) -> Values:
    """The metric ``(seeds, draws)`` with pictures counted by ``weights`` ``(draws, n)``."""
    if metric == "recall":
        found = []
        for one in arm:
            hits, misses = one.hits_and_misses()
            with np.errstate(invalid="ignore", divide="ignore"):
                found.append((weights @ hits) / (weights @ (hits + misses)))
        return np.array(found)
    aps = [[mean_ap(list(one.classes.values()), each) for each in weights] for one in arm]
    return np.array([[np.nan if ap is None else ap for ap in row] for row in aps])


def _student(each: Values) -> float:
    """Half of Student's interval of a mean; endless for one seed, of which nothing is known."""
    n = len(each)
    return float(student.ppf(1 - ALPHA / 2, n - 1) * each.std(ddof=1) / sqrt(n)) if n > 1 else np.inf
