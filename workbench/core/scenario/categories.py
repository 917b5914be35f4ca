"""Attribute words of a resolved frame, from its light and sensor settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.core.scenario.constants import EXPOSURE_LUX
from workbench.core.sensor.color import srgb_from_linear

MIDDLE_GREY = 0.18  # reflectance of the mid-tones
DARK_STOPS, DIM_STOPS, BRIGHT_STOPS = -4.0, -2.0, 0.75
HARSH_KEY_SHARE = 0.85  # of the light; the rest fills the shadows
HARSH_SIZE_M = 0.1  # a larger area light has soft shadows
BLURRED_PX, NOISY_LEVELS = 1.5, 6.0


def lighting_category(values: Mapping[str, Any]) -> str:
    """``dark``, ``dim``, ``normal``, ``bright`` or ``harsh``, from the light on the support and the exposure.

    The mid-tones decide: ``exposure_stops`` is how far a middle grey lies from its nominal value.
    Below -4 stops (grey value 27 of 255) is dark, below -2 (60) dim, above 0.75 (149) bright.
    Between dim and bright, a hard key light with shadow that gives at least 85 % of the light is harsh.
    """
    stops = exposure_stops(values)
    if stops < DARK_STOPS:
        return "dark"
    if stops < DIM_STOPS:
        return "dim"
    if stops > BRIGHT_STOPS:
        return "bright"
    return "harsh" if _is_harsh(values) else "normal"


def exposure_stops(values: Mapping[str, Any]) -> float:
    """Stops by which a horizontal middle grey (0.18) comes out brighter than linear 0.18."""
    lux = max(horizontal_lux(values), 1e-6)
    return math.log2(lux / EXPOSURE_LUX) + float(values["sensor.exposure.ev"])


def horizontal_lux(values: Mapping[str, Any]) -> float:
    """Illuminance on the support at the origin, lux."""
    return float(values["lighting.environment.intensity"]) + _key_lux(values)


def sensor_category(values: Mapping[str, Any]) -> str:
    """``blurred``, ``noisy`` or ``clean``, from the blur in pixels and the noise of a mid-tone in grey levels."""
    path_px = values["sensor.motion.blur_px"]
    sigma_px = math.hypot(values["sensor.lens.blur_px"], path_px / math.sqrt(12.0))  # a line's standard deviation
    if sigma_px >= BLURRED_PX:
        return "blurred"
    return "noisy" if noise_levels(values) >= NOISY_LEVELS else "clean"


def noise_levels(values: Mapping[str, Any]) -> float:
    """Standard deviation of the noise at the mid-tones of the frame, grey levels of 255."""
    well_e = values["sensor.noise.full_well_e"] / values["sensor.noise.gain"]
    linear = min(max(MIDDLE_GREY * 2.0 ** exposure_stops(values), 1e-4), 1.0)
    sigma = math.hypot(math.sqrt(linear * well_e), values["sensor.noise.read_e"]) / well_e
    low, high = srgb_from_linear([max(linear - sigma, 0.0), min(linear + sigma, 1.0)])  # type: ignore[arg-type]
    return float(high - low) / 2.0 * 255.0


def _key_lux(values: Mapping[str, Any]) -> float:
    elevation = math.radians(values["lighting.key.direction.elevation"])
    return float(values["lighting.key.intensity"]) * math.sin(elevation)


def _is_harsh(values: Mapping[str, Any]) -> bool:
    hard = values["lighting.key.type"] != "area" or values["lighting.key.size"] <= HARSH_SIZE_M
    share = _key_lux(values) / max(horizontal_lux(values), 1e-9)
    return bool(hard and values["lighting.key.shadow"] and share >= HARSH_KEY_SHARE)
