"""What a command gives back: values for programs, text for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, TextIO

from workbench.base.visible import one_line, visible


@dataclass(frozen=True)
class Outcome:
    """Result of a command.

    Attributes:
        json: the object that ``--json`` prints.
        text: what people read.
        status: exit status.
    """

    json: dict[str, Any]
    text: str
    status: int = 0


def plain(value: Any) -> Any:
    """A report as values that JSON knows.

    >>> plain(Outcome({"n": {'a': 2}}, "text"))
    {'json': {'n': {'a': 2}}, 'text': 'text', 'status': 0}
    """
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def say(text: str, stream: TextIO) -> None:
    """Print text for people; what a terminal would act upon is written as an escape."""
    print(visible(text), file=stream, flush=True)


def say_json(value: Mapping[str, Any], stream: TextIO) -> None:
    """Print one JSON object."""
    print(visible(json.dumps(value, ensure_ascii=False, default=str), as_json=True), file=stream, flush=True)


def columns(rows: Iterable[Sequence[object]]) -> str:
    """Rows as aligned text, numbers with thousands separators.

    >>> print(columns([("bolt", 1200), ("mug", 7)]))
    bolt  1,200
    mug       7
    """
    cells = [
        [f"{c:,}" if isinstance(c, int) and not isinstance(c, bool) else one_line(str(c)) for c in row] for row in rows
    ]
    numeric = [[isinstance(c, int | float) for c in row] for row in rows] if isinstance(rows, list) else []
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if numeric and numeric[i][j] else cell.ljust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for i, row in enumerate(cells)
    )
