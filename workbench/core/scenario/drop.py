"""Objects that fall: released above the support, simulated by MuJoCo until they come to rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.optional import require
from workbench.base.plurals import counted
from workbench.core import assets as library
from workbench.core.scenario.distribution import At, Distribution, check_number
from workbench.core.scenario.placement import OF_OBJECTS, Unplaceable, rotation_matrix, scaled_vertices

STEP_S = 0.002
CHECK_STEPS = 50
STILL_M_S = 0.02  # below it an object lies
WALL_M = 0.02
HULL_VERTICES = 48
FLOOR_SLACK_M = 0.003  # contacts are soft: so deep an object may rest in the floor before it is lifted out

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drop(Distribution):
    """Objects fall onto the support one above the other and come to rest in a pile; ``tray`` and ``bin`` keep them in.

    Each has its ``scene.objects.density`` and ``scene.objects.friction``, and begins with its
    ``scene.objects.rotation``. Collisions are between convex hulls. ``height`` is the lowest release above the support
    in metres, ``seconds`` the longest time to come to rest. The outcome is recorded, so replaying needs no physics.
    """

    height: float = 0.06
    seconds: float = 4.0

    def __post_init__(self) -> None:
        if check_number(self.height, "height") < 0:
            raise ValueError(f"height must be 0 or more, not {self.height}.")
        if not 0 < check_number(self.seconds, "seconds") <= 60:
            raise ValueError(f"seconds must be above 0 and at most 60, not {self.seconds}.")

    def needs(self) -> frozenset[str]:
        return OF_OBJECTS | {"scene.objects.density", "scene.objects.friction"}

    def draw_all(self, contexts: Sequence[At]) -> list[Any]:
        if not contexts:
            return []
        mujoco = require("mujoco", purpose="objects that fall")
        values = contexts[0].values
        vertices = scaled_vertices(values)
        world = mujoco.MjSpec()
        world.option.timestep = STEP_S
        _add_support(mujoco, world, values["scene.support"])
        for i, (points, release) in enumerate(zip(vertices, self._releases(contexts, vertices), strict=True)):
            _add_body(mujoco, world, i, points, release, values)
        model = world.compile()
        data = mujoco.MjData(model)
        self._settle(mujoco, model, data, values["scene.support"])
        return [_outcome(data, i, points, values["scene.support"]) for i, points in enumerate(vertices)]

    def _releases(self, contexts: Sequence[At], vertices: list[Floats]) -> list[Floats]:
        """Start position of each origin, each object above the one before."""
        half = np.array(library.SUPPORT_REGION_M[contexts[0].values["scene.support"]]) * 0.7
        height, releases = self.height, []
        for at, points in zip(contexts, vertices, strict=True):
            reach = float(np.linalg.norm(points, axis=1).max())
            releases.append(np.array([*at.rng.uniform(-half, half), height + reach]))
            height += 2 * reach
        return releases

    def _settle(self, mujoco: Any, model: Any, data: Any, support: str) -> None:
        for _ in range(round(self.seconds / STEP_S / CHECK_STEPS)):
            mujoco.mj_step(model, data, CHECK_STEPS)
            if data.time > 0.3 and float(np.abs(data.qvel).max()) < STILL_M_S:
                return
        speeds = np.linalg.norm(data.qvel.reshape(-1, 6)[:, :3], axis=1)
        if float(speeds.max()) > 5 * STILL_M_S:
            moving = counted(int((speeds > 5 * STILL_M_S).sum()), "object")
            raise Unplaceable(
                f"Not all objects came to rest on the {support} within {self.seconds:g} s: {moving} still moving.",
                at="scene.objects.placement",
                fix="Give more seconds, fewer objects or more friction.",
            )


def _add_support(mujoco: Any, world: Any, support: str) -> None:
    """The plane z = 0, and walls where the support has them."""
    kinds = mujoco.mjtGeom
    world.worldbody.add_geom(type=kinds.mjGEOM_PLANE, size=[2, 2, 0.1], friction=[0.6, 0.005, 0.0001])
    if support not in library.SUPPORT_WALLS_M:
        return
    half_x, half_y, height = library.SUPPORT_WALLS_M[support]
    high = max(height, 0.5) if support == "bin" else height  # a bin's walls guide what falls in from above
    for x, y, size in (
        (half_x + WALL_M, 0, [WALL_M, half_y + 2 * WALL_M, high / 2]),
        (-half_x - WALL_M, 0, [WALL_M, half_y + 2 * WALL_M, high / 2]),
        (0, half_y + WALL_M, [half_x + 2 * WALL_M, WALL_M, high / 2]),
        (0, -half_y - WALL_M, [half_x + 2 * WALL_M, WALL_M, high / 2]),
    ):
        world.worldbody.add_geom(type=kinds.mjGEOM_BOX, size=size, pos=[x, y, high / 2], friction=[0.4, 0.005, 0.0001])


def _add_body(mujoco: Any, world: Any, i: int, points: Floats, release: Floats, values: Any) -> None:
    name = f"object{i}"
    world.add_mesh(name=name, uservert=np.unique(points.round(6), axis=0).ravel().tolist(), maxhullvert=HULL_VERTICES)
    body = world.worldbody.add_body(name=name, pos=release.tolist(), quat=list(values["scene.objects.rotation"][i]))
    body.add_freejoint()
    friction = values["scene.objects.friction"][i]
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        density=values["scene.objects.density"][i],
        friction=[friction, 0.005, 0.0005],
        condim=4,
        solref=[0.004, 1.0],
    )


def _outcome(data: Any, i: int, points: Floats, support: str) -> list[float]:
    """x, y of the origin, z of the lowest point, and the rotation wxyz.

    Raises:
        Unplaceable: the object has left the support.
    """
    body = data.body(f"object{i}")
    quaternion, origin = np.array(body.xquat), np.array(body.xpos)
    world = points @ rotation_matrix(quaternion.tolist()).T + origin
    half = np.array(library.SUPPORT_WALLS_M.get(support, (*library.SUPPORT_REGION_M[support], 0))[:2])
    lowest, middle = float(world[:, 2].min()), (world.min(axis=0) + world.max(axis=0))[:2] / 2
    if lowest < -FLOOR_SLACK_M or (np.abs(middle) > half + 0.01).any():
        raise Unplaceable(
            f"An object fell off the {support}.", at="scene.objects.placement",
            fix="Use a bin or a tray, fewer objects or more friction.",
        )  # fmt: skip
    return [*origin[:2].round(6).tolist(), round(max(lowest, 0.0), 6), *quaternion.round(7).tolist()]
