"""One named value of a frame: its unit, its range, and the contents in which it means something."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from workbench.base.shapes import is_number
from workbench.core import assets as library

Kind = Literal["number", "integer", "switch", "word", "asset", "placement", "quaternion", "sample", "object"]
Owner = Literal["frame", "object", "target", "distractor"]
LENGTHS = {"placement": (3, 7), "quaternion": (4,)}
CONTENTS = {
    "rendered": "parts on a support, drawn from meshes",
    "photos": "your own photos, developed anew",
    "pasted": "your own labelled objects on your own photos",
    "plates": "rendered parts in your own photos",
}
RENDERED = ("rendered", "plates")  # parts are drawn, by a renderer
PHOTOS = ("photos", "pasted", "plates")  # photos are developed, so there are donors
PASTED = ("pasted",)


@dataclass(frozen=True)
class Parameter:
    """One named value of a frame.

    Attributes:
        path: section and name, e.g. ``sensor.exposure.ev``.
        kind: what values are.
        unit: unit of the value; empty for words and shares.
        valid: ``(low, high)`` of numbers, or a function that gives the valid words.
        default: how it is drawn when a document does not set it, in document form.
        meaning: one line for people.
        per: what has one value each.
        nullable: ``None`` is a value.
        contents: in which it means something.
    """

    path: str
    kind: Kind
    unit: str
    valid: tuple[float, float] | Callable[[], tuple[str, ...]] | None
    default: Any
    meaning: str
    per: Owner = "frame"
    nullable: bool = False
    contents: tuple[str, ...] = tuple(CONTENTS)

    @property
    def low(self) -> float:
        """Lowest valid number; minus infinity for other kinds."""
        return self.valid[0] if isinstance(self.valid, tuple) else -math.inf

    @property
    def high(self) -> float:
        """Highest valid number; infinity for other kinds."""
        return self.valid[1] if isinstance(self.valid, tuple) else math.inf

    @property
    def words(self) -> tuple[str, ...]:
        """Valid words; empty for other kinds."""
        return self.valid() if callable(self.valid) else ()

    def expects(self) -> str:
        """The values that are valid, as a noun phrase for messages."""
        if self.kind in ("word", "asset"):
            return "a valid name"
        if self.kind == "switch":
            return "on or off"
        if self.kind == "sample":
            return "the id of a sample"
        if self.kind == "object":
            return "an object: the id of a sample, / and the number of its label from 0"
        if self.kind in LENGTHS:
            return f"a list of {' or '.join(map(str, LENGTHS[self.kind]))} numbers"
        number = "a whole number" if self.kind == "integer" else "a number"
        return f"{number} from {self.low:g} to {self.high:g}" + (f" {self.unit}" if self.unit else "")

    def accepts(self, value: Any) -> bool:
        """Whether a value has the right type and lies in the valid range."""
        if value is None:
            return self.nullable
        if self.kind == "asset" and isinstance(value, str) and library.is_own(value):
            return len(library.own_mesh(value).faces) > 0  # or it raises what is wrong with the file
        if self.kind in ("word", "asset"):
            return isinstance(value, str) and value in self.words
        if self.kind == "switch":
            return isinstance(value, bool)
        if self.kind == "sample":
            return isinstance(value, str) and bool(value)
        if self.kind == "object":
            return isinstance(value, str) and re.fullmatch(r"[^/]+/\d+", value) is not None
        if self.kind in LENGTHS:
            return isinstance(value, list) and len(value) in LENGTHS[self.kind] and all(map(is_number, value))
        if self.kind == "integer" and not (is_number(value) and float(value).is_integer()):
            return False
        return is_number(value) and self.low <= value <= self.high

    def normal(self, value: Any) -> Any:
        """The value in its one plain type: ``float``, ``int``, ``bool``, ``str`` or a list of floats."""
        if value is None or self.kind in ("word", "asset", "switch", "sample", "object"):
            return value
        if self.kind in LENGTHS:
            return [float(part) for part in value]
        return int(value) if self.kind == "integer" else float(value)
