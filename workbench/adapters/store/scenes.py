"""Clouds for the App's 3D viewer: a scene file, and boxes in the cloud's frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError
from workbench.base.files import canonical_json, home, refused, sha256_text, write_bytes
from workbench.core.clouds import Cloud, pcd_bytes, read_cloud
from workbench.core.schema.labels import Label, Record

Floats = NDArray[np.float64]
AXES = ("X", "Y", "Z")
UNKNOWN_UP: Final = "Z"  # of laser scanners, and the App's own
THREADS = 4
_VERSION = 1  # of the scene files; another one is written anew
_POINT_PX = 2.0
_QUARTER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # about x
_LEAST_VOLUME = 1e-9
_ABOVE, _BEHIND = 0.6, 0.4  # of the median depth


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene file.

    Attributes:
        path: the ``.fo3d`` file.
        size_bytes: of it and of the cloud together.
        asset: suffix of the cloud that it shows, without the dot.
    """

    path: Path
    size_bytes: int
    asset: str


@dataclass(frozen=True, slots=True)
class Box:
    """A 3D box as FiftyOne's viewer places it.

    Attributes:
        location: centre.
        dimensions: extents along the box's own axes.
        rotation: Euler angles in radians; the rotation is ``Rx(a) @ Ry(b) @ Rz(c)`` (three.js calls it XYZ).
    """

    location: tuple[float, float, float]
    dimensions: tuple[float, float, float]
    rotation: tuple[float, float, float]


def cloud_up(T_cam_cloud: Floats | None) -> str:
    """The axis of the cloud's frame that points up, when the camera is held upright.

    >>> cloud_up(np.eye(4)), cloud_up(None)
    ('-Y', 'Z')
    """
    if T_cam_cloud is None:
        return UNKNOWN_UP
    up = -T_cam_cloud[1, :3]  # the camera's y axis points down
    at = int(np.abs(up).argmax())
    return AXES[at] if up[at] > 0 else f"-{AXES[at]}"


def boxes_in_cloud(record: Record) -> Iterator[tuple[int, Label, Box]]:
    """Index, label and box of the labels that have a pose and a size; none where the cloud's place is not known."""
    T_cam_cloud = record.T_cam_cloud
    if T_cam_cloud is None or not _can_be_inverted(T_cam_cloud):
        return
    T_cloud_cam = np.linalg.inv(T_cam_cloud)
    up = AXES.index(cloud_up(T_cam_cloud)[-1])
    for index, label in enumerate(record.labels):
        if label.T_cam_obj is not None and label.size_m is not None:
            yield index, label, _box(T_cloud_cam @ label.T_cam_obj, label.size_m, up)


def _can_be_inverted(T: Floats) -> bool:
    return bool(np.isfinite(T).all()) and abs(float(np.linalg.det(T[:3, :3]))) > _LEAST_VOLUME


def _box(T_cloud_obj: Floats, size_m: Sequence[float], up: int) -> Box:
    """The same solid with its z axis (or whichever is up) upright, and its x axis, the heading, kept.

    Of a car this leaves a turn about the vertical alone, which is what people edit and what FiftyOne compares.
    """
    turns = [np.linalg.matrix_power(_QUARTER, k) for k in range(4)]
    rotations = [T_cloud_obj[:3, :3] @ turn for turn in turns]
    best = int(np.argmax([rotation[up, up] for rotation in rotations]))
    x, y, z = (float(extent) for extent in size_m)
    location = (float(T_cloud_obj[0, 3]), float(T_cloud_obj[1, 3]), float(T_cloud_obj[2, 3]))
    return Box(location, (x, z, y) if best % 2 else (x, y, z), euler_xyz(rotations[best]))


def euler_xyz(rotation: Floats) -> tuple[float, float, float]:
    """Angles a, b, c in radians with ``rotation = Rx(a) @ Ry(b) @ Rz(c)``.

    >>> [round(angle, 6) for angle in euler_xyz(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))]
    [-0.0, 0.0, 1.570796]
    """
    sine = float(np.clip(rotation[0, 2], -1.0, 1.0))
    if abs(sine) > 1 - 1e-12:  # looking along the first axis: only the sum of the other two turns counts
        return float(np.arctan2(rotation[2, 1], rotation[1, 1])), float(np.arcsin(sine)), 0.0
    a = np.arctan2(-rotation[1, 2], rotation[2, 2])
    c = np.arctan2(-rotation[0, 1], rotation[0, 0])
    return float(a), float(np.arcsin(sine)), float(c)


