"""Arguments from the browser, checked against the annotations of the function that gets them."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from workbench.base.errors import InputError, one_of
from workbench.base.shapes import is_number

CONTEXT = ("self", "state", "jobs", "cancel")  # what the board gives, not the browser
NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Any: "any value"}


def checked(function: Callable[..., Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, if the function takes them.

    Raises:
        InputError: an argument too many or too few, or a value of another type.

    >>> def brush(state: object, facet: str, low: float | None = None) -> None: ...
    >>> checked(brush, {"facet": "noise", "low": 2})
    {'facet': 'noise', 'low': 2}
    >>> checked(brush, {"facet": "noise", "low": "two"})
    Traceback (most recent call last):
    workbench.base.errors.InputError: low of brush must be a number or nothing, not 'two'.
    """
    expected = _parameters(function)
    name = function.__name__
    if unknown := sorted(set(args) - set(expected)):
        problem = f"{name} has no argument {repr(unknown[0])[:80]}."
        raise InputError(problem, fix=one_of(unknown[0], expected))
    for key, (kind, required) in expected.items():
        if key not in args and required:
            raise InputError(f"{name} needs {key}: {_words(kind)}.")
        if key in args and not _fits(args[key], kind):
            raise InputError(f"{key} of {name} must be {_words(kind)}, not {repr(args[key])[:80]}.")
    return dict(args)


@functools.cache
def _parameters(function: Callable[..., Any]) -> dict[str, tuple[Any, bool]]:
    """Type of each argument of the browser, and whether it must be given."""
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    return {
        name: (hints[name], parameter.default is parameter.empty)
        for name, parameter in parameters.items()
        if name not in CONTEXT
    }


def _fits(value: Any, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin in (list, Sequence, Iterable):
        return isinstance(value, list) and all(_fits(each, inner[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(v, inner[1]) for v in value.values())
    if kind in (int, float):
        return is_number(value) and (kind is float or isinstance(value, int))
    return isinstance(value, kind) if kind is not type(None) else value is None


def _words(kind: Any) -> str:
    """A type in words, for messages."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, inner))
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin in (list, Sequence, Iterable):
        return f"a list (of {_words(inner[0])})"
    if origin is dict:
        return f"a table (of {_words(inner[1])})"
    return "nothing" if kind is type(None) else NAMES[kind]
