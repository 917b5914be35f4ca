"""The shape of plain data that somebody else may have written: looked at once, before anything relies on it.

A shape is one of::

    str int float Real bool None    a text that is valid Unicode, a whole number of 64 bits, a finite number, any ...
    object                     anything
    PLAIN                      what JSON can hold: these, lists of them, objects of them with texts as keys
    [shape]  [shape, n]        a list of any length, or of n entries
    {"key": shape, "more?": shape}     an object with these keys, and maybe others; one with ``?`` may be missing
    {str: shape}               an object with any keys
    (shape, shape)             one or the other
    frozenset                  one of these texts
    a class                    an object of it
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, TypeGuard

Shape = Any
PLAIN = "what JSON can hold"
_WORDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a finite number",
    Real: "a number",
    bool: "true or false",
    None: "null",
}
_DEEPEST = 50


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number, and no truth value; a whole number beyond all floats is none.

    >>> is_number(1), is_number(1.5), is_number(True), is_number(float("nan")), is_number(10**400), is_number("1")
    (True, True, False, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, (float, int, Real)):
        return False
    number: Any = value
    return bool(-sys.float_info.max <= number <= sys.float_info.max)


def is_text(value: Any) -> TypeGuard[str]:
    r"""Whether a value is a text that can be written: JSON can hold half of a character.

    >>> is_text("größe"), is_text("\ud800"), is_text(1)
    (True, False, False)
    """
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def fault(value: Any, shape: Shape, at: str = "") -> str | None:
    """What first differs from the shape, as a phrase with its place; ``None`` when nothing does.

    >>> fault({"samples": [{"id": 1}, {}]}, {"samples": [{"id": int}]})
    'samples[1].id is missing'
    >>> fault({"name": 3}, {"name": (str, None), "size?": [int, 2]})
    'name is not a text or null'
    """
    if shape is object:
        return None
    if shape == PLAIN:
        return _fault_of_plain(value, at, _DEEPEST)
    if isinstance(shape, frozenset):
        return None if is_text(value) and value in shape else f"{at or 'it'} is not {_words(shape)}"
    if isinstance(shape, tuple):
        faults = [fault(value, each, at) for each in shape]
        if None in faults:
            return None
        nested = [text for text, each in zip(faults, shape, strict=True) if _is_like(value, each)]
        return nested[0] if nested else f"{at or 'it'} is not {' or '.join(map(_words, shape))}"
    if isinstance(shape, list):
        return _fault_of_list(value, shape, at)
    if isinstance(shape, dict):
        return _fault_of_object(value, shape, at)
    return None if _fits(value, shape) else f"{at or 'it'} is not {_words(shape)}"


def _fits(value: Any, kind: Any) -> bool:
    if kind is None:
        return value is None
    if kind is str:
        return is_text(value)
    if kind is int:
        return isinstance(value, (int, Integral)) and not isinstance(value, bool) and -(2**63) <= int(value) < 2**63
    if kind is Real:  # infinity and NaN too
        return is_number(value) or (isinstance(value, float) and not isinstance(value, bool))
    return is_number(value) if kind is float else isinstance(value, kind)


def _fault_of_list(value: Any, shape: list[Shape], at: str) -> str | None:
    if not isinstance(value, (list, tuple)):
        return f"{at or 'it'} is not a list"
    if len(shape) == 2 and len(value) != shape[1]:
        return f"{at or 'it'} has {len(value):,} entries instead of {shape[1]}"
    return next((text for i, each in enumerate(value) if (text := fault(each, shape[0], f"{at}[{i}]"))), None)


def _fault_of_object(value: Any, shape: dict[Any, Shape], at: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{at or 'it'} is not an object"
    if str in shape:
        if not all(map(is_text, value)):
            return f"{at or 'it'} has a key that is not a text"
        return next((text for key, each in value.items() if (text := fault(each, shape[str], _below(at, key)))), None)
    for name, part in shape.items():
        key = name.removesuffix("?")
        if key in value:
            if text := fault(value[key], part, _below(at, key)):
                return text
        elif key == name:
            return f"{_below(at, key)} is missing"
    return None


def _fault_of_plain(value: Any, at: str, deeper: int) -> str | None:
    if not deeper:
        return f"{at[:80]} is nested too deeply"
    if isinstance(value, (list, tuple)):
        parts = [(each, f"{at}[{i}]") for i, each in enumerate(value)]
    elif isinstance(value, Mapping):
        if not all(map(is_text, value)):
            return f"{at or 'it'} has a key that is not a text"
        parts = [(each, _below(at, key)) for key, each in value.items()]
    else:
        return (
            None
            if any(_fits(value, kind) for kind in (str, int, bool, None)) or isinstance(value, float)
            else f"{at or 'it'} is not {PLAIN}"
        )
    return next((text for each, place in parts if (text := _fault_of_plain(each, place, deeper - 1))), None)


def _below(at: str, key: str) -> str:
    return f"{at}.{key[:40]}" if at else key[:40]


def _is_like(value: Any, shape: Shape) -> bool:
    """Whether an alternative was meant, so that what is wrong inside is worth telling."""
    return (isinstance(shape, list) and isinstance(value, list)) or (
        isinstance(shape, dict) and isinstance(value, dict)
    )


def _words(shape: Shape) -> str:
    if isinstance(shape, (list, dict)):
        return "a list" if isinstance(shape, list) else "an object"
    if isinstance(shape, frozenset):
        return " or ".join(map(repr, sorted(shape)))
    named = shape is None or isinstance(shape, type)
    return str(_WORDS.get(shape) or f"of the type {shape.__name__}") if named else PLAIN
