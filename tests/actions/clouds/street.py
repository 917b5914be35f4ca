"""A KITTI frame made by hand: a road, a car and a pedestrian, seen by a camera and a laser scanner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

W, H, F = 640, 240, 400.0
# the scanner looks along x with z up; the camera sits 8 cm below and 27 cm before it, as in KITTI
T_CAM_VELO = np.array([[0.0, -1, 0, 0], [0, 0, -1, -0.08], [1, 0, 0, -0.27], [0, 0, 0, 1]])
GROUND_Z = -1.73
# class; centre of the bottom, length, width, height in the scanner's frame; yaw about its z axis
THINGS = [
    ("Car", (12.0, 2.5, GROUND_Z), (4.2, 1.8, 1.5), 0.6),
    ("Pedestrian", (9.0, -2.0, GROUND_Z), (0.8, 0.6, 1.75), -0.3),
]


def corners(centre, size, yaw):
    """The eight corners of an upright box that stands on ``centre``, computed without any matrix of the workbench."""
    length, width, height = size
    found = []
    for along in (-length / 2, length / 2):
        for across in (-width / 2, width / 2):
            for up in (0.0, height):
                x = centre[0] + along * np.cos(yaw) - across * np.sin(yaw)
                y = centre[1] + along * np.sin(yaw) + across * np.cos(yaw)
                found.append((x, y, centre[2] + up))
    return np.array(found)


def surface(centre, size, yaw, rng, n=1500):
    """Points on the sides and the top of a thing that fills nine tenths of its box."""
    length, width, height = (0.9 * extent for extent in size)
    at = rng.uniform(-0.5, 0.5, (n, 3))
    face = rng.integers(0, 5, n)
    at[face < 2, 0] = np.where(face[face < 2] == 0, -0.5, 0.5)
    at[(face > 1) & (face < 4), 1] = np.where(face[(face > 1) & (face < 4)] == 2, -0.5, 0.5)
    at[face == 4, 2] = 0.5
    along, across, up = (at * (length, width, height)).T
    x = centre[0] + along * np.cos(yaw) - across * np.sin(yaw)
    y = centre[1] + along * np.sin(yaw) + across * np.cos(yaw)
    return np.column_stack([x, y, centre[2] + size[2] / 2 + up])


def points(rng):
    ground = np.column_stack([rng.uniform(4, 24, 6000), rng.uniform(-8, 8, 6000), rng.normal(GROUND_Z, 0.02, 6000)])
    return np.vstack([ground, *(surface(*thing[1:], rng) for thing in THINGS)])


def project(xyz):
    """Pixels (u, v) and depth of points of the scanner."""
    cam = xyz @ T_CAM_VELO[:3, :3].T + T_CAM_VELO[:3, 3]
    return np.column_stack([F * cam[:, 0] / cam[:, 2] + W / 2, F * cam[:, 1] / cam[:, 2] + H / 2]), cam[:, 2]


def label_row(kind, centre, size, yaw):
    """A row of KITTI: the place is the bottom's centre in the camera, the angle about its y axis."""
    uv, _ = project(corners(centre, size, yaw))
    left, top = np.clip(uv.min(axis=0), 0, (W, H))
    right, bottom = np.clip(uv.max(axis=0), 0, (W, H))
    x, y, z = T_CAM_VELO[:3, :3] @ centre + T_CAM_VELO[:3, 3]
    length, width, height = size
    turn = -yaw - np.pi / 2
    return (
        f"{kind} 0.00 0 0.00 {left:.2f} {top:.2f} {right:.2f} {bottom:.2f} "
        f"{height} {width} {length} {x:.6f} {y:.6f} {z:.6f} {turn:.8f}"
    )


def write_street(folder: Path, name: str = "000000", *, seed: int = 0) -> Path:
    """Write the frame in the folders of KITTI; returns the folder."""
    rng = np.random.default_rng(seed)
    xyz = points(rng)
    for part in ("image_2", "label_2", "calib", "velodyne"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    uv, depth = project(xyz)
    canvas = np.full((H, W, 3), 230, np.uint8)
    canvas[H // 2 :] = 150
    for at in np.argsort(-depth):
        u, v = uv[at].astype(int)
        if 0 <= u < W - 1 and 0 <= v < H - 1:
            canvas[v : v + 2, u : u + 2] = (60, 60, 70) if at < 6000 else (200, 60, 40) if at < 7500 else (40, 90, 200)
    Image.fromarray(canvas).save(folder / "image_2" / f"{name}.png")
    rows = [label_row(*thing) for thing in THINGS]
    (folder / "label_2" / f"{name}.txt").write_text("\n".join(rows) + "\n")
    velo = " ".join(f"{value:g}" for value in T_CAM_VELO[:3].ravel())
    (folder / "calib" / f"{name}.txt").write_text(
        f"P2: {F} 0 {W / 2} 0 0 {F} {H / 2} 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\nTr_velo_to_cam: {velo}\n"
    )
    scan = np.column_stack([xyz, rng.uniform(0, 1, len(xyz))]).astype("<f4")
    scan.tofile(folder / "velodyne" / f"{name}.bin")
    return folder
