"""The camera of a frame, from its values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Xyz

Values = Mapping[str, Any]


def camera_of(values: Values) -> Camera:
    """The camera with its pose: on a sphere about the target, looking at it, OpenCV axes."""
    lens, inner = "sensor.lens.distortion.", "sensor.camera.intrinsics."
    return Camera(
        width=values["sensor.camera.resolution.width"],
        height=values["sensor.camera.resolution.height"],
        fx=values[inner + "fx"],
        fy=values[inner + "fy"],
        cx=values[inner + "cx"],
        cy=values[inner + "cy"],
        distortion=(values[lens + "k1"], values[lens + "k2"], values[lens + "p1"], values[lens + "p2"]),
        T_world_cam=look_at(
            azimuth_deg=values["sensor.camera.pose.azimuth"],
            elevation_deg=values["sensor.camera.pose.elevation"],
            radius_m=values["sensor.camera.pose.radius"],
            roll_deg=values["sensor.camera.pose.roll"],
            target_m=tuple(values[f"sensor.camera.target.{axis}"] for axis in "xyz"),
        ),
    )


def look_at(
    *, azimuth_deg: float, elevation_deg: float, radius_m: float, roll_deg: float, target_m: Xyz
) -> NDArray[np.float64]:
    """4x4 pose of a camera on a sphere about ``target_m``, looking at it; the picture's top is up at roll 0.

    >>> pose = look_at(azimuth_deg=-90, elevation_deg=0, radius_m=2, roll_deg=0, target_m=(0, 0, 0))
    >>> (pose.round(6) + 0.0).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -2.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    towards = direction(azimuth_deg, elevation_deg)
    azimuth, roll = math.radians(azimuth_deg), math.radians(roll_deg)
    right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])  # also defined straight from above
    down = np.cross(-towards, right)
    pose = np.eye(4)
    pose[:3, 0] = math.cos(roll) * right + math.sin(roll) * down
    pose[:3, 1] = math.cos(roll) * down - math.sin(roll) * right
    pose[:3, 2] = -towards
    pose[:3, 3] = np.asarray(target_m) + radius_m * towards
    return pose


def direction(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Unit vector towards a point of the sphere: azimuth from x to y, elevation from the plane towards z."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])
