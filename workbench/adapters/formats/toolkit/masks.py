"""Masks of labels: fitted to their box, of the whole image, and as PNG bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.adapters.formats.toolkit.boxes import Xyxy, rounded_out
from workbench.core.schema.labels import Label

_PNG_LEVEL = 1  # ten times faster than the usual level


def whole_mask(label: Label, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a label in its whole image ``(H, W)``; the label has one."""
    assert label.mask is not None
    left, top, _, _ = rounded_out(label.xyxy)
    whole = np.zeros(shape, dtype=np.bool_)
    mask = label.mask[max(-top, 0) :, max(-left, 0) :]  # a box may begin outside of the image
    target = whole[max(top, 0) :, max(left, 0) :][: mask.shape[0], : mask.shape[1]]
    target[:] = mask[: target.shape[0], : target.shape[1]]
    return whole


def fitted_mask(pixels: NDArray[Any], given: Xyxy, xyxy: Xyxy) -> NDArray[np.bool_]:
    """The mask over the whole pixels that a box touches, from an array of any size that is stretched over it.

    Args:
        pixels: ``(height, width)``, 0 for what is not part of the object.
        given: edges in pixels of the box that the array is stretched over.
        xyxy: edges of the part of it that is wanted.

    Raises:
        ValueError: the array is no mask.

    >>> fitted_mask(np.eye(2), (0, 0, 4, 4), (1, 0, 4, 2)).astype(int).tolist()
    [[1, 0, 0], [1, 0, 0]]
    """
    if pixels.ndim != 2 or not pixels.size or pixels.dtype.kind not in "biuf":
        raise ValueError(f"The array {pixels.shape} of {pixels.dtype} is not a mask (height, width)")
    whole, kept = rounded_out(given), rounded_out(xyxy)
    if whole == kept and pixels.shape == (whole[3] - whole[1], whole[2] - whole[0]):
        return np.asarray(pixels > 0)
    rows = _nearest(pixels.shape[0], whole[1], whole[3], kept[1], kept[3])
    columns = _nearest(pixels.shape[1], whole[0], whole[2], kept[0], kept[2])
    return np.asarray(pixels[np.ix_(rows, columns)] > 0)


def _nearest(count: int, first: int, last: int, start: int, stop: int) -> NDArray[np.int64]:
    """Which of ``count`` rows stretched from ``first`` to ``last`` lie at the pixels from ``start`` to ``stop``.

    >>> _nearest(2, 0, 4, 1, 4).tolist()
    [0, 1, 1]
    """
    share = count / max(float(last) - float(first), 1.0)
    at = (np.arange(start, stop, dtype=np.float64) + (0.5 - float(first))) * share
    return np.clip(np.floor(at), 0, count - 1).astype(np.int64)


def png(picture: Image.Image) -> bytes:
    """An image as the bytes of a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=_PNG_LEVEL)
    return stream.getvalue()
