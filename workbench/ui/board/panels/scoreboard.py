"""The scoreboard: record a round, retrain, and what became of each failure scenario."""

from __future__ import annotations

import dataclasses
from typing import Any

from workbench.actions.retrain import retrain as retrain_model
from workbench.actions.rounds import Scoreboard, record_round, rounds
from workbench.actions.rounds.record import Round
from workbench.actions.rounds.scoreboard import Row
from workbench.actions.train import Detector, Trainer
from workbench.adapters.store.predictions import box_fields
from workbench.base.errors import InputError
from workbench.base.progress import Cancel, Work
from workbench.core.metrics.compare import Change, Level
from workbench.core.splits import SplitSpec
from workbench.ui.board.code_line import DS, Name, call
from workbench.ui.board.jobs import Done, Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

OWN, SMALL = "yours", "small"
TRAINERS = {OWN: "trainer of the board", SMALL: "small detector (extra: train)"}
ROUND = ("number", "name", "split", "samples", "images", "seconds", "metrics", "left_out")


def options(state: Selection, jobs: Jobs) -> dict[str, Any]:
    """What the forms offer."""
    trainers = [(name, TRAINERS[name]) for name in (OWN, SMALL) if name == SMALL or jobs.trainer is not None]
    folder = str(state.output_folder / "rounds")
    return {"predictions": box_fields(state.dataset), "trainers": trainers, "rounds_folder": folder}


def scoreboard(
    state: Selection, jobs: Jobs, cancel: Cancel, metric: str = "recall", by_user: bool = False
) -> dict[str, Any]:
    """The rounds compared; ``by_user`` makes it a line of code."""
    board = rounds(state.dataset, metric=metric)
    if by_user:
        state.note_code(call(rounds, DS, metric=metric))
    return plain(board)


def plain(board: Scoreboard) -> dict[str, Any]:
    """A scoreboard as plain values, those slices first that got worse."""
    steady = [row for row in board.slices if row not in board.fell]
    names = {each.number: each.name for each in board.rounds}
    return {
        "metric": board.metric,
        "rounds": [_round(each) for each in board.rounds],
        "compared": [names[number] for number in board.compared],
        "samples": board.samples,
        "worse": [_row(row) for row in board.fell],
        "scenarios": [_row(row) for row in board.scenarios] if board.rounds else [],
        "waiting": [] if board.rounds else [row.name for row in board.scenarios],
        "others": [_row(row) for row in ([board.overall] if board.overall else []) + steady],
        "notes": list(board.notes),
    }


def _round(each: Round) -> dict[str, Any]:
    return {name: getattr(each, name) for name in ROUND}


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.verdict.state if row.verdict else "",
        "label": row.label,
        "note": row.verdict.note if row.verdict else "",
        "samples": row.samples,
        "labels": row.labels,
        "levels": [dataclasses.asdict(level) for level in row.levels],
        "rest": row.rest.value,
        "since_first": _interval(row.since_first),
        "since_before": _interval(row.since_before),
    }


def _interval(value: Change | Level | None) -> dict[str, float | None] | None:
    return (
        None
        if value is None or value.value is None
        else {name: getattr(value, name) for name in ("value", "low", "high")}
    )


def record(
    state: Selection, jobs: Jobs, predictions: str, name: str, manifest: str = "", confidence: float = 0.0
) -> int:
    """Start to record a round from predictions in a field or a file; returns the job's number."""
    source, label = predictions.strip(), _label(name)
    if not source:
        raise InputError("No predictions were given.", fix="Choose a field, or enter the path of a file.")
    given: dict[str, Any] = {"name": label, "manifest": manifest.strip() or None, "confidence": confidence}

    def run(work: Work) -> Done:
        return Done(f"{record_round(state.dataset, source, **given, work=work)}.", True)

    state.note_code(call(record_round, DS, source, **given))
    return jobs.start(f"Record round {label}", run, kind="record")


def retrain(state: Selection, jobs: Jobs, name: str, folder: str, trainer: str = SMALL, stages: bool = False) -> int:
    """Start to export, train, predict and record the round; returns the job's number."""
    model = _trainer(jobs, trainer)
    given: dict[str, Any] = {"name": _label(name), "folder": folder.strip()}
    given["splits"] = SplitSpec(stages=True) if stages else None
    if not given["folder"]:
        raise InputError("No folder was given.", fix="Enter a new or empty one.")

    def run(work: Work) -> Done:
        result = retrain_model(state.dataset, model, **given, work=work)
        return Done(f"{result}.", {"field": result.field})

    state.note_code(call(retrain_model, DS, Name("trainer") if trainer == OWN else None, **given))
    return jobs.start(f"Retrain {given['name']}", run, kind="retrain")


def _label(name: str) -> str:
    if not (label := name.strip()):
        raise InputError("The round has no name.", fix="Enter for example baseline.")
    return label


def _trainer(jobs: Jobs, name: str) -> Trainer:
    if name == OWN and jobs.trainer is not None:
        return jobs.trainer
    if name != SMALL:
        problem = "The board was given no trainer." if name == OWN else f"Unknown trainer {repr(name)[:80]}."
        raise InputError(problem, fix="Open it with wb.Board(ds, trainer=...).")
    return Detector()


COMMANDS = {
    "scoreboard": Command(scoreboard, background=True),
    "record": Command(record),
    "retrain": Command(retrain),
}
PANEL = Panel("Rounds", "scoreboard.js", COMMANDS, options, order=90)
