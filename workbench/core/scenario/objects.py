"""Which labelled object is pasted: any of the donors' objects, or of some classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core.scenario.distribution import At, Distribution, freeze
from workbench.core.scenario.donors import ranks
from workbench.core.scenario.parameter import Parameter

LEAST_CONFIDENCE = "paste.least_confidence"


@dataclass(frozen=True)
class AnyObject(Distribution):
    """One of the donors' labelled objects whose outline is sure enough, each as likely as any other.

    Rendezvous hashing, as with donors: adding objects changes only the draws that they win. ``classes`` is ``any``, or
    a list of those that are wanted.
    """

    classes: str | tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.classes, str):
            if self.classes != "any":
                raise ValueError(f"Write {{object: any}} or {{object: {{classes: [...]}}}}, not {self.classes!r}.")
            return
        freeze(self, "classes")
        if not all(isinstance(name, str) and name for name in self.classes):
            raise ValueError(f"classes must be a list of class names, not {list(self.classes)!r}.")

    @property
    def wanted(self) -> tuple[str, ...]:
        """Classes that are asked for; empty when it may be any."""
        return () if isinstance(self.classes, str) else self.classes

    def draw(self, at: At) -> str:
        if at.objects is None or not at.objects.names:
            raise ValueError("There is no labelled object to draw from.")
        names, objects = at.objects.names, at.objects
        for position in np.argsort(ranks(names, at.rng))[::-1].tolist():
            if self.wanted and objects.classes[position] not in self.wanted:
                continue
            if objects.confidence(names[position]) >= at.values[LEAST_CONFIDENCE]:
                return str(names[position])
        raise ValueError("No labelled object has an outline that is sure enough.")

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        if parameter.kind != "object":
            raise ValueError(f"A labelled object means nothing here; this parameter is {parameter.expects()}")
        return ()

    def needs(self) -> frozenset[str]:
        return frozenset({LEAST_CONFIDENCE})
