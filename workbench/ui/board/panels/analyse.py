"""Commands that find out: measure, evaluate, discover failing slices, tell the gap of two sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.actions import evaluate as evaluating
from workbench.actions import measure as action
from workbench.actions.evaluate.discover import discover as find_slices
from workbench.actions.evaluate.gap import gap as find_gap
from workbench.actions.evaluate.gap_words import distances
from workbench.base.errors import InputError
from workbench.base.progress import Cancel, Listener
from workbench.core.gap.gap import Gap
from workbench.core.measures import MEASURES
from workbench.core.schema import fields
from workbench.core.tables import EVERYTHING, NumberColumn, Table
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.jobs import Done

if TYPE_CHECKING:
    from workbench.ui.board.board import Board

SLICES = 12
MEASURES_TOLD = 6  # of a gap, the farthest first
SIDES = ("real and synthetic", "of the filter", "pinned and current")


def measured(table: Table) -> int:
    """Samples that have all measures."""
    done = np.ones(len(table), np.bool_)
    for name in MEASURES:
        column = table.columns.get(f"{fields.MEASURES}.{name}")
        done &= ~column.missing() if isinstance(column, NumberColumn) else False
    return int(np.count_nonzero(done))


def measure(board: Board) -> Reply:
    """Start to measure the samples that have no measures yet."""
    dataset = board.joined.dataset

    def work(listener: Listener, cancel: Cancel) -> Done:
        found = action.measure(dataset, listener=listener, cancel=cancel)
        lost = f", {len(found.problems):,} could not be read" if found.problems else ""
        return Done(f"{found.measured:,} measured, {found.skipped:,} were so already{lost}.")

    board.joined.note_code("wb.measure(ds)")
    return Reply(board.jobs.start("Measure light, surface and sensor", work, kind="measure"))


def evaluate(board: Board, predictions: str, iou: float, confidence: float) -> Reply:
    """Start to match predictions with the truth."""
    dataset = board.joined.dataset
    given, overlap, least = str(predictions).strip(), float(iou), float(confidence)
    if not given:
        raise InputError("a field or a file of predictions", found="none", where="evaluate")

    def work(listener: Listener, cancel: Cancel) -> Done:
        found = evaluating.evaluate(dataset, given, iou=overlap, confidence=least, listener=listener, cancel=cancel)
        names = ("recall", "recall_low", "recall_high", "precision", "precision_low", "precision_high", "ap50")
        counts = {"samples": found.samples, "tp": found.tp, "fp": found.fp, "fn": found.fn}
        shown = {**counts, **{name: getattr(found, name) for name in names}, "errors": found.errors}
        return Done(str(found).splitlines()[0], shown)

    said = "".join(f", {k}={v:g}" for k, v, usual in (("iou", overlap, 0.5), ("confidence", least, 0)) if v != usual)
    board.joined.note_code(f"wb.evaluate(ds, {given!r}{said})")
    return Reply(board.jobs.start(f"Evaluate {given[-60:]}", work, kind="evaluate"))


def discover(board: Board, cancel: Cancel, metric: str, filtered: bool = False) -> Reply:
    """Slices where a metric is worst; each is a filter to click."""
    where = board.joined.filter if filtered else EVERYTHING
    found = find_slices(board.joined.dataset, metric=str(metric), where=where, limit=SLICES)
    said = "" if where == EVERYTHING else f", where={str(where)!r}"
    board.joined.note_code(f"wb.discover(ds, metric={metric!r}{said})")
    return Reply({"slices": found.rows, "summary": found.summary, "metric": metric})


def gap(board: Board, cancel: Cancel, sides: str, by: str | None = None) -> Reply:
    """How far two sets are apart: real and synthetic, of all or of the filter, or the pinned and the current ones."""
    chosen, options = board.joined, dict[str, Any]()
    if sides not in SIDES:
        raise InputError("two sides", found=repr(sides)[:80], where="gap", fix=f"One of: {', '.join(SIDES)}.")
    if sides == SIDES[2]:
        if chosen.pinned is None:
            raise InputError("a pinned filter", found="none", where="gap", fix="Pin a filter above the gallery first.")
        options = {"where": chosen.pinned, "against": chosen.filter}
    elif sides == SIDES[1]:
        options = {"where": chosen.filter}
    found = find_gap(chosen.dataset, by=by or None, **options)
    said = "".join(f", {name}={str(value)!r}" for name, value in options.items()) + (f", by={by!r}" if by else "")
    chosen.note_code(f"wb.gap(ds{said})")
    rows = [
        {
            "word": word,
            **{name: getattr(one, name) for name in ("samples", "against", "auc", "low", "high", "different", "note")},
            **distances(one, shown),
            "measures": _farthest(one),
            "look": look and {name: getattr(look.gap, name) for name in ("auc", "low", "high", "kid", "kid_p")},
            "object": shown and {"auc": shown.auc, "low": shown.low, "high": shown.high, "measures": _farthest(shown)},
        }
        for word, one, look, shown in found.views
    ]
    return Reply({"rows": rows, "by": by, "sides": list(found.sides)})


def _farthest(one: Gap) -> list[dict[str, Any]]:
    names = ("name", "distance", "expected", "p_value")
    return [{name: getattr(measure, name) for name in names} for measure in one.measures[:MEASURES_TOLD]]


ANALYSING = {
    "measure": Command(measure),
    "evaluate": Command(evaluate),
    "discover": Command(discover, aside=True),
    "gap": Command(gap, aside=True),
}
