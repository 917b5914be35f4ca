"""Documents that only the workbench writes to the database, spoiled there: named in words, and nothing else."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm_database
import pytest
from bson.errors import InvalidDocument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.errors import PyMongoError

import workbench as wb
from tests.actions.document_stored import filled
from tests.bounds import bounded
from tests.sizes import OWN_CASES
from tests.strategies import value_mutations
from workbench.adapters import store
from workbench.adapters.store import predictions
from workbench.adapters.store.held_back import held_back
from workbench.adapters.store.remembered_splits import remember_splits, remembered_splits
from workbench.base.errors import WorkbenchError
from workbench.core.schema.classes import ClassFacts
from workbench.core.schema.labels import Label, Record
from workbench.ui.board import Selection

NAME = "test-spoiled"
KEYS = ("_id", "dataset_id", "change", "removal", "content")  # by which documents are looked up
OWN = (
    *("workbench_journal", "workbench_journal_ids", "workbench_rounds", "workbench_round_parts", "workbench_draws"),
    *("workbench_draw_intents", "workbench_removals", "workbench_removed", "workbench_turns", "workbench_matches"),
)
NOTES = ("evaluation", "near_duplicates_in_detail", "scenarios", "loads", "classes")


def generated(folder: Path, parent: str, key: str = "made") -> Record:
    """A sample that says it recreates another."""
    about = {
        "scenario_name": "cell", "scenario_sha256": "0" * 64, "parent_sample_ids": [parent], "parent_sample_id": parent,
        "parent_tags": ["failure:glare"], "parent_dataset": NAME,
    }  # fmt: skip
    return Record(folder / "b.png", f"{key}.png", 64, 48, source_key=key, generation=about)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A dataset of which everything that the workbench writes is there."""
    folder = tmp_path_factory.mktemp("pictures")
    dataset = filled(store.open_dataset(NAME), folder)
    first, second = store.select(dataset)
    predictions.set_predictions(
        dataset, "predictions", {i: [Label("nut", (1, 1, 9, 9), confidence=0.9)] for i in (first, second)}
    )
    wb.evaluate(dataset, "predictions")
    wb.record_round(dataset, "predictions", name="first")
    wb.tag(dataset, "failure:glare", ids=[first])
    wb.tag(dataset, "failure:dim", labels=dataset.values("ground_truth.detections.id", unwind=True))
    wb.undo(dataset)
    wb.describe(dataset, "failure:glare", description="too bright")
    made = generated(folder, first)
    store.add(dataset, [made], source="synthetic")
    wb.remove_descendants(dataset, sample=first)
    wb.restore(dataset)
    wb.remove_descendants(dataset, sample=first)
    store.add(dataset, [generated(folder, second, "again")], source="synthetic")
    store.set_note(
        dataset, "near_duplicates_in_detail", {"score": 0.9, "found": {"mirrored": 1.0}, "wrong": 0.01, "planted": 3}
    )
    store.append_note(dataset, "loads", {"path": str(folder), "format": "coco"}, instead="path")
    store.set_class_facts(dataset, {"nut": ClassFacts(supercategory="tool")})
    remember_splits(dataset, "memory", {"train": "train", "val": "test"})
    intent = {"token": "t", "wish": "memory", "target": str(folder), "folder": [1, 2], "owner": None}
    head = {"dataset_id": dataset._doc.id}
    database = odm_database.get_db_conn()
    database["workbench_draw_intents"].insert_many(
        [{**head, "token": "t", "page": [["a", "train"]]}, {**head, **intent}]
    )
    yield dataset
    store.delete_dataset(NAME)


def history(dataset: Any) -> None:
    wb.history(dataset)
    wb.undo(dataset)
    wb.redo(dataset)
    wb.tag(dataset, "failure:new", where="True")
    wb.undo(dataset, change_id="1")


def rounds(dataset: Any) -> None:
    board = wb.rounds(dataset)
    assert str(board) and board._repr_html_()


def evaluated(dataset: Any) -> None:
    wb.slices(dataset, "source", metric="recall")
    assert wb.heatmap(dataset, "source", metric="recall")._repr_html_()


def descent(dataset: Any) -> None:
    wb.restore(dataset)
    store.relatives(dataset)
    for sample_id in store.select(dataset):
        assert str(wb.lineage(dataset, sample_id))


def drawn(dataset: Any) -> None:
    remembered_splits(dataset, "memory")
    held_back(dataset, ("test",))


