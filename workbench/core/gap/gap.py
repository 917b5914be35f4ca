"""The gap between two sets of samples, from numbers measured on each.

Can they be told apart? A classifier tries, on samples that it has not seen (Lopez-Paz & Oquab 2017, "Revisiting
Classifier Two-Sample Tests"): area under the ROC curve, 0.5 is chance. The classifier is Fisher's linear
discriminant, shrunk, on normal scores of the measures and their squares: it is least squares, so its whole
cross-validation costs a few matrix products and can be repeated for hundreds of permuted labels, which makes the
p-value exact for any sample size. Beside it, each with a permutation test on the same labels: the kernel distance
(KID's cubic kernel, Binkowski et al. 2018, unbiased), sliced Wasserstein, and Wasserstein distances of single
measures in units of the reference's spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.core.metrics.intervals import Z_95
from workbench.core.metrics.ranks import auc, ranks

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
ALPHA = 0.05
FEWEST = 10  # samples, or scenes, per side
FOLDS, REPEATS = 5, 2
PERMUTATIONS = 199
PERMUTATIONS_OF_DISTANCES = 99
RIDGE = 0.05  # of the mean variance of the features: shrinks what few samples cannot tell
PROJECTIONS = 32
MOST_IN_KERNEL = 500  # samples per side of the kernel distance, whose cost is quadratic
FARTHEST = 10.0  # spreads; a measure that is constant in the reference is not infinitely far


@dataclass(frozen=True)
class MeasureGap:
    """How far one measure is apart.

    Attributes:
        name: the measure.
        distance: 1-Wasserstein in units of the reference's standard deviation.
        expected: the mean distance of two random parts of the same samples, which is what chance gives.
        reference, other: medians; of a share of a class, means.
        p_value: by permutation, corrected for all measures (maximum statistic, Westfall & Young 1993).
    """

    name: str
    distance: float
    expected: float
    reference: float
    other: float
    p_value: float


@dataclass(frozen=True)
class Gap:
    """How far two sets are apart.

    Attributes:
        samples, against: samples of the two sides.
        auc, low, high: area under the curve with its 95 % interval; ``None`` when samples are too few.
        p_value: chance of such an AUC when both sides are alike.
        kid, kid_p: unbiased kernel distance; about 0 when alike.
        sliced_wasserstein, sliced_wasserstein_p: mean over random directions, in spreads.
        measures: all measures, farthest first.
        note: why there is no number, or what limits those that there are.
    """

    samples: int
    against: int
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    kid: float | None = None
    kid_p: float | None = None
    sliced_wasserstein: float | None = None
    sliced_wasserstein_p: float | None = None
    measures: tuple[MeasureGap, ...] = ()
    note: str = ""

    @property
    def different(self) -> bool:
        """Whether the two sides can be told apart beyond chance."""
        return self.p_value is not None and self.p_value < ALPHA


def gap(
    first: Floats,
    second: Floats,
    names: Sequence[str],
    *,
    rng: np.random.Generator,
    groups: tuple[Texts, Texts] | None = None,
) -> Gap:
    """Compare two sets of samples.

    Args:
        first: ``(n, d)`` measures of the reference; NaN is missing.
        second: ``(m, d)`` the same measures of the other side.
        names: ``(d,)`` their names; none when the single ones do not matter.
        rng: draws folds, permutations and directions.
        groups: scene per sample of each side; a scene is never cut by a fold or a permutation.
    """
    n, m = len(first), len(second)
    if min(n, m) < FEWEST:
        return Gap(n, m, note=f"Too few samples: {n:,} and {m:,}, at least {FEWEST} are needed on each side.")
    is_first = np.arange(n + m) < n
    values = _filled(np.concatenate([first, second]))
    kept = np.flatnonzero(np.ptp(values, axis=0) > 0)  # the deviation of equal numbers may be more than 0
    if not len(kept):
        return Gap(n, m, 0.5, 0.0, 1.0, 1.0, note="All measures have one value: nothing can differ.")
    scene, note = _scenes(groups, is_first)
    labels = _labels(is_first, scene, rng)
    features = _features(values[:, kept])
    scores = np.mean([_held_out(features, labels, _folds(scene, rng)) for _ in range(REPEATS)], axis=0)
    aucs = np.array([auc(scores[:, k], labels[:, k]) for k in range(labels.shape[1])])
    values, few = values[:, kept], labels[:, : 1 + PERMUTATIONS_OF_DISTANCES]
    spread = _spread(values, values[:n])
    return Gap(
        n,
        m,
        *_told_apart(aucs, scores[:, 0], is_first),
        *_kernel(values, spread, few, rng),
        *_sliced(values, spread, few, rng),
        measures=_per_measure(values, spread, few, [names[k] for k in kept.tolist()]) if names else (),
        note=note,
    )


def auc_error(scores: Floats, is_first: NDArray[np.bool_]) -> float:
    """Standard error of an AUC (DeLong, DeLong & Clarke-Pearson 1988)."""
    parts = []
    for side, sign in ((is_first, 1.0), (~is_first, -1.0)):
        own, all_ = ranks(sign * scores[side]) * side.sum(), ranks(sign * scores)[side] * len(scores)
        beyond = (all_ - own) / (~side).sum()  # share of the other side that each one outranks
        parts.append(beyond.var(ddof=1) / side.sum())
    return sqrt(sum(parts))


def _told_apart(aucs: Floats, scores: Floats, is_first: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """AUC, ends of its interval, p-value. The interval never claims more than the permutations do."""
    value, chance = float(aucs[0]), aucs[1:]
    p = permutation_p(aucs)
    half = Z_95 * max(auc_error(scores, is_first), float(chance.std()))  # the second knows of folds that share samples
    low, high = max(0.0, value - half), min(1.0, value + half)
    if p >= ALPHA:
        low = min(low, 0.5)
    return value, low, max(high, 0.5), p


def permutation_p(values: Floats) -> float:
    """Share of permutations at least as large as the first value, which counts itself (Phipson & Smyth 2010)."""
    return float((np.count_nonzero(values[1:] >= values[0] - 1e-12) + 1) / len(values))


def _filled(values: Floats) -> Floats:
    """Missing numbers at the median, where they tell nothing."""
    values = np.where(np.isfinite(values), values, np.nan)
    known = ~np.isnan(values).all(axis=0)
    middle = np.zeros(values.shape[1])
    middle[known] = np.nanmedian(values[:, known], axis=0)
    return np.where(np.isnan(values), middle, values)


def _scenes(groups: tuple[Texts, Texts] | None, is_first: NDArray[np.bool_]) -> tuple[NDArray[np.int64], str]:
    """Number of the scene of each sample, and a note when there are too few scenes to be used instead of samples."""
    alone = np.arange(len(is_first))
    if groups is None:
        return alone, ""
    scene = np.unique(np.concatenate(groups), return_inverse=True)[1]
    sides = [len(np.unique(scene[side])) for side in (is_first, ~is_first)]
    if min(sides) < FEWEST:
        note = f"Only {sides[0]:,} and {sides[1]:,} scenes: their pictures are alike, so the interval is too narrow."
        return alone, note
    return scene.astype(np.int64), ""


def _labels(is_first: NDArray[np.bool_], scene: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """``(n, 1 + permutations)``: which samples are of the first side; then with shuffled scenes."""
    names, inverse = np.unique(scene, return_inverse=True)
    of_scene = np.zeros(len(names), np.bool_)
    of_scene[inverse] = is_first
    if len(names) == len(scene) or not np.array_equal(of_scene[inverse], is_first):  # single samples, or mixed scenes
        of_scene, inverse = is_first, np.arange(len(is_first))
    dealt = [rng.permutation(of_scene)[inverse] for _ in range(PERMUTATIONS)]
    return np.stack([is_first, *dealt], axis=1)


def _features(values: Floats) -> Floats:
    """Normal scores of the measures and their squares, ``(n, 2 d)``, each of mean 0 and variance 1."""
    normal = ndtri(np.clip(np.stack([ranks(column) for column in values.T], axis=1), 1e-6, 1 - 1e-6))
    both = np.concatenate([normal, normal**2], axis=1)
    spread = both.std(axis=0)
    standard: Floats = (both - both.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standard


def _folds(scene: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    names, inverse = np.unique(scene, return_inverse=True)
    folds: NDArray[np.int64] = (rng.permutation(len(names)) % FOLDS)[inverse]
    return folds


def _held_out(features: Floats, labels: NDArray[np.bool_], folds: NDArray[np.int64]) -> Floats:
    """Score of each sample by a discriminant fitted without its fold, for every column of labels at once.

    Both sides weigh the same, whatever their numbers.
    """
    scores = np.empty(labels.shape)
    for fold in range(FOLDS):
        out = folds == fold
        seen, target = features[~out], labels[~out].astype(float)
        n, m = np.maximum(target.sum(axis=0), 1), np.maximum((1 - target).sum(axis=0), 1)
        difference = seen.T @ (target / n - (1 - target) / m)  # of the two means
        covariance = seen.T @ seen / len(seen)
        shrunk = covariance + RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        scores[out] = features[out] @ np.linalg.solve(shrunk, difference)
    return scores


def _spread(values: Floats, first: Floats) -> Floats:
    """The reference's standard deviations, and a part of all samples' where that is tiny."""
    spread: Floats = np.maximum(first.std(axis=0), values.std(axis=0) / FARTHEST)
    return spread


def wasserstein(values: Floats, labels: NDArray[np.bool_]) -> Floats:
    """1-Wasserstein distance between the two sides on a line, ``(n,)`` values, per column of ``labels``.

    >>> wasserstein(np.array([0.0, 1.0, 3.0, 4.0]), np.array([[True], [True], [False], [False]])).tolist()
    [3.0]
    """
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    sides = labels[order]
    n = sides.sum(axis=0)
    ahead = np.cumsum(np.where(sides, 1 / n, -1 / (len(values) - n)), axis=0)[:-1]
    distances: Floats = gaps @ np.abs(ahead, out=ahead)
    return distances


def _sliced(values: Floats, spread: Floats, labels: NDArray[np.bool_], rng: np.random.Generator) -> tuple[float, float]:
    """Mean distance over random directions in the reference's spreads; p-value in those of all samples.

    The reference's would not do for the p-value: permuted samples do not have its mean and spread.
    """
    directions = rng.normal(size=(values.shape[1], PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    distance = np.mean([wasserstein(line, labels[:, :1])[0] for line in (values / spread @ directions).T])
    lines = (values / values.std(axis=0) @ directions).T
    return float(distance), permutation_p(np.mean([wasserstein(line, labels) for line in lines], axis=0))


def _kernel(values: Floats, spread: Floats, labels: NDArray[np.bool_], rng: np.random.Generator) -> tuple[float, float]:
    """Kernel distance on samples drawn to equal numbers, scaled as ``_sliced``, and its p-value."""
    first = labels[:, 0]
    sides = [np.flatnonzero(first), np.flatnonzero(~first)]
    n = min(len(sides[0]), len(sides[1]), MOST_IN_KERNEL)
    rows = np.concatenate([rng.permutation(side)[:n] for side in sides])
    dealt = np.stack([np.arange(2 * n) < n] * labels.shape[1], axis=1)
    dealt[:, 1:] = rng.permuted(dealt[:, 1:], axis=0)
    near = (values[rows] - values[first].mean(axis=0)) / spread
    far = (values[rows] - values.mean(axis=0)) / values.std(axis=0)
    return float(kernel_distance(near, dealt[:, :1])[0]), permutation_p(kernel_distance(far, dealt))


def kernel_distance(standard: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Unbiased squared MMD of the cubic kernel between two sides of equal number, per column of ``labels``.

    >>> kernel_distance(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([[True], [True], [False], [False]])).tolist()
    [7.0]
    """
    near = np.clip(standard, -FARTHEST, FARTHEST)
    kernel = (near @ near.T / near.shape[1] + 1) ** 3
    np.fill_diagonal(kernel, 0.0)
    n, signs = len(near) // 2, np.where(labels, 1.0, -1.0)
    total, signed = kernel.sum(), np.einsum("ij,ij->j", signs, kernel @ signs)
    distances: Floats = (total + signed) / 2 / (n * (n - 1)) - (total - signed) / 2 / (n * n)
    return distances


def _per_measure(
    values: Floats, spread: Floats, labels: NDArray[np.bool_], names: Sequence[str]
) -> tuple[MeasureGap, ...]:
    distances = np.array([wasserstein(column, labels) for column in (values / spread).T])
    expected = np.maximum(distances[:, 1:].mean(axis=1), 1e-12)
    times = distances / expected[:, None]  # what chance gives: distances of skewed measures compare so
    largest, first = times.max(axis=0), labels[:, 0]
    measures = []
    for k, name in enumerate(names):
        p = (np.count_nonzero(largest[1:] >= times[k, 0] - 1e-12) + 1) / len(largest)
        medians = float(np.median(values[first, k])), float(np.median(values[~first, k]))
        measures.append(MeasureGap(name, float(distances[k, 0]), float(expected[k]), *medians, float(p)))
    return tuple(sorted(measures, key=lambda measure: -measure.distance))
