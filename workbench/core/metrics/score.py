"""How bad samples are by a metric, and how sure that is when samples come in groups.

Labels of one picture, and pictures of one scene, fail together; as if independent they would make chance look like
a finding. So counts are divided by the design effect: the variance of the groups' sums over that of independent
trials (Rao & Scott 1992, "A simple method for the analysis of clustered binary data").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError
from workbench.core.metrics import intervals
from workbench.core.metrics.intervals import Estimate
from workbench.core.metrics.ranks import ranks
from workbench.core.metrics.registry import Floats, Reading, Worst, find, read
from workbench.core.tables.column import Mask
from workbench.core.tables.table import Table


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
        looks_at: facets that the metric is computed from; a slice by them explains nothing.
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
            return intervals.share(value * n / effect, n / effect)
        return intervals.mean(self.values[rows], effect=effect)


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
    """Read how bad each sample is by a metric that can be searched.

    Args:
        table: the samples.
        metric: ``recall``, ``precision``, ``errors`` (share of samples with a miss or a wrong prediction),
            ``mean:<facet>`` or ``share:<tag>``.
        worst: the end of a mean or share that is bad, ``high`` by default.

    Raises:
        FilterError: a facet that the metric needs is not there, or has no numbers.
        InputError: no such metric, or recall whose high end should be bad.
    """
    definition, argument = find(metric, "search")
    if not definition.argument and worst not in (None, definition.worst):
        problem = f"The bad end of {metric} is always {definition.worst!r}, not {worst!r}."
        raise InputError(problem, at="worst", fix="Leave worst out.")
    worst = worst or definition.worst
    reading = read(table, definition, argument)
    tag = argument if definition.argument == "tag" else None
    if reading.mean and not np.isin(reading.part, (0, 1)).all():
        return _mean(table, metric, worst, reading)
    bad = reading.part if worst == "high" else reading.trials - reading.part
    return Score(metric, bad, reading.trials, _groups(table), worst, looks_at=reading.facets, tag=tag)


def _mean(table: Table, metric: str, worst: Worst, reading: Reading) -> Score:
    values, known = np.where(reading.trials > 0, reading.part, np.nan), reading.trials > 0
    bad = np.zeros(len(values))
    bad[known] = ranks(values[known] if worst == "high" else -values[known])
    return Score(metric, bad, reading.trials, _groups(table), worst, values, reading.facets)


def _groups(table: Table) -> NDArray[np.int64]:
    """The scene of each row; a row without one goes with the others of its sample."""
    alone = np.unique(table.ids, return_inverse=True)[1].astype(np.int64)
    codes = getattr(table.columns.get("scene_id"), "codes", None)
    return alone if codes is None else np.where(codes < 0, alone + int(codes.max(initial=-1)) + 1, codes)
