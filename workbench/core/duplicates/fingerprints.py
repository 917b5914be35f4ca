"""What is kept of a picture to find its near duplicates: a small gray thumbnail, from which all else follows, and a
larger one to look closer at what is alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Thumbs = NDArray[np.uint16]
Details = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE, DETAIL_SIDE = 48, 128
HASH_SIDE, HASH_BITS = 32, 64
DESCRIPTOR_SIDE = 12
STEPS_PER_LEVEL = 256  # thumbnails keep fractions of a gray level: dark pictures have only a few levels
FLAT_LEVELS = 0.5  # a thumbnail with less standard deviation shows nothing to compare


def fingerprint(pixels: NDArray[np.uint8]) -> Thumbs:
    """Thumbnail ``(48, 48)`` of a gray ``(H, W)`` or RGB ``(H, W, 3)`` picture, in 1/256 gray levels.

    >>> int(fingerprint(np.full((60, 80), 10, np.uint8))[0, 0])
    2560
    """
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    if max(gray.shape) > 8 * SIDE:  # averaging in two steps is the same to a hundredth of a level, and quicker
        gray = cv2.resize(gray, (8 * SIDE, 8 * SIDE), interpolation=cv2.INTER_AREA)
    small = cv2.resize(gray.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(np.clip(small, 0, 255) * STEPS_PER_LEVEL), np.uint16)


def detail(pixels: NDArray[np.uint8]) -> Details:
    """Larger thumbnail ``(128, 128)`` of a gray ``(H, W)`` picture, from its darkest, 0, to its lightest place, 255.

    >>> detail(np.arange(60, 120, dtype=np.uint8).reshape(6, 10)).max()
    np.uint8(255)
    """
    small = cv2.resize(pixels.astype(np.float32), (DETAIL_SIDE, DETAIL_SIDE), interpolation=cv2.INTER_AREA)
    darkest, lightest = float(small.min()), float(small.max())
    return np.asarray(np.rint((small - darkest) * (255 / max(lightest - darkest, 1e-6))), np.uint8)


def are_flat(thumbs: Thumbs) -> NDArray[np.bool_]:
    """Which of ``(n, 48, 48)`` thumbnails show nothing: black frames, lens caps, saturated white."""
    flat: NDArray[np.bool_] = thumbs.reshape(len(thumbs), -1).std(axis=1) < FLAT_LEVELS * STEPS_PER_LEVEL
    return flat


def mirrored(thumbs: Thumbs) -> Thumbs:
    """The thumbnails of the mirrored pictures."""
    return thumbs[..., ::-1]


def hash_signs(thumbs: Thumbs) -> Floats:
    """Perceptual hashes as ``(n, 64)`` signs -1 and +1, so that a matrix product counts equal bits.

    The 8 x 8 lowest frequencies of the cosine transform, each against their median (Zauner, "Implementation and
    Benchmarking of Perceptual Image Hash Functions", 2010).
    """
    low = np.empty((len(thumbs), 8, 8), np.float32)
    for index, thumb in enumerate(thumbs):
        small = cv2.resize(thumb.astype(np.float32), (HASH_SIDE, HASH_SIDE), interpolation=cv2.INTER_AREA)
        low[index] = cv2.dct(small)[:8, :8]
    flat = low.reshape(len(thumbs), HASH_BITS)
    signs: Floats = np.where(flat > np.median(flat, axis=1, keepdims=True), 1, -1).astype(np.float32)
    return signs


def hamming(first: Floats, second: Floats) -> NDArray[np.int64]:
    """Different bits of all pairs of hashes, ``(len(first), len(second))``.

    >>> hamming(np.ones((1, 64), np.float32), -np.ones((1, 64), np.float32)).tolist()
    [[64]]
    """
    return np.rint((HASH_BITS - first @ second.T) / 2).astype(np.int64)


def descriptors(thumbs: Thumbs) -> Floats:
    """Coarse pictures ``(n, 144)`` of zero mean and unit length, whatever the exposure."""
    coarse = (
        np.stack(
            [cv2.resize(t.astype(np.float32), (DESCRIPTOR_SIDE,) * 2, interpolation=cv2.INTER_AREA) for t in thumbs]
        )
        if len(thumbs)
        else np.empty((0, DESCRIPTOR_SIDE, DESCRIPTOR_SIDE))
    )
    return unit(coarse.reshape(len(thumbs), -1).astype(np.float32))


def unit(rows: Floats) -> Floats:
    """Rows without their mean, of length 1; rows that do not vary become 0."""
    centred = rows - rows.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    units: Floats = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6)
    return units
