"""All metrics by name: slices, discovery, rounds, the heat map, the command line and the board read this list.

A metric of detection is a ratio of counts per sample, so that a new one is one entry here::

    Metric("miss_rate", "miss rate", "high", of="labels", ratio=lambda n: (n.misses, n.hits + n.misses)),
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import FilterError, InputError, one_of
from workbench.core.metrics import intervals
from workbench.core.metrics.intervals import Estimate
from workbench.core.tables.column import Mask, NumberColumn
from workbench.core.tables.table import Table

EVALUATION = "evaluation"  # prefix of the facets that evaluation writes
HITS, MISSES = f"{EVALUATION}.hits", f"{EVALUATION}.misses"
WRONG = tuple(f"{EVALUATION}.{name}" for name in ("false_alarms", "wrong_class", "badly_placed", "duplicates"))
Worst = Literal["low", "high"]
Use = Literal["slice", "search", "compare"]
Floats = NDArray[np.float64]
Estimator = Callable[[Mask], Estimate]


@dataclass(frozen=True, eq=False)
class MatchCounts:
    """What evaluation counted in each of ``n`` samples; NaN in a sample that was not evaluated.

    Attributes:
        hits: ``(n,)`` true labels that were found.
        misses: ``(n,)`` true labels that were not.
        wrong: ``(n,)`` predictions that are no hit.
    """

    hits: Floats
    misses: Floats
    wrong: Floats


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: as it is written: ``recall``; with an argument, ``mean`` for ``mean:<facet>``.
        label: for people.
        worst: the end that is bad; of ``mean`` and ``share`` the caller may choose the other.
        of: what it counts. Those of single labels and of predictions compare rounds.
        argument: what stands behind the colon: ``facet``, ``tag``, or nothing.
        ratio: part and trials per sample, from what evaluation counted.
        ranked: it looks at the order of all predictions (average precision), not at counts per sample.
        share: whether it lies between 0 and 1.
    """

    name: str
    label: str
    worst: Worst
    of: Literal["samples", "labels", "predictions"] = "samples"
    argument: str = ""
    ratio: Callable[[MatchCounts], tuple[Floats, Floats]] | None = None
    ranked: bool = False
    share: bool = True

    @property
    def usage(self) -> str:
        """How it is written.

        >>> METRICS["mean"].usage
        'mean:<facet>'
        """
        return f"{self.name}:<{self.argument}>" if self.argument else self.name

    @property
    def needs_evaluation(self) -> bool:
        """Whether predictions must have been evaluated."""
        return self.ranked or self.ratio is not None


