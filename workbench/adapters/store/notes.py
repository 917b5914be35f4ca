"""What is noted of a dataset as a whole: plain values by key, in FiftyOne's ``dataset.info``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone.core.odm.database as odm_database

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.write_lock import write_lock

NOTES = "workbench"  # key of ``dataset.info``


@translated
def note(dataset: Dataset, key: str) -> Any:
    """What was noted of a dataset as a whole; ``None`` for nothing."""
    dataset.reload()
    return (dataset.info.get(NOTES) or {}).get(key)


@translated
def set_note(dataset: Dataset, key: str, value: Any) -> None:
    """Note something of a dataset as a whole: plain JSON values. Other notes stay, also those made at the same time."""
    _change_notes(dataset, {"$set": {f"info.{NOTES}.{key}": value}})


@translated
def forget_note(dataset: Dataset, key: str) -> None:
    """Take a note away."""
    _change_notes(dataset, {"$unset": {f"info.{NOTES}.{key}": ""}})


@translated
def change_note(dataset: Dataset, key: str, change: Callable[[Any], Any]) -> Any:
    """Note what ``change`` makes of what is noted, one process after the other; returns it."""
    with write_lock(dataset):
        value = change(note(dataset, key))
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
