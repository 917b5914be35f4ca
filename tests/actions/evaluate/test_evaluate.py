"""Predictions of known quality: counts by hand, AP by FiftyOne, facets, slices, files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from workbench.actions.evaluate import evaluate, slices
from workbench.actions.load import load
from workbench.adapters import store
from workbench.adapters.store import predictions as stored
from workbench.base.errors import Cancelled, DatasetError, FilterError, InputError
from workbench.base.progress import Cancel, Work
from workbench.core.schema.labels import Label
from workbench.ui.cli import main

Write = Callable[..., Path]
N = 12


@pytest.fixture
def coco(tmp_path: Path, picture: Write) -> Path:
    """Twelve pictures with a nut and a bolt each; ids of pictures and classes that start anywhere."""
    images, annotations = [], []
    for i in range(N):
        name = picture(f"data/images/{i:02}.png", seed=i).name
        lighting = "dim" if i % 3 == 0 else "bright"
        images.append({"id": 100 + i, "file_name": name, "width": 64, "height": 48, "lighting": lighting})
        for j, box in enumerate(([4, 4, 20, 20], [30, 20, 20, 20])):
            annotations.append({"id": 2 * i + j, "image_id": 100 + i, "category_id": 7 + j, "bbox": box})
    categories = [{"id": 7, "name": "nut"}, {"id": 8, "name": "bolt"}]
    folder = tmp_path / "data"
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "labels.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def loaded(dataset: Any, coco: Path) -> Any:
    load(dataset, coco, source="real", work=Work(lambda tick: None))
    return dataset


def results(coco: Path) -> Path:
    """Every nut is found; of the bolts those of bright pictures; and one false alarm per dim picture."""
    found = []
    for i in range(N):
        found.append({"image_id": 100 + i, "category_id": 7, "bbox": [4, 4, 20, 20], "score": 0.9})
        if i % 3:
            found.append({"image_id": 100 + i, "category_id": 8, "bbox": [30, 20, 20, 20], "score": 0.8})
        else:
            found.append({"image_id": 100 + i, "category_id": 8, "bbox": [0, 40, 6, 6], "score": 0.3})
    path = coco.parent / "results.json"
    path.write_text(json.dumps(found))
    return path


def test_coco_results_by_the_ids_of_what_was_loaded(loaded: Any, coco: Path) -> None:
    found = evaluate(loaded, results(coco))
    assert (found.tp, found.fp, found.fn, found.samples) == (12 + 8, 4, 4, 12)
    assert found.recall == pytest.approx(20 / 24) and found.precision == pytest.approx(20 / 24)
    assert found.errors == {"false_alarms": 4, "wrong_class": 0, "badly_placed": 0, "duplicates": 0}
    assert found.ap50 == pytest.approx((1.0 + 67 / 101) / 2)  # nuts all; bolts 8 of 12, all before the false alarms
    assert found.recall_low is not None and found.recall_low < 20 / 24 < (found.recall_high or 0)
    again = evaluate(loaded, "predictions", confidence=0.5)
    assert (again.tp, again.fp, again.fn, again.ap50) == (20, 0, 4, found.ap50)
    assert evaluate(loaded, "predictions", where="lighting == 'dim'").tp == 4


def test_what_was_found_is_facets(loaded: Any, coco: Path) -> None:
    evaluate(loaded, results(coco))
    assert len(store.select(loaded, "evaluation.misses > 0")) == 4
    assert store.select(loaded, "evaluation.misses > 0") == store.select(loaded, "lighting == 'dim'")
    assert loaded.count_values("predictions.detections.outcome") == {"hit": 20, "false_alarm": 4}
    assert loaded.count_values("ground_truth.detections.outcome") == {"hit": 20, "miss": 4}
    table = slices(loaded, "lighting", metric="recall").set_index("lighting")
    assert table.loc["bright", "value"] == 1.0 and table.loc["dim", "value"] == 0.5
    assert table.loc["dim", "low"] == pytest.approx(0.2152, abs=1e-4)  # Wilson of 4 in 8
    precision = slices(loaded, "lighting", metric="precision").set_index("lighting")["value"]
    assert precision.to_dict() == {"bright": 1.0, "dim": 0.5}
    ap = slices(loaded, "lighting", metric="ap50").set_index("lighting")
    assert ap["value"].to_dict() == {"bright": 1.0, "dim": pytest.approx(0.5)}
    assert (ap["low"] <= ap["value"] + 1e-9).all() and (ap["high"] >= ap["value"] - 1e-9).all()


def test_ap_is_fiftyones(loaded: Any) -> None:
    rng = np.random.default_rng(3)
    labels = {}
    for one in store.read(loaded):
        boxes = []
        for truth in one.record.labels:
            for _ in range(rng.integers(0, 4)):
                shift = rng.normal(0, 4, 4)
                left, top, right, bottom = np.asarray(truth.xyxy) + shift
                name = truth.name if rng.random() < 0.8 else "bolt"
                boxes.append(
                    Label(name, (left, top, max(right, left + 1), max(bottom, top + 1)), confidence=float(rng.random()))
                )
        labels[one.id] = boxes
    stored.set_predictions(loaded, "model", labels)
    found = evaluate(loaded, "model")
    theirs = loaded.evaluate_detections("model", gt_field="ground_truth", compute_mAP=True, iou_threshs=[0.5])
    assert found.ap50 == pytest.approx(theirs.mAP())
    counts = theirs.metrics()
    assert counts["recall"] == pytest.approx(found.recall) and counts["precision"] == pytest.approx(found.precision)


def test_yolo_rows_with_confidence(dataset: Any, shared_data: Path, tmp_path: Path) -> None:
    load(dataset, shared_data / "yolo_cones", source="real", work=Work(lambda tick: None))
    folder = tmp_path / "labels"
    folder.mkdir()
    rows = 0
    for file in sorted((shared_data / "yolo_cones").rglob("labels/*.txt")):
        lines = [f"{line} 0.75" for line in file.read_text().splitlines() if line.strip()]
        rows += len(lines)
        (folder / file.name).write_text("\n".join(lines))
    found = evaluate(dataset, folder)
    assert (found.tp, found.fp, found.fn) == (rows, 0, 0) and found.ap50 == pytest.approx(1.0)


def test_coco_with_scores_and_names(loaded: Any, coco: Path, tmp_path: Path) -> None:
    document = json.loads((coco / "labels.json").read_text())
    for image in document["images"]:
        image["id"] += 5000  # its own ids; pictures are found by name
    for annotation in document["annotations"]:
        annotation["image_id"] += 5000
        annotation["score"] = 0.5
    document["annotations"][0]["image_id"] = 1
    document["annotations"][1]["category_id"] = 99
    document["annotations"][2]["bbox"] = [0, 0, -1, 5]
    (tmp_path / "scores.json").write_text(json.dumps(document))
    found = evaluate(loaded, tmp_path / "scores.json", field="model")
    assert (found.tp, found.fp, found.fn) == (21, 0, 3)
    assert sorted(p.kind for p in found.problems) == ["broken_annotation", "missing_image", "unknown_category"]


def command(*arguments: str) -> dict[str, Any]:
    """What a command prints with ``--json``."""
    run = [sys.executable, "-m", "workbench.ui.cli", *arguments, "--json"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_command(loaded: Any, coco: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = command("evaluate", loaded.name, "--predictions", str(results(coco)))
    assert (told["tp"], told["fp"], told["fn"]) == (20, 4, 4)
    assert {"recall", "precision", "ap50"} <= told.keys()
    rows = command("slices", loaded.name, "--by", "lighting", "--metric", "recall")["rows"]
    assert [(row["lighting"], row["value"]) for row in rows] == [("bright", 1.0), ("dim", 0.5)]
    assert main(["evaluate", loaded.name, "--predictions", "predictions"]) == 0
    assert "20 hits, 4 missed, 4 wrong (4 false alarms)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("predictions", "options", "error", "message"),
    [
        ("predicitons", {}, DatasetError, "Did you mean 'predictions'"),
        ("ground_truth", {}, DatasetError, "no predicted boxes in a field 'ground_truth'"),
        ("predictions", {"iou": 0}, InputError, "iou must be above 0 and at most 1, not 0"),
        ("predictions", {"confidence": 2}, InputError, "confidence must be between 0 and 1, not 2"),
        ("predictions", {"where": "nothing == 1"}, FilterError, "nothing"),
    ],
)
def test_mistakes(
    loaded: Any, coco: Path, predictions: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    evaluate(loaded, results(coco))
    with pytest.raises(error, match=message):
        evaluate(loaded, predictions, **options)


def test_files_that_say_too_little(loaded: Any, tmp_path: Path, picture: Write) -> None:
    stored_elsewhere = store.open_dataset(f"{loaded.name}-bare")
    try:
        store.add(stored_elsewhere, [one.record for one in store.read(loaded)], source="real")
        path = tmp_path / "r.json"
        path.write_text(json.dumps([{"image_id": 100, "category_id": 7, "bbox": [4, 4, 20, 20], "score": 0.9}]))
        with pytest.raises(InputError, match="--annotations"):
            evaluate(stored_elsewhere, path)
        found = evaluate(stored_elsewhere, path, annotations=tmp_path / "data" / "labels.json")
        assert found.tp == 1
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError, match="no YOLO label files"):
            evaluate(stored_elsewhere, tmp_path / "empty")
        path.write_text(json.dumps([{"image_id": 1, "category_id": 7, "bbox": [4, 4, 20, 20], "score": 0.9}]))
        with pytest.raises(InputError, match=r"r\.json, result 0: None of the predictions can be used"):
            evaluate(loaded, path)
        path.write_text("3")
        with pytest.raises(InputError, match="neither a list of COCO results nor COCO with scores"):
            evaluate(loaded, path)
        with pytest.raises(FilterError, match="Evaluate first"):
            slices(store.open_dataset(f"{loaded.name}-none"), "lighting", metric="recall")
    finally:
        for name in ("bare", "none"):
            if fo.dataset_exists(f"{loaded.name}-{name}"):
                store.delete_dataset(f"{loaded.name}-{name}")


def test_only_what_changed_is_matched_again(loaded: Any, coco: Path) -> None:
    assert evaluate(loaded, results(coco)).matched == N
    written = loaded.values("last_modified_at")
    again = evaluate(loaded, "predictions")
    assert (again.matched, again.tp, again.fp, again.fn) == (0, 20, 4, 4)
    assert loaded.values("last_modified_at") == written  # nothing was said anew
    assert evaluate(loaded, results(coco)).matched == 0  # the same boxes with new ids
    assert evaluate(loaded, "predictions", confidence=0.5).fp == 0
    assert evaluate(loaded, "predictions", iou=0.9).matched == N

    first = loaded.first()
    first.predictions.detections[0].bounding_box = [0.9, 0.9, 0.05, 0.05]  # the nut is missed now
    first.save()
    changed = evaluate(loaded, "predictions")
    assert (changed.matched, changed.tp, changed.fp, changed.fn) == (1, 19, 5, 5)

    second = loaded.skip(1).first()
    second.ground_truth.detections[0].label = "washer"
    second.save()
    changed = evaluate(loaded, "predictions", where='lighting == "bright"')
    assert (changed.samples, changed.matched) == (8, 1)
    assert evaluate(loaded, "predictions").errors["wrong_class"] == 1


def test_what_a_stopped_evaluation_matched_is_remembered(
    loaded: Any, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.adapters.store.matches.MATCH_BATCH", 5)
    cancel = Cancel()

    def stop(tick: Any) -> None:
        if tick.label.startswith("evaluating"):  # at 0 of 12: the first batch is matched, then it is looked at
            cancel.set()

    with pytest.raises(Cancelled):
        evaluate(loaded, results(coco), work=Work(stop, cancel))
    assert "evaluation.hits" not in loaded.get_field_schema(flat=True)
    found = evaluate(loaded, "predictions")
    assert 0 < found.matched < N
    assert (found.tp, found.fp, found.fn) == (20, 4, 4)


def test_a_folder_says_what_numbers_mean(loaded: Any, tmp_path: Path, picture: Write) -> None:
    picture("other/z.png", seed=99)
    said = {
        "images": [{"id": 100, "file_name": "z.png", "width": 64, "height": 48}],
        "annotations": [],
        "categories": [],
    }
    (tmp_path / "other" / "labels.json").write_text(json.dumps(said))
    load(loaded, tmp_path / "other", source="synthetic", work=Work(lambda tick: None))
    path = tmp_path / "r.json"
    path.write_text(json.dumps([{"image_id": 100, "category_id": 7, "bbox": [4, 4, 20, 20], "score": 0.9}]))
    with pytest.raises(InputError, match=r"Several COCO files .* different images.*a file or a folder"):
        evaluate(loaded, path)
    assert evaluate(loaded, path, annotations=tmp_path / "data").tp == 1
    with pytest.raises(InputError, match="Several COCO files"):
        evaluate(loaded, path, annotations=tmp_path)  # both
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="There is no COCO file"):
        evaluate(loaded, path, annotations=tmp_path / "empty")
