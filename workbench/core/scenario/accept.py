"""Which frames are taken: predicates over the ground truth of a frame, before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.base.errors import ScenarioError, one_of
from workbench.base.shapes import is_number

VISIBLE, SIZE, COUNT, TRIES = "targets.visible_fraction", "targets.bbox_px_min", "targets.count", "max_tries"


class Seen(Protocol):
    """A labelled object of a frame, as far as conditions look at it."""

    @property
    def xyxy(self) -> tuple[float, float, float, float] | None: ...

    @property
    def visible_px(self) -> int: ...

    @property
    def visible_fraction(self) -> float: ...


@dataclass(frozen=True)
class Accept:
    """Conditions that the ground truth of a frame must meet.

    Attributes:
        visible_fraction: lowest and highest visible share of every labelled object in the picture.
        bbox_px_min: shortest box side that any visible object may have, pixels.
        count: lowest and highest number of visible labelled objects.
        max_tries: draws of one frame before it is given up.
    """

    visible_fraction: tuple[float, float] = (0.0, 1.0)
    bbox_px_min: float = 0.0
    count: tuple[int, int] = (0, 1_000_000)
    max_tries: int = 20

    def refusal(self, objects: Sequence[Seen]) -> str | None:
        """The predicate that refuses a frame with these labelled objects; ``None`` when it is accepted."""
        seen = [solid for solid in objects if solid.visible_px]
        low, high = self.visible_fraction
        outside = [solid for solid in objects if not low <= solid.visible_fraction <= high]
        if outside:
            return VISIBLE
        if any(_shortest_side_px(solid) < self.bbox_px_min for solid in seen):
            return SIZE
        return None if self.count[0] <= len(seen) <= self.count[1] else COUNT

    def document(self) -> dict[str, Any]:
        """The ``accept`` section of a scenario document."""
        return {
            VISIBLE: list(self.visible_fraction),
            SIZE: self.bbox_px_min,
            COUNT: list(self.count),
            TRIES: self.max_tries,
        }


def parse_accept(given: Any) -> Accept:
    """Read the ``accept`` section of a document.

    Raises:
        ScenarioError: an unknown key or a value that cannot be.
    """
    if not isinstance(given, Mapping):
        fix = f"Write for example {{{VISIBLE}: [0.3, 1]}}."
        raise ScenarioError(f"{given!r} is not a mapping of predicates.", at="accept", fix=fix)
    readers = {VISIBLE: ("visible_fraction", _share_pair), SIZE: ("bbox_px_min", _positive)}
    readers |= {COUNT: ("count", _count_pair), TRIES: ("max_tries", _tries)}
    fields: dict[str, Any] = {}
    for key, value in given.items():
        if key not in readers:
            raise ScenarioError(f"Unknown predicate {key!r}.", at="accept", fix=one_of(str(key), readers))
        name, read = readers[key]
        try:
            fields[name] = read(value)
        except ValueError as cause:
            raise ScenarioError(str(cause), at=f"accept.{key}") from cause
    return Accept(**fields)


def _shortest_side_px(solid: Seen) -> float:
    assert solid.xyxy is not None
    left, top, right, bottom = solid.xyxy
    return min(right - left, bottom - top)


def _number(value: Any) -> float:
    if not is_number(value):
        raise ValueError(f"{value!r} is not a number.")
    return float(value)


def _share_pair(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not 0 <= _number(value[0]) <= _number(value[1]) <= 1:
        raise ValueError(f"{value!r} is not a list of two shares from 0 to 1, the lower one first.")
    return float(value[0]), float(value[1])


def _count_pair(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not 0 <= _number(value[0]) <= _number(value[1]):
        raise ValueError(f"{value!r} is not a list of two counts, the lower one first.")
    return int(value[0]), int(value[1])


def _positive(value: Any) -> float:
    if _number(value) < 0:
        raise ValueError(f"{value!r} is not a number of pixels of 0 or more.")
    return float(value)


def _tries(value: Any) -> int:
    if not 1 <= _number(value) <= 1000:
        raise ValueError(f"{value!r} is not a number of tries from 1 to 1000.")
    return int(value)
