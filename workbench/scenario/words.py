"""Attribute words of a resolved frame: what the light and the sensor settings make of the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.scenario.constants import EXPOSURE_LUX
from workbench.sensor.color import srgb_from_linear

MID_TONE = 0.25  # reflectance of what stands for the mid-tones
DARK_LUMA, DIM_LUMA, BRIGHT_LUMA = 42.0, 92.0, 185.0  # of a mid-tone, 0..255
HARSH_KEY_SHARE = 0.85  # of the light; the rest fills the shadows
HARSH_SIZE_M = 0.1  # a larger area light has soft shadows
BLURRED_PX, NOISY_LEVELS = 1.5, 6.0


def lighting_word(values: Mapping[str, Any]) -> str:
    """``dark``, ``dim``, ``normal``, ``bright`` or ``harsh``, from the light on the support and the exposure.

    The mid-tones decide: a surface of reflectance 0.25 under the light of the frame gets a grey value
    (0..255, after exposure and the sRGB curve); up to 42 is dark, up to 92 dim, from 185 bright.
    Between dim and bright a hard key light with shadow that gives more than 85 % of the light is harsh.
    """
    luma = mid_tone_luma(values)
    if luma <= DARK_LUMA:
        return "dark"
    if luma <= DIM_LUMA:
        return "dim"
    if luma >= BRIGHT_LUMA:
        return "bright"
    return "harsh" if _is_harsh(values) else "normal"


def mid_tone_luma(values: Mapping[str, Any]) -> float:
    """Grey value 0..255 of a horizontal surface of reflectance 0.25."""
    exposure = 2.0 ** values["sensor.exposure.ev"] / EXPOSURE_LUX
    linear = min(MID_TONE * horizontal_lux(values) * exposure, 1.0)
    return float(srgb_from_linear(linear)) * 255.0


def horizontal_lux(values: Mapping[str, Any]) -> float:
    """Illuminance on the support at the origin, lux."""
    return float(values["lighting.environment.intensity"]) + _key_lux(values)


def sensor_word(values: Mapping[str, Any]) -> str:
    """``blurred``, ``noisy`` or ``clean``, from the blur in pixels and the noise of a mid-tone in grey levels."""
    path_px = values["sensor.motion.blur_px"]
    sigma_px = math.hypot(values["sensor.lens.blur_px"], path_px / math.sqrt(12.0))  # a line's standard deviation
    if sigma_px >= BLURRED_PX:
        return "blurred"
    return "noisy" if noise_levels(values) >= NOISY_LEVELS else "clean"


def noise_levels(values: Mapping[str, Any]) -> float:
    """Standard deviation of the noise at the mid-tones of the frame, grey levels of 255."""
    well_e = values["sensor.noise.full_well_e"] / values["sensor.noise.gain"]
    exposure = 2.0 ** values["sensor.exposure.ev"] / EXPOSURE_LUX
    linear = min(max(MID_TONE * horizontal_lux(values) * exposure, 1e-4), 1.0)
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
