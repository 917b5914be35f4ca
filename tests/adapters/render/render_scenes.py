"""Small scenes with known answers."""

from __future__ import annotations

import numpy as np

from workbench.core import assets as library
from workbench.core.assets._shape import box, finish
from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Environment, Light, Material, Scene, Solid

DARK = Environment("env/overcast", 1e-6)
DOWN = (0.0, 0.0, -1.0)


def camera_above(width: int = 96, height: int = 72, *, height_m: float = 0.5, f: float = 90.0, **changes) -> Camera:
    """Looks straight down on the origin; image right is world x, image down is world -y."""
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[2, 3] = height_m
    values = {"fx": f, "fy": f, "cx": (width - 1) / 2, "cy": (height - 1) / 2, "T_world_cam": T, **changes}
    return Camera(width, height, **values)


def looking(eye: tuple[float, float, float], target=(0.0, 0.0, 0.02), **changes) -> Camera:
    forward = np.asarray(target) - np.asarray(eye)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    T[:3, 3] = eye
    return camera_above(T_world_cam=T, **changes)


def paint(value: float, *, roughness: float = 1.0, metallic: float = 0.0) -> Material:
    return Material("matte", (value, value, value), metallic, roughness, reflectance=0.0)


def slab(
    x_m: float, y_m: float, z_m: float, material: Material, *, at=(0.0, 0.0, 0.0), instance_id=0, name=None
) -> Solid:
    T = np.eye(4)
    T[:3, 3] = at
    return Solid("test/slab", name, instance_id, finish(box(x_m, y_m, z_m)), material, T)


def white_floor(value: float = 1.0) -> Solid:
    return slab(4.0, 4.0, 0.01, paint(value), at=(0.0, 0.0, -0.01))


def sun(lux: float = 500.0, direction=DOWN, **changes) -> Light:
    return Light("directional", (0.0, 0.0, 1.0), direction, (1.0, 1.0, 1.0), lux, **changes)


def bench(seed: int, *, lux: float = 700.0, camera: Camera | None = None, surface: str = "metal") -> Scene:
    """A small real scene: three parts on a tray."""
    rng = np.random.default_rng(seed)
    solids = list(library.support("tray", "wood", rng=rng))
    for index, name in enumerate(("mug", "gear", "bolt")):
        T = np.eye(4)
        T[:3, 3] = (0.09 * (index - 1), rng.uniform(-0.05, 0.05), 0.0)
        material = library.part_material(name, surface, rng=rng)
        solids.append(Solid(f"part/{name}", name, index + 1, library.part_mesh(name), material, T))
    light = Light("spot", (0.4, -0.3, 0.9), tuple(-np.array([0.4, -0.3, 0.9]) / np.sqrt(1.06)), (1.0, 1.0, 1.0), lux)
    return Scene(tuple(solids), (light,), Environment("env/workshop", 300.0), camera or looking((0.1, -0.4, 0.45)))
