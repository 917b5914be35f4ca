"""Ray casting of a scene with Open3D's Embree; needs no graphics driver."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.render._lens import posed
from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Solid

os.environ.setdefault("EGL_PLATFORM", "surfaceless")  # must be set before open3d is first imported

import open3d as o3d

Floats = NDArray[np.float64]
__all__ = ["Floats", "Hits", "cast", "caster", "hit_mask", "o3d", "world_rays", "world_vertices"]
NOTHING = 0xFFFFFFFF  # Embree's id of a ray that hits nothing


@dataclass(frozen=True, eq=False)
class Hits:
    """What the rays meet.

    Attributes:
        solid: index of the solid, -1 for nothing.
        depth_m: distance along the ray in units of its direction: camera z for rays with z = 1; ``inf`` for nothing.
        normals: unit geometric normals in the world, turned towards the viewer; 0 for nothing.
        triangle: index of the triangle in its mesh.
        barycentric: weights of its second and third corner.
    """

    solid: NDArray[np.int64]
    depth_m: NDArray[np.float32]
    normals: NDArray[np.float32]
    triangle: NDArray[np.int64]
    barycentric: NDArray[np.float32]


def caster(solids: tuple[Solid, ...]) -> Any:
    """A ray-casting scene in which geometry ``i`` is solid ``i``."""
    scene = o3d.t.geometry.RaycastingScene()
    for solid in solids:
        scene.add_triangles(
            o3d.core.Tensor(world_vertices(solid).astype(np.float32)),
            o3d.core.Tensor(solid.mesh.faces.astype(np.uint32)),
        )
    return scene


def world_vertices(solid: Solid) -> Floats:
    """Vertices ``(V, 3)`` in the world."""
    T = solid.T_world_obj
    return np.asarray(solid.mesh.vertices_m @ T[:3, :3].T + T[:3, 3])


def world_rays(directions_cam: Floats, camera: Camera) -> NDArray[np.float32]:
    """Rays ``(..., 6)`` of origin and direction in the world; the directions keep their length."""
    T = posed(camera)
    towards = directions_cam @ T[:3, :3].T
    origin = np.broadcast_to(T[:3, 3], towards.shape)
    return np.concatenate([origin, towards], axis=-1).astype(np.float32)


def cast(scene: Any, rays: NDArray[np.float32]) -> Hits:
    """First hits of rays ``(H, W, 6)``."""
    hits = scene.cast_rays(o3d.core.Tensor(np.ascontiguousarray(rays)))
    ids = hits["geometry_ids"].numpy()
    nothing = ids == NOTHING
    normals = hits["primitive_normals"].numpy()
    away = np.sum(normals * rays[..., 3:], axis=-1, keepdims=True) > 0
    return Hits(
        solid=np.where(nothing, -1, ids.astype(np.int64)),
        depth_m=hits["t_hit"].numpy(),
        normals=np.where(nothing[..., None], np.float32(0), np.where(away, -normals, normals)),
        triangle=hits["primitive_ids"].numpy().astype(np.int64),
        barycentric=hits["primitive_uvs"].numpy(),
    )


def hit_mask(scene: Any, rays: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each ray meets anything."""
    return np.asarray(np.isfinite(scene.cast_rays(o3d.core.Tensor(np.ascontiguousarray(rays)))["t_hit"].numpy()))
