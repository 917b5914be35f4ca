"""Where objects lie: rotations, footprints on the support, and places where footprints do not meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import ScenarioError
from workbench.base.plurals import counted
from workbench.core import assets as library
from workbench.core.scenario.distribution import At, Distribution, check_number

Polygon = NDArray[np.float32]
MAX_PLACES = 300  # places tried for one object
MAX_ROUNDS = 4  # fresh starts, when the first objects left no room for the last
_MM = 1000.0  # OpenCV's polygon routines take lengths below 1e-3 for nothing


class Unplaceable(ScenarioError):
    """The objects of this draw do not fit beside each other; the next attempt may."""


def rotation_matrix(quaternion_wxyz: Sequence[float]) -> NDArray[np.float64]:
    """3x3 rotation of a quaternion wxyz, which need not be of length 1.

    >>> rotation_matrix([1.0, 0.0, 0.0, 0.0]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    w, x, y, z = np.asarray(quaternion_wxyz, dtype=np.float64) / np.linalg.norm(quaternion_wxyz)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def footprint_m(vertices_m: NDArray[np.float64], gap_m: float) -> Polygon:
    """Convex outline ``(n, 2)`` of the points seen from above, widened by ``gap_m``."""
    outline = cv2.convexHull(vertices_m[:, :2].astype(np.float32))[:, 0]
    angles = np.arange(8) * (np.pi / 4)
    around = gap_m / np.cos(np.pi / 8) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    widened = (outline[:, None] + around[None].astype(np.float32)).reshape(-1, 2)
    return np.asarray(cv2.convexHull(widened)[:, 0], dtype=np.float32)


def meet(first: Polygon, second: Polygon) -> bool:
    """Whether two convex outlines share an area."""
    if (first.max(axis=0) <= second.min(axis=0)).any() or (second.max(axis=0) <= first.min(axis=0)).any():
        return False
    area, _ = cv2.intersectConvexConvex(first * np.float32(_MM), second * np.float32(_MM))
    return bool(area > 1e-3)


# parameters that decide which objects there are, how large, and on which support
OF_OBJECTS = frozenset(
    {
        "assets.targets.labels",
        "assets.distractors.labels",
        "scene.support",
        "scene.objects.rotation",
        "scene.objects.scale",
    }
)


@dataclass(frozen=True)
class Scatter2D(Distribution):
    """Places on the support, evenly over its area, where footprints stay ``min_gap`` metres apart.

    ``margin`` metres stay free at the support's edge. Nothing overlaps; what does not fit is drawn again.
    """

    min_gap: float = 0.005
    margin: float = 0.01
    region: str = "support"
    collision: str = "reject"

    def __post_init__(self) -> None:
        if check_number(self.min_gap, "min_gap") < 0 or check_number(self.margin, "margin") < 0:
            raise ValueError(f"min_gap and margin must be 0 or more, not {self.min_gap} and {self.margin}.")
        if self.region != "support" or self.collision != "reject":
            given = f"{self.region!r} and {self.collision!r}"
            raise ValueError(f"Only region: support and collision: reject are supported, not {given}.")

    def needs(self) -> frozenset[str]:
        return OF_OBJECTS

    def draw_all(self, contexts: Sequence[At]) -> list[Any]:
        if not contexts:
            return []
        half = np.array(library.SUPPORT_REGION_M[contexts[0].values["scene.support"]]) - self.margin
        outlines = [footprint_m(v, self.min_gap / 2.0) for v in posed_vertices(contexts[0].values)]
        order = sorted(range(len(outlines)), key=lambda i: -cv2.contourArea(outlines[i]))  # large ones first
        for _ in range(MAX_ROUNDS):
            if origins := _place_all(outlines, order, half, [at.rng for at in contexts]):
                return [[float(x), float(y), 0.0] for x, y in origins]
        what = f"{counted(len(outlines), 'object')} on the {contexts[0].values['scene.support']}"
        raise Unplaceable(
            f"There is no room for {what} with a gap of {self.min_gap:g} m.",
            at="scene.objects.placement",
            fix="Use fewer or smaller objects, a smaller min_gap or a larger support.",
        )


def posed_vertices(values: Mapping[str, Any]) -> list[NDArray[np.float64]]:
    """Vertices of each object in metres, scaled and rotated about its origin."""
    rotations = map(rotation_matrix, values["scene.objects.rotation"])
    return [points @ R.T for points, R in zip(scaled_vertices(values), rotations, strict=True)]


def scaled_vertices(values: Mapping[str, Any]) -> list[NDArray[np.float64]]:
    """Vertices of each object, targets first, in metres of its own frame."""
    meshes = [library.target(name) for name in values["assets.targets.labels"]]
    meshes += [library.distractor(name) for name in values["assets.distractors.labels"]]
    return [scale * mesh.vertices_m for mesh, scale in zip(meshes, values["scene.objects.scale"], strict=True)]


def _place_all(
    outlines: list[Polygon], order: list[int], half_m: NDArray[np.float64], rngs: list[np.random.Generator]
) -> list[NDArray[np.float64]]:
    """The origin of each outline, or an empty list when one of them does not fit."""
    placed: dict[int, Polygon] = {}
    origins: dict[int, NDArray[np.float64]] = {}
    for i in order:
        low, high = -half_m - outlines[i].min(axis=0), half_m - outlines[i].max(axis=0)
        if (low > high).any():
            return []
        for _ in range(MAX_PLACES):
            origin = rngs[i].uniform(low, high)
            moved = outlines[i] + origin.astype(np.float32)
            if not any(meet(moved, other) for other in placed.values()):
                placed[i], origins[i] = moved, origin
                break
        else:
            return []
    return [origins[i] for i in range(len(outlines))]
