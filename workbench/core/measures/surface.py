"""Measures of surfaces: highlights, texture, and statistics of detail that go with gloss."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.measures.picture import FLAT, Picture, Plane, middle_of, moments

HIGHLIGHT_MIN, WHITE_MIN = 235, 190
SURROUND_STEP = 25  # of 255
GLINT_SHARE = 0.005
REPEAT_SIDE = 72  # edge of the field whose repetition is sought, in pixels of ``small``
PEAK_REACH = np.ones((5, 5), np.uint8)
REPEAT_MIN_PX = 6  # nearer than this everything looks like itself


def highlight_share(picture: Picture) -> float:
    """Share of pixels in specular highlights: bright, unsaturated, and standing out from their surround.

    A pixel counts when max(R, G, B) >= 235, min(R, G, B) >= 190 and its luma exceeds the median of
    its neighbourhood (1/13 of the width) by 0.1; so a white sheet is not a highlight, a glint on
    it is none either, and a glint on metal is one. After Arnold et al. 2010, "Automatic
    segmentation and inpainting of specular highlights".
    """
    mask = highlights(picture)
    return cv2.countNonZero(mask) / mask.size


def highlight_size(picture: Picture) -> float:
    """Area of the largest highlight as a share of the picture."""
    mask = highlights(picture)
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return 0.0
    part = np.ascontiguousarray(mask[top : top + height, left : left + width])
    _, _, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    return float(stats[1:, cv2.CC_STAT_AREA].max() / mask.size)


def glint(picture: Picture) -> float:
    """How far the brightest half percent stands above its wide surround, in luma, 0..1; also below saturation."""
    above = picture.above_wide
    rank = above.size - 1 - int(GLINT_SHARE * above.size)
    return max(float(np.sort(above, axis=None)[rank]), 0.0)


def luma_skewness(picture: Picture) -> float:
    """Skewness of luma: positive when few bright places stand on much dark, as on glossy surfaces.

    Motoyoshi et al. 2007, "Image statistics and the perception of surface qualities". -20..20.
    """
    return moments(picture.luma)[0]


def detail_skewness(picture: Picture) -> float:
    """Skewness of detail of 2 to 4 pixels of the reduced picture (as ``luma_skewness``, of a sub-band). -20..20."""
    return picture.band_moments[0]


def detail_kurtosis(picture: Picture) -> float:
    """Kurtosis of detail of 2 to 4 pixels: 3 for noise and even texture, more for few sharp things on flat ground."""
    return picture.band_moments[1]


def texture(picture: Picture) -> float:
    """Energy of fine detail: standard deviation of luma minus its local mean (7 px), 0..0.5."""
    return float(cv2.meanStdDev(picture.fine)[1][0, 0])


def texture_slope(picture: Picture) -> float:
    """Stops by which detail of 4 to 8 pixels is stronger than detail of 1 to 2: 0 is fine grain, 4 smooth forms."""
    fine, _, coarse = (float(cv2.meanStdDev(band)[1][0, 0]) for band in picture.bands)
    return float(np.log2((coarse + 5e-4) / (fine + 5e-4)))


def anisotropy(picture: Picture) -> float:
    """How much detail runs in one direction, as brushed metal and boards do: coherence of the structure tensor, 0..1.

    Median over cells of 20 pixels, so that it speaks of surfaces and not of the rims of things.
    """
    if min(picture.luma.shape) < 20:
        return 0.0
    fine = picture.fine
    dx, dy = cv2.Sobel(fine, cv2.CV_32F, 1, 0), cv2.Sobel(fine, cv2.CV_32F, 0, 1)
    size = (fine.shape[1] // 20, fine.shape[0] // 20)
    xx, yy, xy = (cv2.resize(a * b, size, interpolation=cv2.INTER_AREA) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    return middle_of(np.asarray(np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 1e-7), np.float32))


def repetition(picture: Picture) -> float:
    """How well the middle of the picture repeats itself: highest side peak of its autocorrelation, 0..1.

    1 for a regular pattern such as a perforated sheet or a tray of equal pockets (Lin et al. 1997).
    """
    height, width = picture.luma.shape
    side = min(height, width, REPEAT_SIDE)
    if side < 4 * REPEAT_MIN_PX:
        return 0.0
    top, left = (height - side) // 2, (width - side) // 2
    middle = slice(top, top + side), slice(left, left + side)
    return _side_peak(np.asarray(picture.fine[middle] + picture.bands[2][middle], np.float32))


def saturation(picture: Picture) -> float:
    """Mean saturation (HSV): 0 gray, 1 pure colours; metals and mirrors have little of their own."""
    black = 1.0 - cv2.countNonZero(picture.brightest) / picture.brightest.size  # has no colour, and divides to 0
    gray = cv2.divide(picture.darkest, np.maximum(picture.brightest, np.uint8(1)), dtype=cv2.CV_32F)
    return max(1.0 - cv2.mean(gray)[0] - black, 0.0)


def highlights(picture: Picture) -> NDArray[np.uint8]:
    """Mask of specular highlights over ``small``, 255 inside; see ``highlight_share``."""
    return picture.once(_highlights)


def _highlights(picture: Picture) -> NDArray[np.uint8]:
    mask = cv2.inRange(picture.brightest, HIGHLIGHT_MIN, 255) & cv2.inRange(picture.darkest, WHITE_MIN, 255)
    if cv2.countNonZero(mask) == 0:
        return np.asarray(mask, np.uint8)
    above = cv2.inRange(cv2.subtract(picture.luma8, picture.surround), SURROUND_STEP, 255)
    return np.asarray(cv2.bitwise_and(mask, above), np.uint8)


def _side_peak(field: Plane) -> float:
    """Highest value of the normalised autocorrelation that is a local maximum away from the centre."""
    centred = field - float(field.mean())
    if float((centred**2).mean()) < FLAT:
        return 0.0
    side, reach = field.shape[0], field.shape[0] // 3
    window, overlap, far = _window(side, reach)
    spectrum = cv2.dft(cv2.copyMakeBorder(centred * window, 0, side, 0, side, cv2.BORDER_CONSTANT))
    score = _about_centre(cv2.idft(cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)), reach) / overlap
    score /= score[reach, reach]
    peaks = cv2.compare(score, cv2.dilate(score, PEAK_REACH), cv2.CMP_GE) & far
    return min(max(cv2.minMaxLoc(score, mask=peaks)[1], 0.0), 1.0) if cv2.countNonZero(peaks) else 0.0


@lru_cache(maxsize=8)
def _window(side: int, reach: int) -> tuple[Plane, Plane, NDArray[np.uint8]]:
    """A window that fades to its rim, its own autocorrelation, and where shifts are neither too small nor too large."""
    window = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1]).astype(np.float32)
    spectrum = cv2.dft(cv2.copyMakeBorder(window, 0, side, 0, side, cv2.BORDER_CONSTANT))
    overlap = _about_centre(cv2.idft(cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)), reach)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    return window, overlap, np.where((distance >= REPEAT_MIN_PX) & (distance < reach - 1), 255, 0).astype(np.uint8)


def _about_centre(circular: Plane, reach: int) -> Plane:
    """The shifts up to ``reach`` of a circular correlation, none in the middle."""
    rows = np.concatenate([circular[-reach:], circular[: reach + 1]])
    return np.concatenate([rows[:, -reach:], rows[:, : reach + 1]], axis=1)
