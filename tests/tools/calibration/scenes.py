"""What a calibration set shows: scenes under several kinds of light, each taken by several cameras.

A scene is drawn once and goes through the sensor ``SHOTS`` times, each time with other faults, because
rendering is what costs. All draws hang on the frame's number, so a set can be continued.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.scenario import Scenario
from workbench.core.sensor import SensorSettings

SHOTS = 3
DOCUMENT = Path(__file__).with_name("scenes.yaml")
SEED = 101
WELL_E = 10_000.0
_KEY = "lighting.key."
_FACING = "(sensor.camera.pose.azimuth + 180) % 360"
LIGHTS: Mapping[str, Mapping[str, Any]] = {
    "soft": {
        "lighting.environment.intensity": {"uniform": [300, 1000]},
        _KEY + "type": {"choice": ["area", "directional"]},
        _KEY + "intensity": {"uniform": [50, 500]},
        _KEY + "size": {"uniform": [0.3, 0.9]},
        _KEY + "direction.elevation": {"uniform_sine": [35, 85]},
    },
    "hard": {
        "lighting.environment.intensity": {"uniform": [20, 110]},
        _KEY + "type": {"choice": ["directional", "point"]},
        _KEY + "intensity": {"uniform": [900, 2500]},
        _KEY + "direction.elevation": {"uniform_sine": [30, 75]},
        _KEY + "direction.azimuth": {
            "expr": "(sensor.camera.pose.azimuth + 90 + lighting.environment.rotation / 2) % 360"
        },
    },
    "backlit": {
        "lighting.environment.intensity": {"uniform": [20, 110]},
        _KEY + "type": {"choice": ["directional", "point"], "weights": [0.7, 0.3]},
        _KEY + "intensity": {"uniform": [2000, 5000]},
        _KEY + "direction.azimuth": {"expr": _FACING},
        _KEY + "direction.elevation": {"uniform": [8, 26]},
        _KEY + "direction.radius": {"uniform": [1.2, 2.5]},
        "sensor.camera.pose.elevation": {"uniform": [14, 40]},
    },
    "spot": {
        "lighting.environment.intensity": {"uniform": [10, 60]},
        _KEY + "type": "spot",
        _KEY + "intensity": {"uniform": [800, 2500]},
        _KEY + "direction.elevation": {"uniform_sine": [50, 85]},
        _KEY + "direction.radius": {"uniform": [0.6, 1.2]},
        _KEY + "cone": {"uniform": [12, 26]},
        "sensor.camera.target.x": {"uniform": [-0.12, 0.12]},
        "sensor.camera.target.y": {"uniform": [-0.12, 0.12]},
    },
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """What one camera does to a scene.

    Attributes:
        stops: where a horizontal middle gray lands, stops above linear 0.18.
        settings: of the sensor chain; its exposure is still to be set.
        banding: amplitude of horizontal bands in gray levels, as lamps that flicker make under a rolling shutter.
        period_px: height of one band.
    """

    stops: float
    settings: SensorSettings
    banding: float
    period_px: float


def scene_of(frame: int) -> tuple[Scenario, str]:
    """The scenario of a frame, and the kind of its light."""
    light = list(LIGHTS)[frame % len(LIGHTS)]
    return Scenario.load(DOCUMENT).replace(dict(LIGHTS[light])), light


def fault_of(frame: int, shot: int) -> Fault:
    """The camera of one shot. Exposure, lens blur, noise and JPEG quality always vary; the others now and then."""
    rng = np.random.default_rng([SEED, frame, shot])
    wide, noisy, moving, dim_corners, banded = rng.random(5) < (0.4, 0.5, 0.25, 0.35, 0.15)
    settings = SensorSettings(
        vignette=float(rng.uniform(0.2, 0.9)) * dim_corners,
        motion_blur_px=float(rng.uniform(5.0, 24.0)) * moving,
        motion_direction_deg=float(rng.uniform(0.0, 180.0)),
        blur_px=float(np.exp(rng.uniform(np.log(0.25), np.log(5.0)))),
        gain=float(np.exp(rng.uniform(np.log(4.0), np.log(60.0)) if noisy else rng.uniform(np.log(0.5), np.log(4.0)))),
        full_well_e=WELL_E,
        read_e=float(rng.uniform(1.0, 6.0)),
        jpeg_quality=int(rng.integers(70, 99)),
    )
    stops = rng.uniform(-6.5, 2.4) if wide else rng.uniform(-2.0, 1.2)
    return Fault(float(stops), settings, float(rng.uniform(1.5, 8.0)) * banded, float(rng.uniform(12.0, 60.0)))
