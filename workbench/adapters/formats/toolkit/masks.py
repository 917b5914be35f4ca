"""Masks for writing: of the whole image, and as PNG bytes."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.adapters.formats.toolkit.boxes import rounded_out
from workbench.core.schema.labels import Label

_PNG_LEVEL = 1  # ten times faster than the usual level


def whole_mask(label: Label, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a label in its whole image ``(H, W)``; the label has one."""
    assert label.mask is not None
    left, top, _, _ = rounded_out(label.xyxy)
    whole = np.zeros(shape, dtype=np.bool_)
    rows, columns = label.mask.shape
    whole[top : top + rows, left : left + columns] = label.mask[: shape[0] - top, : shape[1] - left]
    return whole


def png(picture: Image.Image) -> bytes:
    """An image as the bytes of a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=_PNG_LEVEL)
    return stream.getvalue()
