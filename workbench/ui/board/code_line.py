"""Lines of the session as Python, written from the functions that they call."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.core.tables import Filter

OWNERS = {"Selection": "selection", "Scenario": "recreation.scenario"}  # names of objects in the session, by class


class Name(str):
    """A name or an expression of the session; it stands in a line as it is, without quotes."""

    __slots__ = ()


DS, FILTER, IDS = Name("ds"), Name("selection.filter"), Name("selection.ids")


def call(function: Callable[..., Any], /, *args: Any, **options: Any) -> str:
    """The call of a public function, or of a method of the session's objects, as a line of Python.

    Arguments that are the function's defaults are left out.

    Args:
        function: a function of ``wb``, or a bound method of a class in ``OWNERS``.
        args: positional arguments, as values or as ``Name``.
        options: arguments with their names.

    Raises:
        TypeError: the function does not take these arguments.

    >>> def tag(dataset, name, *, where=None, reason=""): ...
    >>> call(tag, DS, "failure:glare", where=FILTER, reason="")
    "wb.tag(ds, 'failure:glare', where=selection.filter)"
    """
    signature = inspect.signature(function)
    signature.bind(*args, **options)
    defaults = [parameter.default for parameter in signature.parameters.values()]
    shown = len(args)
    while shown and _same(args[shown - 1], defaults[shown - 1]):
        shown -= 1
    texts = [literal(value) for value in args[:shown]]
    for name, value in options.items():
        parameter = signature.parameters.get(name)  # none for one of **options
        if parameter is None or not _same(value, parameter.default):
            texts.append(f"{name}={literal(value)}")
    owner = OWNERS[type(function.__self__).__name__] if inspect.ismethod(function) else "wb"
    return f"{owner}.{function.__name__}({', '.join(texts)})"


def literal(value: Any) -> str:
    """A value as Python: filters and paths as their text, specifications as calls without their defaults.

    >>> from workbench.core.splits import SplitSpec
    >>> literal(SplitSpec(stages=True))
    'wb.SplitSpec(stages=True)'
    """
    if isinstance(value, Name):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, Filter | type):
        return call(type(value), **{field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    return repr(str(value) if isinstance(value, Filter | Path) else value)


def _same(value: Any, default: Any) -> bool:
    if repr(default) == "<factory>":  # of a field of a dataclass: an empty table or list
        return not value
    return default is not inspect.Parameter.empty and bool(value == default)
