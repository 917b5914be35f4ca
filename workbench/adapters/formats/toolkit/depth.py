"""Depth maps: one kind for all formats, so that maps of different origin compare.

A depth map is a 16-bit PNG of z (along the optical axis) in whole millimetres, 0 where nothing is known.
A map that is something else is converted once into the scratch folder, under the hash of its file.
"""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.adapters.formats.toolkit.arrays import read_map, read_npy
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.files import sha256_file, sha256_text
from workbench.core.schema.labels import Camera

MAX_MM = 65_535
MM = 1000.0
_PNG_LEVEL = 1  # ten times faster than the usual level; depth hardly compresses


def depth_map(
    source: Source,
    file: str,
    *,
    mm_per_unit: float | None,
    distance_from: Camera | None = None,
    shape: tuple[int, int] | None = None,
) -> Path | None:
    """Path of a depth map in millimetres for a stored one, or ``None``; the reason is reported.

    Args:
        source: what is read.
        file: a PNG, TIFF or ``.npy`` file of its tree.
        mm_per_unit: millimetres of one stored unit; ``None`` where 16 bits are millimetres and floats are metres.
        distance_from: set when the file holds distances to this camera's centre instead of z.
        shape: height and width of the image, to be compared.
    """
    path, problems = source.tree.path(file), source.problems
    name = sha256_text(f"{sha256_file(path)}|{mm_per_unit}|{distance_from and distance_from.matrix.tolist()}")
    values = read_npy(path, file, problems) if path.suffix == ".npy" else read_map(path, file, problems)
    if values is None:
        return None
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    if values.ndim != 2 or values.dtype.kind not in "uif" or (shape is not None and values.shape != shape):
        size = f" for an image of {shape[1]} x {shape[0]}" if shape else ""
        message = f"The array {values.shape} of {values.dtype} is not a depth map{size}; map left out."
        problems.add("unreadable_map", file, message)
        return None
    if mm_per_unit is None:
        if values.dtype == np.uint8:
            message = (
                "The depth map has 8 bits, which hold no distances, but 16 bits or floats are needed; map left out."
            )
            problems.add("unreadable_map", file, message)
            return None
        mm_per_unit = MM if values.dtype.kind == "f" else 1.0
    if mm_per_unit == 1 and distance_from is None and path.suffix.lower() == ".png" and values.dtype == np.uint16:
        return path
    mm = values.astype(np.float64) * mm_per_unit
    return source.scratch.kept(f"depth/{name[:2]}/{name}.png", partial(depth_bytes, mm, distance_from))


def depth_bytes(mm: NDArray[np.float64], distance_from: Camera | None = None) -> bytes:
    """A depth map in millimetres as a PNG; values that are not finite, negative or too far become 0."""
    z = mm if distance_from is None else mm / rays_per_z(distance_from)
    whole = np.rint(np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0))
    stored = np.where((whole > 0) & (whole <= MAX_MM), whole, 0).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, "PNG", compress_level=_PNG_LEVEL)
    return stream.getvalue()


def rays_per_z(camera: Camera) -> NDArray[np.float64]:
    """Length of each pixel's ray for z = 1, ``(H, W)``: a distance divided by it is a depth.

    >>> float(rays_per_z(Camera(3, 3, 1.0, 1.0, 1.0, 1.0))[1, 2])
    1.4142135623730951
    """
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    return np.asarray(np.sqrt(1.0 + x[None, :] ** 2 + y[:, None] ** 2))
