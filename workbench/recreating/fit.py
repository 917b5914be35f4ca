"""Fit distributions of parameters to measured pictures, by pictures made on the way.

Simulation-based fitting with a quadratic surrogate (response surface method, Box & Wilson 1951): probes are drawn with
the knobs at spread-out places, each measure becomes a quadratic function of the places, and the places are chosen
whose measures agree with those of the photos. What the free parameters scatter is the residual of that function; the
rest of the photos' scatter is what the knobs must bring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls
from scipy.stats import qmc

from workbench.recreating.knobs import LEAST_SPREAD, Knob

Values = NDArray[np.float64]
Probe = Callable[[Values], Mapping[str, Values]]  # places (n, knobs) -> values (n,) per measure
ROUNDS = (28, 20)  # probes
RIDGE = 1e-2
NARROWER = 0.35  # width of the second round, as a share of the first


@dataclass(frozen=True, eq=False)
class Fit:
    """Where the knobs belong.

    Attributes:
        places, spreads: ``(knobs,)`` mean and standard deviation, from 0 to 1 between the ends of each knob.
        surprise: difference that is left, in standard deviations of the photos, by measure.
    """

    places: Values
    spreads: Values
    surprise: Mapping[str, float]


def fit(knobs: tuple[Knob, ...], wanted: Mapping[str, tuple[float, float]], probe: Probe, *, seed: int = 0) -> Fit:
    """Find places and spreads of the knobs whose pictures measure as wanted.

    Args:
        knobs: what may be turned.
        wanted: mean and standard deviation of each measure.
        probe: makes pictures with the knobs at some places and measures them; called once per round.
        seed: of the spread-out places.
    """
    low, high = np.zeros(len(knobs)), np.ones(len(knobs))
    places, made = np.zeros((0, len(knobs))), {name: np.zeros(0) for name in wanted}
    best = np.full(len(knobs), 0.5)
    for round_, n in enumerate(ROUNDS):
        drawn = qmc.LatinHypercube(len(knobs), seed=seed + round_).random(n)
        new = low + (high - low) * drawn
        measured = probe(new)
        places = np.concatenate([places, new])
        made = {name: np.concatenate([made[name], measured[name]]) for name in wanted}
        surfaces = {name: _surface(places, values, centre=best if round_ else None) for name, values in made.items()}
        best = _agree(surfaces, wanted, best)
        half = NARROWER / 2
        low, high = np.clip(best - half, 0, 1 - 2 * half), np.clip(best + half, 2 * half, 1)
    return Fit(best, _spreads(surfaces, wanted, best), _left(surfaces, wanted, best))


@dataclass(frozen=True, eq=False)
class _Surface:
    """A measure as a quadratic function of the places; ``noise`` is what the function does not tell."""

    weights: Values
    noise: float

    def __call__(self, places: Values) -> Values:
        found: Values = _terms(places) @ self.weights
        return found

    def slope(self, place: Values) -> Values:
        step = 0.02
        ends = [place + sign * step * np.eye(len(place)) for sign in (1, -1)]
        found: Values = (self(ends[0]) - self(ends[1])) / (2 * step)
        return found


def _terms(places: Values) -> Values:
    centred = 2 * np.atleast_2d(places) - 1
    pairs = [centred[:, i] * centred[:, j] for i in range(centred.shape[1]) for j in range(i, centred.shape[1])]
    return np.column_stack([np.ones(len(centred)), centred, *pairs])


def _surface(places: Values, values: Values, centre: Values | None) -> _Surface:
    """Ridge regression; near ``centre`` counts more once it is known."""
    known = np.isfinite(values)
    terms, wanted = _terms(places[known]), values[known]
    weights = np.ones(len(wanted))
    if centre is not None:
        weights = np.exp(-2 * np.sum((places[known] - centre) ** 2, axis=1))
    penalty = RIDGE * np.eye(terms.shape[1])
    penalty[0, 0] = 0.0
    left: Values = (terms.T * weights @ terms + penalty).astype(np.float64)
    found: Values = np.linalg.solve(left, terms.T @ (weights * wanted)).astype(np.float64)
    residual = wanted - terms @ found
    return _Surface(found, float(np.sqrt(np.average(residual**2, weights=weights))))


def _scale(wanted: tuple[float, float]) -> float:
    mean, std = wanted
    return max(std, 0.02 * abs(mean), 1e-3)


def _agree(surfaces: Mapping[str, _Surface], wanted: Mapping[str, tuple[float, float]], start: Values) -> Values:
    def misses(places: Values) -> Values:
        told = [(float(surfaces[n](places)[0]) - w[0]) / _scale(w) for n, w in wanted.items()]
        return np.array([*told, *(0.05 * (places - 0.5))])  # where measures say nothing, the middle

    starts = [start, *qmc.Sobol(len(start), scramble=False).random(8)]
    found = [least_squares(misses, np.clip(s, 0.01, 0.99), bounds=(0.0, 1.0)) for s in starts]
    best: Values = min(found, key=lambda one: one.cost).x
    return best


def _spreads(surfaces: Mapping[str, _Surface], wanted: Mapping[str, tuple[float, float]], best: Values) -> Values:
    """Variances of the knobs that add up, with the noise, to the wanted variances."""
    slopes = np.array([surfaces[name].slope(best) / _scale(w) for name, w in wanted.items()])
    missing = [max(w[1] ** 2 - surfaces[name].noise ** 2, 0.0) / _scale(w) ** 2 for name, w in wanted.items()]
    variances, _ = nnls(slopes**2, np.array(missing))
    found: Values = np.clip(np.sqrt(variances), LEAST_SPREAD, 0.3)
    return found


def _left(
    surfaces: Mapping[str, _Surface], wanted: Mapping[str, tuple[float, float]], best: Values
) -> dict[str, float]:
    return {n: abs(float(surfaces[n](best)[0]) - w[0]) / _scale(w) for n, w in wanted.items()}
