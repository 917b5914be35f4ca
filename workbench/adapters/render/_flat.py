"""The plain backend: ray-cast Lambert shading without shadows or reflections; fast, and needs no graphics driver."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.render._lens import directions
from workbench.adapters.render._light import environment_directions, irradiance_lux
from workbench.adapters.render._rays import Floats, Hits, cast, caster, world_rays
from workbench.core.assets import environment_radiance
from workbench.core.assets._environments import sphere
from workbench.core.schema.scene import Environment, Scene, Solid

BACKGROUND = 0.02  # share of the environment's light that the void shows


class FlatRenderer:
    """Lambert shading of the first hit under all lights and the environment's mean light per direction."""

    name = "flat"
    version = "flat 1"

    def render(self, scene: Scene) -> NDArray[np.float32]:
        """See ``Renderer.render``."""
        rays = world_rays(directions(scene.camera), scene.camera)
        hits = cast(caster(scene.solids), rays)
        points = rays[..., :3] + np.where(np.isfinite(hits.depth_m), hits.depth_m, 0)[..., None] * rays[..., 3:]
        normals = hits.normals.astype(np.float64)
        light = _ambient(scene.environment, normals)
        for key in scene.lights:
            light = light + irradiance_lux(key, points, normals)[..., None] * np.array(key.color)
        picture = light / scene.exposure_lux * _albedo(hits, scene.solids)
        void = BACKGROUND * scene.environment.illuminance_lux / scene.exposure_lux
        return np.where(hits.solid[..., None] < 0, void, picture).astype(np.float32)


def _albedo(hits: Hits, solids: tuple[Solid, ...]) -> Floats:
    """Base colour times texture at each hit; metals keep theirs, so they show as flat paint."""
    albedo = np.zeros((*hits.solid.shape, 3))
    for index, solid in enumerate(solids):
        here = hits.solid == index
        if here.any():
            albedo[here] = np.array(solid.material.base_color) * _texel(solid, hits, here)
    return albedo


def _texel(solid: Solid, hits: Hits, here: NDArray[np.bool_]) -> Floats:
    texture = solid.material.albedo_srgb
    if texture is None:
        return np.ones((int(here.sum()), 3))
    corners = solid.mesh.uv[solid.mesh.faces[hits.triangle[here]]]
    b, c = hits.barycentric[here].T
    uv = corners[:, 0] * (1 - b - c)[:, None] + corners[:, 1] * b[:, None] + corners[:, 2] * c[:, None]
    height, width = texture.shape[:2]
    at = uv / solid.material.texture_size_m
    column = np.floor(at[:, 0] % 1 * width).astype(int) % width
    row = np.floor((1 - at[:, 1] % 1) * height).astype(int) % height
    encoded = texture[row, column] / 255.0
    return np.asarray(np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4))


def _ambient(environment: Environment, normals: Floats) -> Floats:
    """Illuminance by the environment at normals, from its second-order spherical harmonics."""
    own = environment_directions(normals, environment)
    return np.asarray(environment.illuminance_lux * harmonics_basis(own) @ irradiance_harmonics(environment.name))


@cache
def irradiance_harmonics(name: str) -> Floats:
    """Coefficients ``(9, 3)`` of an environment's illuminance over the normal (Ramamoorthi and Hanrahan 2001)."""
    towards, solid_angle = sphere()
    radiance = environment_radiance(name).astype(np.float64)
    basis = harmonics_basis(towards)
    spectrum = np.einsum("hwk,hwc,hw->kc", basis, radiance, solid_angle)
    norm = np.einsum("hwk,hwk,hw->k", basis, basis, solid_angle)
    lambert = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)
    return np.asarray(spectrum * (lambert / norm)[:, None])


def harmonics_basis(d: Floats) -> Floats:
    """The nine polynomials ``(..., 9)``: 1, y, z, x, xy, yz, 3z2-1, zx, x2-y2."""
    x, y, z = d[..., 0], d[..., 1], d[..., 2]
    return np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, z * x, x * x - y * y], axis=-1)
