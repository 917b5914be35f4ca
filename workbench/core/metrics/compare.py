"""Compare two models on the same pictures, or a slice with the rest: values, 95 % intervals, chance.

Intervals of a change come from a paired bootstrap over pictures (Efron & Tibshirani 1993, chapter 8). A bootstrap of
few pictures is too narrow, so three guards widen it: an interval is never narrower than that of Agresti & Min 2005
("Simple improved confidence intervals for comparing matched proportions"), never excludes zero when exchanging the two
rounds picture by picture gives such a change in more than one of twenty cases, and never claims anything from fewer
than six pictures (20 for AP). Pictures count as independent: neighbours in a video are not, and make intervals too
narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from workbench.core.metrics.average_precision import average_precision, estimate, mean_ap
from workbench.core.metrics.counts import RoundCounts
from workbench.core.metrics.intervals import Z_95, Estimate, wilson
from workbench.core.metrics.registry import METRICS, MatchCounts
from workbench.core.tables.column import Mask

ALPHA = 0.05
LEAST = 6  # pictures: with fewer, exchanging rounds can never be rarer than one in twenty
AP_LEAST = 20  # pictures: with 8, one in ten changes of AP by chance would count as sure
RESAMPLES, AP_RESAMPLES = 1000, 200
EXCHANGES = 1999
ALL_EXCHANGES = 11  # pictures up to which every exchange is tried
BLOCK = 4_000_000  # numbers in memory at once
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """A slice of the evaluated pictures.

    Attributes:
        rows: ``(n,)`` its pictures.
        labels: ``(t,)`` its true labels, when it is made of single labels; then it has a recall only.
    """

    rows: Mask
    labels: Mask | None = None


@dataclass(frozen=True)
class Level:
    """A metric of one round; ``None`` where there is nothing to count."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Change:
    """A difference with its 95 % interval; ``p_value`` of no difference, where it is tested."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None

    @property
    def fell(self) -> bool:
        """Whether it is surely below zero."""
        return self.high is not None and self.high < 0

    @property
    def rose(self) -> bool:
        """Whether it is surely above zero."""
        return self.low is not None and self.low > 0


def level(counts: RoundCounts, part: Part, metric: str) -> Level:
    """A metric of a slice; the interval is the wider of bootstrap over pictures and Wilson's over labels."""
    if METRICS[metric].ranked:
        if part.labels is not None:
            return Level(None)
        return Level(*_few(estimate(list(counts.classes.values()), part.rows), part.rows))
    counted = _counted(counts, part, metric)
    if counted is None or counted[:, 1].sum() == 0:
        return Level(None)
    hits, n = (float(x) for x in counted.sum(axis=0))
    low, high = wilson(hits, n)
    ratios = _ratios(np.concatenate(list(_resampled(counted))))
    below, above = np.quantile(ratios, [ALPHA / 2, 1 - ALPHA / 2]) if len(ratios) else (low, high)
    return Level(hits / n, min(low, float(below)), max(high, float(above)))


def _few(estimated: Estimate, rows: Mask) -> Estimate:
    """The estimate, without its interval where a bootstrap of so few images means nothing."""
    return estimated if np.count_nonzero(rows) >= LEAST else (estimated[0], None, None)


def apart(first: Level, second: Level) -> Change:
    """First slice less second, without common labels (Zou & Donner 2008, "Construction of confidence limits ...")."""
    if first.value is None or second.value is None:
        return Change(None)
    difference = first.value - second.value
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Change(difference)
    low = difference - hypot(first.value - first.low, second.high - second.value)
    return Change(difference, low, difference + hypot(first.high - first.value, second.value - second.low))


def change(
    before: RoundCounts, after: RoundCounts, part: Part, metric: str, *, labels_before: Mask | None = None
) -> Change:
    """What a metric of a slice gained from one round to another, on the same pictures in the same order.

    Args:
        before, after: the rounds.
        part: the slice, in the labels of ``after``.
        metric: one of ``registry.names("compare")``.
        labels_before: its labels in those of ``before``, when it is made of single labels.
    """
    if METRICS[metric].ranked:
        return Change(None) if part.labels is not None else _ap_change(before, after, part.rows)
    old, new = _counted(before, Part(part.rows, labels_before), metric), _counted(after, part, metric)
    if old is None or new is None or not old[:, 1].sum() or not new[:, 1].sum():
        return Change(None)
    both = np.hstack([old, new])
    difference = _difference(both.sum(axis=0, keepdims=True))[0]
    drawn = _difference(np.concatenate(list(_resampled(both))))
    low, high = (float(q) for q in np.nanquantile(drawn, [ALPHA / 2, 1 - ALPHA / 2]))
    least_low, least_high = _matched(old, new)
    p = _exchanged(both)
    return _honest(float(difference), min(low, least_low), max(high, least_high), p, len(both))


