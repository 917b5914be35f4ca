"""A content that samples may be recreated with, before its parameters are fitted."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    content: str
    plain: Scenario
    scenario: Scenario
    knobs: tuple[Knob, ...]
    choices: tuple[Choice, ...]
    rows: tuple[Row, ...]
    supply: Supply = NO_SUPPLY
