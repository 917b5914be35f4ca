"""The parameters that measures tell of, and how to write what was found as distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.scenario.anchor import CONFIDENCE

EVEN = 1 / sqrt(12)  # deviation of a uniform distribution, of its width
LEAST_SPREAD = 0.05  # of a knob, in its own scale from 0 to 1


@dataclass(frozen=True)
class Knob:
    """One parameter that is fitted.

    Attributes:
        path: of the parameter.
        measures: what it moves.
        low, high: where to look.
        log: whether ratios matter, not differences.
        whole: whether values are whole numbers.
        start, spread: where to begin to look, as places between ``low`` (0) and ``high`` (1).
        neutral: place where it changes nothing, ``None`` where there is none.
    """

    path: str
    measures: tuple[str, ...]
    low: float
    high: float
    log: bool = False
    whole: bool = False
    start: float = 0.5
    spread: float = EVEN
    neutral: float | None = None

    def value(self, share: float) -> float:
        """The value at a place between ``low`` (0) and ``high`` (1)."""
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        value = float(self.low + (self.high - self.low) * share)
        return round(value) if self.whole else value

    def jitter(self, mean: float, spread: float, confidence: str = "high") -> Any:
        """A distribution in document form, ``mean`` and ``spread`` given as places between ``low`` and ``high``.

        The less is known, the wider: as an anchor's own spread, which ``around`` leaves to it.
        """
        half = 1.73 * spread * CONFIDENCE[confidence]  # of a uniform distribution with that deviation
        low, high = max(0.0, mean - half), min(1.0, mean + half)
        if self.log:
            return {"log_uniform": [_short(self.value(low)), _short(self.value(high))]}
        if self.whole:
            return {"uniform_int": [int(self.value(low)), int(self.value(high))]}
        deviation = self.value(spread) - self.value(0.0)
        return {"around": {"anchor": self.path, "spread": _short(deviation), "clip": [self.low, self.high]}}


@dataclass(frozen=True, eq=False)
class Choice:
    """One parameter whose words are fitted.

    Attributes:
        path: of the parameter.
        words: it may have.
        weights: ``(words,)`` shares before anything is measured.
    """

    path: str
    words: tuple[str, ...]
    weights: NDArray[np.float64]

    def weighted(self, shares: NDArray[np.float64]) -> Any:
        """A distribution in document form."""
        rounded = [round(float(share), 3) for share in shares]
        rounded[int(np.argmax(shares))] += round(1.0 - sum(rounded), 3)
        return {"choice": list(self.words), "weights": [round(share, 3) for share in rounded]}


EXPOSURE = Knob("sensor.exposure.ev", ("exposure_ev", "luminance_median"), -5.5, 3.5)
KNOBS = (
    EXPOSURE,
    Knob("lighting.key.intensity", ("contrast", "clipped_bright", "dynamic_range_stops"), 20.0, 12_000.0, log=True),
    Knob("lighting.key.direction.elevation", ("shadow_share", "shadow_depth_stops", "unevenness_stops"), 5.0, 88.0),
    Knob("sensor.noise.gain", ("noise",), 0.5, 64.0, log=True),
    Knob("sensor.lens.blur_px", ("blur_px",), 0.0, 5.0),
    Knob("sensor.lens.vignette", ("vignetting",), 0.0, 0.7),
    Knob("sensor.white_balance.temperature", ("warmth_stops",), 2600.0, 10_000.0, log=True),
    Knob("sensor.noise.read_e", (), 0.5, 30.0, log=True),
    Knob("sensor.jpeg.quality", ("blockiness",), 60.0, 97.0, whole=True),
    Knob("scene.surface.color.saturation", ("saturation",), 0.0, 0.6),
    Knob("scene.surface.color.value", (), 0.15, 0.95),
    Knob("sensor.camera.pose.elevation", (), 25.0, 88.0),
    Knob("sensor.camera.pose.radius", (), 0.2, 1.2, log=True),
)
PHOTO_KNOBS = (  # what the photos' own camera does is in them; exposure and contrast come from the tone partner
    Knob("photo.tone.strength", ("exposure_ev", "contrast"), 0.0, 1.0, start=0.7, spread=0.12),
    Knob("photo.saturation", ("saturation",), 0.2, 1.8, spread=0.12, neutral=0.5),
    Knob("sensor.noise.gain", ("noise",), 0.25, 256.0, log=True, neutral=0.0),
    Knob("sensor.noise.read_e", (), 0.5, 30.0, log=True, start=0.3, spread=0.1, neutral=0.0),
    Knob("sensor.noise.grain_px", (), 0.0, 1.5, start=0.15, spread=0.1, neutral=0.0),
    Knob("sensor.lens.blur_px", ("blur_px",), 0.0, 5.0, start=0.25, neutral=0.0),
    Knob("sensor.lens.blur_disk", (), 0.0, 1.0, start=0.5, spread=0.1, neutral=0.5),
    Knob("sensor.sharpen", (), 0.0, 2.0, start=0.1, spread=0.06, neutral=0.0),
    Knob("sensor.white_balance.temperature", ("warmth_stops",), 3000.0, 14_000.0, log=True, spread=0.12, neutral=0.5),
    Knob("sensor.jpeg.quality", ("blockiness",), 40.0, 97.0, whole=True),
)
CHOICES = ("scene.surface.label", "scene.support", "lighting.key.type")
TARGETS = tuple(dict.fromkeys(measure for knob in (*KNOBS, *PHOTO_KNOBS) for measure in knob.measures))


def constants(knobs: Sequence[Knob], places: NDArray[np.float64]) -> dict[str, Any]:
    """Changes for a scenario that hold the knobs at these places."""
    return {knob.path: knob.value(float(position)) for knob, position in zip(knobs, places, strict=True)}


def is_common(knob: Knob, common: Mapping[str, bool]) -> bool:
    """Whether some measure of the knob is what the samples have in common."""
    return any(common.get(measure) for measure in knob.measures)


def _short(value: float) -> float:
    return float(f"{value:.4g}")
