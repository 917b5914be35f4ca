"""Measures of what the camera adds: noise, blur, motion, bands, blocks, dark corners."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.measures.picture import (
    PRE_SIGMA_PX,
    RE_SIGMA_PX,
    Edges,
    Picture,
    Plane,
    Signed,
    middle_of,
    slopes,
    sums,
)

BLUR_MAX_PX = 12.0
EDGE_SHARE, FEWEST_SHARE = 0.002, 0.0003
MANY_EDGES = 1_000
SOBEL_XY = np.array([np.outer((1, 2, 1), (-1, 0, 1)).ravel(), np.outer((-1, 0, 1), (1, 2, 1)).ravel()], float).T
LEVELS, SURE_PX = 3, 2.5  # halvings to look at, and the blur in pixels of a level up to which it is trusted
MOTION_MAX_PX = 40.0
NARROWEST_PX, STRIPS, BAND_REACH = 40, 5, 16
PAIRS = np.triu_indices(STRIPS, 1)
Tensor = tuple[float, float, float]  # of squares of x, of products, of squares of y
RINGS = 8


def noise(picture: Picture) -> float:
    """Standard deviation of pixel noise in gray levels (0..255), from flat places.

    Immerkaer 1996, "Fast noise variance estimation", taken block by block (16 px) and read from the quietest
    quarter, so that texture on three quarters of the picture does not count as noise. Noise that differs between the
    channels counts as it shows in luma, about two thirds of a channel's.
    """
    return picture.noise


def blur_px(picture: Picture) -> float:
    """Standard deviation in pixels of the blur at the picture's sharpest edges, 0..12.

    The gradient of an edge blurred by ``s`` falls by ``sqrt(1 + r^2 / s^2)`` when it is blurred
    again by ``r`` (Zhuo and Sim 2011, "Defocus map estimation from a single image"). Taken over the
    strongest 0.2 % of the gradients, weighted by their fourth power; on the full picture, and where that is
    too blurred or too noisy, on halves of it. What noise could make is no edge, nor is the rim of a clipped
    area, which is sharp however blurred the lens. A picture without edges gives 12.
    """
    if min(picture.detail.shape) < 8:
        return 0.0
    blur = BLUR_MAX_PX
    for level in range(LEVELS):
        if min(picture.detail.shape) >> level < 3:
            break
        spread = _spread(picture.edges(level))
        if spread is None:
            continue
        blur = min(spread * 2**level, BLUR_MAX_PX)
        if spread <= SURE_PX:
            break
    return blur


def motion_px(picture: Picture) -> float:
    """Hint how long the path of a moving camera was, in pixels, 0..40: how much more blurred one direction is."""
    return picture.once(_motion)[0]


def motion_direction_deg(picture: Picture) -> float:
    """Direction of that path, 0 along x, 90 along y, below 180: the direction in which fine detail is weakest.

    Compares gradients at two scales per direction (generalised eigenvectors of two structure tensors), so that a
    scene whose lines run one way is not taken for motion (cf. Yitzhaky and Kopeika 1997). Says nothing when
    ``motion_px`` is small.
    """
    return picture.once(_motion)[1]


def banding(picture: Picture) -> float:
    """Standard deviation in gray levels of stripes that run along whole rows or columns, as flicker and read-out make.

    The picture is cut into five strips across the stripes; what stands above its neighbourhood of 33 rows in one strip
    is compared with the others. Only what the strips share counts, so things and textures do not.
    """
    return max(_stripes(picture.detail, along) for along in (1, 0))


def blockiness(picture: Picture) -> float:
    """Gray levels by which neighbours differ more across the 8-pixel grid of a JPEG than beside it.

    After Wang, Sheikh and Bovik 2002, "No-reference perceptual quality assessment of JPEG compressed images".
    """
    steps = [_grid_step(picture.detail, axis) for axis in (0, 1)]
    return max(float(np.mean(steps)), 0.0)


def vignetting(picture: Picture) -> float:
    """Share of light lost towards the corners, 0..1, if nothing but the lens darkened them.

    Median of the radial slope of log luminance in rings about the centre, added up from the middle to the corner
    (cf. Zheng et al. 2008, "Single-image vignetting correction from gradient distribution symmetries").
    """
    if min(picture.stops.shape) < 64:
        return 0.0
    quarter = cv2.resize(picture.stops, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    dx, dy = slopes(np.asarray(quarter, np.float32))
    x, y, rings, corner = _polar(quarter.shape)
    slope = (dx * x + dy * y).ravel()
    loss = sum(middle_of(slope[ring]) for ring in rings) * corner / RINGS
    return float(np.clip(1.0 - 2.0**loss, 0.0, 1.0))


def bit_depth(picture: Picture) -> float:
    """Bits per channel that the values use: 8, or up to 16 less the low bits that are zero everywhere."""
    return float(picture.bits)


def _spread(edges: Edges) -> float | None:
    """Blur in pixels of the level, ``None`` where there are too few edges."""
    strength = edges.strength
    count = cv2.calcHist([strength[::4]], [0], None, [256], [0, 256]).ravel()
    enough = np.cumsum(count[::-1])[::-1] > EDGE_SHARE * count.sum()
    limit = max(edges.floor, float(np.count_nonzero(enough) - 1))
    indices = np.flatnonzero(strength >= np.uint8(min(np.ceil(limit), 255)))
    if limit > 255 or indices.size < max(12, FEWEST_SHARE * strength.size):
        return None
    indices = indices[:: indices.size // MANY_EDGES + 1]
    dx, dy = (part.ravel()[indices].astype(np.float64) for part in edges.fine)
    fine = float(((dx**2 + dy**2) ** 2).sum())
    coarse = float((_slope_squared(edges.second, indices) ** 2).sum())
    return math.sqrt(max(_variance(math.sqrt(fine / max(coarse, 1e-9))), 0.0))


def _slope_squared(plane: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Squared sum of Sobel's mask at a few pixels."""
    height, width = plane.shape
    rows, columns = np.divmod(indices, width)
    inner = np.clip(rows, 1, height - 2) * width + np.clip(columns, 1, width - 2)  # of the rim, the pixel inside
    around = np.array([i * width + j for i in (-1, 0, 1) for j in (-1, 0, 1)])
    slopes_there = plane.ravel()[inner[:, None] + around].astype(np.float64) @ SOBEL_XY
    return np.asarray((slopes_there**2).sum(axis=1))


