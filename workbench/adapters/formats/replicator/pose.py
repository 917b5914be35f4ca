"""PoseWriter of Isaac Sim: one JSON per image.

Its poses in the camera frame are products in the wrong order, right only for objects that are neither turned nor
scaled; here they are made of ``local_to_world_transform`` and ``camera_view_matrix``. The file does not say which
camera model it used, so the camera is only kept when it projects the cuboids where the file says they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.adapters.formats.replicator.frame import pinhole
from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy
from workbench.adapters.formats.toolkit.json_files import dicts_in, read_object
from workbench.adapters.formats.toolkit.partial_labels import BOX_FROM, PartialLabel, labels_of
from workbench.adapters.formats.toolkit.pictures import Draft, Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import (
    FLIP_YZ,
    Floats,
    is_rotation,
    matrix_of,
    project,
    rigid,
    without_scale,
)
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.core.schema.labels import Attribute, Camera, Record

_TOLERANCE_PX = 2.0  # points are rounded to whole pixels; a lens that bends is off by tens
_CENTRE = "Center"
_PROJECTED = ("cuboid_keypoints_projected", "projected_cuboid")


def record(tree: Tree, draft: Draft, file: str, header: Header, split: str | None, problems: Problems) -> Record:
    """The record of one image."""
    content = read_object(tree.path(file), file, problems) or {}
    objects = dicts_in(content.get("objects"))
    view = _view(content, header, file, problems)
    parts: list[PartialLabel] = []
    camera = None
    if view is not None:
        camera, T_cam_world, scale = view
        order = content.get("keypoint_order")
        parts = [
            _partial_label(entry, T_cam_world, scale, order, f"{file}, object {at}", problems)
            for at, entry in enumerate(objects)
        ]
        if any(_is_off(entry, camera, T_cam_world, scale) for entry in objects):
            problems.count("unsupported_camera", file)
            camera = None
    return Record(
        image_path=draft.image_path,
        origin=draft.origin,
        width=header.width,
        height=header.height,
        labels=labels_of(parts, camera, Frame(header.width, header.height, problems)),
        split=split,
        scene_id=f"{tree.root.name}:{draft.image_path.stem}",
        camera=camera,
    )


def _view(content: Any, header: Header, file: str, problems: Problems) -> tuple[Camera, Floats, float] | None:
    data = content.get("camera_data")
    given = data if isinstance(data, dict) else {}
    view, projection = (
        matrix_of(given.get("camera_view_matrix"), 4, 4),
        matrix_of(given.get("camera_projection_matrix"), 4, 4),
    )
    scale = matrix_of([given.get("meters_per_scene_unit", 1.0)], 1)
    T_cam_world = None if view is None else FLIP_YZ @ view.T
    usable = T_cam_world is not None and is_rotation(T_cam_world[:3, :3]) and scale is not None and scale[0] > 0
    if (
        T_cam_world is None
        or projection is None
        or scale is None
        or not usable
        or min(projection[0, 0], projection[1, 1]) <= 0
    ):
        message = "camera_view_matrix or camera_projection_matrix is missing or invalid; labels left out."
        problems.add("broken_annotation", file, message)
        return None
    return pinhole(projection, T_cam_world, float(scale[0]), header), T_cam_world, float(scale[0])


def _partial_label(
    entry: dict[str, Any], T_cam_world: Floats, scale: float, order: Any, where: str, problems: Problems
) -> PartialLabel:
    pose, size_m = _pose(entry, T_cam_world, scale, order)
    if pose is None:
        message = "local_to_world_transform is not a 4 x 4 matrix of a rotation with a scale; pose left out."
        problems.add("broken_annotation", where, message)
    xyxy = _box(entry)
    attributes: dict[str, Attribute] = {} if xyxy is None else {BOX_FROM: "3d box"}
    for key in ("prim_path", "truncation_ratio", "visibility"):
        value = entry.get(key)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            attributes[key] = value
    name = entry.get("label") or entry.get("class") or "unknown"
    return PartialLabel(where, str(name), xyxy, attributes=attributes, T_cam_obj=pose, size_m=size_m)


def _pose(
    entry: dict[str, Any], T_cam_world: Floats, scale: float, order: Any
) -> tuple[Floats | None, tuple[float, float, float] | None]:
    """Pose of the cuboid's centre in metres, and its size where it is given."""
    transform = matrix_of(entry.get("local_to_world_transform"), 4, 4)
    parts = None if transform is None else without_scale(transform.T)
    if parts is None:
        return None, None
    turn, centre = parts[0][:3, :3], parts[0][:3, 3]
    points = matrix_of(entry.get("cuboid_keypoints_world_frame"), 9, 3)
    if points is not None and isinstance(order, list) and order.count(_CENTRE) == 1 and len(order) == len(points):
        centre = points[order.index(_CENTRE)]
    T_cam_obj = T_cam_world @ rigid(turn, centre)
    T_cam_obj[:3, 3] *= scale
    size = matrix_of(entry.get("size"), 3)
    if size is None or (size <= 0).any():
        return T_cam_obj, None
    x, y, z = (float(edge) for edge in size * scale)
    return T_cam_obj, (x, y, z)


def _projected(entry: dict[str, Any]) -> Floats | None:
    return next((points for key in _PROJECTED if (points := matrix_of(entry.get(key), 9, 2)) is not None), None)


def _box(entry: dict[str, Any]) -> Xyxy | None:
    """The box around the projected cuboid as the file gives it; its points are edges, not centres."""
    points = _projected(entry)
    if points is None:
        return None
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _is_off(entry: dict[str, Any], camera: Camera, T_cam_world: Floats, scale: float) -> bool:
    """Whether the camera puts the cuboid elsewhere than the file does."""
    stored, points = _projected(entry), matrix_of(entry.get("cuboid_keypoints_world_frame"), 9, 3)
    if stored is None or points is None:
        return False
    ahead = (points @ T_cam_world[:3, :3].T + T_cam_world[:3, 3]) * scale
    visible = ahead[:, 2] > 0
    return (
        bool(visible.any()) and float(np.abs(project(camera, ahead[visible]) - stored[visible]).max()) > _TOLERANCE_PX
    )
