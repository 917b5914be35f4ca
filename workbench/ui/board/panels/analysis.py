"""The analysis: measure, evaluate, discover failing slices, the gap of two sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.actions.evaluate import Evaluation, Gaps
from workbench.actions.evaluate import discover as discover_slices
from workbench.actions.evaluate import evaluate as evaluate_predictions
from workbench.actions.evaluate import gap as gap_of
from workbench.actions.evaluate.gap_text import distances
from workbench.actions.measure import MeasureReport
from workbench.actions.measure import measure as measure_samples
from workbench.adapters.store.predictions import box_fields
from workbench.base.errors import InputError, one_of
from workbench.base.progress import Cancel, Work
from workbench.core.gap.gap import Gap
from workbench.core.measures import MEASURES
from workbench.core.schema import fields
from workbench.core.schema.report import ODD_LABEL
from workbench.core.tables import NumberColumn, Table
from workbench.ui.board.code_line import DS, call
from workbench.ui.board.jobs import Done, Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

SLICES = 12
MEASURES_SHOWN = 6  # of a gap, the farthest first
ALL, FILTERED, PINNED = SIDES = ("real and synthetic", "of the filter", "pinned and current")
JUDGED = ("covered", "filtered", "all")  # samples to evaluate
RATES = ("recall", "recall_low", "recall_high", "precision", "precision_low", "precision_high", "ap50")
GAP = ("samples", "against", "auc", "low", "high", "different", "note")


def options(state: Selection, jobs: Jobs) -> dict[str, Any]:
    """What the forms offer."""
    return {
        "predictions": box_fields(state.dataset),
        "measured": measured(state.table),
        "sides": list(SIDES),
        "scopes": list(JUDGED),
    }


def measured(table: Table) -> int:
    """Samples that have all measures."""
    done = np.ones(len(table), np.bool_)
    for name in MEASURES:
        column = table.columns.get(f"{fields.MEASURES}.{name}")
        done &= ~column.missing() if isinstance(column, NumberColumn) else False
    return int(np.count_nonzero(done))


def measure(state: Selection, jobs: Jobs) -> int:
    """Start to measure the samples that have no measures yet; returns the job's number."""

    def run(work: Work) -> Done:
        report = measure_samples(state.dataset, work=work)
        unreadable = f", {report.failed:,} could not be read" if report.failed else ""
        done = _with(f"{report.measured:,} measured, {report.skipped:,} already measured{unreadable}", report)
        return Done("; ".join([done, *report.advice(state.dataset.name)]))

    state.note_code(call(measure_samples, DS))
    return jobs.start("Measure light, surface and sensor", run, kind="measure")


def _with(text: str, report: MeasureReport | Evaluation) -> str:
    """What was done, and labels that could not be used."""
    return "; ".join([text, *(str(problem) for problem in report.problems if problem.kind == ODD_LABEL)])


def evaluate(
    state: Selection, jobs: Jobs, predictions: str, iou: float, confidence: float, scope: str = "covered"
) -> int:
    """Start to match predictions with the truth; returns the job's number.

    Judged are the samples that the predictions cover, of these the filtered ones, or all samples.
    """
    source = predictions.strip()
    if scope not in JUDGED:
        raise InputError(f"Unknown scope {repr(scope)[:80]}.", fix=one_of(scope, JUDGED))
    limits: dict[str, Any] = {"iou": iou, "confidence": confidence, "scope": "all" if scope == "all" else "covered"}
    if scope == "filtered" and state.conditions:
        limits["where"] = state.filter
    if not source:
        raise InputError("No predictions were given.", fix="Choose a field, or enter the path of a file.")

    def run(work: Work) -> Done:
        evaluation = evaluate_predictions(state.dataset, source, **limits, work=work)
        return Done(_with(str(evaluation).splitlines()[0], evaluation), _evaluation(evaluation))

    state.note_code(call(evaluate_predictions, DS, source, **limits))
    return jobs.start(f"Evaluate {source[-60:]}", run, kind="evaluate")


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    names = ("samples", "covered", "total", "tp", "fp", "fn", *RATES, "errors")
    return {name: getattr(evaluation, name) for name in names}


def discover(state: Selection, jobs: Jobs, cancel: Cancel, metric: str, filtered: bool = False) -> dict[str, Any]:
    """Slices where a metric is worst; each is a filter to click."""
    where = state.filter if filtered and state.conditions else None
    discovery = discover_slices(state.dataset, metric=metric, where=where, limit=SLICES)
    state.note_code(call(discover_slices, DS, metric=metric, where=where, limit=SLICES))
    return {
        "slices": discovery.rows,
        "summary": discovery.summary,
        "metric": metric,
        "notes": list(map(str, discovery.problems)),
    }


def gap(state: Selection, jobs: Jobs, cancel: Cancel, sides: str, by: str | None = None) -> dict[str, Any]:
    """How far two sets are apart: real and synthetic, of all or of the filter, or the pinned and the current ones."""
    if sides not in SIDES:
        raise InputError(f"Unknown sides {repr(sides)[:80]}.", fix=one_of(sides, SIDES))
    if sides == PINNED and state.pinned is None:
        raise InputError("No filter is pinned.", fix="Pin a filter above the gallery first.")
    compared: dict[str, dict[str, Any]] = {
        ALL: {},
        FILTERED: {"where": state.filter},
        PINNED: {"where": state.pinned, "against": state.filter},
    }
    gaps = gap_of(state.dataset, by=by or None, **compared[sides])
    state.note_code(call(gap_of, DS, **compared[sides], by=by or None))
    return {"rows": _gap_rows(gaps), "by": by, "sides": list(gaps.sides), "notes": list(map(str, gaps.problems))}


def _gap_rows(gaps: Gaps) -> list[dict[str, Any]]:
    return [
        {
            "word": word,
            **{name: getattr(images, name) for name in GAP},
            **distances(images, labels),
            "measures": _farthest(images),
            "look": look and {name: getattr(look.gap, name) for name in ("auc", "low", "high", "kid", "kid_p")},
            "object": labels
            and {"auc": labels.auc, "low": labels.low, "high": labels.high, "measures": _farthest(labels)},
        }
        for word, images, look, labels in gaps.views
    ]


def _farthest(gap: Gap) -> list[dict[str, Any]]:
    names = ("name", "distance", "expected", "p_value")
    return [{name: getattr(measure, name) for name in names} for measure in gap.measures[:MEASURES_SHOWN]]


COMMANDS = {
    "measure": Command(measure),
    "evaluate": Command(evaluate),
    "discover": Command(discover, background=True),
    "gap": Command(gap, background=True),
}
PANEL = Panel("Analyse", "analysis.js", COMMANDS, options, order=50)
