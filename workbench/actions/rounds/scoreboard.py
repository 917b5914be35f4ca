"""The scoreboard: what the rounds say of each failure scenario, as tables, in words and as a plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.actions.rounds.record import Round
from workbench.actions.rounds.verdict import CLOSED, FAILING, WORSE, Verdict
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.core.metrics.compare import Change, Level
from workbench.core.report import charts, html

COLORS = {CLOSED: charts.GOOD, FAILING: charts.WARN, WORSE: charts.BAD}
SHOWN = 12  # slices drawn


@dataclass(frozen=True)
class Row:
    """One failure scenario, one other slice, or all images.

    Attributes:
        name: tag or words, e.g. ``dim x metal``.
        samples, labels: how many were judged.
        levels: the metric in each compared round.
        rest: of the other real images, or other labels, in the last round.
        to_rest: the slice's less that.
        since_before, since_first: change against the round before and the first; ``None`` without one.
        verdict: of a failure scenario.
    """

    name: str
    samples: int
    labels: int
    levels: tuple[Level, ...]
    rest: Level
    to_rest: Change
    since_before: Change | None
    since_first: Change | None
    verdict: Verdict | None = None

    @property
    def label(self) -> str:
        """The state of a failure scenario for people: what was not measured is neither failing nor closed."""
        return "not judged" if self.verdict is None or self.now.value is None else self.verdict.state

    @property
    def now(self) -> Level:
        """The metric in the last round."""
        return self.levels[-1] if self.levels else Level(None)

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        state = {} if self.verdict is None else {"state": self.verdict.state}
        values: dict[str, Any] = {"samples": self.samples, "labels": self.labels}
        values |= {"value": self.now.value, "low": self.now.low, "high": self.now.high, "rest": self.rest.value}
        for name in ("to_rest", "since_before", "since_first"):
            difference: Change | None = getattr(self, name)
            values |= {
                name: difference and difference.value,
                f"{name}_low": difference and difference.low,
                f"{name}_high": difference and difference.high,
            }
        note = {} if self.verdict is None else {"note": self.verdict.note}
        return {**state, **values, **note, "per_round": [level.value for level in self.levels]}


@dataclass(frozen=True)
class Scoreboard:
    """What the rounds say; the last line of a notebook cell draws it.

    Attributes:
        metric: the metric judged by.
        rounds: all rounds, in order.
        compared: numbers of those compared, on the images that they share.
        samples: how many images those are.
        scenarios: one row per failure tag.
        overall: all images; ``None`` without rounds.
        slices: lighting x surface, those that fell first.
        notes: what to know of the comparison.
    """

    metric: str
    rounds: tuple[Round, ...]
    compared: tuple[int, ...]
    samples: int
    scenarios: tuple[Row, ...]
    overall: Row | None
    slices: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def fell(self) -> tuple[Row, ...]:
        """Other slices that surely got worse since the round before."""
        return tuple(row for row in self.slices if row.since_before is not None and row.since_before.fell)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per failure scenario."""
        return _frame("tag", self.scenarios)

    @property
    def slices_frame(self) -> pd.DataFrame:
        """One row per lighting x surface, those that fell first."""
        return _frame("slice", self.slices)

    @property
    def rounds_frame(self) -> pd.DataFrame:
        """One row per round."""
        return pd.DataFrame([{**asdict(entry), **entry.metrics} for entry in self.rounds]).drop(
            columns=["metrics", "left_out"], errors="ignore"
        )

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "metric": self.metric,
            "rounds": [asdict(entry) for entry in self.rounds],
            "compared": list(self.compared),
            "samples": self.samples,
            "worse_slices": [{"slice": row.name, **row.plain()} for row in self.fell],
            "scenarios": [{"tag": row.name, **row.plain()} for row in self.scenarios],
            "overall": None if self.overall is None else self.overall.plain(),
            "slices": [{"slice": row.name, **row.plain()} for row in self.slices],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return words(self)

    def _repr_html_(self) -> str:
        return html.fragment(_body(self))

    def save(self, path: str | Path) -> Path:
        """Write a page that opens anywhere.

        Raises:
            OutputError: the folder is missing, read-only or full.
        """
        target = Path(path)
        write_bytes(target, html.page("Rounds", _body(self)).encode())
        return target


