"""A small picture of a cloud: what one sees from above and a little behind, coloured by height."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BACKGROUND = (24, 26, 30)
_TILT = np.deg2rad(35.0)  # below the horizon; enough to tell walls from floor
_FAR = (2.0, 98.0)  # per cent of the points that fill the picture; a stray one must not shrink all others
_MARGIN = 0.06
_RAMP = np.array(  # dark blue over green to yellow: brightness rises with height, for all kinds of eyes
    [(62, 73, 137), (49, 104, 142), (38, 130, 142), (53, 183, 121), (144, 215, 67), (253, 231, 37)], np.float64
)


def picture_of(xyz: NDArray[np.float64], side_px: int, rgb: NDArray[np.uint32] | None = None) -> NDArray[np.uint8]:
    """Render points with z up, orthographic; nearer points hide farther ones.

    Args:
        xyz: ``(n, 3)``, finite.
        side_px: width and height.
        rgb: colour of each point as 0x00RRGGBB; height colours them without.

    >>> picture_of(np.zeros((1, 3)), 32).shape
    (32, 32, 3)
    """
    canvas = np.empty((side_px, side_px, 3), np.uint8)
    canvas[:] = BACKGROUND
    if not len(xyz):
        return canvas
    right, up, near = _seen(xyz)
    columns, rows = _pixels(right, up, side_px)
    colours = _by_height(xyz[:, 2]) if rgb is None else _unpacked(rgb)
    inside = (columns >= 0) & (columns < side_px) & (rows >= 0) & (rows < side_px)
    order = np.flatnonzero(inside)[np.argsort(near[inside], kind="stable")]  # the nearest is drawn last
    width = 1 + (len(order) < side_px * side_px // 16)  # a thin cloud would be hard to see
    for down in range(width):
        for along in range(width):
            at_row, at_column = (
                np.minimum(rows[order] + down, side_px - 1),
                np.minimum(columns[order] + along, side_px - 1),
            )
            canvas[at_row, at_column] = colours[order]
    return canvas


def _seen(xyz: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates on the picture to the right and up, and towards the eye; x points away from it."""
    x, y, z = xyz.T
    return -y, z * np.cos(_TILT) + x * np.sin(_TILT), z * np.sin(_TILT) - x * np.cos(_TILT)


def _pixels(
    right: NDArray[np.float64], up: NDArray[np.float64], side_px: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ends = np.percentile(np.stack([right, up]), _FAR, axis=1)
    span = max(float((ends[1] - ends[0]).max()), 1e-9) * (1 + 2 * _MARGIN)
    middle = ends.mean(axis=0)
    with np.errstate(over="ignore"):
        columns = np.clip(((right - middle[0]) / span + 0.5) * side_px, -1, side_px)
        rows = np.clip((0.5 - (up - middle[1]) / span) * side_px, -1, side_px)
    return columns.astype(np.int64), rows.astype(np.int64)


def _by_height(z: NDArray[np.float64]) -> NDArray[np.uint8]:
    low, high = np.percentile(z, _FAR)
    share = np.clip((z - low) / max(high - low, 1e-9), 0, 1) * (len(_RAMP) - 1)
    at = np.arange(len(_RAMP))
    return np.stack([np.interp(share, at, channel) for channel in _RAMP.T], axis=1).astype(np.uint8)


def _unpacked(rgb: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([rgb >> np.uint32(shift) & np.uint32(255) for shift in (16, 8, 0)], axis=1).astype(np.uint8)