def _motion(picture: Picture) -> tuple[float, float]:
    """Length in pixels and direction in degrees of the motion that explains how blur differs with direction."""
    if min(picture.detail.shape) < 16:
        return 0.0, 0.0
    edges = picture.edges(1)
    chosen = cv2.inRange(edges.strength, edges.floor, 255)
    if cv2.countNonZero(chosen) < 60:
        return 0.0, 0.0
    shown = (chosen > 0).astype(np.float32)
    weak, strong, degrees = _extremes(_tensor(*edges.fine, shown), _tensor(*sums(edges.second), shown))
    along, across = (min(_variance(ratio), BLUR_MAX_PX**2) for ratio in (weak, strong))
    return min(2 * math.sqrt(12 * max(along - across, 0.0)), MOTION_MAX_PX), degrees


def _extremes(fine: Tensor, coarse: Tensor) -> tuple[float, float, float]:
    """Least and largest ratio of two structure tensors over all directions, and the direction of the least, degrees.

    The eigenvalues of ``coarse^-1 fine``, written out for two by two.
    """
    (a, b, c), (p, q, r) = fine, coarse
    det = max(p * r - q * q, 1e-12)
    xx, xy, yx, yy = (r * a - q * b) / det, (r * b - q * c) / det, (p * b - q * a) / det, (p * c - q * b) / det
    half, apart = (xx + yy) / 2, math.sqrt(max(((xx - yy) / 2) ** 2 + xy * yx, 0.0))
    weak = half - apart
    x, y = (xy, weak - xx) if abs(xy) > abs(yx) else (weak - yy, yx)
    if x == y == 0:
        x, y = (1.0, 0.0) if xx <= yy else (0.0, 1.0)
    return weak, half + apart, math.degrees(math.atan2(y, x)) % 180.0


def _variance(ratio_squared: float) -> float:
    """Square of the blur of edges whose squared gradient falls by this ratio under the second smoothing."""
    return float(RE_SIGMA_PX**2 / max(ratio_squared - 1.0, 1e-3) - PRE_SIGMA_PX**2)


def _tensor(dx: Signed, dy: Signed, shown: Plane) -> Tensor:
    """Sums of the squares of ``dx``, of their products, and of the squares of ``dy`` where ``shown`` is 1."""
    dx_shown, dy_shown = dx * shown, dy * shown
    return float(np.vdot(dx_shown, dx_shown)), float(np.vdot(dx_shown, dy_shown)), float(np.vdot(dy_shown, dy_shown))


def _stripes(gray: NDArray[np.uint8], along: int) -> float:
    """Root of the median covariance of five strips' row means (``along`` 1), scaled by how well they agree."""
    if min(gray.shape) < NARROWEST_PX:
        return 0.0
    strips = np.array_split(gray, STRIPS, axis=along)
    means = np.array([cv2.reduce(strip, along, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() for strip in strips])
    profiles = means - cv2.blur(means, (2 * BAND_REACH + 1, 1), borderType=cv2.BORDER_REFLECT)
    profiles -= profiles.mean(axis=1, keepdims=True)
    covariance = profiles @ profiles.T / (profiles.shape[1] - 1)
    spread = np.sqrt(np.maximum(covariance.diagonal(), 1e-6))
    agreement = _median_of_pairs(covariance / (spread[:, None] * spread))
    return math.sqrt(max(_median_of_pairs(covariance), 0.0)) * min(max(agreement, 0.0), 1.0)


def _median_of_pairs(matrix: Plane) -> float:
    """Median above the diagonal."""
    ordered = sorted(matrix[PAIRS].tolist())
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _grid_step(gray: NDArray[np.uint8], axis: int) -> float:
    if min(gray.shape) < 24:
        return 0.0
    first, second = (gray[1:], gray[:-1]) if axis == 0 else (gray[:, 1:], gray[:, :-1])
    steps = cv2.reduce(cv2.absdiff(first, second), 1 - axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    steps = steps[: len(steps) // 8 * 8].reshape(-1, 8).mean(axis=0)
    return float(steps[7] - (steps[6] + steps[0]) / 2)


@lru_cache(maxsize=8)
def _polar(shape: tuple[int, int]) -> tuple[Plane, Plane, list[NDArray[np.int64]], float]:
    """Unit vectors away from the centre, the pixels of each ring, and the distance of the corner in pixels."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    radius = np.maximum(np.hypot(x, y), 1e-3)
    corner = float(np.hypot(width, height) / 2)
    ring = np.minimum(radius / corner * RINGS, RINGS - 1).astype(int).ravel()
    return x / radius, y / radius, [np.flatnonzero(ring == k) for k in range(RINGS)], corner
