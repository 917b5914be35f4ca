"""Run-length masks of COCO: counts of 0s and 1s in turn, down the columns.

The compressed form packs each count into characters of six bits: five bits of value and one that
says "more follows", lowest bits first, offset 48; from the fourth count on, the difference to the
count two before is stored. Format: the comments of ``maskApi.h`` in the COCO API.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_OFFSET = 48
_MORE, _SIGN, _VALUE = 0x20, 0x10, 0x1F


def unpack(text: str) -> list[int]:
    """Counts of a compressed run-length text.

    Raises:
        ValueError: the text is not of this form.

    >>> unpack("52203")
    [5, 2, 2, 2, 5]
    """
    counts: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(text):
                raise ValueError("the text ends inside a count")
            bits = ord(text[at]) - _OFFSET
            if not 0 <= bits < 64 or shift > 60:
                raise ValueError(f"character {text[at]!r} at {at} is not allowed")
            value |= (bits & _VALUE) << shift
            more, shift, at = bool(bits & _MORE), shift + 5, at + 1
        if bits & _SIGN:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts


def decode(counts: Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """Mask ``(height, width)`` of counts.

    Raises:
        ValueError: the counts do not fill the mask exactly.

    >>> decode([1, 2, 1], 2, 2).astype(int).tolist()
    [[0, 1], [1, 0]]
    """
    runs = np.asarray(counts, dtype=np.int64)
    area = height * width
    if runs.ndim != 1 or ((runs < 0) | (runs > area)).any() or int(runs.sum()) != area:
        raise ValueError(f"the counts do not fill {width} x {height} pixels")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def encode(mask: NDArray[np.bool_]) -> list[int]:
    """Counts of a mask, uncompressed: 0s first.

    >>> encode(np.array([[True, False], [True, True]]))
    [0, 2, 1, 1]
    """
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    return [0, *runs] if flat.size and flat[0] else runs
