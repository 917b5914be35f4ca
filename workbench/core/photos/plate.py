"""Rendered parts in a photo: their light and shadows on it, and the camera that would have taken it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.grabcut import Mask
from workbench.core.photos.light import Light
from workbench.core.sensor.color import LUMINANCE

BRIGHTEST = 4.0  # times as much light as without the parts
BRIGHT, WHITE = 0.95, 0.8  # share of the pixels below the brightest surfaces, and what these reflect
LEAST_LIGHT = 1e-4  # of the render, linear; below it a ratio says nothing
EDGE_PX = 0.6  # standard deviation by which the outline of the parts is softened
FEWEST_PAIRS = 6  # of boxes of a class, from which the horizon is told
LEAST_LARGER = 1.15  # how much wider one box of a pair must be than the other
LOWEST_DEG, HIGHEST_DEG = 10.0, 85.0

Values = NDArray[np.float64]


def plated(photo: Light, with_parts: Light, without: Light, parts: Mask, plane: Mask, *, reflectance: float) -> Light:
    """The light ``(H, W, 3)`` of a photo in which rendered parts lie.

    What parts add or take away on the plane, shadows and reflections, is carried over as a ratio (differential
    rendering, Debevec 1998). Parts are as bright as if the brightest surfaces of the photo were white and in the same
    light; their colours stay, since the colour of the light cannot be told from that of the plane.

    Args:
        photo: linear.
        with_parts, without: the same view rendered with and without them, linear.
        parts: ``(H, W)`` where they are seen.
        plane: ``(H, W)`` where the plane on which they lie is seen.
        reflectance: of the rendered plane, 0..1.

    >>> grey = np.full((2, 2, 3), 0.5, np.float32)
    >>> shadow = np.array([[True, False], [False, False]])
    >>> nothing = np.zeros((2, 2), bool)
    >>> shaded = np.where(shadow[..., None], 0.1, 0.2).astype(np.float32)
    >>> plated(grey, shaded, 0.4 * grey, nothing, ~nothing, reflectance=0.5)[..., 0]
    array([[0.25, 0.5 ],
           [0.5 , 0.5 ]], dtype=float32)
    """
    lit = without.min(axis=2) > LEAST_LIGHT
    ratio = np.where(lit[..., None], with_parts / np.maximum(without, LEAST_LIGHT), 1.0)
    seen = (plane if plane.any() else np.ones_like(plane)) & lit
    lux = float(np.median(without[seen] @ LUMINANCE)) / reflectance if seen.any() else 1.0
    gain = np.float32(float(np.quantile(photo @ LUMINANCE, BRIGHT)) / WHITE / lux)
    alpha = cv2.GaussianBlur(parts.astype(np.float32), (0, 0), EDGE_PX)[..., None]
    shaded = photo * np.clip(ratio, 0.0, BRIGHTEST)
    return np.asarray(alpha * with_parts * gain + (1.0 - alpha) * shaded, np.float32)


def elevation_of(names: Sequence[str], xyxy: Values, *, fy_px: float, cy_px: float) -> float | None:
    """How steeply a camera looks down on the plane that labelled objects stand on, degrees; ``None`` if unknown.

    The width of an object grows with the distance of its foot from the horizon (Hoiem, Efros & Hebert 2006), so each
    pair of boxes of one class gives a horizon; the median counts.

    Args:
        names: class of each box.
        xyxy: ``(n, 4)`` pixels.
        fy_px, cy_px: vertical focal length and principal point.

    >>> boxes = np.array([[0, 0, w, 100 + w] for w in (20, 30, 40, 50)], float)  # the horizon is at y = 100
    >>> round(elevation_of(["cone"] * 4, boxes, fy_px=200, cy_px=240), 1)
    35.0
    """
    horizons = []
    widths, feet = xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3]
    for i, j in combinations(range(len(names)), 2):
        small, large = sorted((i, j), key=lambda k: widths[k])
        if names[i] == names[j] and widths[small] > 0 and widths[large] >= LEAST_LARGER * widths[small]:
            weight = widths[large] - widths[small]
            horizons.append((widths[large] * feet[small] - widths[small] * feet[large]) / weight)
    if len(horizons) < FEWEST_PAIRS:
        return None
    degrees = math.degrees(math.atan2(cy_px - float(np.median(horizons)), fy_px))
    return degrees if LOWEST_DEG <= degrees <= HIGHEST_DEG else None
