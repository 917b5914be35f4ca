"""Measures of what the camera adds: noise and blur."""

from __future__ import annotations

import cv2
import numpy as np

from workbench.measures.picture import Picture

NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
GAUSSIAN_MEDIAN = 0.6745  # median of |x| for x ~ N(0, 1)
PRE_SIGMA_PX, RE_SIGMA_PX = 1.0, 1.5
BLUR_MAX_PX = 12.0
DARKEST, BRIGHTEST = 3, 252
EDGE_SHARE = 0.02


def noise(picture: Picture) -> float:
    """Standard deviation of pixel noise in gray levels (0..255), from flat places.

    Immerkaer 1996, "Fast noise variance estimation", with the median instead of the mean, so that
    texture on less than half of the picture does not count as noise.
    """
    if min(picture.gray.shape) < 3:
        return 0.0
    response = cv2.filter2D(picture.gray, -1, NOISE_KERNEL)[1:-1, 1:-1]
    inside = picture.gray[1:-1, 1:-1]
    inner = np.abs(response[(inside > DARKEST) & (inside < BRIGHTEST)])  # clipping hides noise
    return float(np.median(inner) / GAUSSIAN_MEDIAN / 6.0) if inner.size else 0.0


def blur_px(picture: Picture) -> float:
    """Standard deviation in pixels of the blur at the picture's sharpest edges, 0..12.

    The gradient of an edge blurred by ``s`` falls by ``sqrt(1 + r^2 / s^2)`` when it is blurred
    again by ``r`` (Zhuo and Sim 2011, "Defocus map estimation from a single image"). The
    picture is smoothed first, so noise makes no edges; that smoothing is taken off again.
    A picture without edges gives 12.
    """
    if min(picture.gray.shape) < 8:
        return 0.0
    first = cv2.GaussianBlur(picture.gray, (0, 0), PRE_SIGMA_PX)
    second = cv2.GaussianBlur(first, (0, 0), RE_SIGMA_PX)
    one, two = _gradient(first), _gradient(second)
    floor = max(2.0, 0.6 * noise(picture))  # what noise leaves after the first smoothing
    strongest = np.partition(one.ravel()[::3], int(-EDGE_SHARE * one.size / 3) or -1)
    limit = max(floor, float(strongest[int(-EDGE_SHARE * one.size / 3) or -1]))
    edges = (one >= limit) & (two > 0)
    if edges.sum() < 20:
        return BLUR_MAX_PX
    ratio = np.maximum(one[edges] / two[edges], 1.0001)
    spread = RE_SIGMA_PX / np.sqrt(ratio**2 - 1)
    squared = float(np.percentile(spread, 25)) ** 2 - PRE_SIGMA_PX**2
    return float(min(np.sqrt(max(squared, 0.0)), BLUR_MAX_PX))


def _gradient(gray: np.ndarray) -> np.ndarray:
    dx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=1 / 8)
    dy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(cv2.magnitude(dx, dy))
