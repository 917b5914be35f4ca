"""Where the distributions of a recreated scenario come from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.actions.recreate.contrast import Fact
from workbench.actions.recreate.parameters import Knob


@dataclass(frozen=True)
class Row:
    """Where one parameter's distribution comes from.

    Attributes:
        path: of the parameter.
        mode: ``jitter`` around what was measured, or ``free``.
        measured: value in the parameter's unit, words with their shares, or ``None``.
        confidence: ``high``, ``medium``, ``low``, or ``unknown`` for what was not measured.
        why: in words.
    """

    path: str
    mode: str
    measured: Any
    confidence: str
    why: str


def measures_text(knob: Knob, facts: Mapping[str, Fact]) -> str:
    """A knob's measures in words."""
    texts = [_fact_text(facts[name]) for name in knob.measures if name in facts]
    return ", ".join(texts) or "no measure of its own"


def _fact_text(compared: Fact) -> str:
    apart = "" if compared.effect is None else f" ({compared.effect:+.1f} SD from the other samples)"
    return f"{compared.measure} {compared.mean:.3g}{apart}"
