"""How bad samples are by a metric, and how sure that is when samples come in groups.

Labels of one picture, and pictures of one scene, fail together; as if independent they would make chance look like
a finding. So counts are divided by the design effect: the variance of the groups' sums over that of independent
trials (Rao & Scott 1992, "A simple method for the analysis of clustered binary data").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import FilterError, InputError
from workbench.core.metrics.per_slice import HITS, MISSES, WRONG, Z_95, Estimate, wilson
from workbench.core.tables.column import Mask, NumberColumn
from workbench.core.tables.table import Table

METRICS = ("recall", "precision", "errors", "mean:<facet>", "share:<tag>")
Worst = Literal["low", "high"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Score:
    """A metric, row by row.

    Attributes:
        metric: its name.
        bad: ``(n,)`` how much of a row is bad: labels missed, 0 or 1, or the rank of a number from 0 to 1.
        trials: ``(n,)`` of how many; rows without any do not count.
        groups: ``(n,)`` number of what fails together: the scene of a row, else the row.
        worst: the end of the metric that is bad.
        values: ``(n,)`` the number whose mean is the metric, ``bad`` being its ranks; ``None`` for a share.
        looks_at: facets that make the metric, which explain nothing.
        tag: the tag whose share is the metric.
    """

    metric: str
    bad: Floats
    trials: Floats
    groups: NDArray[np.int64]
    worst: Worst
    values: Floats | None = None
    looks_at: frozenset[str] = frozenset()
    tag: str | None = None

    def value(self, rows: Mask) -> float | None:
        """The metric of some rows; ``None`` without trials."""
        rows = rows & (self.trials > 0)
        if not rows.any():
            return None
        if self.values is not None:
            return float(self.values[rows].mean())
        share = float(self.bad[rows].sum() / self.trials[rows].sum())
        return 1 - share if self.worst == "low" else share

    def estimate(self, rows: Mask) -> Estimate:
        """The metric with its 95 % interval: Wilson's of a share, normal of a mean, both widened for groups."""
        rows = rows & (self.trials > 0)
        value, n, effect = self.value(rows), float(self.trials[rows].sum()), design_effect(self, rows)
        if value is None or effect == inf:
            return value, None, None
        if self.values is None:
            return (value, *wilson(value * n / effect, n / effect))
        half = Z_95 * float(self.values[rows].std(ddof=1)) * sqrt(effect / n)
        return value, value - half, value + half


def design_effect(score: Score, rows: Mask) -> float:
    """Variance of the groups' sums over that of independent trials, at least 1; infinite for a single group."""
    rows = rows & (score.trials > 0)
    bad, trials = score.bad[rows], score.trials[rows]
    names, group = np.unique(score.groups[rows], return_inverse=True)
    if len(names) < 2:
        return inf
    mean = bad.sum() / trials.sum()
    sums = np.bincount(group, weights=bad - mean * trials)
    spread = float(bad.var()) if score.values is not None else float(mean * (1 - mean))
    expected = spread * float(trials.sum())
    return max(1.0, round(float(sums @ sums) / expected, 9)) if expected > 0 else 1.0


def score(table: Table, metric: str, *, worst: Worst | None = None) -> Score:
    """Read a metric: ``recall``, ``precision``, ``errors`` (share of samples with a miss or a wrong prediction),
    ``mean:<facet>``, ``share:<tag>``.

    Args:
        table: the samples.
        metric: its name.
        worst: the end of a mean or share that is bad, ``high`` by default.

    Raises:
        FilterError: a facet that the metric needs is not there, or has no numbers.
        InputError: no such metric, or recall whose high end should be bad.
    """
    kind, _, name = metric.partition(":")
    if metric in ("recall", "precision", "errors"):
        if worst == ("low" if metric == "errors" else "high"):
            raise InputError("the bad end of a metric", found=f"{worst!r} of {metric}", where="worst", fix="Leave out.")
        return _evaluated(table, metric)
    worst = worst or "high"
    if kind == "mean" and name:
        return _mean(table, metric, name, worst)
    if kind == "share" and name:
        tagged = table.column("tags").mask_of([name])
        bad = (tagged if worst == "high" else ~tagged).astype(float)
        return Score(metric, bad, np.ones(len(table)), _groups(table), worst, tag=name)
    raise InputError("a metric", found=repr(metric), where="metric", fix=f"One of: {', '.join(METRICS)}.")


def _evaluated(table: Table, metric: str) -> Score:
    hits, misses = _numbers(table, HITS), _numbers(table, MISSES)
    wrong = np.sum([_numbers(table, name) for name in WRONG], axis=0)
    bad = {"recall": misses, "precision": wrong, "errors": (misses + wrong > 0).astype(float)}[metric]
    trials = np.ones(len(table)) if metric == "errors" else hits + bad
    known = np.isfinite(hits + misses + wrong)
    bad, trials = np.where(known, bad, 0.0), np.where(known, trials, 0.0)
    looks_at = frozenset({HITS, MISSES, *WRONG})
    return Score(metric, bad, trials, _groups(table), "high" if metric == "errors" else "low", looks_at=looks_at)


def _mean(table: Table, metric: str, name: str, worst: Worst) -> Score:
    values = _numbers(table, name)
    known = np.isfinite(values)
    bad, trials = np.zeros(len(values)), known.astype(float)
    looks_at = frozenset(facet for facet, column in table.columns.items() if column is table.column(name))
    if np.isin(values[known], (0, 1)).all():  # its mean is a share
        bad[known] = values[known] if worst == "high" else 1 - values[known]
        return Score(metric, bad, trials, _groups(table), worst, looks_at=looks_at)
    bad[known] = ranks(values[known] if worst == "high" else -values[known])
    return Score(metric, bad, trials, _groups(table), worst, values, looks_at)


def ranks(values: Floats) -> Floats:
    """Mean ranks as shares from 0 to 1; equal values have equal ranks.

    >>> ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist()
    [0.5, 0.125, 0.5, 0.875]
    """
    _, place, n = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(n) - n / 2
    found: Floats = middle[place] / max(len(values), 1)
    return found


def _numbers(table: Table, name: str) -> Floats:
    if name.startswith("evaluation.") and name not in table.columns:
        fix = "Evaluate first: wb.evaluate(ds, 'predictions'), or choose a metric such as mean:<facet> or share:<tag>."
        raise FilterError("an evaluated dataset", found=f"no facet {name!r}", where="metric", fix=fix)
    column = table.column(name)
    if not isinstance(column, NumberColumn):
        raise FilterError("a facet with numbers", found=f"words in {name!r}", where="metric")
    return column.values


def _groups(table: Table) -> NDArray[np.int64]:
    """The scene of each row; a row without one stands alone."""
    alone = np.arange(len(table), dtype=np.int64)
    codes = getattr(table.columns.get("scene_id"), "codes", None)
    return alone if codes is None else np.where(codes < 0, alone + int(codes.max(initial=-1)) + 1, codes)
