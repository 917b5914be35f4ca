"""Move distributions until pictures have the same means and spreads of all measures as the photos.

The method of simulated moments (McFadden 1989) with common random numbers: the same donors, places and seeds at every
trial, so that a difference of two trials comes from the parameters alone, and its derivative is exact enough for steps
of Gauss and Newton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from workbench.actions.recreate.parameters import EVEN, LEAST_SPREAD

Values = NDArray[np.float64]
Probe = Callable[[Values], Values]  # places (n, knobs) -> measures (n, measures), frame i for row i
PICTURES = 48  # of one trial
STEP, STEP_OF_SPREAD = 0.12, 0.06  # of the differences that derivatives are taken of
FARTHEST = 0.25  # of one step, as a share of a knob's range
OUTLIER = 4.0  # deviations beyond which a measure counts no more
SHRUNK = 0.3  # share of the diagonal in the covariance of few photos
SPREAD_WEIGHT = 0.5  # of a spread against a mean
DAMPING = 0.3


def pictures_of_step(knobs: int) -> int:
    """Images that one step makes at most, with the first look."""
    return (2 * knobs + 4) * PICTURES


@dataclass(frozen=True, eq=False)
class Refined:
    """Where distributions came to lie.

    Attributes:
        places, spreads: ``(knobs,)`` mean and deviation, from 0 to 1 between the ends of each knob.
        felt: ``(knobs,)`` whether moving it by ``STEP`` changes the measures beyond chance.
        error_before, error_after: mean squared difference of the moments in standard errors; 1 is chance.
    """

    places: Values
    spreads: Values
    felt: NDArray[np.bool_]
    error_before: float
    error_after: float


def refine(places: Values, spreads: Values, photos: Values, probe: Probe, *, rounds: Iterable[int]) -> Refined:
    """Improve distributions from where they are.

    Args:
        places, spreads: ``(knobs,)`` where to begin.
        photos: ``(m, measures)``; NaN is missing.
        probe: makes images with the knobs at some places, and measures them.
        rounds: steps, each of ``1 + 2 * knobs`` trials of ``PICTURES`` images; asked for the next when one is through.
    """
    k = len(places)
    even = 2.0 * qmc.LatinHypercube(k, rng=np.random.default_rng(0)).random(PICTURES) - 1.0
    moments = _Moments(photos)

    def residual(theta: Values) -> Values:
        half = np.sqrt(3.0) * theta[k:]
        return moments.residual(probe(np.clip(theta[:k] + even * half, 0.0, 1.0)))

    theta = np.concatenate([places, spreads])
    steps = np.concatenate([np.full(k, STEP), np.full(k, STEP_OF_SPREAD)])
    now = before = residual(theta)
    felt = np.zeros(k, np.bool_)
    for _ in rounds:
        signs = np.where(theta + steps > np.concatenate([np.ones(k), np.full(k, EVEN)]), -1.0, 1.0)
        jacobian = np.empty((len(now), 2 * k))
        for i in range(2 * k):
            moved = theta.copy()
            moved[i] += signs[i] * steps[i]
            jacobian[:, i] = (residual(moved) - now) / (signs[i] * steps[i])
        felt |= (jacobian[:, :k] * STEP).__pow__(2).sum(axis=0) > 1.0
        theta, now = _stepped(theta, now, jacobian, residual)
    return Refined(theta[:k], theta[k:], felt, float((before**2).mean()), float((now**2).mean()))


def _stepped(
    theta: Values, now: Values, jacobian: Values, residual: Callable[[Values], Values]
) -> tuple[Values, Values]:
    """One step of Levenberg and Marquardt, halved until it helps."""
    k = len(theta) // 2
    normal = jacobian.T @ jacobian
    scale = DAMPING * np.diag(np.diag(normal)) + 1e-3 * np.trace(normal) / len(theta) * np.eye(len(theta))
    step = np.clip(-np.linalg.solve(normal + scale, jacobian.T @ now), -FARTHEST, FARTHEST)
    for share in (1.0, 0.5, 0.25):
        moved = theta + share * step
        moved[:k], moved[k:] = np.clip(moved[:k], 0.0, 1.0), np.clip(moved[k:], LEAST_SPREAD / 2, EVEN)
        there = residual(moved)
        if (there**2).sum() < (now**2).sum():
            return moved, there
    return theta, now


class _Moments:
    """Means and spreads of all measures, against those of the photos, in standard errors."""

    def __init__(self, photos: Values) -> None:
        self.center = np.nanmean(photos, axis=0)
        deviation = np.nanstd(photos, axis=0)
        self.scale = np.maximum(deviation, 1e-3 * np.maximum(1.0, np.abs(self.center)))
        standard = self._standard(photos)
        self.n, self.mean, self.log_spread = len(photos), standard.mean(axis=0), _log_spread(standard)
        covariance = np.cov(standard.T) * (1 - SHRUNK) + SHRUNK * np.diag(np.maximum(standard.var(axis=0), 0.05))
        self.whiten = np.linalg.inv(np.linalg.cholesky(covariance + 1e-6 * np.eye(len(covariance))))

    def residual(self, images: Values) -> Values:
        """Differences of means, whitened, and of log spreads."""
        standard = self._standard(images[np.isfinite(images).any(axis=1)])
        error = np.sqrt(1 / self.n + 1 / max(len(standard), 1))
        means = self.whiten @ (standard.mean(axis=0) - self.mean) / error
        spreads = SPREAD_WEIGHT * (_log_spread(standard) - self.log_spread) / (error * np.sqrt(0.5))
        return np.concatenate([means, spreads])

    def _standard(self, values: Values) -> Values:
        known = np.where(np.isfinite(values), values, self.center)
        return np.asarray(np.clip((known - self.center) / self.scale, -OUTLIER, OUTLIER))


def _log_spread(standard: Values) -> Values:
    return np.asarray(np.log(standard.std(axis=0) + 0.1))
