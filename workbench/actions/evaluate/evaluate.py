"""Evaluate predictions: match them with the truth, say what became of each, count per sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.adapters import store
from workbench.adapters.formats import predictions as files
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store import predictions as stored
from workbench.adapters.store.matches import match
from workbench.base.errors import InputError, WorkbenchError
from workbench.base.plurals import counted
from workbench.base.progress import Progress, Work
from workbench.core.metrics.average_precision import class_results, mean_ap
from workbench.core.metrics.intervals import wilson
from workbench.core.metrics.outcomes import COUNTED, Outcomes, outcomes
from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema.boxes import Boxes
from workbench.core.schema.labels import Label
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter

FIELD = "predictions"


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

    Raises:
        InputError: a number beyond its range.

    >>> Matching(iou=0.6)
    Matching(iou=0.6, confidence=0.0, where=None, annotations=None, field='predictions')
    """

    iou: float = 0.5
    confidence: float = 0.0
    where: str | Filter | None = None
    annotations: str | Path | None = None
    field: str = FIELD

    def __post_init__(self) -> None:
        if not 0 < self.iou <= 1:
            raise InputError(f"iou must be above 0 and at most 1, not {self.iou:g}.")
        if not 0 <= self.confidence <= 1:
            raise InputError(f"confidence must be between 0 and 1, not {self.confidence:g}.")


@dataclass
class Evaluation:
    """What an evaluation found.

    Attributes:
        predictions: the field of predicted boxes.
        iou, confidence: least overlap of a hit, least confidence of a prediction that counts.
        samples: samples evaluated.
        matched: those whose boxes were new or others than at an earlier evaluation; the rest is remembered.
        tp, fp, fn: hits, wrong predictions, misses.
        recall, precision: with their 95 % intervals (Wilson, of labels); ``None`` without labels.
        ap50: average precision at IoU 0.5, COCO's, mean over classes, of all predictions whatever their confidence;
            at another ``iou`` it is the AP at that one.
        errors: wrong predictions by kind, and misses.
        problems: predictions that could not be used.
    """

    predictions: str
    iou: float
    confidence: float
    samples: int = 0
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
        lines += [f"  {problem.message} [{problem.where}]" for problem in self.problems[:5]]
        more = len(self.problems) - 5
        return "\n".join(lines + ([f"  and {more:,} more"] if more > 0 else []))


def evaluate(
    dataset: Dataset | str,
    predictions: str | Path,
    *,
    iou: float = 0.5,
    confidence: float = 0.0,
    where: str | Filter | None = None,
    annotations: str | Path | None = None,
    field: str = FIELD,
    work: Work | None = None,
) -> Evaluation:
    """Match predictions with the truth, and make what became of them facets of the dataset.

    Every label gets an ``outcome`` (hit, miss, false_alarm, wrong_class, badly_placed, duplicate), and every sample
    their numbers as ``evaluation.hits`` and so on. Matching is FiftyOne's, by COCO's rules; a sample is matched again
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
        work: receives the progress; its ``cancel`` stops between two samples, before anything is written.

    Raises:
        InputError, DatasetError, FilterError: no such field or file, or a number beyond 0..1.
        Cancelled: the user stopped; what was matched is remembered, and the same call goes on from there.
    """
    dataset = opened(dataset)
    return examine(dataset, predictions, Matching(iou, confidence, where, annotations, field), work).report


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
    report = Evaluation(str(predictions), iou, confidence)
    if not isinstance(predictions, str) or not stored.has_field(dataset, predictions):
        report.predictions, report.problems = matching.field, _import(dataset, Path(predictions), matching)
    samples = list(stored.boxes(dataset, report.predictions, where=matching.where))
    with Progress(f"evaluating {report.predictions}", total=len(samples), unit="sample", work=work) as progress:
        truth_of, report.matched = match(dataset, report.predictions, samples, iou=iou, progress=progress)
    by_sample = {boxes.sample_id: outcomes(boxes, truth_of, iou=iou, confidence=confidence) for boxes in samples}
    _write(dataset, report, samples, by_sample)
    report.ap50 = mean_ap(class_results(samples, truth_of), np.ones(len(samples)))
    _sum_up(report, by_sample)
    return Examined(report, samples, by_sample, truth_of)


