"""Evaluation against independent numbers on real data: AP by pycocotools, each class by a few lines of NumPy."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.actions.evaluate import evaluate, slices
from workbench.actions.load import load
from workbench.adapters import store
from workbench.base.progress import Work

SETS = {"coco_nuts": 18, "yolo_cones": 187, "voc_bccd": 364}


@pytest.fixture(params=sorted(SETS))
def judged(request: pytest.FixtureRequest, dataset: Any, shared_data: Path, tmp_path: Path) -> Any:
    """A real set, a COCO file of its boxes, and results made of them: moved, renamed, left out, doubled."""
    name = request.param
    load(dataset, shared_data / name, source="real", work=Work(lambda tick: None))
    truth, results = jittered(dataset, np.random.default_rng(sorted(SETS).index(name)))
    assert len(truth["images"]) == SETS[name]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "results.json").write_text(json.dumps(results))
    report = evaluate(dataset, tmp_path / "results.json", annotations=tmp_path / "truth.json")
    return dataset, truth, results, report, tmp_path


def jittered(dataset: Any, rng: np.random.Generator) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    samples = list(store.read(dataset))
    classes = sorted({label.name for one in samples for label in one.record.labels})
    images, annotations, results = [], [], []
    for i, one in enumerate(samples, 1):
        record = one.record
        images.append({"id": i, "file_name": record.origin, "width": record.width, "height": record.height})
        for label in record.labels:
            left, top, right, bottom = label.xyxy
            number, box = classes.index(label.name) + 1, np.array([left, top, right - left, bottom - top])
            area = float(box[2] * box[3])
            annotation = {"image_id": i, "category_id": number, "bbox": box.tolist(), "area": area, "iscrowd": 0}
            annotations.append({"id": len(annotations) + 1, **annotation})
            for _ in range(int(rng.choice([0, 1, 1, 1, 2]))):
                moved = box + rng.normal(0, 0.12, 4) * np.tile(box[2:], 2)
                moved[2:] = np.maximum(moved[2:], 1.0)
                predicted = number if rng.random() < 0.85 else int(rng.integers(1, len(classes) + 1))
                result = {"image_id": i, "category_id": predicted, "bbox": moved.tolist()}
                results.append({**result, "score": float(rng.random())})
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}, results


def test_ap_is_that_of_pycocotools(judged: Any) -> None:
    _, _, _, report, folder = judged
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(folder / "truth.json"))
        theirs = cocoeval.COCOeval(truth, truth.loadRes(str(folder / "results.json")), "bbox")
        theirs.params.iouThrs, theirs.params.areaRng = np.array([0.5]), [[0, 1e10]]
        theirs.params.areaRngLbl, theirs.params.maxDets = ["all"], [1000]
        theirs.evaluate()
        theirs.accumulate()
    precision = theirs.eval["precision"][0, :, :, 0, 0]
    assert report.ap50 == pytest.approx(precision[:, (precision > -1).all(axis=0)].mean(), abs=1e-6)


def test_recall_and_precision_of_a_class_are_those_of_its_labels(judged: Any) -> None:
    dataset, truth, results, report, _ = judged
    hits, n_truths, n_predicted = by_hand(truth, results)
    assert (report.tp, report.tp + report.fn, report.tp + report.fp) == (
        hits.total(), n_truths.total(), n_predicted.total()
    )  # fmt: skip
    recall, precision = (slices(dataset, "class", metric=name).set_index("class") for name in ("recall", "precision"))
    names = {category["name"]: category["id"] for category in truth["categories"]}
    assert set(recall.index) - {None} == set(names), "each class once"
    for name, number in names.items():
        assert recall.loc[name, "labels"] == n_truths[number], name
        assert recall.loc[name, "value"] == pytest.approx(hits[number] / n_truths[number]), name
        assert precision.loc[name, "value"] == pytest.approx(hits[number] / n_predicted[number]), name


def by_hand(truth: dict[str, Any], results: list[dict[str, Any]]) -> tuple[Counter[int], Counter[int], Counter[int]]:
    """Hits, truths and predictions by class: the surest prediction first takes the free truth that it fits best."""
    boxes: dict[tuple[int, int], list[NDArray[np.float64]]] = defaultdict(list)
    for annotation in truth["annotations"]:
        boxes[annotation["image_id"], annotation["category_id"]].append(np.array(annotation["bbox"]))
    hits: Counter[int] = Counter()
    for result in sorted(results, key=lambda result: -result["score"]):
        free = boxes.get((result["image_id"], result["category_id"]), [])
        overlaps = [overlap(np.array(result["bbox"]), box) for box in free]
        if overlaps and max(overlaps) >= 0.5:
            free.pop(int(np.argmax(overlaps)))
            hits[result["category_id"]] += 1
    n_truths = Counter(annotation["category_id"] for annotation in truth["annotations"])
    return hits, n_truths, Counter(result["category_id"] for result in results)


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[:2] + first[2:], second[:2] + second[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (float(np.prod(first[2:])) + float(np.prod(second[2:])) - shared)