def _honest(value: float, low: float, high: float, p: float, n: int) -> Change:
    if p > ALPHA or n < LEAST:
        low, high = min(low, 0.0), max(high, 0.0)
    return Change(value, max(low, -1.0), min(high, 1.0), p)


def _counted(counts: RoundCounts, part: Part, metric: str) -> Values | None:
    """Part and trials of the metric per image of the slice, ``(m, 2)``; single labels have metrics of labels only."""
    definition = METRICS[metric]
    assert definition.ratio is not None
    if definition.of != "labels" and part.labels is not None:
        return None
    hits, misses = counts.hits_and_misses(part.labels)
    match_counts = MatchCounts(*(values.astype(float) for values in (hits, misses, counts.wrong)))
    return np.column_stack(definition.ratio(match_counts))[part.rows]


def _resampled(columns: Values) -> Iterator[Values]:
    """Sums over pictures drawn with replacement, in blocks of ``(resamples, columns)``."""
    m = len(columns)
    rng, left = np.random.default_rng(0), RESAMPLES if m <= 20_000 else AP_RESAMPLES
    while left > 0 and m:
        n = min(left, max(1, BLOCK // m))
        yield columns[rng.integers(0, m, (n, m))].sum(axis=1)
        left -= n


def _ratios(sums: Values) -> Values:
    known = sums[sums[:, 1] > 0]
    ratios: Values = known[:, 0] / known[:, 1]
    return ratios


def _difference(sums: Values) -> Values:
    """Second ratio less the first, of columns hits, all, hits, all; NaN where one has nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        difference: Values = sums[:, 2] / sums[:, 3] - sums[:, 0] / sums[:, 1]
    return difference


def _matched(old: Values, new: Values) -> tuple[float, float]:
    """Agresti and Min's interval: half a label added to each of the four cells of the matched table."""
    gained = float(np.maximum(new[:, 0] - old[:, 0], 0).sum()) + 0.5
    lost = float(np.maximum(old[:, 0] - new[:, 0], 0).sum()) + 0.5
    n = float(old[:, 1].sum() + new[:, 1].sum()) / 2 + 2
    middle = (gained - lost) / n
    half = Z_95 * sqrt(max(gained + lost - (gained - lost) ** 2 / n, 0.0)) / n
    return middle - half, middle + half


def _exchanged(both: Values) -> float:
    """Share of the exchanges of the two rounds, picture by picture, that change the metric at least as much."""
    differing = both[(both[:, :2] != both[:, 2:]).any(axis=1)]
    m, total = len(differing), both.sum(axis=0)
    observed = abs(float(_difference(total[None])[0]))
    turn = differing[:, [2, 3, 0, 1]] - differing
    if m <= ALL_EXCHANGES:
        chosen = np.array(list(product((0.0, 1.0), repeat=m))).reshape(2**m, m)
        return float(np.mean(_at_least(total + chosen @ turn, observed)))
    rng, reached, left = np.random.default_rng(1), 0, EXCHANGES
    while left > 0:
        n = min(left, max(1, BLOCK // m))
        reached += int(_at_least(total + rng.integers(0, 2, (n, m)).astype(float) @ turn, observed).sum())
        left -= n
    return (reached + 1) / (EXCHANGES + 1)


def _at_least(sums: Values, observed: float) -> Mask:
    changes = np.abs(_difference(sums))
    return np.asarray((changes >= observed - 1e-12) | np.isnan(changes))


def _ap_change(before: RoundCounts, after: RoundCounts, rows: Mask) -> Change:
    """Change of average precision; the wider of a paired bootstrap and Student's interval with its spread."""
    weights, chosen = rows.astype(float), np.flatnonzero(rows)
    shared = [(before.classes[name], after.classes[name]) for name in before.classes if name in after.classes]
    old, new = (mean_ap([pair[side] for pair in shared], weights) for side in (0, 1))
    if old is None or new is None:
        return Change(None)
    rng, drawn = np.random.default_rng(0), []
    for _ in range(AP_RESAMPLES if len(chosen) >= AP_LEAST else 0):
        resampled = np.bincount(rng.choice(chosen, len(chosen)), minlength=len(rows)).astype(float)
        pairs = [(average_precision(a, resampled), average_precision(b, resampled)) for a, b in shared]
        known = [b - a for a, b in pairs if a is not None and b is not None]
        drawn += [float(np.mean(known))] if known else []
    if len(drawn) < AP_RESAMPLES / 2:
        return Change(new - old)
    low, high = (float(q) for q in np.quantile(drawn, [ALPHA / 2, 1 - ALPHA / 2]))
    m = len(chosen)
    spread = max(float(np.std(drawn)) * sqrt(m / (m - 2)), 1e-9)
    half = float(student.ppf(1 - ALPHA / 2, m - 1)) * spread
    p = 2 * float(student.sf(abs(new - old) / spread, m - 1))
    return _honest(new - old, min(low, new - old - half), max(high, new - old + half), p, m)
