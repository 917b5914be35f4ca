"""Measures of light: how much, how even, what colour."""

from __future__ import annotations

import numpy as np

from workbench.measures.picture import BLACK_8BIT, WHITE_8BIT, Picture

MIDDLE_GRAY = 0.18
DARKEST = 2.0**-12


def luminance(picture: Picture) -> float:
    """Mean luma, sRGB-coded: 0 black, 1 white.

    >>> luminance(Picture(np.full((4, 4), 255, np.uint8)))
    1.0
    """
    return round(float(picture.luma.mean()), 6)


def luminance_median(picture: Picture) -> float:
    """Median luma, sRGB-coded 0..1; a small saturated highlight does not lift it."""
    return picture.luma_percentiles[50]


def exposure_ev(picture: Picture) -> float:
    """Stops by which the mean linear luminance lies above middle gray (0.18); highlights cut at the 95th percentile.

    >>> round(exposure_ev(Picture(np.full((4, 4), 118, np.uint8))), 1)
    0.0
    """
    values = np.minimum(picture.luminance, np.percentile(picture.luminance, 95))
    return float(np.log2(max(float(values.mean()), DARKEST) / MIDDLE_GRAY))


def contrast(picture: Picture) -> float:
    """Robust contrast: 95th minus 5th percentile of luma, 0..1."""
    return picture.luma_percentiles[95] - picture.luma_percentiles[5]


def dynamic_range_stops(picture: Picture) -> float:
    """Stops between the 1st and the 99th percentile of linear luminance, one 8-bit step as floor."""
    low, high = np.percentile(picture.luminance, (1, 99))
    step = 1 / 255 / 12.92
    return float(np.log2((high + step) / (low + step)))


def clipped_dark(picture: Picture) -> float:
    """Share of pixels whose three channels are at most 2 of 255."""
    return float((picture.brightest <= BLACK_8BIT).mean())


def clipped_bright(picture: Picture) -> float:
    """Share of pixels with a channel of at least 253 of 255: what the sensor could not hold."""
    return float((picture.brightest >= WHITE_8BIT).mean())


def warmth_stops(picture: Picture) -> float:
    """Colour cast along warm and cold: log2 of red to blue, linear means of unclipped pixels; 0 is neutral.

    Gray-world assumption (Buchsbaum 1980): a coloured floor counts as a cast.
    """
    red, _, blue = picture.mean_rgb
    return float(np.log2(red / blue))


def tint_stops(picture: Picture) -> float:
    """Colour cast along green (positive) and magenta (negative), as ``warmth_stops``."""
    red, green, blue = picture.mean_rgb
    return float(np.log2(green / np.sqrt(red * blue)))


def unevenness(picture: Picture) -> float:
    """Spread of light over the picture: standard deviation of the mean luma of a 4 x 4 grid, 0..0.5."""
    luma = picture.luma
    rows = np.array_split(luma, min(4, luma.shape[0]), axis=0)
    cells = [cell.mean() for row in rows for cell in np.array_split(row, min(4, luma.shape[1]), axis=1)]
    return float(np.std(cells))
