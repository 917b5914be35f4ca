"""Ids in COCO files: whole numbers or texts, and not always the same of the two where one thing is meant."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

Id = int | str
V = TypeVar("V")
_DIGITS = 40  # of a number that is an id


def is_id(value: Any) -> bool:
    """Whether a value can be an id: a whole number or a text."""
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def as_id(value: Any) -> Id | None:
    """A value as an id, ``None`` where it cannot be one; tables of numbers write 3 as 3.0.

    >>> as_id(3), as_id("a7"), as_id(3.0), as_id(3.5), as_id(True), as_id([3])
    (3, 'a7', 3, None, None, None)
    """
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if is_id(value) else None


class ById(Generic[V]):
    """Values by id. An id that is not there finds the one that reads the same, as a number or as a text.

    >>> names = ById()
    >>> names[1], names["b"] = "nut", "bolt"
    >>> names.get(1), names.get("1"), names.get("b"), names.get(2), "1" in names
    ('nut', 'nut', 'bolt', None, True)
    """

    def __init__(self) -> None:
        self._values: dict[Id, V] = {}

    def __setitem__(self, id: Id, value: V) -> None:
        self._values[id] = value

    def __contains__(self, id: Id) -> bool:
        return self._key(id) is not None

    def has_exactly(self, id: Id) -> bool:
        """Whether this very id is there."""
        return id in self._values

    def get(self, id: Id) -> V | None:
        """The value of an id, ``None`` when there is none."""
        key = self._key(id)
        return None if key is None else self._values[key]

    def _key(self, id: Id) -> Id | None:
        if id in self._values:
            return id
        other = str(id) if isinstance(id, int) else _number(id)
        return other if other is not None and other in self._values else None


def _number(text: str) -> int | None:
    """The number that a text is written of, as it would be written again."""
    number = int(text) if len(text) < _DIGITS and text.lstrip("-").isdecimal() else None
    return number if str(number) == text else None