READERS: dict[str, tuple[Callable[[Any], object], ...]] = {
    "workbench_journal": (history,),
    "workbench_journal_ids": (history, descent),
    "workbench_rounds": (rounds, lambda ds: wb.record_round(ds, "predictions", name="first")),
    "workbench_round_parts": (rounds,),
    "workbench_draws": (drawn,),
    "workbench_draw_intents": (drawn,),
    "workbench_removals": (descent,),
    "workbench_removed": (descent,),
    "workbench_turns": (lambda ds: wb.tag(ds, "failure:new", where="True"),),
    "workbench_matches": (lambda ds: wb.evaluate(ds, "predictions", iou=0.5),),
    "evaluation": (evaluated, lambda ds: Selection(ds).label_notes(), lambda ds: wb.evaluate(ds, "predictions")),
    "near_duplicates_in_detail": (lambda ds: wb.duplicates(ds),),
    "scenarios": (lambda ds: Selection(ds).scenarios(), lambda ds: wb.tag(ds, "failure:new", where="True")),
    "loads": (lambda ds: wb.evaluate(ds, Path(ds.first().filepath).parent),),
    "classes": (store.class_facts,),
    "generation": (descent,),
}


def collections(dataset: Any) -> dict[str, Any]:
    database = odm_database.get_db_conn()
    return {
        **{name: database[name] for name in OWN},
        "samples": dataset._sample_collection,
        "datasets": database["datasets"],
    }


def own(name: str, dataset: Any) -> dict[str, Any]:
    """The documents of the dataset in a collection, as a query."""
    if name in ("datasets", "workbench_turns"):
        return {"_id": dataset._doc.id}
    if name == "workbench_journal_ids":
        ids = odm_database.get_db_conn()["workbench_journal"].distinct("_id", {"dataset_id": dataset._doc.id})
        return {"change": {"$in": ids}}
    if name == "workbench_removed":
        ids = odm_database.get_db_conn()["workbench_removals"].distinct("_id", {"dataset_id": dataset._doc.id})
        return {"removal": {"$in": ids}}
    return {} if name == "samples" else {"dataset_id": dataset._doc.id}


@contextlib.contextmanager
def restored(dataset: Any) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The documents of all collections by name, put back afterwards."""
    before = {name: list(each.find(own(name, dataset))) for name, each in collections(dataset).items()}
    try:
        yield before
    finally:
        for name, each in collections(dataset).items():
            each.delete_many(own(name, dataset))
            each.delete_many({"_id": {"$in": [document["_id"] for document in before[name]]}})
            if before[name]:
                each.insert_many(before[name])
        dataset.reload()


def spoil_one(dataset: Any, kind: str, spoil: Any, which: int, documents: dict[str, list[dict[str, Any]]]) -> bool:
    """Spoil a document of a kind; whether the database takes it."""
    name = "datasets" if kind in NOTES else "samples" if kind == "generation" else kind
    given = documents[name] if kind != "generation" else [d for d in documents[name] if d.get("generation")]
    document = copy.deepcopy(given[which % len(given)])
    if kind in NOTES:
        notes = document["info"]["workbench"]
        notes[kind] = _dict(spoil({"value": notes[kind]})).get("value")
    elif kind == "generation":
        document["generation"] = spoil(document["generation"])
    elif kind == "workbench_removed":  # the fields of a sample are FiftyOne's
        sample = document["sample"]
        own_part = {"sample": {key: sample.pop(key) for key in ("_id", "filepath")}}
        spoiled = _dict(spoil(own_part)).get("sample")
        document["sample"] = {**sample, **spoiled} if isinstance(spoiled, dict) else spoiled
    else:
        kept = {key: value for key, value in document.items() if key in KEYS}
        document = {**_dict(spoil({key: value for key, value in document.items() if key not in KEYS})), **kept}
    try:
        collections(dataset)[name].replace_one({"_id": document["_id"]}, document)
    except (PyMongoError, InvalidDocument, OverflowError, ValueError, TypeError):
        return False
    return True


def _dict(value: Any) -> dict[str, Any]:
    """What the database can hold at this place: documents only."""
    return value if isinstance(value, dict) else {}


@pytest.mark.parametrize("kind", READERS)
def test_whole_documents_are_read(dataset: Any, kind: str) -> None:
    for reader in READERS[kind]:
        with restored(dataset), contextlib.suppress(WorkbenchError if kind == "loads" else ()):
            reader(dataset)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=OWN_CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoil=value_mutations(), which=st.integers(0, 20))
def test_spoiled_documents_are_named(dataset: Any, kind: str, spoil: Any, which: int) -> None:
    with restored(dataset) as documents:
        if not spoil_one(dataset, kind, spoil, which, documents):
            return
        for reader in READERS[kind]:
            with bounded(), contextlib.suppress(WorkbenchError):
                reader(dataset)


def test_every_collection_is_spoiled(dataset: Any) -> None:
    names = odm_database.get_db_conn().list_collection_names(filter={"name": {"$regex": "^workbench_"}})
    assert set(OWN) <= set(READERS) and set(names) <= set(OWN)
    with restored(dataset) as documents:
        assert [name for name in OWN if not documents[name]] == []
        assert set(documents["datasets"][0]["info"]["workbench"]) == set(NOTES)
