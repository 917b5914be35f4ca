"""Measures of light: how much, how even, what colour, from where."""

from __future__ import annotations

import cv2
import numpy as np

from workbench.core.measures.picture import (
    BLACK_8BIT,
    DARKEST_STOPS,
    STEP,
    WHITE_8BIT,
    Picture,
    Plane,
    percentiles,
    slopes,
)

MIDDLE_GRAY = 0.18
DARKEST = 2.0**-12
COLDEST_K, WARMEST_K = 20_000.0, 1_700.0
XYZ_FROM_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
DEEP_STOPS = 5.0


def luminance(picture: Picture) -> float:
    """Mean luma, sRGB-coded: 0 black, 1 white.

    >>> luminance(Picture(np.full((4, 4), 255, np.uint8)))
    1.0
    """
    return round(cv2.mean(picture.luma)[0], 6)


def luminance_median(picture: Picture) -> float:
    """Median luma, sRGB-coded 0..1; a small saturated highlight does not lift it."""
    return picture.luma_percentiles[50]


def exposure_ev(picture: Picture) -> float:
    """Stops by which the mean linear luminance lies above middle gray (0.18); highlights cut at the 95th percentile.

    >>> round(exposure_ev(Picture(np.full((4, 4), 118, np.uint8))), 1)
    0.0
    """
    mean = cv2.mean(np.minimum(picture.luminance, np.float32(picture.luminance_percentiles[95])))[0]
    return float(np.log2(max(mean, DARKEST) / MIDDLE_GRAY))


def contrast(picture: Picture) -> float:
    """Robust contrast: 95th minus 5th percentile of luma, 0..1."""
    return picture.luma_percentiles[95] - picture.luma_percentiles[5]


def dynamic_range_stops(picture: Picture) -> float:
    """Stops between the 1st and the 99th percentile of linear luminance, one 8-bit step as floor."""
    low, high = picture.luminance_percentiles[1], picture.luminance_percentiles[99]
    return float(np.log2((high + STEP) / (low + STEP)))


def clipped_dark(picture: Picture) -> float:
    """Share of pixels whose three channels are at most 2 of 255."""
    return _share(cv2.inRange(picture.brightest, 0, BLACK_8BIT))


def clipped_bright(picture: Picture) -> float:
    """Share of pixels with a channel of at least 253 of 255: what the sensor could not hold."""
    return _share(cv2.inRange(picture.brightest, WHITE_8BIT, 255))


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


def color_temperature_k(picture: Picture) -> float:
    """Colour temperature that the mean colour would have as light, 1700 to 20000 K; 6504 K is neutral.

    McCamy's cubic (1992) on the chromaticity of the gray-world mean; a hint of the cast, not of the lamp.
    """
    x, y, z = XYZ_FROM_RGB @ picture.mean_rgb
    n = (x / (x + y + z) - 0.3320) / (0.1858 - y / (x + y + z) + 1e-9)
    kelvin = 449.0 * n**3 + 3525.0 * n**2 + 6823.3 * n + 5520.33
    return float(np.clip(kelvin, WARMEST_K, COLDEST_K))


def unevenness(picture: Picture) -> float:
    """Spread of light over the picture: standard deviation of the mean luma of a 4 x 4 grid, 0..0.5."""
    size = (min(4, picture.luma.shape[1]), min(4, picture.luma.shape[0]))
    return float(np.std(cv2.resize(picture.luma, size, interpolation=cv2.INTER_AREA)))


def unevenness_stops(picture: Picture) -> float:
    """As ``unevenness``, of linear luminance in stops, so that it does not shrink when the exposure does."""
    return float(np.std(picture.grid_stops))


def spotlight_stops(picture: Picture) -> float:
    """Stops by which the middle 4 of 16 cells are brighter than the outer 12; negative when the rim is brighter."""
    return _middle_over_rim(picture.grid_stops)


