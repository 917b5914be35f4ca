"""Read picture files for their fingerprints: what runs in threads, and in worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.core.duplicates.edits import EDITS
from workbench.core.duplicates.fingerprints import DETAIL_SIDE, SIDE, Details, Thumbs, detail, fingerprint
from workbench.core.pictures import gray
from workbench.core.schema.report import Problem


def read_all(paths: Sequence[str]) -> list[bytes | Problem]:
    """Fingerprint and detail of each picture as bytes, which travel quicker than arrays, or why it cannot be read."""
    return [_read(path) for path in paths]


def _read(path: str) -> bytes | Problem:
    try:
        return _both(_pixels(path))
    except (OSError, ValueError) as cause:
        reason = " ".join(str(cause).split())[:200]
        return Problem(path, "unreadable_image", f"The image cannot be read ({reason}), so it is not compared.")


def _both(pixels: NDArray[np.uint8]) -> bytes:
    return fingerprint(pixels).tobytes() + detail(pixels).tobytes()


def arrays_of(data: bytes) -> tuple[Thumbs, Details]:
    """Fingerprint and detail of a picture from their bytes."""
    thumb = np.frombuffer(data, np.uint16, SIDE * SIDE).reshape(SIDE, SIDE)
    return thumb, np.frombuffer(data, np.uint8, offset=thumb.nbytes).reshape(DETAIL_SIDE, DETAIL_SIDE)


def plant_all(paths: Sequence[str]) -> list[list[bytes]]:
    """Per picture the fingerprints of the original and of its planted copies; the seed is the picture's name."""
    planted = []
    for path in paths:
        pixels = _pixels(path)
        rng = np.random.default_rng(list(Path(path).name.encode()))
        planted.append([_both(pixels), *(_both(np.ascontiguousarray(edit(pixels, rng))) for edit in EDITS.values())])
    return planted


def _pixels(path: str) -> NDArray[np.uint8]:
    """Gray pixels ``(H, W)`` of the upright picture.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return gray(Path(path).read_bytes())
