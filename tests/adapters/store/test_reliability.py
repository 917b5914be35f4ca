"""Several writers at once, removed labels, forks, deleted datasets: nothing is lost, nothing comes back."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm
import pytest

from tests.builders import read_by_fiftyone, record
from workbench.actions.tag import tag
from workbench.adapters import store
from workbench.adapters.store import documents, predictions
from workbench.adapters.store.samples import set_label_values
from workbench.base.errors import DatasetError, WorkbenchError
from workbench.core.schema.labels import Label

Write = Callable[..., Path]


def add(dataset: Any, picture: Write, n: int = 1, labels: int = 3) -> list[str]:
    path = picture()
    given = tuple(Label(f"c{at}", (at, 0.0, at + 9.0, 9.0)) for at in range(labels))
    records = [record(path, origin=f"{at}.png", labels=given, content_sha256="0") for at in range(n)]
    return store.add(dataset, records, source="real").ids


def drop_first(dataset: Any) -> None:
    dataset._sample_collection.update_many({}, {"$pop": {"ground_truth.detections": -1}})


def drop_all(dataset: Any) -> None:
    dataset._sample_collection.update_many({}, {"$set": {"ground_truth.detections": []}})


def make_null(dataset: Any) -> None:
    dataset._sample_collection.update_many({}, {"$set": {"ground_truth": None}})


def labels_of(dataset: Any) -> list[dict[str, Any]]:
    (sample,) = dataset._sample_collection.find()
    return list((sample["ground_truth"] or {}).get("detections") or [])


@pytest.mark.parametrize(("change", "left"), [(drop_first, ["c1", "c2"]), (drop_all, []), (make_null, [])])
def test_labels_removed_while_measuring_stay_removed(
    dataset: Any, picture: Write, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None], left: list[str]
) -> None:
    add(dataset, picture)
    module = importlib.import_module("workbench.actions.measure")
    measure_files = module.measure_files

    def slow(tasks: Any) -> Any:
        change(dataset)
        return measure_files(tasks)

    monkeypatch.setattr(module, "measure_files", slow)
    assert module.measure(dataset).measured == 1
    assert [label["label"] for label in labels_of(dataset)] == left
    assert all("gloss" in label for label in labels_of(dataset))
    assert read_by_fiftyone(dataset.name) == 1


@pytest.mark.parametrize(("change", "left"), [(drop_first, ["c1", "c2"]), (drop_all, []), (make_null, [])])
def test_labels_removed_while_evaluating_stay_removed(
    dataset: Any, picture: Write, change: Callable[[Any], None], left: list[str]
) -> None:
    (sample_id,) = add(dataset, picture)
    predictions.set_predictions(
        dataset, "predictions", {sample_id: [Label("c0", (0.0, 0.0, 9.0, 9.0), confidence=0.5)]}
    )
    (boxes,) = predictions.boxes(dataset, "predictions")
    truth, predicted = ["hit", "missed", "missed"], ["hit"]
    words = (
        {box.id: word for box, word in zip(boxes.truth, truth, strict=True)},
        {box.id: word for box, word in zip(boxes.predicted, predicted, strict=True)},
    )
    change(dataset)
    predictions.set_outcomes(dataset, "predictions", {sample_id: words}, {sample_id: {"evaluation.hits": 1.0}})
    assert [label["label"] for label in labels_of(dataset)] == left
    assert [label.get("outcome") for label in labels_of(dataset)] == ["missed"] * len(left)
    assert read_by_fiftyone(dataset.name) == 1


def test_a_sample_without_metadata_is_named(dataset: Any, picture: Write) -> None:
    (sample_id,) = add(dataset, picture)
    dataset._sample_collection.update_many({}, {"$set": {"metadata": None}})
    with pytest.raises(DatasetError, match=f"not known of 1 sample .first: {sample_id}"):
        predictions.set_predictions(dataset, "predictions", {sample_id: [Label("c0", (0.0, 0.0, 9.0, 9.0))]})


def test_a_value_of_another_label_is_not_touched(dataset: Any, picture: Write) -> None:
    (sample_id,) = add(dataset, picture)
    ids = next(iter(store.read(dataset, label_ids=True))).label_ids
    set_label_values(
        dataset, "ground_truth", {sample_id: {ids[1]: {"gloss": 0.5}, str(documents.new_id()): {"gloss": 9.0}}}
    )
    assert [label.get("gloss") for label in labels_of(dataset)] == [None, 0.5, None]


def test_removing_and_restoring_at_once_loses_no_sample(dataset: Any, picture: Write) -> None:
    ids = add(dataset, picture, n=12, labels=0)

    def step(at: int) -> None:
        try:
            if at % 2:
                store.restore(dataset, who="me")
            else:
                store.remove(dataset, ids, what="all", who="me")
        except WorkbenchError as error:  # nothing to restore just now
            assert "no removal" in str(error)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(step, range(16)))
    while any(removal.state == "removed" for removal in store.list_removals(dataset)):
        store.restore(dataset, who="me")
    assert sorted(stored.id for stored in store.read(dataset)) == sorted(ids)


def test_a_copy_of_the_process_makes_other_ids() -> None:
    documents.new_ids(1)
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write_end, "".join(map(str, documents.new_ids(100))).encode())
        os._exit(0)
    os.waitpid(child, 0)
    text = os.read(read_end, 2400).decode()
    theirs = {text[at : at + 24] for at in range(0, len(text), 24)}
    assert len(theirs) == 100 and not theirs & set(map(str, documents.new_ids(100)))


def test_every_write_waits_for_the_disk(dataset: Any) -> None:
    assert odm.get_db_client().write_concern.document["j"] is True
    assert dataset._sample_collection.write_concern.document["j"] is True


NOTE = """
import sys
from workbench.adapters import store
dataset = store.open_dataset(sys.argv[1])
for at in range(8):
    store.set_note(dataset, f"{sys.argv[2]}{at}", at)
    store.append_note(dataset, "all", {"path": f"{sys.argv[2]}{at}"}, instead="path")
