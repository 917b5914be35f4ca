"""What is left of labels when something lies over them: masks and boxes of what is visible, exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.grabcut import Mask
from workbench.core.photos.outline import filled, rounded_out
from workbench.core.schema.labels import Label


def uncovered(label: Label, covered: Mask) -> tuple[Label | None, float]:
    """A label without what is covered, and the share of it that stays visible, of what is in the picture.

    Of a label with a box alone, the box counts as its object: what is left is the tight box of its uncovered pixels.
    A label that nothing lies on stays as it was; an outline that something lies on becomes a mask.

    Args:
        label: in the picture.
        covered: ``(H, W)`` of the picture.

    Returns:
        The label, ``None`` when nothing of it is left, and the share.
    """
    height, width = covered.shape
    left, top, right, bottom = rounded_out(label.xyxy)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    over = covered[y0:y1, x0:x1]
    if not over.any():
        return label, 1.0
    own = _own(label, (left, top), (right - left, bottom - top))[y0 - top : y1 - top, x0 - left : x1 - left]
    visible = own & ~over
    total, seen = int(own.sum()), int(visible.sum())
    if seen == total:
        return label, 1.0
    if seen == 0:
        return None, 0.0
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    tight = (x0 + int(columns[0]), y0 + int(rows[0]), x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1)
    is_box = label.mask is None and not label.polygons
    xyxy = tuple(map(float, tight))
    if is_box:  # an edge inside of its last pixel stays where it was
        xyxy = (*np.maximum(tight[:2], label.xyxy[:2]).tolist(), *np.minimum(tight[2:], label.xyxy[2:]).tolist())
    mask = None if is_box else visible[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    a, b, c, d = xyxy
    left_over = dataclasses.replace(
        label, xyxy=(a, b, c, d), polygons=(), mask=mask, keypoints=_hidden(label.keypoints, covered)
    )
    return left_over, seen / total


def _own(label: Label, corner: tuple[int, int], size: tuple[int, int]) -> Mask:
    """The label's pixels over its box rounded outwards."""
    if label.polygons and label.mask is None:
        return filled(label.polygons, corner, size)
    full = np.zeros((size[1], size[0]), np.bool_)
    if label.mask is None:
        full[:] = True
    else:
        rows, columns = min(size[1], label.mask.shape[0]), min(size[0], label.mask.shape[1])
        full[:rows, :columns] = label.mask[:rows, :columns]
    return full


def _hidden(keypoints: NDArray[np.float64] | None, covered: Mask) -> NDArray[np.float64] | None:
    """Keypoints with those that are covered marked as hidden."""
    if keypoints is None:
        return None
    x = np.clip(np.floor(keypoints[:, 0]).astype(int), 0, covered.shape[1] - 1)
    y = np.clip(np.floor(keypoints[:, 1]).astype(int), 0, covered.shape[0] - 1)
    marked = keypoints.copy()
    marked[(keypoints[:, 2] == 2) & covered[y, x], 2] = 1.0
    return marked