_ALL = (
    Metric("count", "samples", "high", share=False),
    Metric("recall", "recall", "low", of="labels", ratio=lambda n: (n.hits, n.hits + n.misses)),
    Metric("precision", "precision", "low", of="predictions", ratio=lambda n: (n.hits, n.hits + n.wrong)),
    # one trial per label and wrong prediction, as Wilson's interval needs; F1 = 2 j / (1 + j) would count hits twice
    Metric("jaccard", "Jaccard index", "low", of="predictions", ratio=lambda n: (n.hits, n.hits + n.misses + n.wrong)),
    Metric("ap50", "AP at IoU 0.5", "low", of="predictions", ranked=True),
    Metric("errors", "samples with an error", "high", ratio=lambda n: (_any_error(n), np.ones(len(n.hits)))),
    Metric("mean", "mean", "high", argument="facet", share=False),
    Metric("share", "share of a tag", "high", argument="tag"),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


def names(use: Use = "slice") -> tuple[str, ...]:
    """Metrics for a use: per slice, to search slices by, or to compare rounds by.

    >>> names("compare")
    ('recall', 'precision', 'jaccard', 'ap50')
    """
    if use == "search":
        return tuple(name for name, metric in METRICS.items() if name != "count" and not metric.ranked)
    if use == "compare":
        return tuple(name for name, metric in METRICS.items() if metric.of != "samples")
    return tuple(METRICS)


def labels(use: Use = "slice") -> list[tuple[str, str]]:
    """Name and label of the metrics that evaluation makes possible, for lists to choose from.

    >>> labels("compare")[1:3]
    [('precision', 'precision'), ('jaccard', 'Jaccard index')]
    """
    return [(name, METRICS[name].label) for name in names(use) if METRICS[name].needs_evaluation]


def usages(use: Use = "slice") -> str:
    """How the metrics for a use are written, for help texts and errors."""
    return ", ".join(METRICS[name].usage for name in names(use))


def find(text: str, use: Use = "slice") -> tuple[Metric, str]:
    """A metric and its argument.

    >>> metric, facet = find("mean:noise")
    >>> metric.name, facet
    ('mean', 'noise')

    Raises:
        InputError: no such metric for that use.
    """
    name, _, argument = text.partition(":")
    metric = METRICS.get(name)
    if metric is None or name not in names(use) or bool(argument) != bool(metric.argument):
        problem = f"Unknown metric {text!r}." if metric is None else f"The metric {text!r} cannot be used here."
        raise InputError(problem, at="metric", fix=one_of(text, [METRICS[name].usage for name in names(use)]))
    return metric, argument


@dataclass(frozen=True, eq=False)
class Reading:
    """A metric, sample by sample.

    Attributes:
        part: ``(n,)`` what is summed up; NaN never.
        trials: ``(n,)`` of how many; samples without any do not count.
        facets: the facets that it was read from.
        mean: whether it is the mean of ``part``, not a share of trials.
    """

    part: Floats
    trials: Floats
    facets: frozenset[str] = frozenset()
    mean: bool = False

    def estimate(self, rows: Mask) -> Estimate:
        """The metric of some samples: a share with Wilson's interval, or a mean with a normal one."""
        if self.mean:
            return intervals.mean(self.part[rows & (self.trials > 0)])
        return intervals.share(float(self.part[rows].sum()), float(self.trials[rows].sum()))


def read(table: Table, metric: Metric, argument: str = "") -> Reading:
    """Read a metric that is not ranked from a table.

    Raises:
        FilterError: a facet that the metric needs is not there, or has no numbers.
    """
    if metric.ratio is not None:
        return _evaluated(table, metric.ratio)
    if metric.argument == "tag":
        return Reading(_tagged(table, argument), np.ones(len(table)))
    values = _numbers(table, argument)
    known = np.isfinite(values)
    column = table.column(argument)
    facets = frozenset(name for name, other in table.columns.items() if other is column)
    return Reading(np.where(known, values, 0.0), known.astype(float), facets, mean=True)


def estimator(table: Table, text: str) -> Estimator:
    """What computes a metric from the samples of a slice.

    Raises:
        FilterError: a facet that the metric needs is not there, or has no numbers.
        InputError: no such metric.
    """
    metric, argument = find(text)
    if metric.name == "count":
        return lambda rows: (float(np.count_nonzero(rows)), None, None)
    return read(table, metric, argument).estimate


def _evaluated(table: Table, ratio: Callable[[MatchCounts], tuple[Floats, Floats]]) -> Reading:
    hits, misses, *wrong = (_numbers(table, name) for name in (HITS, MISSES, *WRONG))
    counts = MatchCounts(hits, misses, np.sum(wrong, axis=0))
    known = np.isfinite(hits + misses + counts.wrong)
    part, trials = (np.where(known, values, 0.0) for values in ratio(counts))
    return Reading(part, trials, frozenset({HITS, MISSES, *WRONG}))


def _any_error(counts: MatchCounts) -> Floats:
    errors: Floats = (counts.misses + counts.wrong > 0).astype(float)
    return errors


def _tagged(table: Table, tag: str) -> Floats:
    """1 for the samples with a tag, else 0; a share of a tag that no sample has would be a zero of a misspelt word."""
    tagged: Floats = table.column("tags").mask_of([tag]).astype(float)
    if len(tagged) and not tagged.any():
        names = getattr(table.column("tags"), "names", ())
        raise FilterError(f"No sample has the tag {tag!r}.", at="metric", fix=one_of(tag, names))
    return tagged


def _numbers(table: Table, name: str) -> Floats:
    if name.startswith(f"{EVALUATION}.") and name not in table.columns:
        fix = (
            "Evaluate first: wb.evaluate(ds, 'predictions'), or workbench evaluate DATASET --predictions FILE; "
            "or choose a metric such as mean:<facet> or share:<tag>."
        )
        raise FilterError("The dataset has not been evaluated.", at="metric", fix=fix)
    column = table.column(name)
    if not isinstance(column, NumberColumn):
        raise FilterError(f"Facet {name!r} holds words, not numbers.", at="metric")
    return column.values
