"""Frames and boxes in space: OpenCV camera axes (x right, y down, z forward), metres, column vectors.

``T_a_b`` takes points of frame b to frame a. Pixel centres are whole numbers in a ``Camera``, so a box,
which is given by edges, lies half a pixel further than the projected points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.boxes import Xyxy, numbers_of
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.core.schema.labels import Camera

Floats = NDArray[np.float64]

FLIP_YZ = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenGL camera (y up, z backward) <-> OpenCV camera
NEAR_M = 1e-3
LEAST_SCALE = 1e-9
_CORNERS = np.array(list(product((-0.5, 0.5), repeat=3)))
_EDGES = [(a, b) for a, b in combinations(range(8), 2) if np.count_nonzero(_CORNERS[a] != _CORNERS[b]) == 1]


def matrix_of(values: Any, *shape: int) -> Floats | None:
    """Nested or flat lists as a finite matrix, row by row, or ``None`` when they are no such numbers.

    >>> matrix_of([[1, 0], [0, 1]], 2, 2).tolist(), matrix_of([1, "a"], 2), matrix_of([1, 2, 3], 2, 2)
    ([[1.0, 0.0], [0.0, 1.0]], None, None)
    """
    flat = values
    while isinstance(flat, list) and flat and all(isinstance(row, list) for row in flat):
        flat = [value for row in flat for value in row]
    numbers = numbers_of(flat)
    if numbers is None or len(numbers) != int(np.prod(shape)):
        return None
    matrix = np.asarray(numbers, dtype=np.float64).reshape(shape)
    return matrix if np.isfinite(matrix).all() else None


def rigid(rotation: Floats, translation: Sequence[float] | Floats) -> Floats:
    """4x4 of a 3x3 rotation and a translation."""
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = rotation, translation
    return transform


def rotation_of(quaternion_xyzw: Sequence[float] | Floats) -> Floats | None:
    """3x3 rotation of a quaternion ``(x, y, z, w)`` of any length; ``None`` when it has none.

    >>> rotation_of((0, 0, 1, 1)).round().tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    length = float(np.linalg.norm(np.asarray(quaternion_xyzw, dtype=np.float64)))
    if not np.isfinite(length) or length < LEAST_SCALE:
        return None
    x, y, z, w = (float(value) / length for value in quaternion_xyzw)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def is_rotation(matrix: Floats, *, tolerance: float = 1e-2) -> bool:
    """Whether a 3x3 matrix turns and does nothing else (text files are rounded, so within a tolerance)."""
    square = matrix @ matrix.T
    return bool(np.allclose(square, np.eye(3), atol=tolerance)) and float(np.linalg.det(matrix)) > 0


def without_scale(transform: Floats) -> tuple[Floats, Floats] | None:
    """A 4x4 transform split into a rigid one and the scale ``(3,)`` of its axes; ``None`` when that is impossible."""
    scale = np.asarray(np.linalg.norm(transform[:3, :3], axis=0), dtype=np.float64)
    if not np.isfinite(transform).all() or (scale < LEAST_SCALE).any():
        return None
    turn = transform[:3, :3] / scale
    return (rigid(turn, transform[:3, 3]), scale) if is_rotation(turn) else None


def solid_of(
    entry: Mapping[str, Any], where: str, problems: Problems
) -> tuple[Floats | None, tuple[float, float, float] | None]:
    """Pose and size of a 3D box, under the names that the workbench stores and writes; what is wrong is reported."""
    if entry.get("T_cam_obj") is None:
        return None, None
    pose, size = matrix_of(entry["T_cam_obj"], 4, 4), matrix_of(entry.get("size_m"), 3)
    if pose is None or (size is None and entry.get("size_m") is not None):
        message = "T_cam_obj is not a 4 x 4 matrix, or size_m is not 3 numbers; 3D box left out."
        problems.add("broken_annotation", where, message)
        return None, None
    return pose, None if size is None else (float(size[0]), float(size[1]), float(size[2]))


def inverse(T_a_b: Floats) -> Floats:
    """The inverse of a rigid 4x4."""
    turn = T_a_b[:3, :3].T
    return rigid(turn, -turn @ T_a_b[:3, 3])


def corners(T_cam_obj: Floats, size_m: Sequence[float]) -> Floats:
    """The 8 corners ``(8, 3)`` of a box centred at ``T_cam_obj``, in the camera frame."""
    points: Floats = _CORNERS * np.asarray(size_m) @ T_cam_obj[:3, :3].T + T_cam_obj[:3, 3]
    return points


def project(camera: Camera, points: Floats) -> Floats:
    """Pixel edges ``(n, 2)`` of points ``(n, 3)`` before an undistorted camera."""
    u = camera.fx * points[:, 0] / points[:, 2] + camera.cx
    v = camera.fy * points[:, 1] / points[:, 2] + camera.cy
    return np.stack([u, v], axis=1) + 0.5


def seen_box(camera: Camera, T_cam_obj: Floats, size_m: Sequence[float]) -> Xyxy | None:
    """The box around a 3D box as the camera sees it, cut to the image; ``None`` when it is out of sight.

    What lies behind the camera is cut off edge by edge before it is projected.
    """
    points = corners(T_cam_obj, size_m)
    ahead = [*points[points[:, 2] >= NEAR_M]]
    for a, b in ((points[i], points[j]) for i, j in _EDGES):
        if (a[2] < NEAR_M) != (b[2] < NEAR_M):
            ahead.append(a + (b - a) * (NEAR_M - a[2]) / (b[2] - a[2]))
    if not ahead:
        return None
    pixels = np.clip(project(camera, np.array(ahead)), 0.0, (camera.width, camera.height))
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    return (float(left), float(top), float(right), float(bottom)) if right > left and bottom > top else None