def _frame(name: str, rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame([{name: row.name, **row.plain()} for row in rows])


def words(board: Scoreboard) -> str:
    """The scoreboard in lines."""
    return "\n".join(_lines(board))


def _lines(board: Scoreboard) -> Iterator[str]:
    yield from (str(entry) for entry in board.rounds)
    if board.overall is not None:
        yield _sentence("all real images", board.overall, board)
    for row in board.fell:
        yield _sentence(f"GOT WORSE {row.name}", row, board)
    for row in board.scenarios:
        yield scenario_sentence(row, board)
    if not board.scenarios:
        yield "No failure scenarios: tag some, e.g. wb.tag(ds, 'failure:glare', where=\"lighting == 'harsh'\")."
    yield from board.notes


def scenario_sentence(row: Row, board: Scoreboard) -> str:
    """One failure scenario in a line."""
    assert row.verdict is not None
    head = f"{row.label.upper()} {row.name}"
    return f"{_sentence(head, row, board)}: {row.verdict.note}" if board.rounds else f"{head}: {row.verdict.note}"


def _sentence(head: str, row: Row, board: Scoreboard) -> str:
    parts = [f"{board.metric} {_level(row.now)} on {counted(row.samples, 'image')}, {counted(row.labels, 'label')}"]
    if row.since_before is not None and len(board.compared) > 2:
        parts.append(f"{_change(row.since_before)} since the round before")
    if row.since_first is not None:
        parts.append(f"{_change(row.since_first)} since the first round")
    if row.rest.value is not None and row.verdict is not None:
        parts.append(f"the rest {row.rest.value:.3f}")
    return f"{head}: {'; '.join(parts)}"


def _level(level: Level) -> str:
    if level.value is None:
        return "-"
    return f"{level.value:.3f}" + ("" if level.low is None else f" ({level.low:.3f} to {level.high:.3f})")


def _change(change: Change) -> str:
    if change.value is None:
        return "change unknown"
    return f"{change.value:+.3f}" + ("" if change.low is None else f" ({change.low:+.3f} to {change.high:+.3f})")


def _body(board: Scoreboard) -> Markup:
    """The scoreboard as charts with its words."""
    parts = []
    if board.fell:
        parts += [Markup("<h4>Other slices that got worse</h4>"), _chart(board.fell, board)]
    if board.rounds and board.scenarios:
        parts += [Markup("<h4>Failure scenarios</h4>"), _chart(board.scenarios, board)]
    if board.overall is not None:
        calm = [row for row in board.slices if row not in board.fell][:SHOWN]
        parts += [Markup("<h4>All, and slices of lighting and surface</h4>"), _chart([board.overall, *calm], board)]
    return html.join(*parts, html.paragraphs(_lines(board)))


def _chart(rows: Sequence[Row], board: Scoreboard) -> Markup:
    """Per row one mark per compared round, older ones above and lighter; a tick where the rest lies."""
    names = {each.number: each.name for each in board.rounds}
    order = ", ".join(names[number] for number in board.compared)
    caption = f"{board.metric}, from top to bottom: {order}; bar: 95 % interval; tick: the rest in the last round"
    drawn = [_chart_row(row, board) for row in rows]
    return charts.intervals(drawn, caption, ends=(0.0, 1.0), ticks=(0.0, 0.25, 0.5, 0.75, 1.0))


def _chart_row(row: Row, board: Scoreboard) -> charts.Row:
    color = COLORS[row.verdict.state] if row.verdict else COLORS[WORSE] if row in board.fell else charts.MUTE
    step = row.since_first or row.since_before
    state = f"{row.verdict.state}  " if row.verdict else ""
    return charts.Row(
        row.name,
        scenario_sentence(row, board) if row.verdict else _sentence(row.name, row, board),
        tuple(charts.Mark(level.value, level.low, level.high) for level in row.levels),
        state + (_change(step) if step else ""),
        color,
        row.rest.value,
        color,
    )