"""


def test_notes_of_several_processes_are_all_kept(dataset: Any) -> None:
    running = [subprocess.Popen([sys.executable, "-c", NOTE, dataset.name, name]) for name in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert [store.note(dataset, f"{name}{at}") for name in "abc" for at in range(8)] == [*range(8)] * 3
    assert sorted(each["path"] for each in store.note(dataset, "all")) == [
        f"{name}{at}" for name in "abc" for at in range(8)
    ]


def test_a_deleted_dataset_leaves_nothing(picture: Write) -> None:
    dataset = store.open_dataset(f"gone-{uuid.uuid4().hex[:12]}")
    ids = add(dataset, picture, n=2)
    tag(dataset, "odd", ids=ids)
    store.remove(dataset, ids[:1], what="one", who="me")
    known = dataset._doc.id
    store.delete_dataset(dataset.name)
    database = odm.get_db_conn()
    for name in database.list_collection_names():
        if name.startswith("workbench_"):
            assert not database[name].count_documents({"$or": [{"dataset_id": known}, {"_id": known}]}), name
            assert not database[name].count_documents({"sample._dataset_id": known}), name


def test_a_dataset_deleted_meanwhile_is_named_and_no_sample_left_over(picture: Write) -> None:
    dataset = store.open_dataset(f"gone-{uuid.uuid4().hex[:12]}")
    add(dataset, picture, n=1)
    collection = dataset._sample_collection
    odm.get_db_conn()["datasets"].delete_one({"_id": dataset._doc.id})  # as another process does it
    collection.drop()
    path = picture("b.png", seed=1)
    with pytest.raises(DatasetError, match="deleted"):
        store.add(dataset, [record(path)], source="real")
    assert collection.name not in odm.get_db_conn().list_collection_names()
