"""Noise of a sensor that is quick to draw, and the grain and colour that processing in the camera gives it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def gaussian(image: Image, *, electrons_at_white: float, read_e: float, seed: int) -> Image:
    """Noise ``(H, W, 3)`` with the variance that photons and read-out have together, normally distributed.

    Variance ``x / E + (r / E)^2`` of a signal ``x`` with ``E`` electrons at white and ``r`` of read-out (Foi et al.
    2008): a tenth of the time of counting photons one by one, and the same picture from some twenty photons on.
    """
    draws = np.random.Generator(np.random.SFC64(seed)).standard_normal(image.shape, dtype=np.float32)
    variance = np.clip(image, 0.0, 4.0)
    variance *= np.float32(1.0 / electrons_at_white)
    variance += np.float32((read_e / electrons_at_white) ** 2)
    draws *= np.sqrt(variance, out=variance)
    return draws


def with_grain(noise: Image, grain_px: float) -> Image:
    """The noise blurred to grains of this standard deviation, as strong as before.

    >>> fine = np.random.default_rng(0).standard_normal((256, 256, 3)).astype(np.float32)
    >>> round(float(with_grain(fine, 1.5).std()), 1)
    1.0
    """
    if grain_px <= 0.0:
        return noise
    size = 2 * int(np.ceil(4 * grain_px)) + 1
    weights = cv2.getGaussianKernel(size, grain_px)
    blurred = cv2.sepFilter2D(noise, -1, weights, weights, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred / np.float32((weights**2).sum()), dtype=np.float32)


def with_color(noise: Image, color: float) -> Image:
    """The noise with this share of differences between red, green and blue; 0 is grey, as strong as before."""
    if color >= 1.0:
        return noise
    grey = noise.mean(axis=2, keepdims=True) * np.float32(np.sqrt(3.0))
    mixed = np.float32(color) * noise + np.float32(np.sqrt(1.0 - color**2)) * grey
    # grey is correlated with each colour by 1 / sqrt(3)
    correlated = 2.0 * color * np.sqrt(1.0 - color**2) / np.sqrt(3.0)
    return np.asarray(mixed / np.float32(np.sqrt(1.0 + correlated)), dtype=np.float32)
