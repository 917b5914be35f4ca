"""Retrain: from the dataset as it is to a recorded round."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.actions.export import export
from workbench.actions.rounds import record_round
from workbench.actions.rounds.record import Round
from workbench.actions.rounds.test_samples import judged, read_manifest
from workbench.actions.train import Detector, Trainer, predict
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.predictions import field_kept
from workbench.base.errors import InputError
from workbench.base.files import json_bytes, refused, require_empty
from workbench.base.parts import abandoned, claimed
from workbench.base.progress import Progress, Work
from workbench.base.shapes import fault
from workbench.core.schema import fields
from workbench.core.splits.spec import SplitSpec
from workbench.core.tables import Filter
from workbench.core.tables.filter import OneOf

DATA, MODEL, UNFINISHED = "data", "model", ".unfinished-round"
REAL_ONLY = ("test",)


@dataclass(frozen=True)
class Retrained:
    """Outcome of one round.

    Attributes:
        round: as it was recorded.
        field: where its predictions are.
        data: the export that was learned.
        model: where the trained model lies; ``None`` for a trainer that keeps its own.
    """

    round: Round
    field: str
    data: Path
    model: Path | None

    def __str__(self) -> str:
        kept = f"; model in {self.model}" if self.model else ""
        return f"{self.round}; predictions in {self.field}, trained on {self.data}{kept}"


def retrain(
    dataset: Dataset | str,
    trainer: Trainer | None = None,
    *,
    name: str,
    folder: str | Path,
    splits: Mapping[str, float] | SplitSpec | None = None,
    where: str | Filter | None = None,
    work: Work | None = None,
) -> Retrained:
    """Export the dataset, train on it, predict on all real images and record the round.

    What it is judged by is never learned: see ``record_round``. A trainer with an attribute ``work``
    (as ``Detector`` and ``CommandTrainer``) gets the one given here while it works; one with ``save`` is saved.

    Args:
        dataset: the dataset.
        trainer: learns and predicts; by default a ``Detector``, which needs the extra ``train``.
        name: of the round and the model; one that is there is replaced.
        folder: new or empty, for the export and the model.
        splits, where: as of ``export``, with real samples only in what judges; by default samples keep the splits that
            they have.
        work: receives the progress; its ``cancel`` stops; dataset, rounds and folder are as before.

    Raises:
        InputError, DatasetError: no name, nothing to learn from or to judge by, or the trainer fails.
        OutputError: the folder has files in it, or refuses.
        MissingExtra: no trainer given, and PyTorch is not installed.
        Cancelled: the user stopped.
    """
    dataset = opened(dataset)
    if not name.strip():
        raise InputError(f"{name!r} is not a name for a round.", fix="Pass for example name='second'.")
    target, field = Path(folder).expanduser().absolute(), field_of(name)
    spec = replace(SplitSpec.of(splits), real_only=REAL_ONLY)
    _undo_killed(dataset, target)
    require_empty(target)
    model = Detector() if trainer is None else trainer
    work = work or Work()
    with _undone(dataset, target, spec), field_kept(dataset, field):
        data = target / DATA
        export(
            dataset,
            data,
            format="coco",
            splits=spec,
            where=where,
            media="hardlink",
            work=work,
        )
        judged(dataset, store.table(dataset), read_manifest(dataset, data))  # else the training would be for nothing
        started_s = time.monotonic()
        with _watched(model, work):
            with Progress("training", total=None, unit="step", work=work):
                model.fit(data)
                work.cancel.check()  # for a trainer that knows no switch
            seconds = time.monotonic() - started_s
            real = OneOf(fields.SOURCE, ("real",))
            predict(dataset, model, field=field, where=real, work=work)
        kept = _saved(model, target / MODEL)
        recorded = record_round(dataset, field, name=name, manifest=data, seconds=round(seconds, 1), work=work)
    return Retrained(recorded, field, data, kept)


def field_of(name: str) -> str:
    """Field for the predictions of a round.

    >>> field_of("More dim metal, 2nd")
    'predictions_more_dim_metal_2nd'
    """
    return "predictions_" + (re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "round")


@contextlib.contextmanager
def _undone(dataset: Dataset, target: Path, spec: SplitSpec) -> Iterator[None]:
    """If the body fails, take the folder and the remembered splits away again; if it is killed, the next call does."""
    existed, before = target.exists(), store.remembered_splits(dataset, spec.memory)
    notes = {"dataset": store.identity(dataset), "memory": spec.memory, "splits": before}
    try:
        with contextlib.ExitStack() as stack:
            try:
                target.mkdir(parents=True, exist_ok=True)
                stack.enter_context(claimed(target / UNFINISHED, json_bytes(notes)))
            except OSError as cause:
                raise refused(target, cause) from cause
            yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        if existed:
            target.mkdir()
        store.put_splits_back(dataset, spec.memory, before)
        raise


def _undo_killed(dataset: Dataset, target: Path) -> None:
    """Take away what a call that was killed has left in the folder, and the splits that it remembered."""
    notes = _notes(abandoned(target / UNFINISHED))
    if notes is None:
        return
    for path in target.iterdir():
        if path.name != UNFINISHED:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if notes["dataset"] == store.identity(dataset):
        store.put_splits_back(dataset, notes["memory"], notes["splits"])
    (target / UNFINISHED).unlink()


def _notes(text: bytes | None) -> dict[str, Any] | None:
    """What ``_undone`` noted; ``None`` for a file that it did not write: then the folder is somebody else's."""
    try:
        notes: dict[str, Any] = json.loads(text or b"null")
    except (ValueError, RecursionError):
        return None
    return None if fault(notes, {"dataset": str, "memory": str, "splits": {str: str}}) else notes


@contextlib.contextmanager
def _watched(trainer: Trainer, work: Work) -> Iterator[None]:
    """Let a trainer that can tell of its progress or be stopped do so meanwhile."""
    if not hasattr(trainer, "work"):
        yield
        return
    before, trainer.work = trainer.work, work
    try:
        yield
    finally:
        trainer.work = before


def _saved(trainer: Trainer, folder: Path) -> Path | None:
    save = getattr(trainer, "save", None)
    if save is None:
        return None
    save(folder)
    return folder
