"""Outlines of objects of which only a box is known, and how far they are to be trusted."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.outline import rounded_out

Rgb8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]

SIDE_PX = 96  # of the part of a photo that is segmented
MARGIN = 0.25  # of the longer side of the box: how much around it is known as background
LEAST_MARGIN_PX = 4
ROUNDS = 1
HOPELESS = 0.5  # how far a first outline fills its box, below which there is no second one
LOOSE = 0.04  # of its side by which people draw a box too large, at each end
FINE_PX = 256  # of the window in which the outline is drawn to edges
EPSILON = 1e-3  # variance of colours below which there is no edge


def segmented(pixels: Rgb8, xyxy: Box) -> tuple[Mask, float]:
    """The object in a box, by GrabCut (Rother, Kolmogorov & Blake 2004), and the confidence in it.

    It is done twice: from all of the box, and from the ellipse in it. The confidence, from 0 to 1, is the product of
    how well both agree, as intersection over union, and how far they fill the box: an object that was boxed tightly
    reaches all four sides. An object as large as the photo, of which no background is seen, has 0.

    Args:
        pixels: ``(H, W, 3)`` RGB of the photo.
        xyxy: edges of the box in pixels.

    Returns:
        The mask over the box rounded outwards to whole pixels, and the confidence.
    """
    left, top, right, bottom = rounded_out(xyxy)
    nothing = np.zeros((bottom - top, right - left), np.bool_)
    margin = max(LEAST_MARGIN_PX, round(MARGIN * max(right - left, bottom - top)))
    x0, y0 = max(left - margin, 0), max(top - margin, 0)
    window = pixels[y0 : bottom + margin, x0 : right + margin]
    scale = min(1.0, SIDE_PX / max(window.shape[:2]))
    width, height = max(3, round(window.shape[1] * scale)), max(3, round(window.shape[0] * scale))
    small = cv2.resize(window, (width, height), interpolation=cv2.INTER_AREA)
    box = np.zeros((height, width), np.bool_)
    (u0, u1), (v0, v1) = ([round((edge - start) * scale) for edge in edges]
                          for edges, start in (((left, right), x0), ((top, bottom), y0)))  # fmt: skip
    box[v0:v1, u0:u1] = True
    if box.sum() < 16 or (~box).sum() < 16:
        return nothing, 0.0
    first = _cut(small, box, box)
    fit = _fit(first, box)
    if fit < HOPELESS:
        return nothing, round(fit, 4)
    second = _cut(small, box, _ellipse(box))
    mask = _solid(first & second if _iou(first, second) > 0.5 else first)
    if not mask.any():
        return nothing, 0.0
    confidence = _iou(first, second) * _fit(first & second, box)
    large = _refined(window, mask)
    return np.ascontiguousarray(large[top - y0 : bottom - y0, left - x0 : right - x0]), round(confidence, 4)


def _cut(small: Rgb8, box: Mask, likely: Mask) -> Mask:
    """What GrabCut takes for the object in the box, when it starts with the likely part of it."""
    labels = np.full(box.shape, cv2.GC_BGD, np.uint8)
    labels[box] = cv2.GC_PR_BGD
    labels[likely] = cv2.GC_PR_FGD
    cv2.setRNGSeed(0)  # its clusters begin at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(small[..., ::-1]), labels, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def _refined(window: Rgb8, mask: Mask) -> Mask:
    """The mask of a smaller picture for all pixels of the window, drawn to the edges that are seen there.

    A guided filter (He, Sun & Tang 2010) of the mask, guided by the colours along the line from those of the
    background to those of the object.
    """
    scale = min(1.0, FINE_PX / max(window.shape[:2]))
    size = (max(3, round(window.shape[1] * scale)), max(3, round(window.shape[0] * scale)))
    fine = cv2.resize(window, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    soft = cv2.resize(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8), size, interpolation=cv2.INTER_LINEAR)
    radius = max(2, round(2.5 * max(size) / max(mask.shape)))
    near = cv2.dilate((np.abs(soft - 0.5) < 0.4).astype(np.uint8), np.ones((2 * radius + 1,) * 2, np.uint8)) > 0
    inner, outer = near & (soft > 0.5), near & (soft < 0.5)
    if inner.any() and outer.any():
        along = fine[inner].mean(axis=0) - fine[outer].mean(axis=0)
        guide = fine @ (along / max(float(np.linalg.norm(along)), 1e-6)).astype(np.float32)
        box = (2 * radius + 1,) * 2
        mean, mean_soft = cv2.blur(guide, box), cv2.blur(soft, box)
        variance = cv2.blur(guide * guide, box) - mean * mean
        slope = (cv2.blur(guide * soft, box) - mean * mean_soft) / (variance + EPSILON)
        drawn = cv2.blur(slope, box) * guide + cv2.blur(mean_soft - slope * mean, box)
        soft = np.where(near, cv2.GaussianBlur(np.asarray(drawn, np.float32), (0, 0), 0.8), soft)
    large = cv2.resize(np.asarray(soft, np.float32), (window.shape[1], window.shape[0]), interpolation=cv2.INTER_CUBIC)
    return _solid(large > 0.5)


def _ellipse(box: Mask) -> Mask:
    rows, columns = np.flatnonzero(box.any(axis=1)), np.flatnonzero(box.any(axis=0))
    y = (np.arange(box.shape[0]) - (rows[0] + rows[-1]) / 2) / (len(rows) / 2)
    x = (np.arange(box.shape[1]) - (columns[0] + columns[-1]) / 2) / (len(columns) / 2)
    return np.asarray(x[None, :] ** 2 + y[:, None] ** 2 <= 1.0)


def _solid(mask: Mask) -> Mask:
    """The largest part, with its holes filled."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    largest = parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    around = np.pad(~largest, 1, constant_values=True).astype(np.uint8)
    _, outside = cv2.connectedComponents(around, connectivity=4)
    return np.asarray(outside[1:-1, 1:-1] != outside[0, 0])


def _fit(mask: Mask, box: Mask) -> float:
    """How far a mask fills the box about it: the product over width and height, small gaps left out."""
    fit = 1.0
    for axis in (0, 1):
        own, whole = np.flatnonzero(mask.any(axis=axis)), np.flatnonzero(box.any(axis=axis))
        if len(own) == 0:
            return 0.0
        gaps = (own[0] - whole[0], whole[-1] - own[-1])
        fit *= 1.0 - sum(max(0.0, gap / len(whole) - LOOSE) for gap in gaps)
    return fit


def _iou(first: Mask, second: Mask) -> float:
    either = int((first | second).sum())
    return int((first & second).sum()) / either if either else 0.0