def _write(dataset: Dataset, report: Evaluation, samples: list[Boxes], by_sample: Mapping[str, Outcomes]) -> None:
    """Make facets of what was found; samples that say so already are left alone."""
    settings = {"field": report.predictions, "iou": report.iou, "confidence": report.confidence}
    if store.note(dataset, EVALUATION) == settings:  # else numbers of samples may be another evaluation's
        by_sample = {
            boxes.sample_id: by_sample[boxes.sample_id]
            for boxes in samples
            if not _says(boxes, by_sample[boxes.sample_id])
        }
    else:
        store.set_note(dataset, EVALUATION, None)
    numbers = {
        i: {f"{EVALUATION}.{name}": float(n) for name, n in result.counts().items()} for i, result in by_sample.items()
    }
    stored.set_outcomes(dataset, report.predictions, {i: (o.truth, o.predicted) for i, o in by_sample.items()}, numbers)
    store.set_note(dataset, EVALUATION, settings)


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


def _import(dataset: Dataset, path: Path, matching: Matching) -> list[Problem]:
    """Store the predictions of a file; samples without any get an empty list."""
    if not path.exists():
        stored.require_boxes(dataset, str(path))  # lists the fields that there are
    problems = Problems()
    samples = list(store.media(dataset))
    names = _by_name(samples)
    labels: dict[str, list[Label]] = {sample.id: [] for sample in samples}
    sizes = {sample.id: (sample.width, sample.height) for sample in samples}
    for prediction in files.read(path, _reference(dataset, path, matching.annotations), problems):
        sample_id = _sample(prediction.image, names)
        if sample_id is None:
            problems.count("missing_image", prediction.image)
            continue
        width, height = sizes[sample_id]
        scale = (width, height, width, height) if prediction.shares else (1, 1, 1, 1)
        left, top, right, bottom = (edge * s for edge, s in zip(prediction.xyxy, scale, strict=True))
        labels[sample_id].append(Label(prediction.name, (left, top, right, bottom), confidence=prediction.confidence))
    message = "{n} predictions of images that are not in the dataset ({first}); skipped."
    problems.close("missing_image", message)
    if not any(labels.values()) and len(problems):
        first = next(iter(problems))
        raise InputError(f"None of the predictions can be used: {first.message}", at=first.where)
    stored.set_predictions(dataset, matching.field, labels)
    return list(problems)


def _reference(dataset: Dataset, path: Path, annotations: str | Path | None) -> files.Reference:
    """What numbers mean: as the user says, else as the data that was loaded says."""
    if annotations is not None and not Path(annotations).is_dir():
        return files.read_reference(Path(annotations))
    format = "yolo" if path.is_dir() else "coco"
    loads = [load for load in store.note(dataset, "loads") or [] if load["format"] == format]
    sources = [Path(annotations)] if annotations is not None else [Path(load["path"]) for load in loads]
    reference = _merged([known for source in sources for known in _references(source, format)])
    if annotations is not None and not (reference.images or reference.classes):
        fix = "Pass the file, or the folder with the files, that the model was given."
        raise InputError("The folder holds no annotation file.", at=str(annotations), fix=fix)
    return reference


def _merged(references: Sequence[files.Reference]) -> files.Reference:
    images: dict[object, str] = {}
    classes: dict[object, str] = {}
    for reference in references:
        if any(images.get(i, name) != name for i, name in reference.images.items()):
            fix = "Pass annotations= (--annotations): a file or a folder that the model was given."
            raise InputError("Several COCO files give the same image id to different images.", fix=fix)
        images, classes = {**images, **reference.images}, {**classes, **reference.classes}
    return files.Reference(images, classes)


def _references(path: Path, format: str) -> Iterator[files.Reference]:
    """What the annotation files of a folder say, or one file."""
    suffixes = (".yaml", ".yml") if format == "yolo" else (".json",)
    for file in [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []:
        if file.suffix.lower() in suffixes:
            try:
                yield files.read_reference(file)
            except WorkbenchError:
                continue  # another file of the folder


def _by_name(samples: list[store.Medium]) -> dict[str, list[store.Medium]]:
    """Samples by the last part of their path, with and without suffix."""
    by_name: dict[str, list[store.Medium]] = {}
    for sample in samples:
        last = Path(sample.origin).name
        for name in {last, Path(last).stem}:
            by_name.setdefault(name, []).append(sample)
    return by_name


def _sample(image: str, names: Mapping[str, list[store.Medium]]) -> str | None:
    """The sample whose path ends like the name; ``None`` when none or several do."""
    parts = Path(image.replace("\\", "/")).parts
    candidates = names.get(parts[-1], []) if parts else []
    for n in range(2, len(parts) + 1):
        if len(candidates) < 2:
            break
        candidates = [s for s in candidates if Path(s.origin).parts[-n:] == parts[-n:]] or candidates
    return candidates[0].id if len(candidates) == 1 else None
