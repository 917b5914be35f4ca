"""Average precision of slices with bootstrap intervals, from labels that are matched already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.metrics.intervals import Estimate
from workbench.core.schema.boxes import Boxes

RESAMPLES = 200
RECALLS = np.linspace(0, 1, 101)  # COCO's points


@dataclass(frozen=True, eq=False)
class ClassResults:
    """All predictions and truths of one class.

    Attributes:
        rows: ``(p,)`` sample of each prediction, most confident first.
        hits: ``(p,)`` whether it hits.
        truths: ``(n,)`` true labels per sample.
    """

    rows: NDArray[np.int64]
    hits: NDArray[np.bool_]
    truths: NDArray[np.int64]


def class_results(samples: Sequence[Boxes], truth_of: Mapping[str, str]) -> list[ClassResults]:
    """Results per class that has any truth; samples are the rows.

    Args:
        samples: truth and predictions.
        truth_of: id of the true label by id of the prediction that hits it.
    """
    crowd = {box.id for boxes in samples for box in boxes.truth if box.crowd}
    truths: defaultdict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(len(samples), np.int64))
    predicted: defaultdict[str, list[tuple[float, int, bool]]] = defaultdict(list)
    for row, boxes in enumerate(samples):
        for box in boxes.truth:
            truths[box.name][row] += not box.crowd
        for box in boxes.predicted:
            if truth_of.get(box.id) not in crowd:
                confidence = -1.0 if box.confidence is None else box.confidence
                predicted[box.name].append((confidence, row, box.id in truth_of))
    return [_ordered(predicted[name], truths[name]) for name in sorted(truths)]


def _ordered(predicted: list[tuple[float, int, bool]], truths: NDArray[np.int64]) -> ClassResults:
    predicted.sort(key=lambda prediction: -prediction[0])  # stable: equal confidences stay in order of loading
    rows, hits = [row for _, row, _ in predicted], [hit for *_, hit in predicted]
    return ClassResults(np.array(rows, np.int64), np.array(hits, np.bool_), truths)


def average_precision(result: ClassResults, weights: NDArray[np.float64]) -> float | None:
    """COCO's AP of one class: precision, made monotone, at 101 recalls; ``None`` without truth.

    Args:
        result: the class.
        weights: ``(n,)`` how often each sample counts.
    """
    n_truths = float(result.truths @ weights)
    if n_truths == 0:
        return None
    counted = weights[result.rows]
    hits, all_ = np.cumsum(counted * result.hits), np.cumsum(counted)
    precision = np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(envelope[np.searchsorted(hits / n_truths, RECALLS)].mean())


def mean_ap(results: Sequence[ClassResults], weights: NDArray[np.float64]) -> float | None:
    """Mean over the classes that have any truth."""
    aps = [ap for result in results if (ap := average_precision(result, weights)) is not None]
    return float(np.mean(aps)) if aps else None


def _among(results: Sequence[ClassResults], chosen: NDArray[np.int64], samples: int) -> list[ClassResults]:
    """The results of some samples, of the classes with a true label in them: resampling looks at nothing else."""
    place = np.full(samples, -1)
    place[chosen] = np.arange(len(chosen))
    kept = []
    for result in results:
        truths = result.truths[chosen]
        if truths.any():
            rows = place[result.rows]
            kept.append(ClassResults(rows[rows >= 0], result.hits[rows >= 0], truths))
    return kept


def estimate(results: Sequence[ClassResults], rows: NDArray[np.bool_]) -> Estimate:
    """AP of a slice, and the 95 % interval of a bootstrap over its samples (Efron & Tibshirani 1993, chapter 13)."""
    chosen = np.flatnonzero(rows)
    results = _among(results, chosen, len(rows))
    value = mean_ap(results, np.ones(len(chosen)))
    if value is None or len(chosen) < 2:
        return value, None, None
    rng, resampled = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        drawn = np.bincount(rng.choice(len(chosen), len(chosen)), minlength=len(chosen)).astype(float)
        resampled.append(mean_ap(results, drawn))
    known = [ap for ap in resampled if ap is not None]
    low, high = np.quantile(known, [0.025, 0.975])
    return value, float(low), float(high)
