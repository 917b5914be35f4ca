"""Pictures with six attributes that are known, to plant blind spots in (after SpotCheck, Plumb et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 160
WORDS: dict[str, tuple[str, ...]] = {
    "light": ("dark", "normal", "bright"),
    "surface": ("matte", "glossy", "brushed", "chequered"),
    "background": ("plain", "stripes", "grain", "gradient"),
    "occlusion": ("none", "half"),
    "blur": ("sharp", "blurred"),
    "tint": ("neutral", "warm", "cold", "green"),
}
GAIN = {"dark": 0.16, "normal": 0.45, "bright": 1.15}
TINT = {"neutral": (1.0, 1.0, 1.0), "warm": (1.0, 0.86, 0.68), "cold": (0.7, 0.86, 1.0), "green": (0.76, 1.0, 0.74)}


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures and their truth.

    Attributes:
        rgb: ``(n, 160, 160, 3)``.
        codes: per attribute ``(n,)`` places in its ``WORDS``.
    """

    rgb: NDArray[np.uint8]
    codes: dict[str, NDArray[np.int64]]


@lru_cache(maxsize=2)
def pictures(n: int, seed: int) -> Pictures:
    """Discs on grounds; all that is no attribute varies."""
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(0, len(words), n) for name, words in WORDS.items()}
    drawn = [_draw({name: WORDS[name][codes[name][i]] for name in WORDS}, rng) for i in range(n)]
    return Pictures(np.stack(drawn), codes)


def _draw(has: dict[str, str], rng: np.random.Generator) -> NDArray[np.uint8]:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    image = np.repeat(_ground(has["background"], x, y, rng)[:, :, None], 3, axis=2)
    cx, cy, radius = rng.uniform((0.35, 0.35, 0.2), (0.65, 0.65, 0.32))
    u, v = (x - cx) / radius, (y - cy) / radius
    inside = u**2 + v**2 < 1
    colour = 0.35 + 0.5 * rng.random(3)
    image[inside] = (_body(has["surface"], u, v, rng)[:, :, None] * colour)[inside]
    if has["surface"] == "glossy":
        a, b = rng.uniform(-0.5, 0.5, 2)
        image += (0.9 * np.exp(-((u - a) ** 2 + (v - b) ** 2) / 0.02) * inside)[:, :, None]
    if has["occlusion"] == "half":
        angle = rng.uniform(0, 2 * np.pi)
        image[(np.cos(angle) * u + np.sin(angle) * v > 0.1) & (np.hypot(u, v) < 1.5)] = rng.uniform(0.2, 0.6)
    if has["blur"] == "blurred":
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(1.8, 3.0))
    image = image * GAIN[has["light"]] * rng.uniform(0.92, 1.08) * np.array(TINT[has["tint"]])
    return np.clip(image * 255 + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def _ground(kind: str, x: NDArray[np.float64], y: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    level = rng.uniform(0.35, 0.55)
    angle, waves = rng.uniform(0, np.pi), rng.uniform(5, 11)
    along = np.cos(angle) * x + np.sin(angle) * y
    if kind == "stripes":
        return level + 0.14 * np.sign(np.sin(2 * np.pi * waves * along))
    if kind == "grain":
        return level + cv2.GaussianBlur(rng.normal(0, 0.5, x.shape), (0, 0), 1.5)
    return level + 0.35 * (along - 0.5) if kind == "gradient" else np.full(x.shape, level)


def _body(kind: str, u: NDArray[np.float64], v: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    a, b = rng.uniform(-0.6, 0.6, 2)
    shade = 0.55 + 0.35 * (a * u + b * v) + 0.25 * np.sqrt(np.maximum(1 - u**2 - v**2, 0))
    if kind == "brushed":
        lines = cv2.GaussianBlur(rng.normal(0, 1.2, u.shape), (31, 1), 0)
        return shade + 0.35 * lines
    if kind == "chequered":
        return shade * np.where((np.floor(u * 4) + np.floor(v * 4)) % 2, 1.15, 0.75)
    return shade
