"""Pixels of image files, upright (EXIF orientation applied): the usual types by OpenCV, which is quicker, else Pillow.

Of a file with several frames the first one counts.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.base.image_plugins import with_plugins

Rgb8 = NDArray[np.uint8]
Gray8 = NDArray[np.uint8]
_BY_OPENCV = (b"\xff\xd8\xff", b"\x89PNG", b"BM")  # it turns other types in ways of its own, or not at all
_WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_TO_8_BITS = 257  # 65535 becomes 255


def rgb(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Rgb8:
    """Colour pixels ``(H, W, 3)`` of the bytes of an image file; 16 bits become 8.

    Args:
        data: content of the file.
        flags: of OpenCV; those that reduce the size count for JPEG alone.

    Raises:
        OSError, ValueError: it cannot be read; the message says why.
    """
    pixels = by_opencv(data, flags)
    if pixels is not None:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
    return np.asarray(to_rgb(upright(data)))


def gray(data: bytes) -> Gray8:
    """Gray pixels ``(H, W)``; as ``rgb``."""
    pixels = by_opencv(data, cv2.IMREAD_GRAYSCALE)
    return np.asarray(pixels, np.uint8) if pixels is not None else np.asarray(to_rgb(upright(data)).convert("L"))


def by_opencv(data: bytes, flags: int) -> NDArray[Any] | None:
    """Pixels as OpenCV decodes them, or ``None`` for what is left to Pillow.

    Raises:
        ValueError: more pixels than OpenCV allows.
    """
    if not data.startswith(_BY_OPENCV):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as cause:
        raise ValueError(f"OpenCV: {' '.join(str(cause).split())[:120]}") from cause


def upright(source: bytes | Path) -> Image.Image:
    """An image as Pillow reads it, decoded.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with_plugins()
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            return ImageOps.exif_transpose(opened)
    except UnidentifiedImageError as cause:
        raise ValueError("the image cannot be decoded") from cause
    except (Image.DecompressionBombError, SyntaxError) as cause:  # SyntaxError: how some plug-ins name broken files
        raise ValueError(str(cause)) from cause


def to_rgb(image: Image.Image) -> Image.Image:
    """An image with 8 bits per colour; Pillow alone would cut 16 bits off at 255."""
    if image.mode in _WIDE:
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((np.clip(values, 0, 65_535) // _TO_8_BITS).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def small_image(path: Path, side_px: int) -> Image.Image:
    """An image with its longer side at most so long, upright, in RGB; a JPEG is decoded at a fraction of its size.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with_plugins()
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (side_px, side_px))
            shown = to_rgb(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, SyntaxError) as cause:
        raise ValueError(str(cause)) from cause
    shown.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return shown
