"""A content that samples may be recreated with, before its parameters are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.actions.generate.donors import NO_SUPPLY, Supply
from workbench.actions.recreate.parameters import Choice, Knob
from workbench.actions.recreate.report import Row
from workbench.core.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Candidate:
    """What a fit starts from.

    Attributes:
        content: what the pictures are made of.
        plain: the scenario before anything is known.
        scenario: with what is known without a fit.
        knobs, choices: what may be turned.
        rows: where what is known comes from.
        supply: donors, for contents that need some.
        refined: whether the fit goes on with pictures that differ in nothing but the knobs; they must be quick to make.
        final: changes that the finished scenario has beyond what is fitted and judged, in document form.
    """

    content: str
    plain: Scenario
    scenario: Scenario
    knobs: tuple[Knob, ...]
    choices: tuple[Choice, ...]
    rows: tuple[Row, ...]
    supply: Supply = NO_SUPPLY
    refined: bool = False
    final: Mapping[str, Any] = field(default_factory=dict)
