"""An export killed at any moment: folder and remembered splits are both there or both not, and nothing is left over."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm
import pytest

from tests.builders import record
from workbench.actions.export import export
from workbench.adapters import store
from workbench.adapters.store.remembered_splits import INTENTS
from workbench.base.parts import SUFFIX
from workbench.core.splits.spec import SplitSpec

EXPORT = """
import importlib, os, signal, sys
from pathlib import Path
import workbench as wb
name, target, moment = sys.argv[1:]
module = importlib.import_module("workbench.adapters.store.remembered_splits")
module.BATCH = 3
rename, batches = Path.replace, []

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def replace(self, to):
    if str(to) != target:
        return rename(self, to)
    if moment == "before the rename":
        die()
    rename(self, to)
    if moment == "after the rename":
        die()

Path.replace = replace
if moment == "while remembering":
    from pymongo.collection import Collection
    insert = Collection.insert_many
    def insert_many(self, documents, **options):
        if self.name == module.DRAWS:
            batches.append(1)
            if len(batches) == 2:
                die()
        return insert(self, documents, **options)
    Collection.insert_many = insert_many
print("ready", flush=True)
wb.export(name, target, near_duplicates=False)
"""
Write = Callable[..., Path]


def filled(dataset: Any, picture: Write, n: int = 12) -> Any:
    records = [record(picture(f"in/{at}.png", seed=at), origin=f"{at}.png", source_key=str(at)) for at in range(n)]
    store.add(dataset, records, source="real")
    return dataset


def start(dataset: Any, target: Path, moment: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", EXPORT, dataset.name, str(target), moment]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(SUFFIX)]


def remembered(dataset: Any) -> dict[str, str]:
    return store.remembered_splits(dataset, SplitSpec.of(None).memory)


@pytest.mark.parametrize(
    ("moment", "there"), [("before the rename", False), ("after the rename", True), ("while remembering", True)]
)
def test_folder_and_splits_come_together(
    dataset: Any, picture: Write, tmp_path: Path, moment: str, there: bool
) -> None:
    filled(dataset, picture)
    target = tmp_path / "out"
    assert start(dataset, target, moment).wait(60) == -signal.SIGKILL
    assert target.exists() == there
    splits = remembered(dataset)
    assert len(splits) == (12 if there else 0)
    again = export(dataset, tmp_path / "again", near_duplicates=False)
    assert not there or remembered(dataset) == splits
    assert sum(split["samples"] for split in again.splits.values()) == 12
    assert not left(tmp_path)
    assert not odm.get_db_conn()[INTENTS].count_documents({"dataset_id": dataset._doc.id})
