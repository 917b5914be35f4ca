"""How sure a model is of a prediction: one rule for every form of file."""

from __future__ import annotations

from typing import Any

from workbench.base.errors import InputError
from workbench.base.shapes import is_number

_ROUNDING = 1e-6  # a softmax in single precision ends a little above 1


def confidence_of(value: Any, where: str) -> float | None:
    """The confidence, 0..1, or ``None`` when none is given.

    Raises:
        ValueError: it is no number, or not finite.
        InputError: it is beyond 0..1: all confidences of such a file have another scale.

    >>> confidence_of(0.25, "a.json"), confidence_of(None, "a.json"), confidence_of(1 + 1e-7, "a.json")
    (0.25, None, 1.0)
    """
    if value is None:
        return None
    if not is_number(value):
        raise ValueError(f"the confidence is not a finite number ({value!r:.60})")
    if not -_ROUNDING <= value <= 1 + _ROUNDING:
        fix = "Divide percentages by 100, or turn logits into probabilities."
        raise InputError(f"Confidences must be between 0 and 1, not {value:g}.", at=where, fix=fix)
    return min(max(float(value), 0.0), 1.0)
