"""What is noted of a dataset as a whole: plain values by key, in FiftyOne's ``dataset.info``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import fiftyone.core.odm.database as odm_database

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.write_lock import write_lock
from workbench.base.errors import DatasetError
from workbench.base.shapes import Shape, fault
from workbench.core.metrics.registry import EVALUATION

NOTES = "workbench"  # key of ``dataset.info``
_EVALUATION: Shape = {
    "field": str, "iou": float, "confidence": float, "scope?": (str, None), "where?": (str, None), "samples?": int
}  # fmt: skip


@translated
def note(dataset: Dataset, key: str, shape: Shape = object) -> Any:
    """What was noted of a dataset as a whole; ``None`` for nothing.

    Raises:
        DatasetError: what is noted has not the shape; somebody else changed it.
    """
    dataset.reload()
    notes = dataset.info.get(NOTES)
    value = notes.get(key) if isinstance(notes, Mapping) else None
    text = fault(notes, ({str: object}, None)) or (None if value is None else fault(value, shape, key))
    if text:
        place = f"dataset.info['{NOTES}']"
        fix = f"Take it away and make it again: del {place}['{key}']; dataset.save()."
        raise DatasetError(f"A note of the dataset is damaged ({place}): {text}.", at=dataset.name, fix=fix)
    return value


def evaluation(dataset: Dataset) -> dict[str, Any] | None:
    """How predictions were evaluated last; ``None`` where none were.

    Raises:
        DatasetError: as ``note``.
    """
    known: dict[str, Any] | None = note(dataset, EVALUATION, _EVALUATION)
    return known


@translated
def set_note(dataset: Dataset, key: str, value: Any) -> None:
    """Note something of a dataset as a whole: plain JSON values. Other notes stay, also those made at the same time."""
    _change_notes(dataset, {"$set": {f"info.{NOTES}.{key}": value}})


@translated
def forget_note(dataset: Dataset, key: str) -> None:
    """Take a note away."""
    _change_notes(dataset, {"$unset": {f"info.{NOTES}.{key}": ""}})


@translated
def change_note(dataset: Dataset, key: str, change: Callable[[Any], Any], shape: Shape = object) -> Any:
    """Note what ``change`` makes of what is noted, one process after the other; returns it."""
    with write_lock(dataset):
        value = change(note(dataset, key, shape))
        set_note(dataset, key, value)
    return value


@translated
def append_note(dataset: Dataset, key: str, value: dict[str, Any], *, instead: str) -> None:
    """Append to a list of notes, in place of those that are equal in the key ``instead``."""
    path = f"info.{NOTES}.{key}"
    _change_notes(dataset, {"$pull": {path: {instead: value[instead]}}})
    _change_notes(dataset, {"$push": {path: value}})


def _change_notes(dataset: Dataset, change: dict[str, Any]) -> None:
    """Change the notes in the database itself: what is written whole loses what others note meanwhile."""
    odm_database.get_db_conn()["datasets"].update_one({"_id": dataset._doc.id}, change)
    dataset.reload()
