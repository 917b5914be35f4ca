"""Rounds in the database: recorded, replaced, compared; by Python and command line."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm_database
import pytest

from tests.builders import contents
from workbench.actions.evaluate import evaluate
from workbench.actions.export import export
from workbench.actions.load import load
from workbench.actions.rounds import record_round, rounds
from workbench.actions.tag import tag
from workbench.adapters import store
from workbench.adapters.store import predictions as stored
from workbench.adapters.store import rounds as kept
from workbench.adapters.store.owners import this_process
from workbench.base.errors import DatasetError, InputError
from workbench.base.progress import Work
from workbench.core.schema.labels import Label
from workbench.ui.cli import main

N = 60
GLARE, FOIL = "failure:glare", "failure:foil"


@pytest.fixture
def loaded(dataset: Any, tmp_path: Path, picture: Callable[..., Path]) -> Any:
    """Sixty real pictures with two nuts each: 20 under harsh light, 20 on metal, 20 with nothing special."""
    images, annotations = [], []
    for i in range(N):
        name = picture(f"data/images/{i:02}.png", seed=i).name
        lighting, surface = ("harsh" if i < 20 else "normal"), ("metal" if 20 <= i < 40 else "matte")
        images.append({"id": i, "file_name": name, "width": 64, "height": 48, "lighting": lighting, "surface": surface})
        annotations += [
            {"id": 2 * i + j, "image_id": i, "category_id": 1, "bbox": [4 + 30 * j, 4, 20, 20]} for j in range(2)
        ]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "nut"}]}
    (tmp_path / "data" / "labels.json").write_text(json.dumps(document))
    load(dataset, tmp_path / "data", source="real", work=Work(lambda tick: None))
    return dataset


def predict(dataset: Any, missed: Callable[[int], int], field: str = "model") -> str:
    """Of picture ``i`` the first ``missed(i)`` nuts are not found."""
    labels = {
        one.id: [Label("nut", label.xyxy, confidence=0.9) for label in one.record.labels[missed(i) :]]
        for i, one in enumerate(store.read(dataset))
    }
    stored.set_predictions(dataset, field, labels)
    return field


def states(dataset: Any, **options: Any) -> Mapping[str, str]:
    return {row.name: row.verdict.state for row in rounds(dataset, **options).scenarios if row.verdict}


def test_from_nothing_to_closed_and_worse(loaded: Any) -> None:
    empty = rounds(loaded)
    assert (empty.rounds, empty.scenarios, "wb.record_round" in str(empty)) == ((), (), True)
    tag(loaded, GLARE, where="lighting == 'harsh'")
    tag(loaded, FOIL, where="surface == 'metal'")
    assert states(loaded) == {GLARE: "failing", FOIL: "failing"}
    first = record_round(loaded, predict(loaded, lambda i: 2 if i < 20 else i % 2 if i < 40 else 0), name="baseline")
    assert (first.number, first.samples, first.split, first.metrics["recall"]) == (
        1,
        N,
        "all real",
        pytest.approx(7 / 12),
    )
    one = rounds(loaded)
    assert {row.name: row.now.value for row in one.scenarios} == {FOIL: 0.75, GLARE: 0.0}
    assert all(
        row.verdict and row.verdict.state == "failing" and "one round" in row.verdict.note for row in one.scenarios
    )
    second = record_round(
        loaded, predict(loaded, lambda i: 0 if i < 20 else 2 if i < 40 else 0), name="more", images=90
    )
    assert (second.number, second.images) == (2, 90)
    found = rounds(loaded)
    assert {row.name: row.verdict.state for row in found.scenarios if row.verdict} == {GLARE: "closed", FOIL: "worse"}
    assert found.overall is not None and found.overall.since_first is not None
    assert found.overall.since_first.value == pytest.approx(1 / 12)
    assert [row.name for row in found.fell] == ["normal x metal"]
    said = str(found).splitlines()
    assert next(i for i, line in enumerate(said) if "GOT WORSE" in line) < next(
        i for i, line in enumerate(said) if "CLOSED" in line
    )
    assert found.frame.set_index("tag").loc[GLARE, "since_first"] == 1.0
    assert list(found.rounds_frame["name"]) == ["baseline", "more"] and len(found.slices_frame) == 3
    assert states(loaded, metric="ap50") == {GLARE: "closed", FOIL: "worse"}
    assert states(loaded, metric="precision")[GLARE] == "failing", "no prediction there in the first round"
    with pytest.raises(InputError, match="recal"):
        rounds(loaded, metric="recal")


def test_three_tagged_pictures_are_never_closed(loaded: Any) -> None:
    ids = store.select(loaded)[:3]
    tag(loaded, GLARE, ids=ids)
    for name, missed in (("bad", 2), ("good", 0)):
        record_round(loaded, predict(loaded, lambda i, n=missed: n if i < 3 else 0), name=name)  # type: ignore[misc]
    row = rounds(loaded).scenarios[0]
    assert row.verdict is not None and row.verdict.state == "failing" and row.samples == 3
    assert row.since_first is not None and row.since_first.value == 1.0 and row.since_first.low == 0.0
    assert row.now.low is not None and row.now.low < 0.7, "six labels of six found: a wide interval"


def test_tags_on_single_labels(loaded: Any) -> None:
    first = [loaded[i].ground_truth.detections[0].id for i in store.select(loaded)[:20]]
    tag(loaded, GLARE, labels=first)
    record_round(loaded, predict(loaded, lambda i: 1 if i < 20 else 0), name="bad")
    record_round(loaded, predict(loaded, lambda i: 0), name="good")
    row = rounds(loaded).scenarios[0]
    assert [one.value for one in row.levels] == [0.0, 1.0] and (row.samples, row.labels) == (20, 20)
    assert row.rest.value == 1.0 and row.verdict is not None and row.verdict.state == "closed"


def test_recording_again_replaces(loaded: Any) -> None:
    record_round(loaded, predict(loaded, lambda i: 2), name="a")
    record_round(loaded, predict(loaded, lambda i: 1), name="b")
    again = record_round(loaded, predict(loaded, lambda i: 0), name="a")
    assert (again.number, [one.name for one in rounds(loaded).rounds]) == (1, ["a", "b"])
    assert [one.metrics["recall"] for one in rounds(loaded).rounds] == [1.0, 0.5]
    parts = odm_database.get_db_conn()[kept.PARTS]
    assert parts.count_documents({"dataset_id": loaded._doc.id}) == 2, "the replaced arrays are gone"
    with pytest.raises(InputError, match="name"):
        record_round(loaded, "model", name=" ")
    with pytest.raises(DatasetError, match="predicted boxes"):
        record_round(loaded, "no_such", name="c")


def test_large_rounds_lie_in_pieces(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PART_BYTES", 100)
    record_round(loaded, predict(loaded, lambda i: i % 3), name="a")
    assert odm_database.get_db_conn()[kept.PARTS].count_documents({"dataset_id": loaded._doc.id}) > 3
    assert rounds(loaded).overall.now.value == pytest.approx(0.5)  # type: ignore[union-attr]


def test_deleting_a_dataset_forgets_its_rounds(loaded: Any) -> None:
    from workbench.adapters.store.datasets import open_dataset

    other = open_dataset(f"{loaded.name}-copy")
    kept.put_round(other, "a", {}, b"12345")
    kept.put_round(loaded, "a", {}, b"12345")
    key = {"dataset_id": other._doc.id}
    store.delete_dataset(other.name)
    assert not any(odm_database.get_db_conn()[name].count_documents(key) for name in (kept.ROUNDS, kept.PARTS))
    assert [one.payload for one in kept.rounds(loaded)] == [b"12345"]


def test_manifest_gives_splits_data_and_the_gate(loaded: Any, tmp_path: Path) -> None:
    tag(loaded, GLARE, where="lighting == 'harsh'")
    whole = export(loaded, tmp_path / "all", format="coco", splits={"train": 0.6, "test": 0.4})
    said = json.loads(Path(whole.manifest).read_text())
    harsh = {one.source_key for one in store.read(loaded, store.select(loaded, "lighting == 'harsh'"))}
    kept_ones = [one for one in said["samples"] if one["split"] == "test" or one["source_key"] not in harsh]
    added = len(said["samples"]) - len(kept_ones)
    (tmp_path / "few.json").write_text(json.dumps({**said, "samples": kept_ones}))
    bad = predict(loaded, lambda i: 2 if i < 20 else 0)
    one = record_round(loaded, bad, name="few", manifest=tmp_path / "few.json")
    two = record_round(loaded, bad, name="all", manifest=tmp_path / "all", seconds=60)
    assert (one.split, two.split, two.samples) == ("test", "test", whole.splits["test"]["real"])
    assert one.manifest_sha256 != two.manifest_sha256 and len(two.manifest_sha256) == 64
    assert (two.images, two.seconds, two.left_out) == (0, 60, {})
    board = rounds(loaded)
    assert (board.compared, board.notes, board.samples) == ((1, 2), (), two.samples)
    verdict = board.scenarios[0].verdict
    assert added >= 10 and verdict is not None and f"{added} real images of it were added" in verdict.note


def test_rounds_on_other_pictures_are_not_compared(loaded: Any, tmp_path: Path) -> None:
    field = predict(loaded, lambda i: 0)
    for name, low in (("first", 0), ("second", 30)):
        ids = store.select(loaded)[low : low + 30]
        keys = [one.source_key for one in store.read(loaded, ids)]
        samples = [{"source_key": key, "split": "test", "source": "real"} for key in keys]
        (tmp_path / f"{name}.json").write_text(json.dumps({"samples": samples}))
        record_round(loaded, field, name=name, manifest=tmp_path / f"{name}.json")
    board = rounds(loaded)
    assert (board.compared, board.samples) == ((2,), 30) and "round 1 first was evaluated on other" in board.notes[0]


def test_pictures_fitted_to_are_not_judged(loaded: Any, tmp_path: Path) -> None:
    ids = store.select(loaded)
    parents = ids[:5]
    made = {"scenario_sha256": "f" * 64, "scenario_name": "s", "parent_sample_ids": parents}
    collection = loaded._sample_collection
    collection.update_one({"source": "real", "_id": loaded[ids[-1]]._id}, {"$set": {"generation": made}})
    found = record_round(loaded, predict(loaded, lambda i: 0), name="a")
    assert (found.samples, found.left_out) == (N - 5, {"fitted to": 5})
    assert "left out: 5 fitted to" in str(found)


def test_broken_manifests(loaded: Any, tmp_path: Path) -> None:
    field = predict(loaded, lambda i: 0)
    (tmp_path / "broken.json").write_text('{"samples": [')
    (tmp_path / "other.json").write_text('{"samples": [{"source_key": "x", "split": "test", "source": "real"}]}')
    (tmp_path / "list.json").write_text("[]")
    for name, message in (
        ("broken.json", "manifest"),
        ("list.json", "manifest"),
        ("nowhere.json", "manifest"),
        ("other.json", "no sample of the dataset"),
    ):
        with pytest.raises(InputError, match=message):
            record_round(loaded, field, name="a", manifest=tmp_path / name)
    assert rounds(loaded).rounds == ()


def test_no_real_pictures(dataset: Any, tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture("data/a.png")
    load(dataset, tmp_path / "data", source="synthetic", work=Work(lambda tick: None))
    with pytest.raises(InputError, match="No real images"):
        record_round(dataset, "x", name="a")


@pytest.fixture
def hostile(loaded: Any) -> Iterator[Any]:
    tag(loaded, "failure:<script>alert(1)</script>", where="lighting == 'harsh'")
    record_round(loaded, predict(loaded, lambda i: 2 if i < 20 else 0), name="<b>base</b>")
    record_round(loaded, predict(loaded, lambda i: 0), name="</svg><i>")
    return loaded


def test_page_shows_text_as_text(hostile: Any, tmp_path: Path) -> None:
    page = rounds(hostile).save(tmp_path / "rounds.html").read_text()
    assert "<script>" not in page and "<b>base" not in page and "</svg><i>" not in page
    assert "&lt;script&gt;" in page and page.count("<svg") == 2 and "closed" in page


def called(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    stdout = os.dup(1)  # the command turns fd 1 to stderr for good, as suits a process
    try:
        assert main(["rounds", *arguments, "--json"]) == 0
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_command_line(loaded: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = called(capfd, loaded.name)
    assert said["rounds"] == [] and said["scenarios"] == []
    tag(loaded, GLARE, where="lighting == 'harsh'")
    for name, missed in (("base", 2), ("more", 0)):
        field = predict(loaded, lambda i, n=missed: n if i < 20 else 0)  # type: ignore[misc]
        page = str(tmp_path / "page.html")
        said = called(capfd, loaded.name, "--record", name, "--predictions", field, "--save", page)
    assert [one["name"] for one in said["rounds"]] == ["base", "more"]
    assert [(one["tag"], one["state"]) for one in said["scenarios"]] == [(GLARE, "closed")]
    assert Path(page).is_file()
    assert main(["rounds", loaded.name]) == 0
    assert "CLOSED failure:glare: recall 1.000" in capfd.readouterr().out


DEAD = {"host": socket.gethostname(), "pid": 2**22 + 1, "started": "long ago"}


def test_what_a_killed_recording_left_goes_with_the_next(loaded: Any) -> None:
    """Pieces without a round, written by a process that has ended; those of one that lives stay."""
    parts = odm_database.get_db_conn()[kept.PARTS]
    for owner, content in ((DEAD, "cut off"), (this_process(), "on its way")):
        parts.insert_one({"dataset_id": loaded._doc.id, "content": content, "place": 0, "bytes": b"", "owner": owner})
    kept.put_round(loaded, "first", {}, b"payload")
    left = [part["content"] for part in parts.find({"dataset_id": loaded._doc.id})]
    assert "cut off" not in left and "on its way" in left and len(left) == 2


class OfSome(dict[str, Any]):
    """Predictions that end at one sample, as a process that is killed does."""

    def __init__(self, values: dict[str, Any], last: str) -> None:
        super().__init__(values)
        self.last = last

    def __getitem__(self, key: str) -> Any:
        if key >= self.last:
            raise KeyError(key)
        return super().__getitem__(key)


def test_half_stored_predictions_are_not_used(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storing that is cut off leaves a field of two models: it is refused until it is whole again."""
    ids = store.select(loaded)
    boxes = {i: [Label("nut", (4, 4, 24, 24), confidence=0.9)] for i in ids}
    stored.set_predictions(loaded, "predictions", boxes)
    evaluate(loaded, "predictions")
    monkeypatch.setattr(stored, "WRITE_BATCH", 10)
    with pytest.raises(KeyError):
        stored.set_predictions(loaded, "predictions", OfSome(dict.fromkeys(ids, ()), ids[20]))
    assert store.note(loaded, "evaluation") is None
    for use in (lambda: evaluate(loaded, "predictions"), lambda: record_round(loaded, "predictions", name="a")):
        with pytest.raises(DatasetError, match="cut off"):
            use()
    stored.set_predictions(loaded, "predictions", boxes)
    assert evaluate(loaded, "predictions").samples == N


def test_an_evaluation_changes_no_export(loaded: Any, tmp_path: Path) -> None:
    """What a model made of a label says nothing of the label: trainers get the same files."""
    export(loaded, tmp_path / "before", splits={"test": 1.0})
    evaluate(loaded, predict(loaded, lambda i: i % 2))
    export(loaded, tmp_path / "after", splits={"test": 1.0})
    assert contents(tmp_path / "before") == contents(tmp_path / "after")
