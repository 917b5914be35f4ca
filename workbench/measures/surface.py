"""Measures of surfaces: highlights and texture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.measures.picture import Picture

HIGHLIGHT_MIN, WHITE_MIN = 235, 190


def highlight_share(picture: Picture) -> float:
    """Share of pixels in specular highlights: bright, unsaturated, and standing out from their surround.

    A pixel counts when max(R, G, B) >= 235, min(R, G, B) >= 190 and its luma exceeds the median of
    its neighbourhood (1/8 of the width) by 0.15; so a white sheet is not a highlight, a glint on
    it is none either, and a glint on metal is one. After Arnold et al. 2010, "Automatic
    segmentation and inpainting of specular highlights".
    """
    return float(_highlights(picture).mean())


def highlight_size(picture: Picture) -> float:
    """Area of the largest highlight as a share of the picture."""
    mask = _highlights(picture).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return float(areas.max() / mask.size) if len(areas) else 0.0


def texture(picture: Picture) -> float:
    """Energy of fine detail: standard deviation of luma minus its local mean (9 px), 0..0.5."""
    luma = picture.luma
    return float(np.std(luma - cv2.blur(luma, (9, 9))))


def _highlights(picture: Picture) -> NDArray[np.bool_]:
    rgb, luma = picture.small, picture.luma
    red, green, blue = cv2.split(rgb)
    bright = (cv2.max(cv2.max(red, green), blue) >= HIGHLIGHT_MIN) & (cv2.min(cv2.min(red, green), blue) >= WHITE_MIN)
    if not bright.any():
        return np.zeros(luma.shape, np.bool_)
    size = max(3, (luma.shape[1] // 8) | 1)
    surround = cv2.medianBlur((luma * 255).astype(np.uint8), min(size, 255)).astype(np.float32) / 255
    return np.asarray(bright & (luma > surround + 0.15), np.bool_)
