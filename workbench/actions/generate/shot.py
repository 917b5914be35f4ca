"""A frame in memory: an accepted draw, and what the camera made of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from workbench.core.scenario import ResolvedFrame
from workbench.core.schema.scene import Annotations, Scene
from workbench.core.sensor import Picture


@dataclass(frozen=True, eq=False)
class Accepted:
    """A draw that was taken.

    Attributes:
        resolved: the constants.
        scene: what they make.
        truth: ground truth of the scene.
        refusals: earlier draws of the same frame, by the predicate that refused them.
    """

    resolved: ResolvedFrame
    scene: Scene
    truth: Annotations
    refusals: Counter[str]


@dataclass(frozen=True, eq=False)
class Shot:
    """A finished frame in memory.

    Attributes:
        accepted: the draw.
        picture: what left the camera.
        backend, backend_version: what drew it.
        render_ms: how long that took, without the sensor.
    """

    accepted: Accepted
    picture: Picture
    backend: str
    backend_version: str
    render_ms: float
