"""A donor: a sample whose pixels go into generated ones, as workers need it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from workbench.base.errors import InputError
from workbench.core.schema.labels import Camera, Labels

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Donor:
    """One sample.

    Attributes:
        id: of the sample.
        path: of its image.
        width, height: pixels, upright.
        labels: boxes, outlines, masks, keypoints.
        classification: class of the whole picture, or ``None``.
        content_sha256: of the image file when it was loaded, or ``None``.
        scene_id: what it belongs together with, or ``None``.
        camera: intrinsics and pose, when known.
    """

    id: str
    path: Path
    width: int
    height: int
    labels: Labels = field(default_factory=Labels)
    classification: str | None = None
    content_sha256: str | None = None
    scene_id: str | None = None
    camera: Camera | None = None


def read_donor(path: str, sha256: str | None, read: Callable[[bytes], T]) -> T:
    """What is read of a donor's image file.

    Args:
        path: of the file.
        sha256: of its content when it was loaded, or ``None``.
        read: reads its bytes.

    Raises:
        InputError: it cannot be read, or has changed.
    """
    try:
        data = Path(path).read_bytes()
        if sha256 not in (None, hashlib.sha256(data).hexdigest()):
            fix = "Load the changed data into a new dataset, or restore the file."
            raise InputError("The image file of the donor has changed since it was loaded.", at=path, fix=fix)
        return read(data)
    except (OSError, ValueError) as cause:
        raise InputError(f"The image of the donor cannot be read ({cause!s:.150}).", at=path) from cause
