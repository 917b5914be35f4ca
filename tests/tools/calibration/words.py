"""Attribute words that are true of a calibration picture, by what is known of scene and camera."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.measures.attributes import BRIGHT_EV, DARK_EV, DIM_EV, NOISY_LEVELS

LIGHTING = ("dark", "dim", "normal", "bright", "harsh", "backlit", "uneven")
LIGHT_KINDS = ("normal", "harsh", "backlit", "uneven")
MOTION = ("still", "moved")
SENSOR = ("clean", "noisy", "blurred", "motion")
FACING, KEY_SHARE, SPREAD_STOPS = 0.45, 0.7, 1.0
BLUR_PX, MOVED_PX = 1.5, 5.0


def light_kind(shot: Mapping[str, Any]) -> str:
    """``backlit``: a strong key light shines towards the camera; ``uneven``: the light of a 4 x 4 grid spreads by more
    than a stop; ``harsh``: hard shadows with little fill; else ``normal``.
    """
    light = shot["light"]
    if light["facing"] > FACING and light["key_share"] > KEY_SHARE:
        return "backlit"
    if light["light_spread_stops"] > SPREAD_STOPS:
        return "uneven"
    return "harsh" if light["hardness"] > KEY_SHARE else "normal"


def lighting(shot: Mapping[str, Any]) -> str:
    """What light there is in the picture before the sensor's faults: the radiance that the lens takes in, exposed."""
    ev, kind = shot["exposure_ev"], light_kind(shot)
    if ev < DIM_EV:
        return "dark" if ev < DARK_EV else "dim"
    if kind in ("backlit", "uneven"):
        return kind
    return "bright" if ev > BRIGHT_EV else kind


def sensor(shot: Mapping[str, Any]) -> str:
    """The fault that hurts most: motion, then lens blur, then noise that survived compression."""
    if moved(shot) == "moved":
        return "motion"
    if shot["blur_px"] >= BLUR_PX:
        return "blurred"
    return "noisy" if shot["noise_in_file"] >= NOISY_LEVELS else "clean"


def moved(shot: Mapping[str, Any]) -> str:
    """Whether the camera moved by more than a few pixels during the exposure."""
    return "moved" if shot["motion_px"] >= MOVED_PX else "still"
