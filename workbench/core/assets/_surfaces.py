"""Materials of each surface kind: a bank of patterns drawn once, varied in colour, gloss and choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError, one_of
from workbench.core.assets import _textures as tex
from workbench.core.schema.scene import Material, Rgb

VARIANTS = 6  # patterns per kind; drawn on first use, 0.1 s each


@dataclass(frozen=True, eq=False)
class Pattern:
    """The textures of one variant of a surface.

    Attributes:
        albedo_srgb, roughness_map, normal_map: as in ``Material``.
        gain: factor on the base colour that makes up for the darkening by the texture.
    """

    albedo_srgb: NDArray[np.uint8]
    roughness_map: NDArray[np.uint8]
    normal_map: NDArray[np.uint8]
    gain: float


@dataclass(frozen=True)
class Kind:
    """What makes a surface kind.

    Attributes:
        draw: makes a pattern from a generator.
        colors_srgb: usual colours.
        roughness: usual range.
        metallic, reflectance, clearcoat, transmission: as in ``Material``.
        texture_size_m: usual edge of one tile.
    """

    draw: Callable[[np.random.Generator], Pattern]
    colors_srgb: tuple[Rgb, ...]
    roughness: tuple[float, float]
    metallic: float
    texture_size_m: float
    reflectance: float = 0.5
    clearcoat: float = 0.0
    transmission: float = 0.0


def make(
    kind: str, *, color_srgb: Rgb | None, roughness: float | None, metallic: float | None, rng: np.random.Generator
) -> Material:
    """The material of a kind; each argument that is ``None`` is drawn from the usual range of the kind.

    Raises:
        InputError: no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"Unknown surface kind {kind!r}.", fix=one_of(kind, KINDS))
    usual = KINDS[kind]
    pattern = _pattern(kind, int(rng.integers(VARIANTS)))
    drawn = usual.colors_srgb[int(rng.integers(len(usual.colors_srgb)))]
    gloss, size = rng.uniform(*usual.roughness), usual.texture_size_m * rng.uniform(0.85, 1.2)
    red, green, blue = tex.linear_from_srgb(drawn if color_srgb is None else color_srgb)
    gain = min(pattern.gain, 1 / max(red, green, blue, 1e-6))
    return Material(
        kind,
        (red * gain, green * gain, blue * gain),
        float(usual.metallic if metallic is None else metallic),
        float(gloss if roughness is None else roughness),
        usual.reflectance,
        usual.clearcoat,
        pattern.albedo_srgb,
        pattern.roughness_map,
        pattern.normal_map,
        float(size),
        usual.transmission,
    )


@cache
def _pattern(kind: str, variant: int) -> Pattern:
    return KINDS[kind].draw(np.random.default_rng([*kind.encode(), variant]))


def _folded(tint: tex.Floats, rough: tex.Floats, height: tex.Floats, relief: float) -> Pattern:
    """Maps of a tint about 1; the brightest texel becomes white so that 8 bits serve the pattern."""
    tint = np.broadcast_to(tint if tint.ndim == 3 else tint[..., None], (*height.shape, 3))
    top = float(tint.max())
    return Pattern(tex.srgb_map(tint / top), tex.grey_map(rough), tex.normal_map(height, relief), top)


def _matte(rng: np.random.Generator) -> Pattern:
    """Moulded plastic or paint: fine grain, faint handling marks."""
    grain, marks = tex.speckle(rng), tex.noise(rng, 4, 4, slope=1.5)
    return _folded(1 + 0.022 * grain + 0.02 * marks, 0.92 + 0.03 * grain, grain, 0.035)


def _glossy(rng: np.random.Generator) -> Pattern:
    """Lacquer: orange peel under hairline scratches."""
    marks, peel = tex.scratches(rng, 60), tex.noise(rng, 26, 26, slope=2.5)
    return _folded(1 + 0.05 * marks, 0.75 + 0.25 * marks, peel, 0.012)


def _metal(rng: np.random.Generator) -> Pattern:
    """Brushed metal: streaks along x in colour, gloss and relief."""
    streaks, stain = tex.brushed(rng), tex.noise(rng, 3, 3, slope=1.6)
    return _folded(0.94 + 0.05 * streaks + 0.02 * stain, 0.8 + 0.1 * streaks + 0.06 * stain, streaks, 0.045)


def _mirror(rng: np.random.Generator) -> Pattern:
    """Polished metal: a few hairlines and wipe marks."""
    marks, wipe = tex.scratches(rng, 40), tex.noise(rng, 3, 6, slope=1.8)
    return _folded(0.985 + 0.015 * marks, 0.62 + 0.3 * marks + 0.1 * wipe, tex.noise(rng, 3, 3, slope=2.5), 0.01)


def _cardboard(rng: np.random.Generator) -> Pattern:
    """Corrugated kraft board: flutes that show through, fibres and specks."""
    tint = tex.cardboard_albedo(rng)
    return _folded(tint, np.ones(tint.shape[:2]), tint[..., 1], 1.1)


def _wood(rng: np.random.Generator) -> Pattern:
    """Oiled board: growth rings along x, pores."""
    tint = tex.wood_albedo(rng)
    return _folded(tint, np.clip(1.15 - 0.3 * tint[..., 0], 0.6, 1.0), tint[..., 1], 0.35)


def _glass(rng: np.random.Generator) -> Pattern:
    """Clear glass: hardly any pattern, faint waves."""
    wave = tex.noise(rng, 3, 3, slope=2.5)
    return _folded(1 + 0.004 * wave, 0.95 + 0.03 * wave, wave, 0.008)


KINDS: dict[str, Kind] = {
    "matte": Kind(
        _matte, ((0.62, 0.64, 0.66), (0.22, 0.36, 0.52), (0.35, 0.38, 0.36), (0.74, 0.72, 0.68)), (0.6, 0.85), 0.0, 0.12
    ),
    "glossy": Kind(
        _glossy,
        ((0.8, 0.81, 0.82), (0.16, 0.3, 0.55), (0.7, 0.13, 0.1), (0.12, 0.13, 0.14)),
        (0.12, 0.26),
        0.0,
        0.18,
        clearcoat=0.6,
    ),
    "metal": Kind(_metal, ((0.77, 0.78, 0.79), (0.72, 0.71, 0.69), (0.79, 0.8, 0.82)), (0.3, 0.45), 1.0, 0.16),
    "mirror": Kind(_mirror, ((0.93, 0.93, 0.94), (0.9, 0.9, 0.92)), (0.05, 0.1), 1.0, 0.25),
    "cardboard": Kind(
        _cardboard, ((0.72, 0.56, 0.39), (0.67, 0.51, 0.35), (0.76, 0.62, 0.46)), (0.85, 0.95), 0.0, 0.16, 0.3
    ),
    "wood": Kind(_wood, ((0.76, 0.58, 0.38), (0.66, 0.46, 0.29), (0.82, 0.68, 0.49)), (0.5, 0.68), 0.0, 0.28, 0.4),
    "glass": Kind(
        _glass,
        ((0.82, 0.9, 0.87), (0.6, 0.76, 0.66), (0.78, 0.64, 0.42)),
        (0.04, 0.1),
        0.0,
        0.25,
        0.7,
        transmission=0.72,
    ),
}
