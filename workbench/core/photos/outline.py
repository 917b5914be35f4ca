"""Outlines: their area, and what of them lies in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NEARLY = 1e-6  # pixels by which an edge may miss a whole number
Points = NDArray[np.float64]


class Frame(Protocol):
    """Anything with a size in pixels."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


def rounded_out(xyxy: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """A box in whole pixels, rounded outwards, at least one pixel wide and high.

    Edges that miss a whole number by what shares of a width cost are taken as that number.

    >>> rounded_out((19.9999999999, 10.5, 36.0000000001, 30.2))
    (20, 10, 36, 31)
    """
    left, top = math.floor(xyxy[0] + NEARLY), math.floor(xyxy[1] + NEARLY)
    return left, top, max(math.ceil(xyxy[2] - NEARLY), left + 1), max(math.ceil(xyxy[3] - NEARLY), top + 1)


def area(points: Points) -> float:
    """Area of a polygon ``(n, 2)``, by the shoelace formula.

    >>> area(np.array([[0, 0], [2, 0], [2, 1], [0, 1]], float))
    2.0
    """
    if len(points) < 3:
        return 0.0
    x, y = (points - points[0]).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def clipped(points: Points, frame: Frame) -> Points:
    """The part of a polygon ``(n, 2)`` in the picture (Sutherland & Hodgman 1974); empty when there is none."""
    if points.min() >= 0 and (points <= (frame.width, frame.height)).all():
        return points
    for axis, bound, keeps in ((0, 0.0, 1), (0, frame.width, -1), (1, 0.0, 1), (1, frame.height, -1)):
        points = _half(points, axis, float(bound), keeps)
        if len(points) < 3:
            return np.zeros((0, 2))
    return points


def _half(points: Points, axis: int, bound: float, keeps: int) -> Points:
    """What lies on one side of a line."""
    inside = keeps * (points[:, axis] - bound) >= 0
    kept: list[Points] = []
    for at in range(len(points)):
        before, here = points[at - 1], points[at]
        if inside[at - 1] != inside[at]:
            share = (bound - before[axis]) / (here[axis] - before[axis])
            crossing = before + share * (here - before)
            crossing[axis] = bound
            kept.append(crossing)
        if inside[at]:
            kept.append(here)
    return np.array(kept).reshape(-1, 2)


def filled(outlines: Iterable[Points], corner: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centres lie in any of the polygons, by the even-odd rule within each.

    Args:
        outlines: each ``(n, 2)``, pixel edges.
        corner: left and top of the region, whole pixels.
        size: its width and height.

    >>> filled([np.array([[1, 0], [3, 0], [3, 2], [1, 2]], float)], (0, 0), (4, 2)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0]]
    """
    width, height = size
    mask = np.zeros((height, width), np.bool_)
    y = np.arange(height) + corner[1] + 0.5
    for outline in outlines:
        if len(outline) < 3:
            continue
        crossings = np.zeros((height, width + 1), np.int32)
        for (x1, y1), (x2, y2) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            rows = np.flatnonzero((y1 <= y) != (y2 <= y))
            if len(rows) == 0:
                continue
            x = x1 + (y[rows] - y1) * (x2 - x1) / (y2 - y1)
            # the first pixel whose centre is not left of the crossing; all from there on are turned over
            first = np.clip(np.ceil(x - corner[0] - 0.5), 0, width).astype(int)
            np.add.at(crossings, (rows, first), 1)
        mask |= (np.cumsum(crossings, axis=1)[:, :width] % 2).astype(np.bool_)
    return mask
