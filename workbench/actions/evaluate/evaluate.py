"""Evaluate predictions: match them with the truth, say what became of each, count per sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from workbench.actions.evaluate.import_file import Imported, import_predictions
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store import predictions as stored
from workbench.adapters.store.matches import match
from workbench.base.errors import DatasetError, InputError, one_of
from workbench.base.plurals import counted
from workbench.base.progress import Progress, Work
from workbench.core.metrics.average_precision import class_results, mean_ap
from workbench.core.metrics.intervals import wilson
from workbench.core.metrics.outcomes import COUNTED, Outcomes, outcomes
from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema import fields
from workbench.core.schema.boxes import Box, Boxes
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter

FIELD = "predictions"
Scope = Literal["covered", "all"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
SHOWN = 10  # classes
SETTINGS = ("field", "iou", "confidence")  # of an evaluation, that the outcomes of a sample depend on


@dataclass(frozen=True)
class Matching:
    """How predictions are matched with the truth.

    Attributes:
        iou: least overlap of a hit, above 0 and at most 1.
        confidence: predictions below it do not count as hits, nor as wrong; 0..1.
        where: only the samples of this filter; all by default.
        annotations: the COCO file or ``data.yaml`` that the model was given, or the folder with them; those of all data
            loaded by default. Only for predictions from a file.
        field: where predictions from a file are stored.
        scope: judge the samples that the predictions cover, or all, those without predictions being missed.

    Raises:
        InputError: a number beyond its range, or no such scope.

    >>> Matching(iou=0.6)
    Matching(iou=0.6, confidence=0.0, where=None, annotations=None, field='predictions', scope='covered')
    """

    iou: float = 0.5
    confidence: float = 0.0
    where: str | Filter | None = None
    annotations: str | Path | None = None
    field: str = FIELD
    scope: Scope = "covered"

    def __post_init__(self) -> None:
        if not 0 < self.iou <= 1:
            raise InputError(f"iou must be above 0 and at most 1, not {self.iou:g}.")
        if not 0 <= self.confidence <= 1:
            raise InputError(f"confidence must be between 0 and 1, not {self.confidence:g}.")
        if self.scope not in SCOPES:
            raise InputError(f"Unknown scope {str(self.scope)!r:.80}.", fix=one_of(str(self.scope), SCOPES))


@dataclass
class Evaluation:
    """What an evaluation found.

    Attributes:
        predictions: the field of predicted boxes.
        iou, confidence: least overlap of a hit, least confidence of a prediction that counts.
        scope: which samples were judged: those that the predictions cover, or all.
        where: the filter, in words of the language; empty without one.
        samples: samples evaluated.
        covered: samples of the dataset that the predictions cover, whatever the filter.
        total: samples of the dataset.
        implied: samples covered that a file of predictions does not name: it has no predictions for them.
        classes: class by number, of the numbers in a file of predictions.
        matched: those whose boxes were new or others than at an earlier evaluation; the rest is remembered.
        tp, fp, fn: hits, wrong predictions, misses.
        recall, precision: with their 95 % intervals (Wilson, of labels); ``None`` without labels.
        ap50: average precision at IoU 0.5, COCO's, mean over classes, of all predictions whatever their confidence;
            at another ``iou`` it is the AP at that one.
        errors: wrong predictions by kind, and misses.
        problems: predictions and labels that could not be used.
    """

    predictions: str
    iou: float
    confidence: float
    scope: Scope = "covered"
    where: str = ""
    samples: int = 0
    covered: int = 0
    total: int = 0
    implied: int = 0
    classes: dict[str, str] = field(default_factory=dict)
    matched: int = 0
    tp: int = 0
    fp: int = 0
    fn: int = 0
    recall: float | None = None
    recall_low: float | None = None
    recall_high: float | None = None
    precision: float | None = None
    precision_low: float | None = None
    precision_high: float | None = None
    ap50: float | None = None
    errors: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        def estimate(name: str) -> str:
            value, low, high = (getattr(self, name + end) for end in ("", "_low", "_high"))
            return f"{name} -" if value is None else f"{name} {value:.3f} ({low:.3f} to {high:.3f})"

        kinds = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in self.errors.items() if n)
        ap = "-" if self.ap50 is None else f"{self.ap50:.3f}"
        lines = [
            f"{counted(self.samples, 'sample')}: {counted(self.tp, 'hit')}, {self.fn:,} missed, {self.fp:,} wrong"
            + (f" ({kinds})" if kinds else ""),
            f"{estimate('recall')}, {estimate('precision')}, AP at IoU {self.iou:g} {ap}",
        ]
        lines += self._coverage()
        lines += [f"  {problem}" for problem in self.problems[:5]]
        more = len(self.problems) - 5
        return "\n".join(lines + ([f"  and {more:,} more"] if more > 0 else []))

    def _coverage(self) -> list[str]:
        """Which samples were judged and what numbers of classes mean, where that is to be known."""
        lines = []
        if self.implied:
            images = counted(self.implied, "image")
            lines.append(f"{images} of the same set without predictions in the file: counted as without detections")
        if self.covered < self.total:
            rest = "; the others count as missed" if self.scope == "all" else ""
            lines.append(f"the predictions cover {self.covered:,} of {counted(self.total, 'sample')}{rest}")
        if any(number != name for number, name in self.classes.items()):
            shown = [f"{number} {name}" for number, name in sorted(self.classes.items(), key=_by_number)]
            more = f" and {len(shown) - SHOWN:,} more" if len(shown) > SHOWN else ""
            lines.append(f"classes by number: {', '.join(shown[:SHOWN])}{more}")
        return lines


def _by_number(pair: tuple[str, str]) -> tuple[int, str]:
    return (int(pair[0]) if pair[0].isdecimal() else -1, pair[0])


def evaluate(
    dataset: Dataset | str,
    predictions: str | Path,
    *,
    iou: float = 0.5,
    confidence: float = 0.0,
    where: str | Filter | None = None,
    annotations: str | Path | None = None,
    field: str = FIELD,
    scope: Scope = "covered",
    work: Work | None = None,
) -> Evaluation:
    """Match predictions with the truth, and make what became of them facets of the dataset.

    Judged are the samples that the predictions cover: those whose field is set, if only to an empty list. A file
    covers the images that it names and the others of their set, which had no detections; see ``import_predictions``.
    Samples that are not judged lose the outcomes of an earlier evaluation, so that slices and maps never mix two.

    Every label gets an ``outcome`` (hit, miss, false_alarm, wrong_class, badly_placed, duplicate), and every sample
    their numbers as ``evaluation.hits`` and so on. Matching is COCO's; a sample is matched again
    only when its boxes have changed.

    Args:
        dataset: the dataset.
        predictions: a field of boxes, or a file: COCO results, COCO with scores, or a folder of YOLO rows.
        iou: least overlap of a hit.
        confidence: predictions below it do not count as hits, nor as wrong.
        where: only the samples of this filter.
        annotations: the COCO file or ``data.yaml`` that the model was given, or the folder with them, when the
            predictions name images or classes by number; those of all data loaded by default.
        field: where predictions from a file are stored.
        scope: ``"covered"``, or ``"all"`` to count the labels of samples without predictions as missed.
        work: receives the progress; its ``cancel`` stops between two samples, before anything is written.

    Raises:
        InputError, DatasetError, FilterError: no such field or file, a number beyond 0..1, or numbers of images or
            classes in a file that mean two things, or nothing.
        Cancelled: the user stopped; what was matched is remembered, and the same call goes on from there.
    """
    dataset = opened(dataset)
    return examine(dataset, predictions, Matching(iou, confidence, where, annotations, field, scope), work).report


@dataclass(frozen=True)
class Examined:
    """An evaluation with what it was made of.

    Attributes:
        report: what ``evaluate`` gives.
        samples: truth and predictions of each sample.
        outcomes: what became of them, by sample id.
        truth_of: id of the true label by id of the prediction that hits it.
    """

    report: Evaluation
    samples: list[Boxes]
    outcomes: dict[str, Outcomes]
    truth_of: dict[str, str]


def examine(dataset: Dataset, predictions: str | Path, matching: Matching, work: Work | None = None) -> Examined:
    """Evaluate, and give what it was made of too; see ``evaluate``."""
    dataset.reload()  # another process may have added the field
    iou, confidence = matching.iou, matching.confidence
    where = "" if matching.where is None else str(store.asked(dataset, matching.where))
    report = Evaluation(str(predictions), iou, confidence, matching.scope, where)
    if not isinstance(predictions, str) or not stored.has_field(dataset, predictions):
        imported = _import(dataset, Path(predictions), matching)
        report.predictions, report.problems = matching.field, imported.problems
        report.implied, report.classes = imported.implied, imported.classes
    only_covered = matching.scope == "covered"
    samples = list(stored.boxes(dataset, report.predictions, where=matching.where, only_covered=only_covered))
    looked_at = [boxes.sample_id for boxes in samples]
    report.problems = [
        *store.odd_label_problems(dataset, (fields.GROUND_TRUTH, report.predictions), ids=looked_at),
        *report.problems,
    ]
    report.covered, report.total = stored.covered(dataset, report.predictions)
    with Progress(f"evaluating {report.predictions}", total=len(samples), unit="sample", work=work) as progress:
        truth_of, report.matched = match(dataset, report.predictions, samples, iou=iou, progress=progress)
    by_sample = {boxes.sample_id: outcomes(boxes, truth_of, iou=iou, confidence=confidence) for boxes in samples}
    _write(dataset, report, samples, by_sample)
    report.ap50 = mean_ap(class_results(samples, truth_of), np.ones(len(samples)))
    _sum_up(report, by_sample)
    return Examined(report, samples, by_sample, truth_of)


def _import(dataset: Dataset, path: Path, matching: Matching) -> Imported:
    if not path.exists():
        _refuse_absent(dataset, str(path))
    annotations = None if matching.annotations is None else Path(matching.annotations)
    return import_predictions(dataset, path, annotations, matching.field)


def _refuse_absent(dataset: Dataset, name: str) -> None:
    try:
        stored.require_boxes(dataset, name)  # lists the fields that there are
    except DatasetError as error:
        raise DatasetError(f"There is no file {name!r}, and no field of predicted boxes.", fix=error.fix) from error


def _write(dataset: Dataset, report: Evaluation, samples: list[Boxes], by_sample: Mapping[str, Outcomes]) -> None:
    """Make facets of what was found, and of nothing else; samples that say so already are left alone."""
    settings = {
        "field": report.predictions,
        "iou": report.iou,
        "confidence": report.confidence,
        "scope": report.scope,
        "where": report.where,
        "samples": len(samples),
    }
    judged, earlier = {boxes.sample_id for boxes in samples}, store.note(dataset, EVALUATION)
    if earlier != settings:
        store.set_note(dataset, EVALUATION, None)
    if isinstance(earlier, dict) and all(earlier.get(name) == settings[name] for name in SETTINGS):
        by_sample = {
            boxes.sample_id: by_sample[boxes.sample_id]
            for boxes in samples
            if not _says(boxes, by_sample[boxes.sample_id])
        }
    numbers = {
        i: {f"{EVALUATION}.{name}": float(n) for name, n in result.counts().items()} for i, result in by_sample.items()
    }
    words = {
        boxes.sample_id: (_by_id(boxes.truth, result.truth), _by_id(boxes.predicted, result.predicted))
        for boxes in samples
        if (result := by_sample.get(boxes.sample_id)) is not None
    }
    stored.set_outcomes(dataset, report.predictions, words, numbers)
    stored.clear_outcomes(dataset, report.predictions, EVALUATION, but=judged)
    store.set_note(dataset, EVALUATION, settings)


def _by_id(boxes: Sequence[Box], words: Sequence[str]) -> dict[str, str]:
    return {box.id: word for box, word in zip(boxes, words, strict=True)}


def _says(boxes: Boxes, own: Outcomes) -> bool:
    words = [box.outcome for box in (*boxes.truth, *boxes.predicted)]
    return bool(words) and words == [*own.truth, *own.predicted]  # one without boxes says nothing


def _sum_up(report: Evaluation, by_sample: Mapping[str, Outcomes]) -> None:
    totals: Counter[str] = Counter()
    for result in by_sample.values():
        totals.update(result.counts())
    report.samples = len(by_sample)
    report.tp, report.fn = totals["hits"], totals["misses"]
    report.errors = {name: totals[name] for name in COUNTED if name not in ("hits", "misses")}
    report.fp = sum(report.errors.values())
    if n := report.tp + report.fn:
        report.recall = report.tp / n
        report.recall_low, report.recall_high = wilson(report.tp, n)
    if n := report.tp + report.fp:
        report.precision = report.tp / n
        report.precision_low, report.precision_high = wilson(report.tp, n)