def scenes_of(records: Sequence[Record]) -> list[Scene | None]:
    """The scene of each record that has a cloud; those that are there already are not written again.

    Raises:
        InputError: a cloud has vanished or changed since it was looked at.
        OutputError: the folder refuses.
    """
    by_cloud: dict[Path, list[int]] = {}  # cameras may share a cloud: it is read once, and each has its own scene of it
    for at, record in enumerate(records):
        if record.cloud is not None:
            by_cloud.setdefault(record.cloud, []).append(at)
    scenes: list[Scene | None] = [None] * len(records)

    def make(path: Path) -> list[Scene]:
        return _scenes(path, [records[at].T_cam_cloud for at in by_cloud[path]])

    with ThreadPoolExecutor(THREADS, thread_name_prefix="clouds") as pool:
        for indices, made in zip(by_cloud.values(), pool.map(make, by_cloud), strict=True):
            for at, scene in zip(indices, made, strict=True):
                scenes[at] = scene
    return scenes


def _scenes(path: Path, poses: Sequence[Floats | None]) -> list[Scene]:
    """Scenes of one cloud, one for each camera."""
    try:
        stat = path.stat()
        key = sha256_text(canonical_json([_VERSION, str(path), stat.st_size, stat.st_mtime_ns]))
        converted = clouds_folder() / f"{key}.pcd"
        cloud, scenes = None, []
        for T_cam_cloud in poses:
            pose = None if T_cam_cloud is None else T_cam_cloud.tolist()
            scene = clouds_folder() / f"{sha256_text(canonical_json([key, pose]))}.fo3d"
            if not scene.is_file():
                cloud = cloud or read_cloud(path)
                shown = path if _is_shown_right(path, cloud) else converted
                if shown == converted and not converted.is_file():
                    write_bytes(converted, pcd_bytes(cloud), durable=False)
                camera = _viewpoint(cloud, T_cam_cloud)
                write_bytes(scene, _scene_bytes(shown, camera, coloured=cloud.rgb is not None), durable=False)
            asset = converted if converted.is_file() else path
            scenes.append(Scene(scene, scene.stat().st_size + asset.stat().st_size, asset.suffix.lower()[1:]))
        return scenes
    except (ValueError, OSError) as cause:
        fix = "Bring the file back, or load the data again."
        raise InputError(f"The point cloud cannot be read ({cause!s:.200}).", at=str(path), fix=fix) from cause


def _is_shown_right(path: Path, cloud: Cloud) -> bool:
    """Whether the App's viewer can read the file itself: float32, no point without place, colours under ``rgb``."""
    header = cloud.header
    kinds = {column.kind[1:] for column in header.columns if column.name in ("x", "y", "z")}
    known = path.suffix in (".pcd", ".ply") and "rgba" not in header.fields
    return known and kinds == {"f4"} and len(cloud.xyz) == header.points


def _viewpoint(cloud: Cloud, T_cam_cloud: Floats | None) -> Any:
    """Where the viewer begins: a little behind and above the camera, looking where it looks."""
    up = cloud_up(T_cam_cloud)
    if T_cam_cloud is None or not _can_be_inverted(T_cam_cloud):
        return fo.PerspectiveCamera(up=up)
    T_cloud_cam = np.linalg.inv(T_cam_cloud)
    eye, forward = T_cloud_cam[:3, 3], T_cloud_cam[:3, 2]
    depth = (cloud.xyz - eye) @ forward
    if not (depth > 0).any():
        return fo.PerspectiveCamera(up=up)
    depth_m = float(np.median(depth[depth > 0]))
    upward = np.eye(3)[AXES.index(up[-1])] * (-1.0 if up.startswith("-") else 1.0)
    position = eye + depth_m * (_ABOVE * upward - _BEHIND * forward)
    return fo.PerspectiveCamera(up=up, position=position.tolist(), look_at=(eye + depth_m * forward).tolist())


def _scene_bytes(cloud: Path, camera: Any, *, coloured: bool) -> bytes:
    scene = fo.Scene(camera=camera)
    if cloud.suffix == ".ply":
        scene.add(fo.PlyMesh("cloud", str(cloud), is_point_cloud=True, center_geometry=False))
    else:
        shading = fo.PointCloudMaterial(shading_mode="rgb" if coloured else "height", point_size=_POINT_PX)
        scene.add(fo.PointCloud("cloud", str(cloud), material=shading))
    return canonical_json(scene.as_dict()).encode()


@lru_cache
def clouds_folder() -> Path:
    """Where scenes are kept: ``$WORKBENCH_HOME/clouds``.

    Raises:
        OutputError: it cannot be made.
    """
    folder = home() / "clouds"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise refused(folder, cause) from cause
    return folder.absolute()
