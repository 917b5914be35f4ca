"""Exact annotations of a scene by ray casting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.render._lens import Floats, directions, posed
from workbench.adapters.render._rays import Hits, cast, caster, hit_mask, world_rays, world_vertices
from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Annotations, ObjectTruth, Scene, Solid

Xyxy = tuple[float, float, float, float]
MARGIN = 1e-4  # around a projected outline, against rounding


def annotate(scene: Scene) -> Annotations:
    """Instances, depth, normals and the truth of each labelled solid; see ``workbench.adapters.render.annotate``."""
    towards = directions(scene.camera)
    rays = world_rays(towards, scene.camera)
    hits = cast(caster(scene.solids), rays)
    instances = _instances(hits, scene.solids)
    planes = np.ascontiguousarray(towards[..., 0]), np.ascontiguousarray(towards[..., 1])
    seen = [_truth(solid, scene.camera, planes, rays, instances) for solid in scene.solids if solid.instance_id]
    return Annotations(instances, hits.depth_m, hits.normals, tuple(truth for truth in seen if truth.silhouette_px))


def box_of(mask: NDArray[np.bool_], *, left: int = 0, top: int = 0) -> Xyxy | None:
    """Edges of the true pixels, ``None`` when there are none.

    >>> box_of(np.array([[False, True], [False, False]]))
    (1.0, 0.0, 2.0, 1.0)
    """
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return float(left + columns[0]), float(top + rows[0]), float(left + columns[-1] + 1), float(top + rows[-1] + 1)


def _instances(hits: Hits, solids: tuple[Solid, ...]) -> NDArray[np.uint16]:
    ids = np.array([solid.instance_id for solid in solids] + [0], dtype=np.uint16)  # index -1 is nothing
    return ids[hits.solid]


def _truth(
    solid: Solid,
    camera: Camera,
    towards: tuple[Floats, Floats],
    rays: NDArray[np.float32],
    instances: NDArray[np.uint16],
) -> ObjectTruth:
    left, top, right, bottom = _window(solid, camera, towards)
    alone = np.zeros((0, 0), dtype=np.bool_)
    if right > left:
        alone = hit_mask(caster((solid,)), rays[top:bottom, left:right])
    visible = instances[top:bottom, left:right] == solid.instance_id
    scale = float(np.cbrt(np.linalg.det(solid.T_world_obj[:3, :3])))
    width, depth, height = np.ptp(solid.mesh.vertices_m, axis=0) * scale
    T_cam_obj = np.linalg.inv(posed(camera)) @ solid.T_world_obj
    return ObjectTruth(
        instance_id=solid.instance_id,
        name=solid.name or "",
        asset=solid.asset,
        surface=solid.material.kind,
        xyxy=box_of(visible, left=left, top=top),
        xyxy_loose=box_of(alone, left=left, top=top) or (0.0, 0.0, 0.0, 0.0),
        visible_px=int(visible.sum()),
        silhouette_px=int(alone.sum()),
        T_cam_obj=T_cam_obj,
        size_m=(float(width), float(depth), float(height)),
        T_cam_box=_box_pose(T_cam_obj, solid.mesh.vertices_m, scale),
    )


def _box_pose(T_cam_obj: Floats, vertices_m: Floats, scale: float) -> Floats:
    """Pose of the centre of the box about the vertices, along the object's axes, without the scale."""
    centre = (vertices_m.min(axis=0) + vertices_m.max(axis=0)) / 2
    T = T_cam_obj.copy()
    T[:3, 3] = T_cam_obj[:3, :3] @ centre + T_cam_obj[:3, 3]
    T[:3, :3] /= scale
    return T


def _window(solid: Solid, camera: Camera, towards: tuple[Floats, Floats]) -> tuple[int, int, int, int]:
    """Pixels left, top, right, bottom whose rays may meet the solid; all of them when it reaches behind the camera.

    Compared in ideal image coordinates, where edges stay straight, so it holds under distortion too.
    """
    points = _in_camera(world_vertices(solid), camera)
    if points[:, 2].min() < 1e-3:
        return 0, 0, camera.width, camera.height
    ideal = points[:, :2] / points[:, 2:]
    low, high = ideal.min(axis=0) - MARGIN, ideal.max(axis=0) + MARGIN
    x, y = towards
    box = box_of((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    if box is None:
        return 0, 0, 0, 0
    left, top, right, bottom = (int(edge) for edge in box)
    return left, top, right, bottom


def _in_camera(points_world: Floats, camera: Camera) -> Floats:
    T_cam_world = np.linalg.inv(posed(camera))
    return np.asarray(points_world @ T_cam_world[:3, :3].T + T_cam_world[:3, 3])
