"""What a command gives back: values for programs, text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


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


def columns(rows: Iterable[Sequence[object]]) -> str:
    """Rows as aligned text, numbers with thousands separators.

    >>> print(columns([("bolt", 1200), ("mug", 7)]))
    bolt  1,200
    mug       7
    """
    cells = [[f"{c:,}" if isinstance(c, int) and not isinstance(c, bool) else str(c) for c in row] for row in rows]
    numeric = [[isinstance(c, int | float) for c in row] for row in rows] if isinstance(rows, list) else []
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if numeric and numeric[i][j] else cell.ljust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for i, row in enumerate(cells)
    )
