"""One decoded picture with the intermediate results that several measures share.

Two sizes serve all measures: ``small`` in colour for light and surfaces, and ``detail``, gray at full size, for what
the sensor does. Neither needs the whole picture in colour, so a JPEG is decoded to these two alone (``decoding``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Plane = NDArray[np.float32]
Signed = NDArray[np.int16]
Rgb8 = NDArray[np.uint8]
SMALL_SIDE = 320  # lighting does not change below this, and it is four times quicker than 640
DETAIL_PX = 1280  # edge of the middle part that the sensor's measures look at in larger pictures
BLACK_8BIT, WHITE_8BIT = 2, 253
REC709 = (0.2126, 0.7152, 0.0722)
LUMA_WEIGHTS = np.array([REC709], np.float32) / np.float32(255)
SRGB_TO_LINEAR = np.array(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255.0], np.float32
)
STEP = 1 / 255 / 12.92  # linear value of one 8-bit step near black
DARKEST_STOPS = -8.0  # below it a step of luminance is one of the sensor's
SQUARE = (3, 3)  # that edges are averaged over, once before a first look and twice more before the second
SQUARE_VARIANCE, SOBEL_VARIANCE = 2 / 3, 1 / 3  # px^2; Sobel's differences smooth too
PRE_SIGMA_PX, RE_SIGMA_PX = (SQUARE_VARIANCE + SOBEL_VARIANCE) ** 0.5, (2 * SQUARE_VARIANCE) ** 0.5
GRADIENT_NOISE = 0.1667  # of white noise of 1 after the first smoothing and Sobel
STRENGTH_ZOOM = 0.25  # so that the largest sum, 1020, fits
SOBEL_SUM = 8  # by which OpenCV's whole-number Sobel is larger than the gradient
EDGE_SIGMAS = 4.5
CLIPPED_GRAY = 248
WORTH_STRETCHING = 2.0
CLIP_REACH = np.ones((7, 7), np.uint8)
FLAT = 1e-6  # variance of luma under which there is nothing to compare
PERCENTILE_SAMPLES = 8_000
WIDE_SAMPLES = 20_000
NOISE_BLOCK_PX, QUIET_SHARE, IMMERKAER = 16, 0.25, float(np.sqrt(np.pi / 2) / 6)
IMMERKAER_MASK = np.array([1, -2, 1], np.float32)
MANY_BLOCKS = 600
ROUGH_SHARE = 0.9
NORMAL_MIN, FEWEST_BLOCKS = 0.5, 20
QUIET_BIAS = 1.06  # the quietest quarter of equal blocks lies this much below their mean
CELLS_ACROSS = 64  # cells that the surround of a pixel is the median of 5 x 5 of
RELIEF_PX = (3, 7, 13)  # edges of the squares over which detail is averaged away, in pixels of ``small``


@dataclass(frozen=True, eq=False)
class Edges:
    """Gradients of a gray picture at two scales, as sums of Sobel's mask: ``SOBEL_SUM`` times those per pixel.

    Whole numbers do, in a quarter of the time, since a dark picture is made brighter before.

    Attributes:
        fine: along x and y, of the picture averaged over ``SQUARE``; with Sobel, by ``PRE_SIGMA_PX``.
        second: the picture smoothed by ``RE_SIGMA_PX`` more; its gradients are needed in few places.
        strength: the larger part of ``fine``, 0 around clipped areas; from 0 to 255 in steps of ``1 / per_level``.
        per_level: units of ``strength`` for a gradient of one gray level per pixel.
        floor: strength up to which noise explains it, in its units.
    """

    fine: tuple[Signed, Signed]
    second: NDArray[np.uint8]
    strength: NDArray[np.uint8]
    per_level: float
    floor: float


class Picture:
    """A picture, whatever its size and type, as the planes that measures need.

    Args:
        rgb: ``(H, W)``, ``(H, W, 1)``, ``(H, W, 3)`` or ``(H, W, 4)``; uint8, uint16 or float 0..1.

    Raises:
        ValueError: another shape or type, or no pixels.

    Attributes:
        small: ``(h, w, 3)`` uint8 RGB, its longer side at most ``SMALL_SIDE``, averaged over areas.
        detail: ``(H, W)`` uint8 luma at full size; of larger pictures the middle ``DETAIL_PX`` pixels.
        bits: bits per channel that the values use, up to 16.
    """

    def __init__(self, rgb: NDArray[np.generic]) -> None:
        values = _checked(rgb)
        self.bits = _bits(values)
        eight = _as_rgb8(values)
        self.small = shrunk(eight)
        self.detail = middle(np.asarray(cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY), np.uint8))

    @classmethod
    def of_planes(cls, *, small: Rgb8, detail: NDArray[np.uint8]) -> Picture:
        """A picture whose two planes a decoder made: RGB of any size from ``SMALL_SIDE``, and luma at full size."""
        picture = cls.__new__(cls)
        picture.bits, picture.small, picture.detail = 8, shrunk(small), middle(detail)
        return picture

    @cached_property
    def luma(self) -> Plane:
        """sRGB-coded luma 0..1 of ``small``."""
        return np.asarray(cv2.transform(self.small.astype(np.float32), LUMA_WEIGHTS), np.float32).reshape(
            self.small.shape[:2]
        )

    @cached_property
    def luma8(self) -> NDArray[np.uint8]:
        """``luma`` in steps of 1 / 255."""
        return (self.luma * np.float32(255) + np.float32(0.5)).astype(np.uint8)

    @cached_property
    def luminance(self) -> Plane:
        """Linear luminance 0..1 of ``small`` (IEC 61966-2-1 inverted)."""
        return _weighted(self.linear)

    @cached_property
    def linear(self) -> Plane:
        """``small`` as linear RGB 0..1."""
        return np.asarray(cv2.LUT(self.small, SRGB_TO_LINEAR), np.float32)

    @cached_property
    def stops(self) -> Plane:
        """Base-2 logarithm of ``luminance``, one 8-bit step as floor."""
        lifted = self.luminance + np.float32(STEP)
        return np.asarray(cv2.log(lifted), np.float32).reshape(lifted.shape) * np.float32(1 / np.log(2))

    @cached_property
    def seen_stops(self) -> Plane:
        """``stops``, cut where a step of luminance is one of the sensor's."""
        return np.maximum(self.stops, np.float32(DARKEST_STOPS))

    @cached_property
    def luma_percentiles(self) -> dict[int, float]:
        """Percentiles 1, 5, 50, 95, 99 of ``luma``."""
        return percentiles(self.luma, (1, 5, 50, 95, 99))

    @cached_property
    def luminance_percentiles(self) -> dict[int, float]:
        """Percentiles 1, 5, 50, 90, 95, 98, 99 of ``luminance``."""
        return percentiles(self.luminance, (1, 5, 50, 90, 95, 98, 99))

    @cached_property
    def brightest(self) -> NDArray[np.uint8]:
        """The largest of the three channels of ``small``."""
        red, green, blue = self._channels
        return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)

    @cached_property
    def darkest(self) -> NDArray[np.uint8]:
        """The smallest of the three channels of ``small``."""
        red, green, blue = self._channels
        return np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)

    @cached_property
    def _channels(self) -> Sequence[NDArray[np.uint8]]:
        return [np.asarray(channel, np.uint8) for channel in cv2.split(self.small)]

    @cached_property
    def mean_rgb(self) -> tuple[float, float, float]:
        """Linear mean of each channel of ``small``, of every other row, where it is neither black nor clipped."""
        usable = cv2.inRange(self.brightest[::2], BLACK_8BIT + 1, WHITE_8BIT - 1)
        if not cv2.countNonZero(usable):
            return (1.0, 1.0, 1.0)  # nothing can be said of the colour, and equal channels are "no cast seen"
        red, green, blue = np.maximum(cv2.mean(self.linear[::2], mask=usable)[:3], 1e-6).tolist()
        return red, green, blue

    @cached_property
    def grid_stops(self) -> Plane:
        """``stops`` of the mean luminance of a grid of 4 x 4 cells (fewer where there are fewer pixels)."""
        size = (min(4, self.small.shape[1]), min(4, self.small.shape[0]))
        cells = cv2.resize(self.luminance, size, interpolation=cv2.INTER_AREA).reshape(size[::-1])
        return np.asarray(np.log2(cells + STEP), np.float32)

    @cached_property
    def bands(self) -> tuple[Plane, ...]:
        """Detail of ``luma`` between means over neighbouring ``RELIEF_PX``, finest first."""
        levels = [self.luma, *(cv2.blur(self.luma, (side, side)) for side in RELIEF_PX)]
        return tuple(np.asarray(fine - coarse, np.float32) for fine, coarse in pairwise(levels))

    @cached_property
    def fine(self) -> Plane:
        """Detail of ``luma`` finer than its mean over the second of ``RELIEF_PX``."""
        return np.asarray(self.bands[0] + self.bands[1], np.float32)

    @cached_property
    def band_moments(self) -> tuple[float, float]:
        """Skewness and kurtosis of the middle one of ``bands``."""
        return moments(self.bands[1])

    @cached_property
    def above_wide(self) -> Plane:
        """How far ``luma`` lies above its mean over a quarter of the width, at about ``WIDE_SAMPLES`` pixels."""
        step = max(1, round((self.luma.size / WIDE_SAMPLES) ** 0.5))
        sampled = np.ascontiguousarray(self.luma[::step, ::step])
        side = max(3, sampled.shape[1] // 4 | 1)
        return np.asarray(sampled - cv2.blur(sampled, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    @cached_property
    def surround(self) -> NDArray[np.uint8]:
        """Median of ``luma8`` over a thirteenth of the width about each pixel, by means of 5 x 5 cells."""
        height, width = self.luma8.shape
        cell = max(1, round(width / CELLS_ACROSS))
        size = (max(1, width // cell), max(1, height // cell))
        cells = cv2.resize(self.luma8, size, interpolation=cv2.INTER_AREA)
        median = cv2.medianBlur(cells, 5).reshape(cells.shape)
        return np.asarray(cv2.resize(median, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    @cached_property
    def noise(self) -> float:
        """See ``sensor.noise``."""
        return _at(self._residues, QUIET_SHARE) * IMMERKAER * QUIET_BIAS

    @cached_property
    def typical_noise(self) -> float:
        """Noise and texture of all but the roughest blocks in gray levels: what an edge must stand out from."""
        return _at(self._residues, ROUGH_SHARE) * IMMERKAER

    @cached_property
    def _residues(self) -> Plane:
        return block_residues(self.detail)

    def once(self, function: Callable[[Picture], T]) -> T:
        """Result of a function of this picture, kept for the next call."""
        if function not in self._results:
            self._results[function] = function(self)
        result: T = self._results[function]
        return result

    @cached_property
    def _results(self) -> dict[Callable[[Picture], Any], Any]:
        return {}

    def edges(self, level: int) -> Edges:
        """Gradients of ``detail`` halved ``level`` times; computed once."""
        if level not in self._edges:
            self._edges[level] = self._make_edges(level)
        return self._edges[level]

    @cached_property
    def _edges(self) -> dict[int, Edges]:
        return {}

    def _make_edges(self, level: int) -> Edges:
        gray, gain = self._stretched
        if level:
            width, height = (max(1, side >> level) for side in gray.shape[::-1])
            gray = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
        first = cv2.blur(gray, SQUARE)
        dx, dy = sums(first)
        strength = cv2.max(*(cv2.convertScaleAbs(part, alpha=STRENGTH_ZOOM) for part in (dx, dy)))
        if self._most >= CLIPPED_GRAY:
            clipped = cv2.compare(gray, CLIPPED_GRAY, cv2.CMP_GE)
            strength = cv2.copyTo(strength, cv2.bitwise_not(cv2.dilate(clipped, CLIP_REACH)))
        per_level = SOBEL_SUM * STRENGTH_ZOOM * gain
        floor = per_level * max(0.5, EDGE_SIGMAS * GRADIENT_NOISE * self.typical_noise / 2**level)
        second = cv2.blur(cv2.blur(first, SQUARE), SQUARE)
        return Edges((dx, dy), second, np.asarray(strength, np.uint8), per_level, floor)

    @cached_property
    def _stretched(self) -> tuple[NDArray[np.uint8], float]:
        """``detail``, brighter if it is dark, so that rounding spares what edges there are; and by how much."""
        gain = 255 / max(self._most, 1.0)
        if gain < WORTH_STRETCHING:
            return self.detail, 1.0
        return np.asarray(cv2.convertScaleAbs(self.detail, alpha=gain), np.uint8), gain

    @cached_property
    def _most(self) -> float:
        return float(cv2.minMaxLoc(self.detail)[1])


def slopes(plane: Plane) -> tuple[Plane, Plane]:
    """Gradient along x and y per pixel (Sobel)."""
    dx, dy = (cv2.Sobel(plane, cv2.CV_32F, *order, scale=1 / SOBEL_SUM) for order in ((1, 0), (0, 1)))
    return np.asarray(dx, np.float32), np.asarray(dy, np.float32)


def sums(gray: NDArray[np.uint8]) -> tuple[Signed, Signed]:
    """Sums of Sobel's mask along x and y."""
    dx, dy = (cv2.Sobel(gray, cv2.CV_16S, *order) for order in ((1, 0), (0, 1)))
    return np.asarray(dx, np.int16), np.asarray(dy, np.int16)


def block_residues(gray: NDArray[np.uint8]) -> Plane:
    """What Immerkaer's mask leaves of each block, sorted, of blocks that clipping and single edges do not touch.

    The mean magnitude of normal noise is 0.8 of its root mean square; in a block with an edge, or one that JPEG
    has emptied but for a few coefficients, it is much less. Of larger pictures every other row of blocks is taken.
    """
    rows, columns = (side // NOISE_BLOCK_PX for side in gray.shape)
    if not rows or not columns:
        return np.zeros(0, np.float32)
    every = 2 if rows * columns >= MANY_BLOCKS else 1
    width = columns * NOISE_BLOCK_PX
    shape = (rows, NOISE_BLOCK_PX, width)
    gray = gray[: rows * NOISE_BLOCK_PX, :width]
    residue = cv2.sepFilter2D(gray, cv2.CV_16S, IMMERKAER_MASK, IMMERKAER_MASK).reshape(shape)[::every]
    magnitude = np.abs(residue).astype(np.float32).reshape(-1, width)
    strength, power, mean = (
        cv2.resize(plane, (columns, len(residue)), interpolation=cv2.INTER_AREA)
        for plane in (magnitude, magnitude * magnitude, gray.reshape(shape)[::every].reshape(-1, width))
    )
    open_blocks = (mean > 5) & (mean < 250)
    normal = open_blocks & (strength * strength >= NORMAL_MIN * power)
    chosen = normal if np.count_nonzero(normal) >= FEWEST_BLOCKS else open_blocks
    return np.sort(strength[chosen])


def _at(ordered: Plane, share: float) -> float:
    return float(ordered[int(share * ordered.size)]) if ordered.size else 0.0


def percentiles(values: Plane, wanted: tuple[int, ...]) -> dict[int, float]:
    """Percentiles by rank, of large planes from about 8,000 values spread evenly, which is exact to half of one."""
    flat = sampled(values, PERCENTILE_SAMPLES)
    ranks = [round(p / 100 * (flat.size - 1)) for p in wanted]
    ordered = np.sort(flat)  # numpy sorts floats faster than it finds several ranks
    return {p: float(ordered[rank]) for p, rank in zip(wanted, ranks, strict=True)}


def moments(plane: Plane) -> tuple[float, float]:
    """Skewness and kurtosis, the third and fourth standardised moments; 0 and 3 of a flat plane."""
    centred = np.ascontiguousarray(plane - np.float32(cv2.mean(plane)[0]))
    squared = centred * centred
    variance = float(np.vdot(centred, centred)) / plane.size
    if variance <= FLAT:
        return 0.0, 3.0
    third, fourth = (float(np.vdot(squared, other)) / plane.size for other in (centred, squared))
    return float(np.clip(third / variance**1.5, -20, 20)), float(min(fourth / variance**2, 100.0))


def sampled(plane: Plane, most: int) -> Plane:
    """About ``most`` values of a plane or all; the step is odd, so that columns take turns."""
    step = max(1, plane.size // most)
    return plane.ravel()[:: step | 1]


def middle_of(values: Plane) -> float:
    """The middle value by rank; for short rows far quicker than numpy's median."""
    return float(np.sort(values, axis=None)[values.size // 2])


def shrunk(rgb: Rgb8) -> Rgb8:
    """The picture with its longer side at most ``SMALL_SIDE``."""
    height, width = rgb.shape[:2]
    scale = SMALL_SIDE / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def middle(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle ``DETAIL_PX`` rows and columns, cut at multiples of 8 so that the grid of a JPEG stays in place."""
    top, left = (max(0, (side - DETAIL_PX) // 2 // 8 * 8) for side in gray.shape)
    return np.ascontiguousarray(gray[top : top + DETAIL_PX, left : left + DETAIL_PX])


def _weighted(linear: Plane) -> Plane:
    luminance = cv2.transform(linear, np.array([REC709], np.float32))
    return np.asarray(luminance, np.float32).reshape(linear.shape[:2])


def _checked(values: NDArray[np.generic]) -> NDArray[np.generic]:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    good_shape = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))
    if not good_shape or values.size == 0:
        raise ValueError(f"An image must have the shape (H, W), (H, W, 3) or (H, W, 4) and pixels, not {values.shape}.")
    if values.dtype not in (np.uint8, np.uint16) and not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"Pixels must be uint8, uint16 or float, not {values.dtype}.")
    return values[:, :, :3] if values.ndim == 3 else values


def _bits(values: NDArray[np.generic]) -> int:
    """16 less the low bits that are zero everywhere (a 12-bit converter shifts its values up); floats count as 16."""
    if values.dtype == np.uint8:
        return 8
    if values.dtype != np.uint16:
        return 16
    used = int(np.bitwise_or.reduce(values, axis=None))
    return 16 - (used & -used).bit_length() + 1 if used else 16


def _as_rgb8(values: NDArray[np.generic]) -> Rgb8:
    if values.dtype == np.uint16:
        values = (values.astype(np.uint16) >> 8).astype(np.uint8)
    elif values.dtype != np.uint8:
        values = (np.clip(np.nan_to_num(values), 0, 1) * 255 + 0.5).astype(np.uint8)
    if values.ndim == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(values, np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)
    return np.ascontiguousarray(values, np.uint8)
