"""Fit distributions of parameters to measured images with trial pictures.

Simulation-based inference for a population: probes are drawn with the knobs at random places, and a regression on all
probes so far learns to read each knob from all measures of an image (as in regression-adjusted approximate Bayesian
computation, Beaumont, Zhang & Balding 2002). A distribution is right when photos and probes drawn from it read alike,
in mean and in spread (indirect inference, Gourieroux, Monfort & Renault 1993); where they do not, the next probes are
drawn from one that is moved by the difference. How well the regression reads probes that it has not learned from says
whether measures can tell a knob at all; what they cannot tell stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from workbench.actions.recreate.parameters import EVEN, LEAST_SPREAD, Choice, Knob

Values = NDArray[np.float64]
Probe = Callable[[Values, Sequence[Sequence[str]]], Values]  # places (n, knobs), words (n, choices) -> (n, measures)
ROUNDS = (140, 90, 80, 80)  # probes
LEAST = 20  # probes that a round can be judged by
TELLS = 0.15  # share of a knob's variance that measures must explain to move it
SURELY = 0.5  # one step goes no farther than if they explained this share
PRIOR_N = 3.0  # photos that what measures leave open is worth, as spread
LEAST_SHARE = 0.02  # of a word that was not ruled out
PENALTIES = np.logspace(-2, 4, 25)


@dataclass(frozen=True, eq=False)
class Fit:
    """Where the knobs belong.

    Attributes:
        places, spreads: ``(knobs,)`` mean and standard deviation, from 0 to 1 between the ends of each knob.
        explained: ``(knobs,)`` largest share of its variance that measures explained in a round, 0..1.
        shares: of each choice's words.
        choices_explained: ``(choices,)`` as ``explained``.
    """

    places: Values
    spreads: Values
    explained: Values
    shares: tuple[Values, ...]
    choices_explained: Values


def fit(
    knobs: Sequence[Knob],
    choices: Sequence[Choice],
    photos: Values,
    probe: Probe,
    *,
    rounds: Iterable[int] = ROUNDS,
    seed: int = 0,
) -> Fit:
    """Find distributions of the knobs and words whose images measure like the photos.

    Args:
        knobs, choices: what may be turned.
        photos: ``(m, measures)``; NaN is missing.
        probe: makes images with the knobs at some places and measures them; called once per round.
            A row of NaN is an image that could not be made.
        rounds: how many probes each round has; asked for the next when a round is through.
        seed: of the places.
    """
    k = len(knobs)
    current = Fit(
        np.array([knob.start for knob in knobs]),
        np.array([knob.spread for knob in knobs]),
        np.zeros(k),
        tuple(c.weights for c in choices),
        np.zeros(len(choices)),
    )
    places, codes, measured = np.zeros((0, k)), np.zeros((0, len(choices)), np.int64), np.zeros((0, photos.shape[1]))
    for round_, n in enumerate(rounds):
        new, new_codes = _drawn(current, n, np.random.default_rng([seed, round_]))
        words = [[c.words[code] for c, code in zip(choices, row, strict=True)] for row in new_codes.tolist()]
        probe_measures = probe(new, words)
        drawn = np.isfinite(probe_measures).any(axis=1)
        places, codes = np.concatenate([places, new[drawn]]), np.concatenate([codes, new_codes[drawn]])
        measured = np.concatenate([measured, probe_measures[drawn]])
        now = np.arange(len(places)) >= len(places) - np.count_nonzero(drawn)
        if np.count_nonzero(now) >= LEAST:
            current = _moved(current, places, codes, now, *_scores(measured, photos))
    return current


def _drawn(now: Fit, n: int, rng: np.random.Generator) -> tuple[Values, NDArray[np.int64]]:
    """Places spread out evenly within what is believed, and words by their shares."""
    spread_out = qmc.LatinHypercube(len(now.places), rng=rng).random(n) if len(now.places) else np.zeros((n, 0))
    half = now.spreads / EVEN / 2
    low, high = np.clip(now.places - half, 0, 1), np.clip(now.places + half, 0, 1)
    codes = [rng.choice(len(shares), n, p=shares) for shares in now.shares]
    return low + (high - low) * spread_out, np.array(codes, np.int64).reshape(len(codes), n).T


def _moved(
    before: Fit, places: Values, codes: NDArray[np.int64], now: NDArray[np.bool_], probes: Values, photos: Values
) -> Fit:
    """Means and spreads moved by what photos read more than the probes of this round."""
    means, spreads, most_explained = before.places.copy(), before.spreads.copy(), before.explained.copy()
    for i in range(len(means)):
        read, own, explained = reading(probes, places[:, i], photos)
        most_explained[i] = max(most_explained[i], explained)
        if explained >= TELLS:
            means[i], spreads[i] = _alike(read, own[now], places[now, i], explained)
    shares, choices_explained = list(before.shares), before.choices_explained.copy()
    for j, known in enumerate(before.shares):
        hot = np.eye(len(known))[codes[:, j]]
        readings = [reading(probes, hot[:, word], photos) for word in range(len(known))]
        explained = float(np.average([share for *_, share in readings], weights=hot.var(axis=0) + 1e-9))
        choices_explained[j] = max(choices_explained[j], explained)
        if explained >= TELLS:
            more = np.array([read.mean() - own[now].mean() for read, own, _ in readings])
            moved = np.maximum(hot[now].mean(axis=0) + more / max(explained, SURELY), LEAST_SHARE)
            shares[j] = moved / moved.sum()
    return Fit(means, spreads, most_explained, tuple(shares), choices_explained)


def _alike(read: Values, own: Values, places: Values, explained: float) -> tuple[float, float]:
    """Mean and spread of places that would make probes read like the photos.

    Args:
        read: ``(m,)`` what the photos read.
        own: ``(n,)`` what the probes of this round read.
        places: ``(n,)`` where they are.
        explained: by how much a reading follows the place.
    """
    sure = max(explained, SURELY)
    mean = float(places.mean()) + float(read.mean() - own.mean()) / sure
    variance = float(places.var()) + float(read.var() - own.var()) / sure**2
    free = len(read) - 1
    kept = (free * max(variance, 0.0) + PRIOR_N * (1 - explained) * EVEN**2) / (free + PRIOR_N)
    return float(np.clip(mean, 0, 1)), float(np.clip(np.sqrt(kept), LEAST_SPREAD, EVEN))


def reading(probes: Values, wanted: Values, photos: Values) -> tuple[Values, Values, float]:
    """What a ridge regression on the probes says of the photos, and the share of the variance that it explains.

    The penalty is the one that predicts probes best that are left out, one by one; the share is of those predictions.

    Args:
        probes: ``(n, features)``.
        wanted: ``(n,)`` what is to be read.
        photos: ``(m, features)``.

    Returns:
        ``(m,)`` of the photos, ``(n,)`` of the probes, each left out, and a share from 0 to 1.
    """
    middle, mean = probes.mean(axis=0), float(wanted.mean())
    if wanted.std() < 1e-9:
        return np.full(len(photos), mean), wanted, 0.0
    left, sizes, right = np.linalg.svd(probes - middle, full_matrices=False)
    along = left.T @ (wanted - mean)
    best, weights, own = np.inf, np.zeros(len(sizes)), wanted
    for penalty in PENALTIES:
        kept = sizes**2 / (sizes**2 + penalty)
        leverage = (left**2 @ kept) + 1 / len(wanted)
        off = (wanted - mean - left @ (kept * along)) / np.maximum(1 - leverage, 1e-3)
        if (error := float(np.mean(off**2))) < best:
            best, weights, own = error, kept * along / np.maximum(sizes, 1e-12), wanted - off
    predicted: Values = mean + (photos - middle) @ (right.T @ weights)
    return predicted, own, float(np.clip(1 - best / wanted.var(), 0, 1))


def _scores(probes: Values, photos: Values) -> tuple[Values, Values]:
    """Ranks among the probes, from -1 to 1, and their squares; a missing value is in the middle."""
    columns = [(_ranked(ours, ours), _ranked(ours, theirs)) for ours, theirs in zip(probes.T, photos.T, strict=True)]
    pair = [np.stack(side, axis=1) for side in zip(*columns, strict=True)]
    return np.hstack([pair[0], pair[0] ** 2]), np.hstack([pair[1], pair[1] ** 2])


def _ranked(among: Values, values: Values) -> Values:
    known = np.sort(among[np.isfinite(among)])
    if not known.size:
        return np.zeros(len(values))
    position = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / len(known) - 1
    ranks: Values = np.where(np.isfinite(values), position, 0.0)
    return ranks
