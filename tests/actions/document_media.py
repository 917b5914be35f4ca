"""Meshes, clouds and pictures to be spoiled, and what reads them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from tests.builders import made_wedge
from workbench.actions.train import examples
from workbench.core.assets._meshes import own_mesh, own_word
from workbench.core.clouds import pcd_bytes, read_cloud
from workbench.core.pictures import small_image, upright

Files = Mapping[str, bytes]


@cache
def mesh(kind: str) -> Files:
    shape = made_wedge()
    match kind:
        case "ascii.ply":
            return {"part.ply": trimesh.exchange.ply.export_ply(shape, encoding="ascii")}
        case "ascii.stl":
            return {"part.stl": trimesh.exchange.stl.export_stl_ascii(shape).encode()}
        case "gltf":
            files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(shape))
            return {name.replace("model.gltf", "part.gltf"): data for name, data in files.items()}
    data = shape.export(file_type=kind)
    return {f"part.{kind}": data.encode() if isinstance(data, str) else data}


def modelled(folder: Path) -> object:
    path = next(path for path in sorted(folder.iterdir()) if path.stem == "part")
    return own_mesh.__wrapped__(own_word("part", path))


PLY = b"""ply
format ascii 1.0
element vertex 2
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
end_header
0 0 1 9 9 9
1 2 3 7 7 7
"""
PCD = b"""VERSION .7
FIELDS x y z intensity
SIZE 4 4 4 4
TYPE F F F F
COUNT 1 1 1 1
WIDTH 2
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS 2
DATA ascii
0 0 1 9
1 2 3 7
"""
FLOATS = np.arange(8, dtype="<f4").tobytes()
CLOUDS = {
    "a.pcd": PCD,
    "b.pcd": PCD.replace(b"ascii", b"binary")[: PCD.index(b"0 0 1 9") + 1] + FLOATS,
    "c.ply": PLY,
    "d.bin": FLOATS,
    "e.xyz": b"0 0 1\n1 2 3\n",
}
CLOUDS["b.pcd"] = PCD.split(b"ascii")[0] + b"binary\n" + FLOATS


def clouds(folder: Path) -> object:
    return pcd_bytes(read_cloud(next(folder.iterdir())))


def picture(suffix: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)).save(stream, suffix)
    return stream.getvalue()


def seen(folder: Path) -> object:
    path = next(folder.iterdir())
    return small_image(path, 16), upright(path), examples.read_picture(path)
