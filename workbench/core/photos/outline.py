"""Outlines: their area, and what of them lies in a picture."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Frame(Protocol):
    """Anything with a size in pixels."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


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
