"""What every distribution is: where it draws, what it draws, and the checks of its fields."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.core.scenario.parameters import Parameter


@dataclass(frozen=True)
class At:
    """Where a value is drawn.

    Attributes:
        rng: generator of this draw alone.
        frame: number of the frame.
        parameter: what is drawn.
        values: what the frame has drawn so far, by path; only what ``needs`` names is sure to be there.
        index: number of the object among those that the parameter belongs to; 0 for a frame.
        measured: values and spread factors of the anchor, by path.
    """

    rng: np.random.Generator
    frame: int
    parameter: Parameter
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    index: int = 0
    measured: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Distribution:
    """Base of all distributions; see the module."""

    takes_list: ClassVar[bool] = False  # a bare list is the first field, not the fields one by one

    def draw(self, at: At) -> Any:
        """One value."""
        raise NotImplementedError

    def draw_all(self, places: Sequence[At]) -> list[Any]:
        """One value for each object, each by its own generator."""
        return [self.draw(at) for at in places]

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        """The extreme or listed values, to be compared with what the parameter allows."""
        return ()

    def needs(self) -> frozenset[str]:
        """Paths that must be drawn before."""
        return frozenset()


def check_number(value: Any, name: str) -> float:
    """The value, if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"a number for {name}, found {value!r}")
    return float(value)


def check_ordered(low: Any, high: Any) -> None:
    """Refuse bounds that are no numbers or stand the wrong way round."""
    if check_number(low, "the lower bound") > check_number(high, "the upper bound"):
        raise ValueError(f"a lower bound up to the upper one, found {low} and {high}")


def freeze(distribution: Distribution, name: str) -> None:
    """Turn a listed field into a tuple; refuse what is no list, or empty."""
    values = getattr(distribution, name)
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError(f"a list of {name} that is not empty, found {values!r}")
    object.__setattr__(distribution, name, tuple(values))


def check_clip(distribution: Any) -> None:
    """Refuse a clip that is no pair of bounds."""
    clip = distribution.clip
    if clip is None:
        return
    if not isinstance(clip, (list, tuple)) or len(clip) != 2:
        raise ValueError(f"a clip of two bounds, found {clip!r}")
    check_ordered(*clip)
    object.__setattr__(distribution, "clip", (clip[0], clip[1]))
