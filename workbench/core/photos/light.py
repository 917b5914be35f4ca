"""Other light on a photo: less of its own noise, contrast, colours, light that falls off, glare; all linear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.sensor.color import LUMINANCE

Light = NDArray[np.float32]
_LUMINANCE = LUMINANCE.astype(np.float32)
NOISE_WINDOW = 5  # pixels over which the denoiser judges what is flat
MOST_REMOVED = 6.0  # standard deviations of the noise that full denoising smooths over


def relit(light: Light, values: Mapping[str, Any]) -> Light:
    """The light ``(H, W, 3)`` with the changes that a frame asks for, in this order."""
    light = denoised(light, values["photo.denoise"])
    light = with_contrast(light, values["photo.contrast"])
    light = saturated(light, values["photo.saturation"])
    light = shaded(light, values["photo.shade.stops"], values["photo.shade.direction"])
    return with_glare(
        light,
        values["photo.glare.strength"],
        values["photo.glare.x"],
        values["photo.glare.y"],
        values["photo.glare.size"],
    )


def denoised(light: Light, strength: float) -> Light:
    """Smooth what differs no more than the photo's own noise does, edges kept: a guided filter (He et al. 2010).

    It works on the square root of the light, where the noise of photons is the same everywhere; the noise is measured
    on the photo itself.
    """
    if strength <= 0.0:
        return light
    root = np.sqrt(light)
    epsilon = np.float32((strength * MOST_REMOVED * noise_of(root)) ** 2 + 1e-12)
    size = (NOISE_WINDOW, NOISE_WINDOW)
    mean = cv2.blur(root, size)
    variance = np.maximum(cv2.blur(root * root, size) - mean * mean, 0.0)
    weight = variance / (variance + epsilon)
    smooth = cv2.blur(weight, size) * root + cv2.blur((1.0 - weight) * mean, size)
    return np.asarray(smooth * smooth, np.float32)


def noise_of(image: Light) -> float:
    """Standard deviation of the noise, from the differences of neighbours (Immerkaer 1996), by the median."""
    grey = image @ _LUMINANCE
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    differences = cv2.filter2D(grey, -1, kernel)[1:-1:2, 1:-1:2]
    return float(np.median(np.abs(differences)) / (6.0 * 0.6745)) if differences.size else 0.0


def with_contrast(light: Light, power: float) -> Light:
    """A power of the light about its geometric mean, which stays."""
    if power == 1.0:
        return light
    middle = np.float32(math.exp(float(np.log(np.maximum(light @ _LUMINANCE, 1e-4)).mean())))
    return np.asarray(middle * (np.maximum(light, 0.0) / middle) ** np.float32(power), np.float32)


def saturated(light: Light, factor: float) -> Light:
    """Colours farther from grey, or nearer; the luminance stays."""
    if factor == 1.0:
        return light
    grey = (light @ _LUMINANCE)[..., None]
    return np.asarray(np.maximum(grey + np.float32(factor) * (light - grey), 0.0), np.float32)


def shaded(light: Light, stops: float, direction_deg: float) -> Light:
    """Light that falls off evenly by so many stops from one side of the picture to the other; the middle stays."""
    if stops == 0.0:
        return light
    x, y = _grid(light)
    angle = math.radians(direction_deg)
    reach = abs(math.cos(angle)) + abs(math.sin(angle))
    along = (math.cos(angle) * (2 * x - 1) + math.sin(angle) * (2 * y - 1)) / reach
    return np.asarray(light * np.exp2(np.float32(-stops / 2) * along)[..., None], np.float32)


def with_glare(light: Light, strength: float, x: float, y: float, size: float) -> Light:
    """Light added in a soft spot, and a hundredth of it everywhere: scattered in the lens."""
    if strength <= 0.0:
        return light
    height, width = light.shape[:2]
    columns, rows = _grid(light)
    squared = ((columns - x) * width) ** 2 + ((rows - y) * height) ** 2
    spot = np.exp(-squared / np.float32(2 * (size * math.hypot(width, height)) ** 2))
    return np.asarray(light + np.float32(strength) * (spot + np.float32(0.01))[..., None], np.float32)


def _grid(light: Light) -> tuple[Light, Light]:
    """Centres of the columns ``(1, W)`` and of the rows ``(H, 1)``, as shares of width and height."""
    height, width = light.shape[:2]
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, :]
    return columns, ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
