"""One decoded picture with the intermediate results that several measures share."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
SMALL_SIDE = 320  # lighting does not change below this, and it is four times quicker than 640
BLACK_8BIT, WHITE_8BIT = 2, 253
REC709 = (0.2126, 0.7152, 0.0722)
SRGB_TO_LINEAR = np.array(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255.0], np.float32
)


class Picture:
    """A picture as ``(H, W, 3)`` uint8 RGB.

    Args:
        rgb: ``(H, W)``, ``(H, W, 1)``, ``(H, W, 3)`` or ``(H, W, 4)``; uint8, uint16 or float 0..1.

    Raises:
        ValueError: another shape or type, or no pixels.
    """

    def __init__(self, rgb: NDArray[np.generic]) -> None:
        self.rgb = _as_rgb8(rgb)

    @cached_property
    def small(self) -> NDArray[np.uint8]:
        """The picture with its longer side at most ``SMALL_SIDE``, averaged over areas."""
        height, width = self.rgb.shape[:2]
        scale = SMALL_SIDE / max(height, width)
        if scale >= 1:
            return self.rgb
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return np.asarray(cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)

    @cached_property
    def luma(self) -> Plane:
        """sRGB-coded luma 0..1 of ``small``."""
        return np.asarray(self.small @ np.array(REC709, np.float32) / 255.0, np.float32)

    @cached_property
    def luminance(self) -> Plane:
        """Linear luminance 0..1 of ``small`` (IEC 61966-2-1 inverted)."""
        return np.asarray(SRGB_TO_LINEAR[self.small] @ np.array(REC709, np.float32), np.float32)

    @cached_property
    def luma_percentiles(self) -> dict[int, float]:
        """Percentiles 1, 5, 50, 95, 99 of ``luma``."""
        wanted = (1, 5, 50, 95, 99)
        return dict(zip(wanted, np.percentile(self.luma, wanted).astype(float).tolist(), strict=True))

    @cached_property
    def brightest(self) -> NDArray[np.uint8]:
        """The largest of the three channels at full size: clipping must not be averaged away."""
        red, green, blue = cv2.split(self.rgb)
        return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)

    @cached_property
    def mean_rgb(self) -> tuple[float, float, float]:
        """Linear mean of each channel over the pixels of ``small`` that are neither black nor clipped."""
        pixels = self.small.reshape(-1, 3)
        peak = pixels.max(axis=1)
        usable = pixels[(peak > BLACK_8BIT) & (peak < WHITE_8BIT)]
        if len(usable) == 0:
            return (1.0, 1.0, 1.0)  # nothing can be said of the colour, and equal channels are "no cast seen"
        red, green, blue = np.maximum(SRGB_TO_LINEAR[usable].mean(axis=0), 1e-6).tolist()
        return red, green, blue

    @cached_property
    def gray(self) -> Plane:
        """Luma 0..255 at full size, for noise and blur, which a smaller picture would hide."""
        return np.asarray(cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _as_rgb8(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    good_shape = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))
    if not good_shape or values.size == 0:
        raise ValueError(f"a picture (H, W), (H, W, 3) or (H, W, 4) with pixels, not {values.shape}")
    if values.dtype == np.uint16:
        values = (values.astype(np.uint16) >> 8).astype(np.uint8)
    elif np.issubdtype(values.dtype, np.floating):
        values = (np.clip(np.nan_to_num(values), 0, 1) * 255 + 0.5).astype(np.uint8)
    elif values.dtype != np.uint8:
        raise ValueError(f"uint8, uint16 or float pixels, not {values.dtype}")
    if values.ndim == 2:
        return np.repeat(values[:, :, None], 3, axis=2).astype(np.uint8)
    return np.ascontiguousarray(values[:, :, :3], np.uint8)
