"""The protocol of a trainer: two methods, ``fit`` and ``predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store import predictions as stored
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.base.progress import Progress, Work
from workbench.core.schema.labels import Label
from workbench.core.tables import Filter

BATCH = 64


class Trainer(Protocol):
    """A model that learns from an export and finds objects in images."""

    def fit(self, split_dir: Path) -> object:
        """Learn from an export, ``wb.export(ds, split_dir, format="coco")``: ``train`` and, if there, ``val``."""

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        """Labels with confidence for each image, in pixels of the image."""


def predict(
    dataset: Dataset | str,
    trainer: Trainer,
    *,
    field: str = "predictions",
    where: str | Filter | None = None,
    work: Work | None = None,
) -> int:
    """Let a model predict on samples, and store that as a field to evaluate; returns the number of labels.

    Args:
        dataset: the dataset.
        trainer: a model that was fitted.
        field: where the labels go; samples not selected keep theirs.
        where: only the samples of this filter.
        work: receives the progress; its ``cancel`` stops between two batches; nothing is stored then.

    Raises:
        InputError: no samples, or the model gave another number of answers.
        DatasetError: the field holds something else.
        Cancelled: the user stopped.
    """
    dataset = opened(dataset)
    ids = store.select(dataset, store.asked(dataset, where))
    samples = [sample for sample in store.read(dataset, ids) if sample.record.image_path is not None]
    if not samples:
        at = dataset.name if where is None else str(where)
        raise InputError("There are no samples to predict on.", at=at, fix="Widen the filter.")
    labels: dict[str, list[Label]] = {}
    with Progress(f"predicting {field}", total=len(samples), unit="sample", work=work) as progress:
        for start in range(0, len(samples), BATCH):
            some = samples[start : start + BATCH]
            answers = trainer.predict([sample.record.image_path for sample in some if sample.record.image_path])
            if len(answers) != len(some):
                problem = f"The model returned {counted(len(answers), 'result')} for {counted(len(some), 'image')}."
                raise InputError(problem, at=field, fix="Return one list of labels per image.")
            labels |= {sample.id: answer for sample, answer in zip(some, answers, strict=True)}
            progress.advance(len(some))
    stored.set_predictions(dataset, field, labels)
    return sum(map(len, labels.values()))
