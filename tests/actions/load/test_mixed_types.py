"""Values of several types in a file: the load names them, and FiftyOne reads the dataset."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.builders import read_by_fiftyone
from tests.sizes import LONG
from workbench.actions.evaluate import evaluate
from workbench.actions.load import load
from workbench.adapters import store


def coco(folder: Path, values: list[Any]) -> Path:
    images, boxes = [], []
    folder.mkdir(parents=True, exist_ok=True)
    for at, value in enumerate(values):
        Image.new("RGB", (64, 48), (at % 256, at // 256, 9)).save(folder / f"{at}.png")
        images.append({"id": at, "file_name": f"{at}.png", "width": 64, "height": 48, "date": value})
        box = {"id": at + 1, "image_id": at, "category_id": 1, "bbox": [4, 5, 20, 10], "area": 200, "iscrowd": 0}
        boxes.append({**box, "track": value})
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "nut"}]}
    (folder / "c.json").write_text(json.dumps(content))
    return folder


def table(folder: Path, values: list[Any]) -> Path:
    coco(folder, values)
    (folder / "c.json").unlink()
    with (folder / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file_name", "date"], *([f"{at}.png", value] for at, value in enumerate(values))])
    return folder


@pytest.mark.parametrize("values", [[7, "n/a"], ["2024-05-01", 0], [True, 0.5, "x"], [1 << 64, 1]])
def test_mixed_values_are_named_and_the_dataset_can_be_evaluated(dataset, tmp_path, values):
    report = load(dataset, coco(tmp_path / "a", values), source="real")
    assert report.samples == len(values)
    assert {(p.kind, p.message.split("'")[1]) for p in report.problems} == {
        ("mixed_types", "date"),
        ("mixed_types", "track"),
    }
    results = [{"image_id": 0, "category_id": 1, "bbox": [4, 5, 20, 10], "score": 0.9}]
    (tmp_path / "results.json").write_text(json.dumps(results))
    evaluate(dataset, predictions=tmp_path / "results.json")
    assert read_by_fiftyone(dataset.name) == len(values)


@pytest.mark.parametrize("make", [coco, table])
def test_another_type_in_a_second_load_is_named_once(dataset, tmp_path, make):
    load(dataset, make(tmp_path / "a", [1, 2]), source="real")
    report = load(dataset, make(tmp_path / "b", ["x", "y", "z"]), source="real")
    messages = [p.message for p in report.problems if p.kind == "mixed_types" and "'date'" in p.message]
    assert messages == [
        "'date' holds numbers in this dataset; 1 value turned into text, in 'date_text' (first: 2.png)."
    ]
    assert read_by_fiftyone(dataset.name) == store.info(dataset)["samples"]


LEAVES = st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=5)
VALUES = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(st.text(max_size=3), LEAVES, max_size=2)


@settings(max_examples=25 if LONG else 6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=4))
def test_any_json_in_two_loads_can_be_read(dataset, tmp_path, first, second):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    for name, values in (("a", first), ("b", second)):
        load(dataset, coco(folder / name, values), source="real")
    assert read_by_fiftyone(dataset.name) == store.info(dataset)["samples"]
