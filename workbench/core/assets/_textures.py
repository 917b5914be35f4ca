"""Procedural textures that tile, drawn from a random generator: grain, fibres, streaks, speckle, scratches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIZE_PX = 512


def noise(rng: np.random.Generator, cells_x: float, cells_y: float, *, slope: float = 1.0) -> Floats:
    """Tileable noise ``(512, 512)`` of mean 0 and standard deviation 1, shaped in the frequency domain.

    Args:
        rng: source of the phases.
        cells_x, cells_y: features per tile along each axis; unequal numbers give streaks.
        slope: fall-off above that frequency; large is smooth.
    """
    fx = np.fft.rfftfreq(SIZE_PX, 1 / SIZE_PX)[None, :] / cells_x
    fy = np.fft.fftfreq(SIZE_PX, 1 / SIZE_PX)[:, None] / cells_y
    gain = 1 / (1 + (fx**2 + fy**2)) ** slope
    gain[0, 0] = 0
    white = np.fft.rfft2(rng.standard_normal((SIZE_PX, SIZE_PX)))
    field = np.fft.irfft2(white * gain, s=(SIZE_PX, SIZE_PX))
    result: Floats = field / field.std()
    return result


def scratches(rng: np.random.Generator, count: int) -> Floats:
    """Fine straight scratches ``(512, 512)``, 0 none to 1 deep, wrapped around the tile's edges."""
    picture = np.zeros((SIZE_PX, SIZE_PX))
    for _ in range(count):
        start, angle = rng.uniform(0, SIZE_PX, 2), rng.uniform(0, np.pi)
        t = np.arange(0, rng.uniform(20, 220), 0.5)
        bend = rng.normal(0, 0.0006) * t**2
        x = start[0] + t * np.cos(angle) - bend * np.sin(angle)
        y = start[1] + t * np.sin(angle) + bend * np.cos(angle)
        depth = rng.uniform(0.2, 1.0) * np.sin(np.pi * t / t[-1])
        np.maximum.at(picture, (y.astype(int) % SIZE_PX, x.astype(int) % SIZE_PX), depth)
    return picture


def wood_albedo(rng: np.random.Generator) -> Floats:
    """Sawn board: growth rings stretched along x, pores and colour drift; linear tint ``(512, 512, 3)`` about 1."""
    y = np.linspace(0, 1, SIZE_PX, endpoint=False)[:, None]
    warp = noise(rng, 1.2, 2.5, slope=2.2)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (int(rng.integers(7, 12)) * y + 0.42 * warp))
    rings = rings**1.7
    pores = noise(rng, 4, 130, slope=1.4).clip(0.4) - 0.4
    drift = noise(rng, 1, 4, slope=1.5)
    value = 1.06 - 0.34 * rings - 0.16 * pores + 0.06 * drift + 0.03 * noise(rng, 6, 90, slope=1.0)
    return np.asarray(np.clip(value[..., None] ** np.array([0.8, 1.1, 1.5]), 0.12, 1.4))


def cardboard_albedo(rng: np.random.Generator) -> Floats:
    """Kraft liner: faint flutes under the paper, fibres, specks; tint ``(512, 512, 3)`` about 1."""
    x = np.arange(SIZE_PX)[None, :] / SIZE_PX
    flutes = np.sin(2 * np.pi * 24 * x + 0.25 * noise(rng, 2, 2, slope=2))
    fibres = 0.6 * noise(rng, 18, 60, slope=1.3) + 0.6 * noise(rng, 60, 18, slope=1.3)
    specks = (noise(rng, 90, 90, slope=1.5) > 2.9).astype(float)
    stain = noise(rng, 2, 2, slope=1.6)
    value = 1.0 + 0.028 * flutes + 0.055 * fibres + 0.03 * stain - 0.3 * specks
    return np.asarray(np.clip(value[..., None] ** np.array([0.9, 1.0, 1.25]), 0.3, 1.3))


def brushed(rng: np.random.Generator) -> Floats:
    """Streaks along x of a linished metal ``(512, 512)``, mean 0, standard deviation 1."""
    streaks = 0.8 * noise(rng, 1.5, 150, slope=1.2) + 0.5 * noise(rng, 6, 220, slope=1.0)
    result: Floats = streaks / streaks.std()
    return result


def speckle(rng: np.random.Generator) -> Floats:
    """Fine even grain of a painted or moulded surface ``(512, 512)``."""
    grain = noise(rng, 120, 120, slope=1.2) + 0.5 * noise(rng, 12, 12, slope=1.2)
    result: Floats = grain / grain.std()
    return result


def normal_map(height: Floats, strength: float) -> NDArray[np.uint8]:
    """Tangent-space normals ``(H, W, 3)`` uint8 of a height field that tiles."""
    dx = np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)
    dy = np.roll(height, -1, axis=0) - np.roll(height, 1, axis=0)
    normal = np.stack([-strength * dx, strength * dy, np.ones_like(height)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    return np.round((normal * 0.5 + 0.5) * 255).astype(np.uint8)


def grey_map(value: Floats) -> NDArray[np.uint8]:
    """A map of 0..1 as uint8."""
    return np.round(np.clip(value, 0, 1) * 255).astype(np.uint8)


def srgb_map(linear: Floats) -> NDArray[np.uint8]:
    """Linear 0..1 as sRGB uint8 (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


def linear_from_srgb(color: tuple[float, float, float]) -> tuple[float, float, float]:
    """sRGB 0..1 to linear 0..1.

    >>> [round(c, 3) for c in linear_from_srgb((1.0, 0.5, 0.0))]
    [1.0, 0.214, 0.0]
    """
    c = np.asarray(color, dtype=np.float64)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])
