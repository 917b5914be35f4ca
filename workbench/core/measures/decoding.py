"""Bytes of a picture file to a ``Picture``, with no more decoding than the measures need."""

from __future__ import annotations

import cv2
import numpy as np

from workbench.core.measures.picture import SMALL_SIDE, Picture
from workbench.core.pictures import by_opencv, to_rgb, upright

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))


def decode(data: bytes) -> Picture:
    """A picture from the bytes of its file, upright (EXIF orientation applied).

    A JPEG is decoded twice, to gray at full size and to colour at a half, quarter or eighth: together a third quicker
    than once in full colour, since most of the time goes into chroma and into writing three channels. A JPEG whose end
    is missing, and whatever OpenCV does not read, goes to Pillow, which says what is wrong.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    if data[:3] == JPEG_START and JPEG_END in data[-64:]:
        picture = _planes(data)
        if picture is not None:
            return picture
    elif data[:3] != JPEG_START:
        pixels = by_opencv(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if pixels is not None and pixels.dtype in (np.uint8, np.uint16):
            return Picture(pixels[:, :, ::-1])
    return _by_pillow(data)


def _planes(data: bytes) -> Picture | None:
    gray = by_opencv(data, cv2.IMREAD_GRAYSCALE)
    if gray is None:
        return None
    longest = max(gray.shape)
    flag = next((flag for factor, flag in REDUCED if longest >= factor * SMALL_SIDE), cv2.IMREAD_COLOR)
    color = by_opencv(data, flag)
    if color is None:
        return None
    return Picture.of_planes(small=np.asarray(cv2.cvtColor(color, cv2.COLOR_BGR2RGB), np.uint8), detail=gray)


def _by_pillow(data: bytes) -> Picture:
    image = upright(data)
    if image.mode in ("I;16", "I;16B", "I"):
        return Picture(np.asarray(image, np.uint16))
    if image.mode == "F":
        return Picture(np.asarray(image, np.float32))
    return Picture(np.asarray(to_rgb(image)))
