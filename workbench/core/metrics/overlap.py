"""Overlap of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def iou(first_xyxy: Floats, second_xyxy: Floats) -> Floats:
    """Intersection over union of all pairs of boxes, ``(n, 4)`` and ``(m, 4)`` to ``(n, m)``; 0 where there is no area.

    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(2).tolist()
    [[0.33, 0.0]]
    """
    a, b = first_xyxy.reshape(-1, 1, 4), second_xyxy.reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = np.prod(np.maximum(sides, 0.0), axis=-1)
    union = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1) - both
    shares: Floats = np.divide(both, union, out=np.zeros(both.shape), where=union > 0)
    return shares
