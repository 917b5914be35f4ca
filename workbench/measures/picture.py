"""One decoded picture with the intermediate results that several measures share.

Two sizes serve all measures: ``small`` in colour for light and surfaces, and ``detail``, gray at full size, for what
the sensor does. Neither needs the whole picture in colour, so a JPEG is decoded to these two alone (``decoding``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Plane = NDArray[np.float32]
Rgb8 = NDArray[np.uint8]
SMALL_SIDE = 320  # lighting does not change below this, and it is four times quicker than 640
DETAIL_PX = 1280  # edge of the middle part that the sensor's measures look at in larger pictures
BLACK_8BIT, WHITE_8BIT = 2, 253
REC709 = (0.2126, 0.7152, 0.0722)
SRGB_TO_LINEAR = np.array(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255.0], np.float32
)
STEP = 1 / 255 / 12.92  # linear value of one 8-bit step near black
DARKEST_STOPS = -8.0  # below it a step of luminance is one of the sensor's
PRE_SIGMA_PX, RE_SIGMA_PX = 1.0, 1.5
GRADIENT_NOISE = 0.1426  # of white noise of 1 after the first smoothing and Sobel
EDGE_SIGMAS = 4.5
CLIPPED_GRAY = 248
CLIP_REACH = np.ones((7, 7), np.uint8)
PERCENTILE_SAMPLES = 20_000
NOISE_BLOCK_PX, QUIET_SHARE, IMMERKAER = 16, 0.25, float(np.sqrt(np.pi / 2) / 6)
ROUGH_SHARE = 0.9
NORMAL_MIN, FEWEST_BLOCKS = 0.5, 20
QUIET_BIAS = 1.06  # the quietest quarter of equal blocks lies this much below their mean
RELIEF_PX = (3, 7, 13)  # edges of the squares over which detail is averaged away, in pixels of ``small``


@dataclass(frozen=True, eq=False)
class Edges:
    """Gradients of a gray picture in gray levels per pixel, at two scales.

    Attributes:
        fine: along x and y, of the picture smoothed by ``PRE_SIGMA_PX``.
        second: the picture smoothed by ``RE_SIGMA_PX`` more; its gradients are needed in few places.
        strength: magnitude of ``fine``; 0 around clipped areas.
        floor: strength up to which noise explains it.
    """

    fine: tuple[Plane, Plane]
    second: Plane
    strength: Plane
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
        return _weighted(self.small.astype(np.float32)) / np.float32(255)

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
        red, green, blue = cv2.split(self.small)
        return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)

    @cached_property
    def darkest(self) -> NDArray[np.uint8]:
        """The smallest of the three channels of ``small``."""
        red, green, blue = cv2.split(self.small)
        return np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)

    @cached_property
    def mean_rgb(self) -> tuple[float, float, float]:
        """Linear mean of each channel over the pixels of ``small`` that are neither black nor clipped."""
        usable = cv2.inRange(self.brightest, BLACK_8BIT + 1, WHITE_8BIT - 1)
        if not usable.any():
            return (1.0, 1.0, 1.0)  # nothing can be said of the colour, and equal channels are "no cast seen"
        red, green, blue = np.maximum(cv2.mean(self.linear, mask=usable)[:3], 1e-6).tolist()
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
    def wide(self) -> Plane:
        """Mean of ``luma`` over a quarter of the width about each pixel."""
        side = max(3, self.luma.shape[1] // 4 | 1)
        return np.asarray(cv2.blur(self.luma, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    @cached_property
    def surround(self) -> Plane:
        """Median of ``luma`` over an eighth of the width about each pixel, taken at half the size of ``small``."""
        half = (
            cv2.resize(self.luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            if min(self.luma.shape) > 8
            else self.luma
        )
        side = min(max(3, half.shape[1] // 8 | 1), 255)
        median = cv2.medianBlur((half * 255 + 0.5).astype(np.uint8), side)
        size = (self.luma.shape[1], self.luma.shape[0])
        return np.asarray(cv2.resize(median, size, interpolation=cv2.INTER_LINEAR) / np.float32(255), np.float32)

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
        return block_residues(self.gray)

    def once(self, function: Callable[[Picture], T]) -> T:
        """Result of a function of this picture, kept for the next call."""
        if function not in self._results:
            self._results[function] = function(self)
        found: T = self._results[function]
        return found

    @cached_property
    def _results(self) -> dict[Callable[[Picture], Any], Any]:
        return {}

    @cached_property
    def gray(self) -> Plane:
        """``detail`` as float32."""
        return self.detail.astype(np.float32)

    def edges(self, level: int) -> Edges:
        """Gradients of ``detail`` halved ``level`` times; computed once."""
        if level not in self._edges:
            self._edges[level] = self._make_edges(level)
        return self._edges[level]

    @cached_property
    def _edges(self) -> dict[int, Edges]:
        return {}

    def _make_edges(self, level: int) -> Edges:
        gray = self.gray
        if level:
            width, height = (max(1, side >> level) for side in gray.shape[::-1])
            gray = np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        first = cv2.GaussianBlur(gray, (7, 7), PRE_SIGMA_PX)
        second = cv2.GaussianBlur(first, (11, 11), RE_SIGMA_PX)
        fine = slopes(first)
        strength = cv2.magnitude(*fine)
        if self._clips:
            clipped = cv2.compare(gray, CLIPPED_GRAY, cv2.CMP_GE)
            strength = cv2.copyTo(strength, cv2.bitwise_not(cv2.dilate(clipped, CLIP_REACH)))
        floor = max(0.5, EDGE_SIGMAS * GRADIENT_NOISE * self.typical_noise / 2**level)
        return Edges(fine, np.asarray(second, np.float32), np.asarray(strength, np.float32), floor)

    @cached_property
    def _clips(self) -> bool:
        return bool(self.detail.max() >= CLIPPED_GRAY)


def slopes(plane: Plane) -> tuple[Plane, Plane]:
    """Gradient along x and y per pixel (Sobel)."""
    dx, dy = (cv2.Sobel(plane, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    return np.asarray(dx, np.float32), np.asarray(dy, np.float32)


def block_residues(gray: Plane) -> Plane:
    """What Immerkaer's mask leaves of each block, sorted, of blocks that clipping and single edges do not touch.

    The mean magnitude of normal noise is 0.8 of its root mean square; in a block with an edge, or one that JPEG
    has emptied but for a few coefficients, it is much less.
    """
    rows, columns = (side // NOISE_BLOCK_PX for side in gray.shape)
    if not rows or not columns:
        return np.zeros(0, np.float32)
    gray = gray[: rows * NOISE_BLOCK_PX, : columns * NOISE_BLOCK_PX]
    mask = np.array([1, -2, 1], np.float32)
    residue = cv2.absdiff(cv2.sepFilter2D(gray, cv2.CV_32F, mask, mask), 0.0)
    strength, power, mean = (
        cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA) for plane in (residue, residue * residue, gray)
    )
    open_blocks = (mean > 5) & (mean < 250)
    normal = open_blocks & (strength * strength >= NORMAL_MIN * power)
    chosen = normal if np.count_nonzero(normal) >= FEWEST_BLOCKS else open_blocks
    return np.sort(strength[chosen])


def _at(ordered: Plane, share: float) -> float:
    return float(ordered[int(share * ordered.size)]) if ordered.size else 0.0


def percentiles(values: Plane, wanted: tuple[int, ...]) -> dict[int, float]:
    """Percentiles by rank, of large planes from about 20,000 values spread evenly, which is exact to a third of one."""
    flat = sampled(values, PERCENTILE_SAMPLES)
    ranks = [round(p / 100 * (flat.size - 1)) for p in wanted]
    ordered = np.sort(flat)  # numpy sorts floats faster than it finds several ranks
    return {p: float(ordered[rank]) for p, rank in zip(wanted, ranks, strict=True)}


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
    found = cv2.transform(linear, np.array([REC709], np.float32))
    return np.asarray(found, np.float32).reshape(linear.shape[:2])


def _checked(values: NDArray[np.generic]) -> NDArray[np.generic]:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    good_shape = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))
    if not good_shape or values.size == 0:
        raise ValueError(f"a picture (H, W), (H, W, 3) or (H, W, 4) with pixels, not {values.shape}")
    if values.dtype not in (np.uint8, np.uint16) and not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"uint8, uint16 or float pixels, not {values.dtype}")
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
