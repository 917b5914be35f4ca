"""Attributes ``lighting``, ``surface`` and ``sensor`` from measures, by rules that can be read.

The limits were set on rendered frames whose light and surface are known; ``unknown`` is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping

DARK_EV, DIM_EV, BRIGHT_EV = -4.5, -2.3, 0.9


def derive(measured: Mapping[str, float]) -> dict[str, str]:
    """The three attributes of a picture.

    >>> derive({"exposure_ev": -3.0, "contrast": 0.3, "clipped_bright": 0, "highlight_share": 0,
    ...         "texture": 0.02, "noise": 9.0, "blur_px": 0.5})
    {'lighting': 'dim', 'surface': 'unknown', 'sensor': 'noisy'}
    """
    return {"lighting": _lighting(measured), "surface": _surface(measured), "sensor": _sensor(measured)}


def _lighting(measured: Mapping[str, float]) -> str:
    ev = measured["exposure_ev"]
    if ev < DARK_EV:
        return "dark"
    if ev < DIM_EV:
        return "dim"
    if measured["contrast"] > 0.75 and measured["clipped_bright"] > 0.02:
        return "harsh"
    return "bright" if ev > BRIGHT_EV else "normal"


def _surface(measured: Mapping[str, float]) -> str:
    """Pixels alone tell little of the material: only clear highlights or clear texture are called."""
    if measured["highlight_share"] > 0.01:
        return "metal"
    if measured["highlight_share"] > 0.002:
        return "glossy"
    if measured["highlight_share"] == 0 and measured["exposure_ev"] > DIM_EV:
        return "matte"
    return "unknown"


def _sensor(measured: Mapping[str, float]) -> str:
    if measured["noise"] > 6.0:
        return "noisy"
    return "blurred" if measured["blur_px"] > 2.0 else "clean"
