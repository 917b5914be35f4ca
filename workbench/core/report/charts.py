"""Charts as SVG: intervals along an axis, and bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.core.report.html import join, part

GOOD, WARN, BAD, MUTE = "#0f766e", "#b45309", "#b91c1c", "#64748b"
WIDTH, LEFT, SPAN = 860, 250, 400  # pixels: of a chart, to its axis, of its axis
MOST_LETTERS = 36


@dataclass(frozen=True)
class Mark:
    """A value with its interval; nothing is drawn without a value."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """One row of a chart.

    Attributes:
        name: at its left.
        title: shown when the mouse rests on it.
        marks: from top to bottom, older ones lighter.
        text: at its right.
        color: of the marks.
        reference: where a tick stands.
        text_color: of the text; by default that of the page.
    """

    name: str
    title: str
    marks: tuple[Mark, ...]
    text: str = ""
    color: str = MUTE
    reference: float | None = None
    text_color: str = ""


def intervals(rows: Sequence[Row], caption: str, *, ends: tuple[float, float], ticks: Sequence[float]) -> Markup:
    """Values with their intervals along one axis.

    Args:
        rows: at least one.
        caption: above the chart.
        ends: values at both ends of the axis; what lies beyond is drawn at the end.
        ticks: values with a line; the first one is solid.
    """
    low, high = ends

    def x(value: float) -> float:
        return LEFT + (min(max(value, low), high) - low) / (high - low) * SPAN

    step = 10
    height = step * (max(len(row.marks) for row in rows) + 1) + 8
    end = height * len(rows) + 6
    axis = [part("tick", x(tick), 2, end, f"{tick:g}", at > 0) for at, tick in enumerate(ticks)]
    drawn = [_intervals_row(row, k * height + 4, height, step, x) for k, row in enumerate(rows)]
    return part("chart", caption, WIDTH, end + 22, caption, join(*axis, *drawn))


def _intervals_row(row: Row, top: int, height: int, step: int, x: Callable[[float], float]) -> Markup:
    parts = []
    if row.reference is not None:
        parts.append(part("line", x(row.reference), top, top + height - 8))
    for k, mark in enumerate(row.marks):
        if mark.value is None:
            continue
        y, opacity = top + step * (k + 1), 0.35 + 0.65 * (k + 1) / len(row.marks)
        if mark.low is not None and mark.high is not None:
            parts.append(part("interval", x(mark.low), x(mark.high), y, row.color, opacity))
        parts.append(part("point", x(mark.value), y, row.color, opacity))
    middle = top + step * (len(row.marks) + 1) / 2
    texts = (row.title, LEFT, row.name[:MOST_LETTERS], middle, join(*parts))
    return part("row", *texts, LEFT + SPAN + 16, row.text, row.text_color)


def bars(rows: Sequence[Row], caption: str) -> Markup:
    """Lengths from zero; the reference of a row is a tick.

    Args:
        rows: at least one; the first mark of each is its length.
        caption: above the chart.
    """
    values = [row.marks[0].value or 0.0 for row in rows]
    largest = max([*values, *(row.reference or 0.0 for row in rows)]) or 1.0
    drawn = []
    for k, (row, value) in enumerate(zip(rows, values, strict=True)):
        y, length = 8 + 22 * k, value / largest * SPAN
        parts = [part("bar", LEFT, length, y, 16, row.color)]
        if row.reference is not None:
            parts.append(part("line", LEFT + row.reference / largest * SPAN, y - 1, y + 17))
        texts = (row.title, LEFT, row.name[:MOST_LETTERS], y + 8, join(*parts))
        drawn.append(part("row", *texts, LEFT + length + 8, row.text, ""))
    return part("chart", caption, WIDTH, 22 * len(rows) + 12, caption, join(*drawn))
