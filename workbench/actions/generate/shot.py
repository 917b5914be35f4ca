"""A frame in memory: an accepted draw of whatever content, and what the camera made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.core.scenario import Accept, ResolvedFrame
from workbench.core.schema.labels import Labels
from workbench.core.sensor import Picture

CAMERA = {  # shape of what ``Camera.to_dict`` gives
    "width": int, "height": int, "fx": float, "fy": float, "cx": float, "cy": float, "distortion": [float, 4],
    "T_world_cam?": [[float, 4], 4],
}  # fmt: skip


class Draft(Protocol):
    """A draw of one frame before its picture is made: what will be seen, and its labels.

    Attributes:
        resolved: the constants.
        refusals: earlier draws of the same frame, by the predicate that refused them.
    """

    @property
    def resolved(self) -> ResolvedFrame: ...

    @property
    def refusals(self) -> Counter[str]: ...

    @property
    def labels(self) -> Labels:
        """Labels of what will be seen."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""

    def refusal(self, accept: Accept) -> str | None:
        """The predicate that refuses the draw; ``None`` when it is accepted."""

    def scaled(self, factor: float) -> Draft:
        """The same draw at another resolution."""

    def shoot(self, backend: str) -> Shot:
        """Make the picture."""

    def lineage(self) -> Mapping[str, Any]:
        """What the record of its origin says beside the constants."""

    def files(self, picture: Picture) -> Mapping[str, bytes]:
        """Content of the files beside the image, by kind."""

    def outcome(self) -> Mapping[str, Any]:
        """What the frame's document says beside the lineage, enough to read the record back."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A finished frame in memory.

    Attributes:
        accepted: the draw.
        picture: what left the camera.
        backend, backend_version: what drew it.
        render_ms: how long that took, without the sensor.
    """

    accepted: Draft
    picture: Picture
    backend: str
    backend_version: str
    render_ms: float
