"""Which samples an evaluation judges, what it remembers, and that nothing of an earlier one stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.actions.evaluate import discover, evaluate, heatmap, slices
from workbench.actions.load import load
from workbench.actions.rounds import record_round
from workbench.adapters import store
from workbench.adapters.store import predictions as stored
from workbench.base.errors import InputError
from workbench.base.progress import Work
from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema.labels import Label

PLACES = {"nut": (4.0, 4.0, 24.0, 24.0), "bolt": (30.0, 20.0, 50.0, 40.0)}
N = 6  # images of each split; each has a nut, every second a bolt too


@pytest.fixture
def loaded(dataset: Any, tmp_path: Path, picture: Callable[..., Path]) -> Any:
    for split in ("train", "valid"):
        for i in range(N):
            picture(f"data/{split}/images/{split}{i}.png", seed=100 * len(split) + i)
            rows = ["0 0.21875 0.29166667 0.3125 0.41666667", "1 0.625 0.625 0.3125 0.41666667"][: 1 + i % 2]
            path = tmp_path / "data" / split / "labels" / f"{split}{i}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(rows))
    (tmp_path / "data" / "data.yaml").write_text("train: train/images\nval: valid/images\nnames: [nut, bolt]\n")
    load(dataset, tmp_path / "data", source="real", work=Work(lambda tick: None))
    return dataset


def found(dataset: Any, ids: list[str], *names: str) -> None:
    """Predict labels of some classes in some samples, exactly."""
    labels = {
        one.id: [Label(label.name, label.xyxy, confidence=0.9) for label in one.record.labels if label.name in names]
        for one in store.read(dataset, ids)
    }
    stored.set_predictions(dataset, "predictions", labels)


def test_a_field_covers_the_samples_where_it_is_set(loaded: Any) -> None:
    found(loaded, store.select(loaded, "split == 'val'"), "nut")
    report = evaluate(loaded, "predictions")
    assert (report.samples, report.covered, report.total, report.tp, report.fn) == (N, N, 2 * N, N, N // 2)
    assert "cover 6 of 12 samples" in str(report)
    everything = evaluate(loaded, "predictions", scope="all")
    assert (everything.samples, everything.covered, everything.fn) == (2 * N, N, N // 2 + N + N // 2)
    with pytest.raises(InputError, match="Unknown scope 'some'"):
        evaluate(loaded, "predictions", scope="some")  # type: ignore[arg-type]


def test_rows_cover_their_set_because_nothing_is_written_where_nothing_is_found(loaded: Any, tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    for i in range(N - 2):
        (folder / f"valid{i}.txt").write_text("0 0.21875 0.29166667 0.3125 0.41666667 0.9\n")
    report = evaluate(loaded, folder)
    assert (report.samples, report.covered, report.implied, report.total) == (N, N, 2, 2 * N)
    assert (report.tp, report.fn) == (N - 2, 2 + N // 2)
    assert "2 images of the same set without predictions" in str(report)
    assert loaded.match({"predictions": None}).count() == N, "samples not covered have no field"


def test_results_cover_the_coco_file_of_their_ids(loaded: Any, tmp_path: Path) -> None:
    def coco(name: str, split: str, first: int) -> Path:
        images = [{"id": first + i, "file_name": f"{split}{i}.png", "width": 64, "height": 48} for i in range(N)]
        categories = [{"id": 1, "name": "nut"}, {"id": 2, "name": "bolt"}]
        path = tmp_path / "ann" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
        return path

    coco("a.json", "train", 0), coco("b.json", "valid", 100)
    given = tmp_path / "r.json"
    given.write_text(json.dumps([{"image_id": 103, "category_id": 1, "bbox": [4, 4, 20, 20], "score": 0.9}]))
    report = evaluate(loaded, given, annotations=tmp_path / "ann")
    assert (report.samples, report.implied, report.tp, report.fn) == (N, N - 1, 1, N - 1 + N // 2)
    given.write_text("[]")
    assert evaluate(loaded, given, annotations=tmp_path / "ann" / "b.json").fn == N + N // 2
    with pytest.raises(InputError, match=r"no predictions, so nothing says which images they cover.*--annotations"):
        evaluate(loaded, given)


def test_a_new_evaluation_clears_what_is_outside_its_scope(loaded: Any) -> None:
    found(loaded, store.select(loaded), "nut")
    evaluate(loaded, "predictions")
    assert len(store.select(loaded, "evaluation.hits > 0")) == 2 * N
    report = evaluate(loaded, "predictions", where="split == 'val'", confidence=0.5)
    assert report.samples == N
    assert set(store.select(loaded, "evaluation.hits >= 0")) == set(store.select(loaded, "split == 'val'"))
    left = loaded.match({"split": "train"})
    for field in ("ground_truth", "predictions"):
        assert left.count_values(f"{field}.detections.outcome") == {None: left.count(f"{field}.detections")}
    table = slices(loaded, "split", metric="recall").set_index("split")
    assert table["samples"].to_dict() == {"train": 0, "val": N} and table["labels"].to_dict() == {"train": 0, "val": 9}
    ap = slices(loaded, "split", metric="ap50").set_index("split")
    assert ap.loc["val", "value"] == pytest.approx(0.5) and ap.loc["train", "samples"] == 0
    assert slices(loaded, "split").set_index("split")["samples"].to_dict() == {"train": N, "val": N}
    assert discover(loaded).found.samples == N


def test_what_was_evaluated_is_remembered_and_shown(loaded: Any) -> None:
    found(loaded, store.select(loaded), "nut")
    evaluate(loaded, "predictions", iou=0.6, confidence=0.25, where="split == 'val'")
    assert store.note(loaded, EVALUATION) == {
        "field": "predictions", "iou": 0.6, "confidence": 0.25, "scope": "covered", "where": "split == 'val'",
        "samples": N,
    }  # fmt: skip
    shown = heatmap(loaded, "split", metric="recall")._repr_html_()
    assert "predictions (IoU 0.6, confidence 0.25, samples that it covers, where split == &#39;val&#39;)" in shown
    assert "<small>6</small>" in shown and "<small>12</small>" not in shown


def test_of_a_class_its_own_labels_count(loaded: Any) -> None:
    found(loaded, store.select(loaded), "nut")
    evaluate(loaded, "predictions")
    table = slices(loaded, "class", metric="recall").set_index("class")
    assert table["value"].to_dict() == {"bolt": 0.0, "nut": 1.0}
    assert table["labels"].to_dict() == {"bolt": N, "nut": 2 * N}
    assert table["samples"].to_dict() == {"bolt": N, "nut": 2 * N}
    both = slices(loaded, ["split", "class"], metric="recall").set_index(["split", "class"])
    assert both.loc[("val", "bolt"), "labels"] == N // 2 and both.loc[("val", "nut"), "value"] == 1.0
    assert slices(loaded, "class", metric="ap50").set_index("class")["value"].to_dict() == {"bolt": 0.0, "nut": 1.0}
    assert slices(loaded, "class", metric="errors").set_index("class")["samples"].to_dict() == {"bolt": N, "nut": 2 * N}


def test_false_alarms_count_for_their_class_where_the_picture_shows_none_of_it(loaded: Any) -> None:
    labels = {one.id: [Label("bolt", PLACES["bolt"], confidence=0.9)] for one in store.read(loaded)}
    stored.set_predictions(loaded, "predictions", labels)
    evaluate(loaded, "predictions")
    table = slices(loaded, "class", metric="precision").set_index("class")
    assert table.loc["bolt", "value"] == 0.5


def test_a_round_judges_what_the_predictions_cover(loaded: Any) -> None:
    ids = store.select(loaded, "split == 'val'")
    found(loaded, ids[:4], "nut")
    made = record_round(loaded, name="first")
    assert made.samples == 4 and made.left_out == {"not covered by the predictions": N - 4}
    stored.set_predictions(loaded, "other", {store.select(loaded, "split == 'train'")[0]: []})
    with pytest.raises(InputError, match="cover none of the 6 real images"):
        record_round(loaded, "other", name="second")
