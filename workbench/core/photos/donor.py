"""A donor: a sample whose pixels go into generated ones, as workers need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.schema.labels import Camera, Labels


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
