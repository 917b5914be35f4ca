"""Measures of surfaces: highlights, texture, and statistics of detail that go with gloss."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.measures.picture import Picture, Plane, middle_of, sampled

HIGHLIGHT_MIN, WHITE_MIN = 235, 190
SURROUND_SHARE, SURROUND_STEP = 8, 0.15
GLINT_SHARE, GLINT_SAMPLES = 0.005, 40_000
REPEAT_SIDE = 72  # edge of the field whose repetition is sought, in pixels of ``small``
REPEAT_MIN_PX = 6  # nearer than this everything looks like itself
FLAT = 1e-6  # variance of luma under which there is nothing to compare


def highlight_share(picture: Picture) -> float:
    """Share of pixels in specular highlights: bright, unsaturated, and standing out from their surround.

    A pixel counts when max(R, G, B) >= 235, min(R, G, B) >= 190 and its luma exceeds the median of
    its neighbourhood (1/8 of the width) by 0.15; so a white sheet is not a highlight, a glint on
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
    above = sampled(picture.luma - picture.wide, GLINT_SAMPLES)
    rank = above.size - 1 - int(GLINT_SHARE * above.size)
    return max(float(np.sort(above)[rank]), 0.0)


def luma_skewness(picture: Picture) -> float:
    """Skewness of luma: positive when few bright places stand on much dark, as on glossy surfaces.

    Motoyoshi et al. 2007, "Image statistics and the perception of surface qualities". -20..20.
    """
    return skewness(picture.luma)


def detail_skewness(picture: Picture) -> float:
    """Skewness of detail of 2 to 4 pixels of the reduced picture (as ``luma_skewness``, of a sub-band). -20..20."""
    return skewness(picture.bands[1])


def detail_kurtosis(picture: Picture) -> float:
    """Kurtosis of detail of 2 to 4 pixels: 3 for noise and even texture, more for few sharp things on flat ground."""
    return kurtosis(picture.bands[1])


def texture(picture: Picture) -> float:
    """Energy of fine detail: standard deviation of luma minus its local mean (9 px), 0..0.5."""
    return float(cv2.meanStdDev(picture.luma - cv2.blur(picture.luma, (9, 9)))[1][0, 0])


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
    fine = picture.bands[0] + picture.bands[1]
    dx, dy = cv2.Sobel(fine, cv2.CV_32F, 1, 0), cv2.Sobel(fine, cv2.CV_32F, 0, 1)
    size = (fine.shape[1] // 20, fine.shape[0] // 20)
    xx, yy, xy = (cv2.resize(a * b, size, interpolation=cv2.INTER_AREA) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    return middle_of(np.asarray(np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 1e-7), np.float32))


def repetition(picture: Picture) -> float:
    """How well the middle of the picture repeats itself: highest side peak of its autocorrelation, 0..1.

    1 for a regular pattern such as a perforated sheet or a tray of equal pockets (Lin et al. 1997).
    """
    luma = picture.bands[0] + picture.bands[1] + picture.bands[2]
    side = min(*luma.shape, REPEAT_SIDE)
    if side < 4 * REPEAT_MIN_PX:
        return 0.0
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    return _side_peak(luma[top : top + side, left : left + side])


def saturation(picture: Picture) -> float:
    """Mean saturation (HSV): 0 gray, 1 pure colours; metals and mirrors have little of their own."""
    bright = np.maximum(picture.brightest.astype(np.float32), 1.0)
    return float(1.0 - (picture.darkest / bright).mean()) if picture.brightest.any() else 0.0


def highlights(picture: Picture) -> NDArray[np.uint8]:
    """Mask of specular highlights over ``small``, 255 inside; see ``highlight_share``."""
    return picture.once(_highlights)


def _highlights(picture: Picture) -> NDArray[np.uint8]:
    mask = cv2.inRange(picture.brightest, HIGHLIGHT_MIN, 255) & cv2.inRange(picture.darkest, WHITE_MIN, 255)
    if cv2.countNonZero(mask) == 0:
        return np.asarray(mask, np.uint8)
    above = picture.luma > picture.surround + np.float32(SURROUND_STEP)
    return np.asarray(mask * above, np.uint8)


def skewness(plane: Plane) -> float:
    """Third standardised moment; 0 of a flat plane."""
    centred = plane - cv2.mean(plane)[0]
    squared = centred * centred
    variance = cv2.mean(squared)[0]
    return float(np.clip(cv2.mean(squared * centred)[0] / variance**1.5, -20, 20)) if variance > FLAT else 0.0


def kurtosis(plane: Plane) -> float:
    """Fourth standardised moment, 3 for a normal distribution, at most 100; 3 of a flat plane."""
    centred = plane - cv2.mean(plane)[0]
    squared = centred * centred
    variance = cv2.mean(squared)[0]
    return float(min(cv2.mean(squared * squared)[0] / variance**2, 100.0)) if variance > FLAT else 3.0


def _side_peak(field: Plane) -> float:
    """Highest value of the normalised autocorrelation that is a local maximum away from the centre."""
    centred = field - float(field.mean())
    if float((centred**2).mean()) < FLAT:
        return 0.0
    side, reach = field.shape[0], field.shape[0] // 3
    window, overlap, distance = _window(side, reach)
    spectrum = cv2.dft(cv2.copyMakeBorder(centred * window, 0, side, 0, side, cv2.BORDER_CONSTANT))
    score = _about_centre(cv2.idft(cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)), reach) / overlap
    score /= score[reach, reach]
    peaks = (
        (score >= cv2.dilate(score, np.ones((5, 5), np.uint8))) & (distance >= REPEAT_MIN_PX) & (distance < reach - 1)
    )
    return float(np.clip(score[peaks].max(), 0.0, 1.0)) if peaks.any() else 0.0


@lru_cache(maxsize=8)
def _window(side: int, reach: int) -> tuple[Plane, Plane, Plane]:
    """A window that fades to its rim, its own autocorrelation, and the distance of each shift."""
    window = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1]).astype(np.float32)
    spectrum = cv2.dft(cv2.copyMakeBorder(window, 0, side, 0, side, cv2.BORDER_CONSTANT))
    overlap = _about_centre(cv2.idft(cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)), reach)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return window, overlap, np.hypot(x, y).astype(np.float32)


def _about_centre(circular: Plane, reach: int) -> Plane:
    """The shifts up to ``reach`` of a circular correlation, none in the middle."""
    rolled = np.roll(circular, (reach, reach), axis=(0, 1))
    return np.ascontiguousarray(rolled[: 2 * reach + 1, : 2 * reach + 1], np.float32)
