"""Places in the air: spread over a volume above the support, or over what the camera sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.plurals import counted
from workbench.core import assets as library
from workbench.core.scenario.camera import camera_of
from workbench.core.scenario.distribution import At, Distribution, check_number, check_ordered
from workbench.core.scenario.placement import MAX_PLACES, MAX_ROUNDS, Unplaceable, posed_vertices

Floats = NDArray[np.float64]
POSED = frozenset(
    {
        "assets.targets.labels",
        "assets.distractors.labels",
        "scene.support",
        "scene.objects.rotation",
        "scene.objects.scale",
    }
)
CAMERA = frozenset(
    [f"sensor.camera.{part}" for part in ("resolution.width", "resolution.height")]
    + [f"sensor.camera.intrinsics.{name}" for name in ("fx", "fy", "cx", "cy")]
    + [f"sensor.camera.pose.{name}" for name in ("azimuth", "elevation", "radius", "roll")]
    + [f"sensor.camera.target.{axis}" for axis in "xyz"]
    + [f"sensor.lens.distortion.{name}" for name in ("k1", "k2", "p1", "p2")]
)


@dataclass(frozen=True)
class Scatter3D(Distribution):
    """Places evenly over the box above the support from ``z`` to ``z``, where bounding boxes stay ``min_gap`` apart."""

    z: tuple[float, float] = (0.0, 0.2)
    min_gap: float = 0.005

    def __post_init__(self) -> None:
        _check_pair(self, "z", 0.0)
        if check_number(self.min_gap, "min_gap") < 0:
            raise ValueError(f"min_gap must be 0 or more, not {self.min_gap}.")

    def needs(self) -> frozenset[str]:
        return POSED

    def draw_all(self, contexts: Sequence[At]) -> list[Any]:
        if not contexts:
            return []
        x, y = library.SUPPORT_REGION_M[contexts[0].values["scene.support"]]
        low, high = np.array([-x, -y, self.z[0]]), np.array([x, y, self.z[1]])
        return _apart(contexts, self.min_gap, lambda at: at.rng.uniform(low, high))


@dataclass(frozen=True)
class CameraFrustum(Distribution):
    """Places that the camera sees: evenly over the middle ``screen`` share of the picture, distance by 1/r.

    ``distance`` is from the camera in metres along the ray; nothing goes below the support, and bounding boxes stay
    ``min_gap`` apart.
    """

    distance: tuple[float, float]
    screen: float = 0.8
    min_gap: float = 0.005

    def __post_init__(self) -> None:
        _check_pair(self, "distance", 1e-3)
        if not 0.0 < check_number(self.screen, "screen") <= 1.0:
            raise ValueError(f"screen must be a share above 0 and at most 1, not {self.screen}.")
        if check_number(self.min_gap, "min_gap") < 0:
            raise ValueError(f"min_gap must be 0 or more, not {self.min_gap}.")

    def needs(self) -> frozenset[str]:
        return POSED | CAMERA

    def draw_all(self, contexts: Sequence[At]) -> list[Any]:
        if not contexts:
            return []
        camera = camera_of(contexts[0].values)
        assert camera.T_world_cam is not None
        T, near, far = camera.T_world_cam, math.log(self.distance[0]), math.log(self.distance[1])

        def point_in_view(at: At) -> Floats:
            u = (camera.width - 1) / 2 + at.rng.uniform(-0.5, 0.5) * self.screen * camera.width
            v = (camera.height - 1) / 2 + at.rng.uniform(-0.5, 0.5) * self.screen * camera.height
            ray = np.array([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0])
            away = math.exp(at.rng.uniform(near, far)) / np.linalg.norm(ray)
            return np.asarray(T[:3, :3] @ (ray * away) + T[:3, 3])

        return _apart(contexts, self.min_gap, point_in_view)


def _check_pair(distribution: Any, name: str, least: float) -> None:
    pair = getattr(distribution, name)
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ValueError(f"{name} must be a list of two numbers, not {pair!r}.")
    check_ordered(*pair)
    if pair[0] < least:
        raise ValueError(f"{name} must begin at {least:g} or more, not at {pair[0]}.")
    object.__setattr__(distribution, name, (float(pair[0]), float(pair[1])))


def _apart(contexts: Sequence[At], gap_m: float, draw: Callable[[At], Floats]) -> list[list[float]]:
    """A middle for each object so that no bounding boxes meet; x, y of its origin and z of its lowest point."""
    boxes = [(v.min(axis=0), v.max(axis=0)) for v in posed_vertices(contexts[0].values)]
    for _ in range(MAX_ROUNDS):
        middles = _one_round(contexts, boxes, gap_m, draw)
        if len(middles) == len(contexts):
            return [
                [float(middle[0] - (low + high)[0] / 2), float(middle[1] - (low + high)[1] / 2),
                 float(middle[2] - (high - low)[2] / 2)]
                for middle, (low, high) in zip(middles, boxes, strict=True)
            ]  # fmt: skip
    raise Unplaceable(
        f"There is no room for {counted(len(contexts), 'object')} in the volume with a gap of {gap_m:g} m.",
        at="scene.objects.placement",
        fix="Use fewer or smaller objects, a smaller min_gap or a larger volume.",
    )


def _one_round(
    contexts: Sequence[At], boxes: list[tuple[Floats, Floats]], gap_m: float, draw: Callable[[At], Floats]
) -> list[Floats]:
    middles: list[Floats] = []
    for at, (low, high) in zip(contexts, boxes, strict=True):
        half = (high - low) / 2
        for _ in range(MAX_PLACES):
            middle = draw(at)
            clear = all(
                (np.abs(middle - other) >= half + (b[1] - b[0]) / 2 + gap_m).any()
                for other, b in zip(middles, boxes, strict=False)
            )
            if middle[2] >= half[2] and clear:
                middles.append(middle)
                break
        else:
            return []
    return middles
