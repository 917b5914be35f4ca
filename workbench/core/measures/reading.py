"""Read picture files and measure them: what runs in threads, and in worker processes."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2

from workbench.core.measures.decoding import decode
from workbench.core.measures.gloss import measure_labels, over_labels
from workbench.core.measures.registry import measure_all
from workbench.core.schema.report import Problem

Task = tuple[str, Sequence[Sequence[float]]]  # path, and boxes as shares of width and height
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT_BYTES = 1 << 28


@dataclass(frozen=True)
class Measured:
    """What measuring found in one picture.

    Attributes:
        measures: by name, those over all labels included.
        labels: measures of each label in order, ``None`` for a box that is too small.
        file: stamp of the file that was read.
    """

    measures: Mapping[str, float]
    labels: Sequence[Mapping[str, float] | None]
    file: str


def measure_files(tasks: Sequence[Task]) -> list[Measured | Problem]:
    """Measure some pictures one after the other, with one thread of OpenCV: pictures are what goes in parallel."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [measure_file(Path(path), boxes) for path, boxes in tasks]
    finally:
        cv2.setNumThreads(before)


def measure_files_in_child(tasks: Sequence[Task]) -> list[Measured | Problem]:
    """``measure_files`` in a process that does nothing else."""
    _keep_memory()
    return measure_files(tasks)


def measure_file(path: Path, boxes: Sequence[Sequence[float]]) -> Measured | Problem:
    """All measures of an image file and of its boxes, or why it cannot be read."""
    try:
        state = str(stamp(path))  # before reading: a file that changes meanwhile is measured again
        picture = decode(path.read_bytes())
        labels = measure_labels(picture, boxes) if boxes else []
        return Measured(measure_all(picture) | over_labels(labels), labels, state)
    except (OSError, ValueError) as error:
        message = f"The image cannot be read ({type(error).__name__}: {error}), so it has no measures."
        return Problem(str(path), "unreadable_image", message)


def stamp(path: Path) -> str | None:
    """Size and modification time of a file; ``None`` when there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return f"{status.st_size}-{status.st_mtime_ns}"


@cache
def _keep_memory() -> None:
    """Tell the C library to keep freed memory: allocating each plane of an image again takes 40 % of the time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc has it; others are as quick as they are
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
