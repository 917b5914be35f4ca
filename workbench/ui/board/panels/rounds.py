"""Commands of the loop: record a round, retrain, and the scoreboard."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.actions import retrain as action
from workbench.actions import rounds as looping
from workbench.actions.rounds.record import Round
from workbench.actions.rounds.scoreboard import Row, Scoreboard
from workbench.actions.train import Detector, Trainer
from workbench.base.errors import InputError
from workbench.base.progress import Cancel, Listener
from workbench.core.metrics.compare import Change, Level
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.jobs import Done

if TYPE_CHECKING:
    from workbench.ui.board.board import Board

YOURS, SMALL = "yours", "small"
TRAINERS = {YOURS: "the one given to the board", SMALL: "the small detector (extra: train)"}


def scoreboard(board: Board, cancel: Cancel, metric: str = "recall", said: bool = False) -> Reply:
    """What the rounds say; ``said`` when the user asked, which is a line of code."""
    found = looping.rounds(board.joined.dataset, metric=str(metric))
    if said:
        board.joined.note_code("wb.rounds(ds)" if metric == "recall" else f"wb.rounds(ds, metric={metric!r})")
    return Reply(shown(found))


def shown(found: Scoreboard) -> dict[str, Any]:
    """A scoreboard as plain values, those slices first that got worse."""
    calm = [row for row in found.slices if row not in found.fell]
    named = {one.number: one.name for one in found.rounds}
    return {
        "metric": found.metric,
        "rounds": [_round(one) for one in found.rounds],
        "compared": [named[number] for number in found.compared],
        "samples": found.samples,
        "worse": [_row(row) for row in found.fell],
        "scenarios": [_row(row) for row in found.scenarios] if found.rounds else [],
        "waiting": [] if found.rounds else [row.name for row in found.scenarios],
        "others": [_row(row) for row in ([found.overall] if found.overall else []) + calm],
        "notes": list(found.notes),
    }


def _round(one: Round) -> dict[str, Any]:
    names = ("number", "name", "split", "samples", "images", "seconds", "metrics", "left_out")
    return {name: getattr(one, name) for name in names}


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.verdict.state if row.verdict else "",
        "note": row.verdict.note if row.verdict else "",
        "samples": row.samples,
        "labels": row.labels,
        "levels": [dataclasses.asdict(one) for one in row.levels],
        "rest": row.rest.value,
        "since_first": _interval(row.since_first),
        "since_before": _interval(row.since_before),
    }


def _interval(one: Change | Level | None) -> dict[str, float | None] | None:
    return None if one is None or one.value is None else {"value": one.value, "low": one.low, "high": one.high}


def record(board: Board, predictions: str, name: str, manifest: str = "", confidence: float = 0.0) -> Reply:
    """Start to record a round from predictions in a field or a file."""
    dataset = board.joined.dataset
    field, label, least = str(predictions).strip(), _named(name), float(confidence)
    export = str(manifest).strip() or None
    if not field:
        raise InputError("a field or a file of predictions", found="none", where="record a round")

    def work(listener: Listener, cancel: Cancel) -> Done:
        given: dict[str, Any] = {"manifest": export, "confidence": least, "listener": listener, "cancel": cancel}
        return Done(f"{looping.record_round(dataset, field, name=label, **given)}.", True)

    more = (f", manifest={export!r}" if export else "") + (f", confidence={least:g}" if least else "")
    board.joined.note_code(f"wb.record_round(ds, {field!r}, name={label!r}{more})")
    return Reply(board.jobs.start(f"Record round {label}", work, kind="record"))


def retrain(board: Board, name: str, folder: str, trainer: str = SMALL, stages: bool = False) -> Reply:
    """Start to export, train, predict and record the round."""
    dataset, label, target = board.joined.dataset, _named(name), str(folder).strip()
    if not target:
        raise InputError("a folder", found="none", where="retrain", fix="Give a new or empty one.")
    model, staged = _trainer(board, str(trainer)), bool(stages)

    def work(listener: Listener, cancel: Cancel) -> Done:
        given: dict[str, Any] = {"stages": staged, "listener": listener, "cancel": cancel}
        found = action.retrain(dataset, model, name=label, folder=Path(target), **given)
        return Done(f"{found}.", {"field": found.field})

    said = "ds, trainer" if trainer == YOURS else "ds"
    more = ", stages=True" if staged else ""
    board.joined.note_code(f"wb.retrain({said}, name={label!r}, folder={target!r}{more})")
    return Reply(board.jobs.start(f"Retrain {label}", work, kind="retrain"))


def _named(name: str) -> str:
    if not (label := str(name).strip()):
        raise InputError("a name for the round", found="none", where="rounds", fix="For example 'baseline'.")
    return label


def _trainer(board: Board, which: str) -> Trainer:
    if which == YOURS and board.trainer is not None:
        return board.trainer
    if which != SMALL:
        found = "none was given" if which == YOURS else repr(which)[:80]
        raise InputError("a trainer", found=found, where="retrain", fix="wb.Board(ds, trainer=...)")
    return Detector()


def trainers(board: Board) -> list[tuple[str, str]]:
    """What can be chosen, with its words."""
    known = [YOURS, SMALL] if board.trainer is not None else [SMALL]
    return [(one, TRAINERS[one]) for one in known]


JUDGING = {
    "scoreboard": Command(scoreboard, aside=True),
    "record": Command(record),
    "retrain": Command(retrain),
}
