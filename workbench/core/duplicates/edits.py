"""The edits by which the same picture comes back: planted in known pictures to see which of them are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Edit = Callable[[Pixels, np.random.Generator], Pixels]


def _jpeg(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)


def _resize(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_LINEAR), np.uint8)


def _brighter(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(np.clip(pixels * 1.15, 0, 255), np.uint8)


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(np.clip(pixels + rng.normal(0.0, 8.0, pixels.shape), 0, 255), np.uint8)


def _crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    top, left = round(height * 0.05), round(width * 0.05)
    return pixels[top : height - top, left : width - left]


def _shift(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _moved(pixels, np.array([[1.0, 0, 3], [0, 1, 3]]))


def _rotate(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    return _moved(pixels, cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 3.0, 1.0))


def _mirror(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return pixels[:, ::-1]


def _moved(pixels: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    size = pixels.shape[1::-1]
    return np.asarray(cv2.warpAffine(pixels, matrix, size, borderMode=cv2.BORDER_CONSTANT), np.uint8)


EDITS: Mapping[str, Edit] = {
    "JPEG quality 30": _jpeg,
    "resized to 75 %": _resize,
    "15 % brighter": _brighter,
    "noise of 8 levels": _noise,
    "cropped 5 % each side": _crop,
    "shifted 3 px": _shift,
    "rotated 3 degrees": _rotate,
    "mirrored": _mirror,
}
