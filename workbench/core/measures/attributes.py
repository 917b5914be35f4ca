"""Attributes ``lighting``, ``surface`` and ``sensor`` from measures, each with a confidence; ``unknown`` is an answer.

How much light there is, noise and blur are judged by limits that can be read here. What kind of light falls is judged
by a small linear model (``models.json``), fitted to renders whose light is known; ``python -m tests.tools calibrate``
says how far it can be trusted. What the surface is cannot be told from statistics of a whole image: a model that was
right in 76 % of its answers on held-out renders was right in 27 % on images of another camera and other parts, where
chance is 25 %, and called playing cards on a carpet a mirror. So ``surface`` is unknown unless the data say it or a
curator teaches it (``wb.teach``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.measures.model import models

DARK_EV, DIM_EV, BRIGHT_EV = -4.5, -2.3, 0.9
BRIGHT_SHOWN_EV = 0.75  # what clipping leaves of ``BRIGHT_EV``
EV_SPREAD = 0.25  # stops; how sharp a limit of exposure is
NOISY_LEVELS, BLURRED_PX = 6.0, 1.8
RATIO_SPREAD = 0.15  # natural logarithm; how sharp a limit of noise and blur is
LEAST = {"lighting": 0.35, "sensor": 0.0}  # confidence under which the answer is unknown
FLAT_CONTRAST = 0.02  # of a picture in which no blur can be seen


@dataclass(frozen=True)
class DerivedAttribute:
    """The word of an attribute, with its confidence.

    Attributes:
        word: one of the words of the attribute.
        confidence: probability that the word is right, 0..1, as the calibration found it; 0 for ``unknown``.
    """

    word: str
    confidence: float


UNKNOWN = DerivedAttribute("unknown", 0.0)


def derive_attributes(measured: Mapping[str, float]) -> dict[str, DerivedAttribute]:
    """The three attributes of a picture from all its measures."""
    answers = {"lighting": _lighting(measured), "sensor": _sensor(measured)}
    told = {name: answer if answer.confidence >= LEAST[name] else UNKNOWN for name, answer in answers.items()}
    return {**told, "surface": UNKNOWN}


def derive(measured: Mapping[str, float]) -> dict[str, str]:
    """The attributes of ``derive_attributes`` alone."""
    return {name: answer.word for name, answer in derive_attributes(measured).items()}


def _lighting(measured: Mapping[str, float]) -> DerivedAttribute:
    """Too little light comes first; then what kind of light; then too much of it."""
    ev = measured["exposure_ev"]
    dark, dim = _below(ev, DARK_EV), _below(ev, DIM_EV)
    shares = {"dark": dark, "dim": dim - dark}
    kinds = models()["light"].shares(measured)
    bright = 1.0 - _below(ev, BRIGHT_SHOWN_EV)
    lit = 1.0 - dim
    shares |= {word: lit * kinds[word] for word in ("backlit", "uneven")}
    shares |= {"bright": lit * bright * (kinds["normal"] + kinds["harsh"])}
    shares |= {word: lit * (1.0 - bright) * kinds[word] for word in ("normal", "harsh")}
    return _likeliest(shares)


def _sensor(measured: Mapping[str, float]) -> DerivedAttribute:
    """Motion and blur come before noise: they cannot be filtered away."""
    noisy = _above(measured["noise"], NOISY_LEVELS)
    if measured["contrast"] < FLAT_CONTRAST:
        return DerivedAttribute("noisy", noisy) if noisy > 0.5 else UNKNOWN
    motion, blurred = models()["motion"].shares(measured)["moved"], _above(measured["blur_px"], BLURRED_PX)
    still, sharp = 1.0 - motion, 1.0 - blurred
    shares = {"motion": motion, "blurred": still * blurred, "noisy": still * sharp * noisy}
    return _likeliest(shares | {"clean": still * sharp * (1.0 - noisy)})


def _likeliest(shares: Mapping[str, float]) -> DerivedAttribute:
    word = max(shares, key=lambda name: shares[name])
    return DerivedAttribute(word, round(float(shares[word]), 4))


def _below(value: float, limit: float) -> float:
    return float(1.0 / (1.0 + np.exp(np.clip((value - limit) / EV_SPREAD, -50, 50))))


def _above(value: float, limit: float) -> float:
    """Share that lies above a limit of a quantity whose errors are ratios."""
    away = np.log(max(value, 1e-3) / limit) / RATIO_SPREAD
    return float(1.0 / (1.0 + np.exp(np.clip(-away, -50, 50))))
