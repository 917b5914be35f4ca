"""The tone of a photo, dark against light, and another photo brought to it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.sensor.color import LUMINANCE

Light = NDArray[np.float32]
LEVELS = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995])
DARKEST = 2.0**-11  # linear light below which 8 bits tell nothing
STEEPEST = 4.0  # change of contrast that a tone makes at most, in either direction
SIDE_PX = 160  # of the picture that quantiles are taken of
TABLE = 2048
_WEIGHTS = LUMINANCE.astype(np.float32)[None, :]


@dataclass(frozen=True)
class Tone:
    """Quantiles of the luminance of a photo.

    Attributes:
        stops: log2 of the linear luminance at ``LEVELS``; 0 is white.
    """

    stops: tuple[float, ...]


def tone_of(light: Light) -> Tone:
    """The tone of ``(H, W, 3)`` linear light.

    >>> tone_of(np.full((8, 8, 3), 0.25, np.float32)).stops[0]
    -2.0
    """
    scale = SIDE_PX / max(light.shape[:2])
    if scale < 1.0:
        size = (max(1, round(light.shape[1] * scale)), max(1, round(light.shape[0] * scale)))
        light = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32)
    luminance = np.maximum(cv2.transform(light, _WEIGHTS), DARKEST)
    return Tone(tuple(np.log2(np.quantile(luminance, LEVELS)).round(4).tolist()))


def toned(light: Light, tone: Tone, strength: float) -> Light:
    """The light brought to another photo's tone, quantile by quantile; colours stay.

    Args:
        light: ``(H, W, 3)`` linear.
        tone: of the other photo.
        strength: 0 leaves the light, 1 takes the tone over; between, both in stops.
    """
    if strength <= 0.0:
        return light
    own = np.array(tone_of(light).stops)
    wanted = own + strength * (np.array(tone.stops) - own)
    wanted = _gentle(own, wanted)
    # a table over the square root of the luminance, which has enough entries in the dark
    top = max(1.0, float(light.max())) * 1.001
    luminance = np.maximum((np.arange(TABLE) / (TABLE - 1)) ** 2 * top, DARKEST / 4)
    gains = np.exp2(_extended(np.log2(luminance), own, wanted) - np.log2(luminance)).astype(np.float32)
    index = np.sqrt(np.maximum(cv2.transform(light, _WEIGHTS), 0.0) * np.float32(1.0 / top)) * np.float32(TABLE - 1)
    return np.asarray(light * gains[index.astype(np.int32)][..., None], np.float32)


def _gentle(own: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The wanted quantiles with steps that change no contrast too much, the median kept."""
    steps = np.maximum(np.diff(own), 1e-3)
    slopes = np.clip(np.diff(wanted) / steps, 1.0 / STEEPEST, STEEPEST)
    slopes = np.convolve(np.pad(slopes, 1, mode="edge"), [0.15, 0.7, 0.15], mode="valid")  # no kinks that show
    gentle = np.concatenate([[0.0], np.cumsum(slopes * steps)])
    middle = len(gentle) // 2
    return np.asarray(gentle - gentle[middle] + wanted[middle])


def _extended(stops: NDArray[np.float64], own: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where luminances go: linear between quantiles, moved along with the last one beyond them."""
    inner = np.interp(stops, own, wanted)
    below, above = np.minimum(stops - own[0], 0.0), np.maximum(stops - own[-1], 0.0)
    return np.asarray(inner + below + above)