def backlight_stops(picture: Picture) -> float:
    """Stops by which the upper quarter of the picture is brighter than the rest: light that comes from behind.

    Backlight stands beyond the things, so it brightens what is far, at the top, and leaves near sides in shadow.
    """
    cells = picture.grid_stops
    return float(cells[0].mean() - cells[1:].mean()) if cells.shape[0] > 1 else 0.0


def light_direction_deg(picture: Picture) -> float:
    """Hint where the light comes from in the picture: 0 from the right, 90 from the top, 180 from the left.

    The direction in which the luminance of a plane fitted to the 4 x 4 grid rises; ``light_slope_stops`` says how much
    there is to it.
    """
    right, up = picture.once(_slope)
    return float(np.degrees(np.arctan2(up, right)) % 360.0)


def light_slope_stops(picture: Picture) -> float:
    """Stops by which a plane fitted to the luminance rises across the picture, along ``light_direction_deg``."""
    return float(np.hypot(*picture.once(_slope)))


def shadow_hardness(picture: Picture) -> float:
    """Stops per pixel of ``small`` that the steepest hundredth of all steps of luminance have, 0..6.

    Hard light gives shadows with sharp rims; soft light leaves only the rims of things.
    """
    if min(picture.small.shape[:2]) < 3:
        return 0.0
    steep = gradient(picture.seen_stops)
    return percentiles(steep, (99,))[99]


def shadow_share(picture: Picture) -> float:
    """Share of pixels in deep shadow: more than 5 stops below the 90th percentile of luminance."""
    limit = float(np.log2(picture.luminance_percentiles[90] + STEP)) - DEEP_STOPS
    return _share(cv2.inRange(picture.stops, -np.inf, float(np.nextafter(np.float32(limit), np.float32(-np.inf)))))


def shadow_depth_stops(picture: Picture) -> float:
    """Stops between the lit and the shaded part of the picture, parted where their means differ most (Otsu 1979)."""
    per_stop = 255 / -DARKEST_STOPS
    scaled = cv2.convertScaleAbs(picture.seen_stops, alpha=per_stop, beta=255)
    count = cv2.calcHist([scaled], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    below, sum_below = np.cumsum(count), np.cumsum(count * np.arange(256))
    above, sum_above = below[-1] - below, sum_below[-1] - sum_below
    apart = sum_above / np.maximum(above, 1) - sum_below / np.maximum(below, 1)
    best = int(np.argmax(below * above * apart**2))
    return float(apart[best] / per_stop) if above[best] and below[best] else 0.0


def bright_height(picture: Picture) -> float:
    """Height of the middle of the brightest fiftieth: 0 bottom, 1 top; glare of a light behind things lies high."""
    limit = picture.luminance_percentiles[98]
    bright = cv2.inRange(picture.luminance, limit, np.inf)
    rows = cv2.reduce(bright, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    return float(rows @ np.linspace(1, 0, rows.size) / rows.sum()) if rows.size > 1 else 0.5


def gradient(plane: Plane) -> Plane:
    """Magnitude of the gradient per pixel (Sobel).

    Not ``cv2.magnitude``, whose last bits hang on where in memory the planes lie.
    """
    dx, dy = slopes(plane)
    return np.asarray(np.sqrt(dx * dx + dy * dy), np.float32)


def _share(mask: np.ndarray) -> float:
    return cv2.countNonZero(mask) / mask.size


def _middle_over_rim(cells: Plane) -> float:
    if min(cells.shape) < 4:
        return 0.0
    inner = float(cells[1:3, 1:3].mean())
    return inner - (float(cells.sum()) - 4 * inner) / 12


def _slope(picture: Picture) -> tuple[float, float]:
    """Rise of a plane fitted to ``grid_stops`` over the whole width (to the right) and height (upwards)."""
    cells = picture.grid_stops
    rows, columns = cells.shape
    x, y = np.arange(columns) - (columns - 1) / 2, (rows - 1) / 2 - np.arange(rows)
    right = float(x @ cells.mean(axis=0)) / max(float(x @ x), 1e-9) * columns
    up = float(y @ cells.mean(axis=1)) / max(float(y @ y), 1e-9) * rows
    return right, up
