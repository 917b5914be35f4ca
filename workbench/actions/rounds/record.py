"""Record a round: evaluate a model on real images and keep what became of every label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from workbench.actions.evaluate.evaluate import FIELD, Matching, examine
from workbench.actions.rounds.test_samples import Data, judged, read_manifest
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.predictions import field_kept
from workbench.adapters.store.rounds import StoredRound, put_round
from workbench.base.errors import DatasetError, InputError
from workbench.base.plurals import counted
from workbench.base.progress import Work
from workbench.base.shapes import Shape, fault
from workbench.core.metrics.compare import Part, level
from workbench.core.metrics.counts import RoundCounts, from_bytes, round_counts, to_bytes
from workbench.core.metrics.registry import names
from workbench.core.schema import fields
from workbench.core.tables.filter import OneOf

UNCOVERED = "not covered by the predictions"


SAID: Shape = {  # what the database holds of a round, beside its number and name
    "split": str, "samples": int, "left_out?": {str: int}, "manifest_sha256?": str, "images?": (int, None),
    "seconds?": (float, None), "confidence?": float, "iou?": float, "recorded_at?": str,
    "metrics?": {str: (float, None)}, "notes?": [str],
}  # fmt: skip


@dataclass(frozen=True)
class Round:
    """One round of the loop.

    Attributes:
        number: 1, 2, ...
        name: of the model.
        split: which real images it was judged on: ``test``, ``val`` or ``all real``.
        samples: how many they are.
        left_out: others of that split, which it was trained on, a scenario was fitted to, or no prediction covers.
        manifest_sha256: hash of the manifest of its training data; empty when not given.
        images: what the round cost in new images.
        seconds: and in time.
        confidence, iou: as of ``evaluate``.
        recorded_at: ISO time, UTC.
        metrics: those of the metrics registry on those images, each with ``_low`` and ``_high``.
    """

    number: int
    name: str
    split: str
    samples: int
    left_out: dict[str, int] = field(default_factory=dict)
    manifest_sha256: str = ""
    images: int | None = None
    seconds: float | None = None
    confidence: float = 0.0
    iou: float = 0.5
    recorded_at: str = ""
    metrics: dict[str, float | None] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        cost = [counted(self.images, "new image") if self.images is not None else ""]
        cost += [f"{self.seconds:,.0f} s" if self.seconds is not None else ""]
        left = ", ".join(f"{n:,} {reason}" for reason, n in self.left_out.items())
        about = f"{counted(self.samples, 'real image')} ({self.split}{'; left out: ' + left if left else ''})"
        parts = [f"round {self.number} {self.name}: {about}", _metrics(self.metrics), ", ".join(filter(None, cost))]
        return "; ".join(filter(None, [*parts, *self.notes]))


def _metrics(metrics: dict[str, float | None]) -> str:
    shown = [(name, metrics.get(name)) for name in names("compare")]
    return ", ".join(f"{name} {value:.3f}" for name, value in shown if value is not None)


def record_round(
    dataset: Dataset | str,
    predictions: str | Path = FIELD,
    *,
    name: str,
    manifest: str | Path | None = None,
    images: int | None = None,
    seconds: float | None = None,
    confidence: float = 0.0,
    iou: float = 0.5,
    annotations: str | Path | None = None,
    field: str = FIELD,
    work: Work | None = None,
) -> Round:
    """Evaluate a model on real images and keep what became of every label, to compare with other rounds.

    Judged are the real images of ``test``, else of ``val``, else all; never those that the manifest has in another
    split, nor those that a scenario was fitted to. Recording a name again replaces that round.

    Args:
        dataset: the dataset.
        predictions: a field of boxes or a file, as of ``evaluate``, which this calls on the real samples.
        name: of the model.
        manifest: of the export that it was trained on (``manifest.json`` or its folder): gives the splits, the hash of
            the data, and the number of synthetic images.
        images: what the round cost in new images; by default the manifest's synthetic ones.
        seconds: and in time.
        confidence: predictions below it do not count; AP takes all.
        iou: least overlap of a hit.
        annotations, field: as of ``evaluate``.
        work: receives the progress; its ``cancel`` stops between two samples.

    Raises:
        InputError, DatasetError: no name, no real images, no such field or file, or a broken manifest.
        Cancelled: the user stopped; no round is kept, and the field is as it was.
    """
    dataset = opened(dataset)
    if not name.strip():
        raise InputError(f"{name!r} is not a name for a round.", fix="Pass for example name='baseline'.")
    data = Data() if manifest is None else read_manifest(dataset, Path(manifest))
    chosen = judged(dataset, store.table(dataset), data)
    real = OneOf(fields.SOURCE, ("real",))
    with field_kept(dataset, field):
        matching = Matching(iou, confidence, real, annotations, field)
        examined = examine(dataset, predictions, matching, work)
    wanted = set(chosen.ids)
    own = sorted((boxes for boxes in examined.samples if boxes.sample_id in wanted), key=lambda boxes: boxes.sample_id)
    if not own and wanted:
        problem = f"The predictions cover none of the {len(wanted):,} real images that are to be judged."
        raise InputError(problem, at=str(predictions), fix="Predict them, or pass a field or file that covers them.")
    left_out = dict(chosen.left_out) | ({UNCOVERED: n} if (n := len(wanted) - len(own)) else {})
    counted = round_counts(own, examined.outcomes, examined.truth_of)
    made = Round(
        number=0,
        name=name,
        split=chosen.split,
        samples=len(counted),
        left_out=left_out,
        manifest_sha256=data.sha256,
        images=data.synthetic if images is None and manifest is not None else images,
        seconds=seconds,
        confidence=confidence,
        iou=iou,
        recorded_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        metrics=overall(counted),
        notes=[str(problem) for problem in examined.report.problems],
    )
    document = {key: value for key, value in asdict(made).items() if key not in ("number", "name")}
    return replace(made, number=put_round(dataset, name, document, to_bytes(counted, sorted(data.trained))))


def overall(counted: RoundCounts) -> dict[str, float | None]:
    """The metrics of all images, with intervals."""
    everything = Part(np.ones(len(counted), np.bool_))
    values: dict[str, float | None] = {}
    for metric in names("compare"):
        estimate = level(counted, everything, metric)
        values |= {metric: estimate.value, f"{metric}_low": estimate.low, f"{metric}_high": estimate.high}
    return values


@dataclass(frozen=True, eq=False)
class Recorded:
    """A round with its arrays.

    Attributes:
        about: the round.
        counts: what became of every label.
        trained: ids of the samples that the model was trained on, as far as known.
    """

    about: Round
    counts: RoundCounts
    trained: frozenset[str]

    @property
    def knows_data(self) -> bool:
        """Whether it is known what the model was trained on."""
        return bool(self.about.manifest_sha256)


def recorded(dataset: Dataset, stored: StoredRound) -> Recorded:
    """A round from the database.

    Raises:
        DatasetError: it is damaged.
    """
    text = fault(stored.said, SAID)
    try:
        counted, trained = from_bytes(stored.payload)
    except ValueError as cause:
        text = text or str(cause)
    if text:
        fix = f"Record it again under this name: wb.record_round(ds, ..., name={stored.name!r})."
        raise DatasetError(
            f"Round {stored.number} '{stored.name}' is damaged in the database: {text}.", at=dataset.name, fix=fix
        )
    about = {name: value for name, value in stored.said.items() if f"{name}?" in SAID or name in SAID}
    return Recorded(Round(number=stored.number, name=stored.name, **about), counted, trained)
