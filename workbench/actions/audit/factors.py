"""The factors of an audit, each with two levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Factor:
    """Something that the generator controls.

    Attributes:
        name: one word.
        words: the low and the high level in words.
        low, high: changes of a scenario at each level.
    """

    name: str
    words: tuple[str, str]
    low: Mapping[str, Any]
    high: Mapping[str, Any]

    def changes(self, level: int) -> Mapping[str, Any]:
        """Of the low (-1) or the high (1) level."""
        return self.high if level > 0 else self.low


def _light(environment: tuple[float, float], key: tuple[float, float], exposure: tuple[float, float]) -> dict[str, Any]:
    return {
        "lighting.environment.intensity": {"log_uniform": list(environment)},
        "lighting.key.intensity": {"log_uniform": list(key)},
        "sensor.exposure.ev": {"uniform": list(exposure)},
    }


def _camera(low: float, high: float) -> dict[str, Any]:
    shell = {"azimuth": [0, 360], "elevation": [low, high], "radius": [0.5, 0.7]}
    return {
        "sensor.camera.pose": {"shell_look_at": {**shell, "target": {"box": {"min": [0, 0, 0], "max": [0, 0, 0.03]}}}}
    }


def _sensor(gain: tuple[float, float], blur_px: tuple[float, float]) -> dict[str, Any]:
    return {
        "sensor.noise": {"shot_read": {"gain": {"log_uniform": list(gain)}, "read_e": {"uniform": [2, 6]}}},
        "sensor.lens.blur_px": {"uniform": list(blur_px)},
    }


FACTORS = (
    Factor(
        "light",
        ("normal light", "dim light"),
        _light((300, 500), (200, 800), (-0.3, 0.3)),
        _light((120, 250), (40, 200), (-2.5, -1.5)),
    ),
    Factor(
        "surface",
        ("matte surface", "metal surface"),
        {"scene.surface.label": "matte"},
        {"scene.surface.label": {"choice": ["metal", "mirror"]}},
    ),
    Factor("camera", ("camera from above", "camera from the side"), _camera(65, 80), _camera(35, 48)),
    Factor(
        "clutter",
        ("few objects", "many objects and distractors"),
        {"assets.targets.count": {"uniform_int": [2, 4]}, "assets.distractors.count": 0},
        {"assets.targets.count": {"uniform_int": [7, 9]}, "assets.distractors.count": {"uniform_int": [2, 4]}},
    ),
    Factor("sensor", ("clean sensor", "noise and blur"), _sensor((1, 2), (0.2, 0.6)), _sensor((16, 32), (1.8, 2.8))),
)
