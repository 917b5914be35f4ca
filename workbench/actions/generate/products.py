"""Products on request: class map, normals, corner keypoints and a coloured cloud, from a frame's ground truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.assets import PART_NAMES
from workbench.core.clouds import Cloud, CloudHeader, pcd_bytes
from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Annotations, ObjectTruth

CORNERS = tuple(f"corner_{x}{y}{z}" for x in "ab" for y in "ab" for z in "ab")  # a: lower, b: upper end of each axis
OUTSIDE, HIDDEN, VISIBLE = 0, 1, 2
BEHIND_M = 0.005  # by which something must lie in front of a corner to hide it
OWN_CLASSES = 256  # numbers of the user's own classes begin here


def class_number(name: str) -> int:
    """Number of a class in the semantic map: its place in the library, or one that follows from the name alone.

    >>> class_number("bearing"), class_number("bolt"), class_number("my_part") > 255
    (1, 2, True)
    """
    if name in PART_NAMES:
        return 1 + sorted(PART_NAMES).index(name)
    digest = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return OWN_CLASSES + digest % (65_535 - OWN_CLASSES)


def semantic_map(truth: Annotations) -> NDArray[np.uint16]:
    """Class number of each pixel ``(H, W)``, 0 where nothing labelled is seen."""
    numbers = np.zeros(int(max((thing.instance_id for thing in truth.objects), default=0)) + 1, np.uint16)
    for thing in truth.objects:
        numbers[thing.instance_id] = class_number(thing.name)
    return np.asarray(numbers[truth.instances])


def normals_map(truth: Annotations, camera: Camera) -> NDArray[np.uint8]:
    """Normals in the camera frame as ``(H, W, 3)`` RGB, ``round((n + 1) / 2 * 255)``; 0 where nothing is hit."""
    assert camera.T_world_cam is not None
    turned = truth.normals @ camera.T_world_cam[:3, :3]  # rows times R: from the world to the camera
    coded = np.rint((turned + 1.0) * 127.5).astype(np.uint8)
    return np.where(np.isfinite(truth.depth_m)[..., None], coded, 0).astype(np.uint8)


def corners_px(thing: ObjectTruth, truth: Annotations, camera: Camera) -> list[list[float]]:
    """The eight corners of an object's 3D box as x, y in pixel edges and visibility, in the order of ``CORNERS``."""
    unit = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    points = (unit * thing.size_m) @ thing.T_cam_box[:3, :3].T + thing.T_cam_box[:3, 3]
    return [_corner(point, truth.depth_m, camera) for point in points]


def _corner(point_cam: NDArray[np.float64], depth_m: NDArray[np.float32], camera: Camera) -> list[float]:
    if point_cam[2] <= 0:
        return [0.0, 0.0, OUTSIDE]
    at, _ = cv2.projectPoints(point_cam[None], np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion))
    u, v = (float(part) for part in at.ravel())
    column, row = round(u), round(v)
    if not (0 <= column < camera.width and 0 <= row < camera.height):
        return [0.0, 0.0, OUTSIDE]
    hidden = float(depth_m[row, column]) < float(point_cam[2]) - BEHIND_M
    return [u + 0.5, v + 0.5, HIDDEN if hidden else VISIBLE]


def cloud_pcd(truth: Annotations, srgb: NDArray[np.uint8], camera: Camera) -> bytes:
    """A PCD of every pixel that hits something, in the camera frame, with the image's colours."""
    rows, columns = np.nonzero(np.isfinite(truth.depth_m))
    pixels = np.stack([columns, rows], axis=1).astype(np.float64)
    rays = np.zeros((0, 2))
    if len(pixels):
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-12)
        rays = cv2.undistortPointsIter(
            pixels[:, None], camera.matrix, np.array(camera.distortion), None, None, criteria
        ).reshape(-1, 2)
    z = truth.depth_m[rows, columns].astype(np.float64)
    red, green, blue = (srgb[rows, columns, channel].astype(np.uint32) for channel in range(3))
    header = CloudHeader("pcd", len(z), (), "binary")
    return pcd_bytes(Cloud(header, np.column_stack([rays * z[:, None], z]), rgb=(red << 16) | (green << 8) | blue))


def classes_seen(objects: Sequence[ObjectTruth]) -> dict[str, Any]:
    """Class by its number in the semantic map, for the record."""
    return {str(class_number(name)): name for name in sorted({thing.name for thing in objects})}
