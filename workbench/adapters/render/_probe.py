"""Two fixed scenes: a tiny one that every backend must be able to render, and a typical one for warming up."""

from __future__ import annotations

import numpy as np

from workbench.core import assets as library
from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Environment, Light, Scene, Solid


def tiny_scene() -> Scene:
    """One nut under one light, 64 x 48 pixels."""
    rng = np.random.default_rng(0)
    T_world_cam = np.diag([1.0, -1.0, -1.0, 1.0])
    T_world_cam[2, 3] = 0.2
    camera = Camera(64, 48, 100.0, 100.0, 31.5, 23.5, T_world_cam=T_world_cam)
    nut = Solid("part/nut", "nut", 1, library.part_mesh("nut"), library.surface_material("matte", rng=rng), np.eye(4))
    light = Light("directional", (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 1.0, 1.0), 500.0)
    return Scene((nut,), (light,), Environment("env/workshop", 300.0), camera)


def typical_scene(width: int, height: int) -> Scene:
    """A nut on a table in its work cell under directional light, seen from the usual camera of scenarios."""
    rng = np.random.default_rng(0)
    T_world_cam = np.diag([1.0, -1.0, -1.0, 1.0])
    T_world_cam[2, 3] = 0.65
    middle = (width - 1) / 2, (height - 1) / 2
    camera = Camera(width, height, 0.9375 * width, 0.9375 * width, *middle, T_world_cam=T_world_cam)
    tiny = tiny_scene()
    return Scene((*tiny.solids, *library.support("table", "matte", rng=rng)), tiny.lights, tiny.environment, camera)
