"""Where the distributions of a recreated scenario come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
