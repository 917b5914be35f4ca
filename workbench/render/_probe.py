"""A tiny scene that any backend must be able to draw: is rendering possible here?"""

from __future__ import annotations

import numpy as np

from workbench import library
from workbench.schema.labels import Camera
from workbench.schema.scene import Environment, Light, Scene, Solid


def tiny_scene() -> Scene:
    """One nut under one light, 64 x 48 pixels."""
    rng = np.random.default_rng(0)
    T_world_cam = np.diag([1.0, -1.0, -1.0, 1.0])
    T_world_cam[2, 3] = 0.2
    camera = Camera(64, 48, 100.0, 100.0, 31.5, 23.5, T_world_cam=T_world_cam)
    nut = Solid("part/nut", "nut", 1, library.part_mesh("nut"), library.surface_material("matte", rng=rng), np.eye(4))
    light = Light("directional", (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 1.0, 1.0), 500.0)
    return Scene((nut,), (light,), Environment("env/workshop", 300.0), camera)
