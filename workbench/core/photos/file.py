"""The file of a photo: its light, and how its JPEG was coded."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from workbench.base.errors import InputError
from workbench.core.photos.tone import Tone, tone_of
from workbench.core.pictures.pixels import rgb
from workbench.core.sensor.color import linear_from_srgb

NEAR = 0.15  # mean difference of tables that are still alike, of their mean
_LIGHT_OF_GREY = linear_from_srgb(np.arange(256) / 255.0)


@dataclass(frozen=True)
class JpegCoding:
    """How a JPEG file was coded.

    Attributes:
        tables: quantization tables, each of 64 values, in the order of the file.
        subsampling: of the colours, as Pillow numbers it: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: int

    def encode(self, srgb: NDArray[np.uint8], *, grey: bool) -> bytes:
        """Bytes of a JPEG file of ``(H, W, 3)`` pixels, coded in the same way."""
        out = io.BytesIO()
        image = Image.fromarray(srgb[..., 0] if grey else srgb)
        image.save(out, "JPEG", qtables=[list(table) for table in self.tables], subsampling=self.subsampling)
        return out.getvalue()

    def quality(self) -> int | None:
        """Quality of the usual tables of the JPEG group that comes nearest; ``None`` where none is near."""
        errors = {
            quality: float(np.abs(_luminance_table(quality) - self.tables[0]).mean()) for quality in range(1, 101)
        }
        best = min(errors, key=errors.__getitem__)
        return best if errors[best] <= NEAR * float(np.mean(self.tables[0])) else None


@functools.cache
def _luminance_table(quality: int) -> NDArray[np.float64]:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", quality=quality)
    with Image.open(io.BytesIO(out.getvalue())) as opened:
        assert isinstance(opened, JpegImagePlugin.JpegImageFile)
        return np.array(opened.quantization[0], np.float64)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as light.

    Attributes:
        light: ``(H, W, 3)`` float32, linear, 1.0 is white.
        grey: whether it has no colours.
        coding: of its file, ``None`` where that is no JPEG.
    """

    light: NDArray[np.float32]
    grey: bool
    coding: JpegCoding | None


def read_photo(data: bytes) -> Photo:
    """The light of the bytes of an image file, upright, by the inverse of the sRGB curve.

    Raises:
        OSError, ValueError: it cannot be read; the message says why.
    """
    pixels = rgb(data)
    light = np.asarray(cv2.LUT(pixels, _LIGHT_OF_GREY), np.float32)
    return Photo(light, _is_grey(pixels), coding_of(data))


def tone_of_file(path: Path) -> Tone:
    """The tone of an image file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        pixels = rgb(path.read_bytes(), cv2.IMREAD_REDUCED_COLOR_4)
    except (OSError, ValueError) as cause:
        raise InputError(f"The image cannot be read ({cause!s:.150}).", at=str(path)) from cause
    return tone_of(np.asarray(cv2.LUT(pixels, _LIGHT_OF_GREY), np.float32))


def coding_of(data: bytes) -> JpegCoding | None:
    """How a JPEG was coded; ``None`` for other files, and for colours that are coded in no usual way."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if not isinstance(opened, JpegImagePlugin.JpegImageFile) or opened.mode not in ("L", "RGB"):
                return None
            tables = tuple(tuple(int(value) for value in table) for _, table in sorted(opened.quantization.items()))
            subsampling = JpegImagePlugin.get_sampling(opened) if opened.mode == "RGB" else 0
    except (OSError, ValueError, SyntaxError):
        return None
    usable = all(len(table) == 64 and max(table) < 256 for table in tables) and 1 <= len(tables) <= 4
    return JpegCoding(tables, max(subsampling, 0)) if usable else None


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    few = pixels[:: max(1, pixels.shape[0] // 64), :: max(1, pixels.shape[1] // 64)].astype(np.int16)
    if np.abs(few - few[..., :1]).max() > 2:
        return False
    return int(np.abs(pixels.astype(np.int16) - pixels[..., :1]).max()) <= 2
