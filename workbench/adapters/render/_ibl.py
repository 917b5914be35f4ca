"""Write an environment as the image-based light that Filament reads: a KTX 1 cube map with blurred levels.

Level ``k`` holds the environment blurred by the GGX lobe of the roughness that Filament looks up there, and the file
carries the spherical harmonics of the diffuse light (Karis 2013; Filament's documentation, "Image based lights").
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.render._flat import harmonics_basis, irradiance_harmonics
from workbench.base.files import write_bytes
from workbench.core.assets import environment_radiance

Floats = NDArray[np.float64]
EDGE_PX = 128
LEVELS = 5
R11F_G11F_B10F = 0x8C3A
# T_filament_world: Filament's environment has y up, ours z up.
UP_Y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def write_ibl(name: str, folder: Path) -> str:
    """Write ``<folder>/<name>_ibl.ktx`` and return the path without its ending, as Open3D wants it."""
    stem = folder / name.replace("/", "_")
    radiance = environment_radiance(name).astype(np.float64)
    levels = [_level(radiance, k) for k in range(LEVELS)]
    write_bytes(Path(f"{stem}_ibl.ktx"), _ktx(levels, _harmonics_text(name)), durable=False)
    write_bytes(Path(f"{stem}_skybox.ktx"), _ktx(levels[:1], b""), durable=False)
    return str(stem)


def horizontal_share(name: str) -> float:
    """Luminance of the harmonics' illuminance on a horizontal plane, which Filament shows; exactly it would be 1."""
    up = harmonics_basis(np.array([0.0, 0.0, 1.0])) @ irradiance_harmonics(name)
    return float(up @ np.array([0.2126, 0.7152, 0.0722]))


def _harmonics_text(name: str) -> bytes:
    """The nine coefficients over Filament's axes; the polynomials span the same space, so solve for them."""
    sample = _cube_directions(4).reshape(-1, 3)  # Filament's axes
    values = harmonics_basis(sample @ UP_Y) @ irradiance_harmonics(name) / np.pi
    turned, *_ = np.linalg.lstsq(harmonics_basis(sample), values, rcond=None)
    return "".join(f"{r:.6g} {g:.6g} {b:.6g}\n" for r, g, b in turned).encode() + b"\0"


def _cube_directions(edge_px: int) -> Floats:
    """Directions ``(6, n, n, 3)`` of a cube map's texels, OpenGL's face order and orientation."""
    s = (np.arange(edge_px) + 0.5) / edge_px * 2 - 1
    u, v = np.meshgrid(s, s)
    ones = np.ones_like(u)
    faces = [(ones, -v, -u), (-ones, -v, u), (u, ones, v), (u, -ones, -v), (u, -v, ones), (-u, -v, -ones)]
    directions = np.stack([np.stack(face, axis=2) for face in faces])
    return np.asarray(directions / np.linalg.norm(directions, axis=3, keepdims=True))


def _level(radiance: Floats, level: int) -> NDArray[np.uint32]:
    """One level of the cube map, packed."""
    towards = _cube_directions(EDGE_PX >> level).reshape(-1, 3) @ UP_Y  # rows times T_filament_world: to the world
    perceptual = 2 - np.sqrt(4 - 4 * level / (LEVELS - 1)) if level else 0.0
    perceptual = perceptual / 2
    blurred = _sampled(radiance, towards) if level == 0 else _lobe(radiance, towards, perceptual**2, level)
    return _packed(blurred)


def _lobe(radiance: Floats, normals: Floats, alpha: float, level: int) -> Floats:
    """GGX-weighted mean about each normal, view along the normal; low-discrepancy half vectors (Hammersley)."""
    count = 48 << level
    picture = _halved(radiance, level)
    i = np.arange(count)
    turn = 2 * np.pi * _radical_inverse(i)
    share = (i + 0.5) / count
    cos_half = np.sqrt((1 - share) / (1 + (alpha**2 - 1) * share))
    sin_half = np.sqrt(1 - cos_half**2)
    side, up = _tangents(normals)
    total, weight = np.zeros_like(normals), 0.0
    for c, s, t in zip(cos_half, sin_half, turn, strict=True):
        half = c * normals + s * (np.cos(t) * side + np.sin(t) * up)
        n_dot_l = 2 * c * c - 1
        if n_dot_l > 0:
            total += n_dot_l * _sampled(picture, 2 * c * half - normals)
            weight += n_dot_l
    return total / weight


def _radical_inverse(i: NDArray[np.int64]) -> Floats:
    bits = (i[:, None] >> np.arange(16)) & 1
    return np.asarray(bits @ 0.5 ** np.arange(1, 17))


def _tangents(normals: Floats) -> tuple[Floats, Floats]:
    start = np.where(np.abs(normals[:, 2:]) < 0.9, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    side = np.cross(start, normals)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    return side, np.cross(normals, side)


def _halved(picture: Floats, times: int) -> Floats:
    for _ in range(times):
        h, w = picture.shape[:2]
        picture = picture.reshape(h // 2, 2, w // 2, 2, 3).mean(axis=(1, 3))
    return picture


def _sampled(picture: Floats, towards: Floats) -> Floats:
    """Bilinear look-up of an equirectangular image at world directions ``(n, 3)``."""
    h, w = picture.shape[:2]
    row = np.arccos(towards[:, 2].clip(-1, 1)) / np.pi * h - 0.5
    column = (np.pi - np.arctan2(towards[:, 1], towards[:, 0])) / (2 * np.pi) * w - 0.5
    r0, c0 = np.floor(row).astype(int), np.floor(column).astype(int)
    fr, fc = (row - r0)[:, None], (column - c0)[:, None]
    rows = (r0.clip(0, h - 1), (r0 + 1).clip(0, h - 1))
    columns = (c0 % w, (c0 + 1) % w)
    top = picture[rows[0], columns[0]] * (1 - fc) + picture[rows[0], columns[1]] * fc
    bottom = picture[rows[1], columns[0]] * (1 - fc) + picture[rows[1], columns[1]] * fc
    return np.asarray(top * (1 - fr) + bottom * fr)


def _packed(rgb: Floats) -> NDArray[np.uint32]:
    """Unsigned 11, 11 and 10 bit floats in one word: half floats without sign and low bits, rounded."""
    half = rgb.clip(0, 6e4).astype(np.float16).view(np.uint16).astype(np.uint32)
    red, green, blue = (half[:, 0] + 8) >> 4, (half[:, 1] + 8) >> 4, (half[:, 2] + 16) >> 5
    return np.asarray(red | green << 11 | blue << 22, dtype=np.uint32)


def _ktx(levels: list[NDArray[np.uint32]], harmonics: bytes) -> bytes:
    pair = b"sh\0" + harmonics
    entry = struct.pack("<I", len(pair)) + pair + b"\0" * (-len(pair) % 4) if harmonics else b""
    kind = R11F_G11F_B10F
    header = b"\xabKTX 11\xbb\r\n\x1a\n" + struct.pack(
        "<13I", 0x04030201, kind, 1, kind, kind, kind, EDGE_PX, EDGE_PX, 0, 0, 6, len(levels), len(entry)
    )
    body = b"".join(struct.pack("<I", level.nbytes // 6) + level.astype("<u4").tobytes() for level in levels)
    return header + entry + body
