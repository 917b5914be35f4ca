"""The light around an object, and what of it tells how bright, how coloured and how noisy the place is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.light import noise_of
from workbench.core.sensor.color import LUMINANCE, linear_from_srgb

Light = NDArray[np.float32]
Region = tuple[int, int, int, int]
Box = tuple[float, float, float, float]
Three = tuple[float, float, float]
AROUND = 0.3  # of the longer side of a box: what belongs to its surroundings
SIDE_PX = 96  # of the photo as a whole, of which statistics are taken
NOISE_PX = 192  # of the part in which noise is measured
DARKEST = 1e-3
MOST_STOPS, MOST_COLOUR, MOST_CONTRAST = 2.0, 0.4, 1.2  # by which light is changed at most
_WEIGHTS = LUMINANCE.astype(np.float32)[None, :]
LIGHT_OF_GREY = linear_from_srgb(np.arange(256) / 255.0).astype(np.float32)


@dataclass(frozen=True)
class Whole:
    """A photo as a whole.

    Attributes:
        mean: linear light per channel.
        contrast: standard deviation of the luminance, stops.
        noise: standard deviation of the noise, on the square root of the light.
    """

    mean: Three
    contrast: float
    noise: float


@dataclass(frozen=True)
class Surround:
    """Where an object is.

    Attributes:
        near: linear light around it, mean per channel.
        whole: the photo as a whole.
        kin: linear light of objects of the same class, or of the object itself in its own photo; ``None`` without any.
    """

    near: Three
    whole: Whole
    kin: Three | None = None


def whole_of(light: Light) -> Whole:
    """Statistics of ``(H, W, 3)`` linear light."""
    scale = min(1.0, SIDE_PX / max(light.shape[:2]))
    size = (max(1, round(light.shape[1] * scale)), max(1, round(light.shape[0] * scale)))
    small = np.maximum(cv2.resize(light, size, interpolation=cv2.INTER_AREA), DARKEST)
    stops = np.log2(cv2.transform(small, _WEIGHTS))
    top, left = max(0, (light.shape[0] - NOISE_PX) // 2), max(0, (light.shape[1] - NOISE_PX) // 2)
    part = np.sqrt(light[top : top + NOISE_PX, left : left + NOISE_PX])
    return Whole(_three(np.array(cv2.mean(small))), float(stops.std()), noise_of(np.asarray(part, np.float32)))


def near_of(light: Light, box: Region) -> Three:
    """Mean light around a box of whole pixels, the box itself left out; of the whole picture where there is none."""
    window, inner = _window(light, box)
    area, own = window.shape[0] * window.shape[1], inner.shape[0] * inner.shape[1]
    if area - own < 8:
        return _three(np.array(cv2.mean(light)))
    total, inside = np.array(cv2.mean(window)) * area, np.array(cv2.mean(inner)) * own if own else 0.0
    return _three((total - inside) / (area - own))


def surround_of(pixels: NDArray[np.uint8], box: Region) -> Surround:
    """What is around a box in sRGB pixels ``(H, W, 3)``."""
    scale = min(1.0, 4 * SIDE_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = cv2.LUT(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), LIGHT_OF_GREY)
    left, top, right, bottom = (round(edge * scale) for edge in box)
    whole = whole_of(np.asarray(small, np.float32))
    y, x = max(0, (pixels.shape[0] - NOISE_PX) // 2), max(0, (pixels.shape[1] - NOISE_PX) // 2)
    part = cv2.LUT(np.ascontiguousarray(pixels[y : y + NOISE_PX, x : x + NOISE_PX]), LIGHT_OF_GREY)
    noise = noise_of(np.asarray(np.sqrt(part), np.float32))
    return Surround(
        near_of(np.asarray(small, np.float32), (left, top, max(right, left + 1), max(bottom, top + 1))),
        Whole(whole.mean, whole.contrast, noise),
        kin_of(np.asarray(small, np.float32), [(box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)]),
    )


def kin_of(light: Light, boxes: Sequence[Box]) -> Three | None:
    """Geometric mean over boxes of the median light in their middle, per channel; ``None`` without any.

    >>> kin_of(np.full((8, 8, 3), 0.5, np.float32), [(0, 0, 8, 8)])
    (0.5, 0.5, 0.5)
    """
    stops = []
    for left, top, right, bottom in boxes:
        x, y, half_w, half_h = (left + right) / 2, (top + bottom) / 2, (right - left) / 4, (bottom - top) / 4
        x0, y0 = math.floor(x - half_w), math.floor(y - half_h)
        part = light[max(y0, 0) : max(math.ceil(y + half_h), 0), max(x0, 0) : max(math.ceil(x + half_w), 0)]
        if part.size:
            few = part[:: max(1, part.shape[0] // 24), :: max(1, part.shape[1] // 24)]
            stops.append(np.log2(np.maximum(np.median(few.reshape(-1, 3), axis=0), DARKEST)))  # not of a print on it
    return _three(np.exp2(np.mean(stops, axis=0))) if stops else None


def gains(here: Surround, there: Surround, match: float) -> Light:
    """By how much the light of an object changes, per channel, when it comes from there to here.

    Objects of its class that are here tell it best. Without any, half of it is told by what is around it, half by the
    photos as a whole, and it changes less: both may differ by what lies there, not by the light.
    """
    if here.kin is not None and there.kin is not None:
        stops, most = _stops(here.kin, there.kin), MOST_STOPS
    else:
        stops, most = (_stops(here.near, there.near) + _stops(here.whole.mean, there.whole.mean)) / 2, MOST_STOPS / 2
    brightness = float(stops @ LUMINANCE)
    colour = np.clip(stops - brightness, -MOST_COLOUR, MOST_COLOUR)
    return np.asarray(np.exp2(match * (np.clip(brightness, -most, most) + colour)), np.float32)


def _stops(here: Three, there: Three) -> NDArray[np.float64]:
    return np.asarray(np.log2(np.maximum(here, DARKEST)) - np.log2(np.maximum(there, DARKEST)))


def contrast_power(here: Whole, there: Whole, match: float) -> float:
    """The power of an object's light about its mean that brings it to the contrast of another photo."""
    ratio = max(here.contrast, 0.1) / max(there.contrast, 0.1)
    return math.pow(min(max(ratio, 1 / MOST_CONTRAST), MOST_CONTRAST), match)


def _window(light: Light, box: Region) -> tuple[Light, Light]:
    height, width = light.shape[:2]
    left, top, right, bottom = box
    margin = max(4, round(AROUND * max(right - left, bottom - top)))
    x0, y0 = max(left - margin, 0), max(top - margin, 0)
    window = light[y0 : min(bottom + margin, height), x0 : min(right + margin, width)]
    return window, light[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]


def _three(values: NDArray[np.floating]) -> Three:
    return float(values[0]), float(values[1]), float(values[2])
