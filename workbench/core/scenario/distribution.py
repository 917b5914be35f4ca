"""What every distribution is: where it draws, what it draws, and the checks of its fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from workbench.base.shapes import is_number
from workbench.core.scenario.parameter import Parameter


class Objects(Protocol):
    """Labelled objects that may be cut out and pasted."""

    @property
    def names(self) -> Sequence[str]:
        """What each is called: sample id and number of its label."""

    @property
    def classes(self) -> Sequence[str]:
        """The class of each."""

    def confidence(self, name: str) -> float:
        """How sure its outline is, from 0 to 1; 1 where it was given."""


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
        donor_ids: samples that may be drawn as donors.
        objects: of these, labelled objects that may be drawn.
    """

    rng: np.random.Generator
    frame: int
    parameter: Parameter
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    index: int = 0
    measured: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    donor_ids: Sequence[str] = ()
    objects: Objects | None = None


@dataclass(frozen=True)
class Distribution:
    """Base of all distributions; see the module."""

    takes_list: ClassVar[bool] = False  # a bare list is the first field, not the fields one by one

    def draw(self, at: At) -> Any:
        """One value."""
        raise NotImplementedError

    def draw_all(self, contexts: Sequence[At]) -> list[Any]:
        """One value for each object, each by its own generator."""
        return [self.draw(at) for at in contexts]

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        """The extreme or listed values, to be compared with what the parameter allows."""
        return ()

    def needs(self) -> frozenset[str]:
        """Paths that must be drawn before."""
        return frozenset()


def check_number(value: Any, name: str) -> float:
    """The value, if it is a finite number; ``name`` begins the message of the error."""
    if not is_number(value):
        raise ValueError(f"{name} must be a number, not {value!r}.")
    return float(value)


def check_ordered(low: Any, high: Any) -> None:
    """Refuse bounds that are no numbers, and a lower bound above the upper one."""
    if check_number(low, "The lower bound") > check_number(high, "The upper bound"):
        raise ValueError(f"The lower bound {low} is above the upper bound {high}.")


def freeze(distribution: Distribution, name: str) -> None:
    """Turn a list field into a tuple; refuse anything but a list with entries."""
    values = getattr(distribution, name)
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError(f"{name} must be a list with at least one entry, not {values!r}.")
    object.__setattr__(distribution, name, tuple(values))


def check_clip(distribution: Any) -> None:
    """Refuse a clip that is no pair of bounds."""
    clip = distribution.clip
    if clip is None:
        return
    if not isinstance(clip, (list, tuple)) or len(clip) != 2:
        raise ValueError(f"clip must be a list of two bounds, not {clip!r}.")
    check_ordered(*clip)
    object.__setattr__(distribution, "clip", (clip[0], clip[1]))
