"""Arrays and per-pixel maps on disk, read without trust: nothing is unpickled, nothing claims more than it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.adapters.formats.toolkit.boxes import Xyxy, rounded_out
from workbench.adapters.formats.toolkit.pictures import Fault, read_header
from workbench.adapters.formats.toolkit.problems import Kind, Problems

_NPY_MARK = b"\x93NUMPY"
_LIMIT_BYTES = 512 << 20
_PICKLE_MARK = b"\x80"
_LFS_MARK = b"version https://git-lfs.github.com/spec/"


def read_npy(path: Path, where: str, problems: Problems) -> NDArray[Any] | None:
    """A ``.npy`` file of plain numbers, or ``None``; the reason is reported."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_LFS_MARK))
        if head == _LFS_MARK:
            problems.add(
                "lfs_pointer",
                where,
                "The file is a Git LFS pointer (run 'git lfs pull' where it came from); array left out.",
            )
            return None
        if head.startswith(_PICKLE_MARK):
            raise ValueError("it holds pickled Python objects, which are never opened")
        if not head.startswith(_NPY_MARK):
            raise ValueError("it is not a .npy file")
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)  # a map checks the size before memory is taken
        if mapped.nbytes > _LIMIT_BYTES:
            raise ValueError(f"it holds {mapped.nbytes >> 20:,} MB, the limit is {_LIMIT_BYTES >> 20} MB")
        return np.array(mapped)
    except Exception as cause:  # the header is parsed as Python text, and raises nearly anything on a hostile file
        text = "it holds Python objects, which are never unpickled" if "Python objects" in str(cause) else str(cause)
        message = f"The array cannot be read ({type(cause).__name__}: {text:.150}); array left out."
        problems.add("unreadable_map", where, message)
        return None


def read_map(path: Path, where: str, problems: Problems) -> NDArray[Any] | None:
    """The pixels of a map ``(H, W)`` or ``(H, W, channels)`` as stored, or ``None``; the reason is reported.

    Palette images give their indices.
    """
    header = read_header(path)
    if isinstance(header, Fault):
        kind: Kind = "lfs_pointer" if header.kind == "lfs_pointer" else "unreadable_map"
        problems.add(kind, where, f"{header.reason}; map left out.")
        return None
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and header.width * header.height > most:
        message = f"The map has {header.width:,} x {header.height:,} pixels, the limit is {most:,}; map left out."
        problems.add("unreadable_map", where, message)
        return None
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except Exception as cause:  # Pillow's plug-ins raise nearly anything on a hostile file
        message = f"The map cannot be read ({type(cause).__name__}: {cause!s:.150}); map left out."
        problems.add("unreadable_map", where, message)
        return None


def packed(pixels: NDArray[Any]) -> NDArray[np.int64]:
    """One number per pixel: the value itself, or the channels of a colour in base 256.

    >>> packed(np.array([[[1, 2]]], dtype=np.uint8)).tolist(), packed(np.array([[7]])).tolist()
    ([[258]], [[7]])
    """
    if pixels.ndim == 2:
        return pixels.astype(np.int64)
    numbers = np.zeros(pixels.shape[:2], dtype=np.int64)
    for channel in range(pixels.shape[2]):
        numbers = numbers * 256 + pixels[..., channel].astype(np.int64)
    return numbers


def packed_color(channels: tuple[int, ...], count: int) -> int:
    """The number that ``packed`` gives a colour in a map of ``count`` channels; alpha is 255 when not given.

    >>> packed_color((1, 2), 2)
    258
    """
    number = 0
    for at in range(count):
        number = number * 256 + (channels[at] if at < len(channels) else 255)
    return number


def box_of(mask: NDArray[np.bool_]) -> Xyxy | None:
    """Edges of the set pixels, or ``None`` when there are none.

    >>> box_of(np.array([[False, False], [False, True]]))
    (1.0, 1.0, 2.0, 2.0)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def cut_out(mask: NDArray[np.bool_], xyxy: Xyxy) -> NDArray[np.bool_]:
    """The part of a whole image's mask that a label with this box carries."""
    left, top, right, bottom = rounded_out(xyxy)
    return np.ascontiguousarray(mask[top:bottom, left:right])
