"""Overlap of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PAIRS = 1_000_000  # of boxes compared at once


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


def best(first_xyxy: Floats, second_xyxy: Floats) -> Floats:
    """The largest intersection over union of each box with any of the others, ``(n,)``; 0 where there are none.

    Equal boxes are compared once, and never more than a million pairs at the same time.

    >>> best(np.array([[0, 0, 2, 2], [7, 7, 8, 8]]), np.array([[1, 0, 3, 2], [0, 0, 2, 1]])).tolist()
    [0.5, 0.0]
    """
    if not len(first_xyxy) or not len(second_xyxy):
        return np.zeros(len(first_xyxy))
    boxes, which = np.unique(first_xyxy, axis=0, return_inverse=True)
    others = np.unique(second_xyxy, axis=0)
    step = max(1, PAIRS // len(others))
    shares = [iou(boxes[at : at + step], others).max(axis=1) for at in range(0, len(boxes), step)]
    return np.asarray(np.concatenate(shares)[which.ravel()])
