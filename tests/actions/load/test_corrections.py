"""Labels corrected in the data and loaded again are taken or named; work in the dataset is not overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.adapters.formats.seeds import HOME, INSIDE, SEEDS, H, W, png
from tests.builders import read_by_fiftyone, record
from tests.strategies import labels
from workbench.actions.evaluate import evaluate
from workbench.actions.load import load
from workbench.actions.measure import measure
from workbench.adapters import store

Box = tuple[str, float, float, float, float]
NUT, BOLT = ("nut", 4, 5, 20, 10), ("bolt", 30, 20, 12, 12)
KEPT = "1 sample with other labels than when loaded (0.png); kept. Pass update=True (--update) to take them."
EDITED = "1 sample with labels changed both in the data and in the dataset (0.png); those of the dataset kept."


def write(folder: Path, *pictures: Sequence[Box], **attributes: Any) -> Path:
    """A COCO data set."""
    images, boxes = [], []
    for at, of_picture in enumerate(pictures):
        if not (folder / f"{at}.png").exists():
            Image.new("RGB", (64, 48), (at, 0, 9)).save(folder / f"{at}.png")
        images.append({"id": at, "file_name": f"{at}.png"})
        for name, *xywh in of_picture:
            number = {"nut": 1, "bolt": 2}[name]
            boxes.append({"id": len(boxes), "image_id": at, "category_id": number, "bbox": xywh, **attributes})
    content = {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 1, "name": "nut"}, {"id": 2, "name": "bolt"}],
    }
    (folder / "c.json").write_text(json.dumps(content))
    return folder


def names(dataset: Any) -> list[list[str]]:
    return [list(stored.record.labels.names) for stored in store.read(dataset)]


def told(report: Any) -> tuple[int, int, int, list[str]]:
    kinds = ("changed_labels", "edited_labels")
    return report.already_there, report.changed, report.updated, [p.message for p in report.problems if p.kind in kinds]


@pytest.mark.parametrize(
    "corrected",
    [[BOLT], [], [NUT, BOLT], [("bolt", 4, 5, 20, 10)], [("nut", 4, 5, 21, 10)], [("nut", 4, 5, 20.01, 10)]],
)
def test_corrected_labels_are_named_then_taken(dataset, tmp_path, corrected):
    load(dataset, write(tmp_path, [NUT], [BOLT]), source="real")
    write(tmp_path, corrected, [BOLT])
    for _ in range(2):
        assert told(load(dataset, tmp_path, source="real")) == (2, 1, 0, [KEPT])
        assert names(dataset) == [["nut"], ["bolt"]]
    assert told(load(dataset, tmp_path, source="real", update=True)) == (2, 0, 1, [])
    assert names(dataset) == [[name for name, *_ in corrected], ["bolt"]]
    for update in (False, True):
        assert told(load(dataset, tmp_path, source="real", update=update)) == (2, 0, 0, [])
    assert read_by_fiftyone(dataset.name) == 2


def test_attributes_of_labels_are_compared_too(dataset, tmp_path):
    load(dataset, write(tmp_path, [NUT], track=7), source="real")
    assert told(load(dataset, write(tmp_path, [NUT], track="n/a"), source="real")) == (1, 1, 0, [KEPT])
    assert told(load(dataset, tmp_path, source="real", update=True)) == (1, 0, 1, [])
    (stored,) = store.read(dataset)
    assert stored.record.labels[0].attributes == {"track_text": "n/a"}
    assert told(load(dataset, tmp_path, source="real")) == (1, 0, 0, [])


def test_the_same_objects_keep_id_and_tags(dataset, tmp_path):
    other = ("nut", 50, 2, 6, 6)
    load(dataset, write(tmp_path, [NUT, BOLT, other]), source="real")
    sample = dataset.first()
    before = [label.id for label in sample.ground_truth.detections]
    for label in sample.ground_truth.detections:
        label.tags.append("checked")
    sample.save()
    write(tmp_path, [("bolt", 30, 20, 13, 12), NUT, ("nut", 2, 30, 6, 6)])
    assert told(load(dataset, tmp_path, source="real", update=True)) == (1, 0, 1, [])
    dataset.reload()
    after = dataset.first().ground_truth.detections
    assert [label.id for label in after][:2] == [before[1], before[0]] and after[2].id not in before
    assert [label.tags for label in after] == [["checked"], ["checked"], []]


def edit_class(label: Any) -> None:
    label.label = "washer"


def edit_box(label: Any) -> None:
    label.bounding_box = [0.5, 0.5, 0.25, 0.25]


def edit_attribute(label: Any) -> None:
    label["remark"] = "mine"


@pytest.mark.parametrize("edit", [edit_class, edit_box, edit_attribute])
def test_labels_edited_in_the_dataset_are_never_overwritten(dataset, tmp_path, edit):
    load(dataset, write(tmp_path, [NUT]), source="real")
    sample = dataset.first()
    edit(sample.ground_truth.detections[0])
    sample.save()
    mine = sample.ground_truth.to_dict()
    assert told(load(dataset, tmp_path, source="real", update=True)) == (1, 0, 0, [])
    write(tmp_path, [BOLT])
    for update in (False, True):
        assert told(load(dataset, tmp_path, source="real", update=update)) == (1, 1, 0, [EDITED])
    dataset.reload()
    assert dataset.first().ground_truth.to_dict() == mine


def test_what_was_evaluated_and_measured_of_a_sample_is_cleared(dataset, tmp_path):
    load(dataset, write(tmp_path, [NUT], [BOLT]), source="real")
    results = [{"image_id": at, "category_id": at + 1, "bbox": [4, 5, 20, 10], "score": 0.9} for at in (0, 1)]
    (tmp_path / "results.json").write_text(json.dumps(results))
    evaluate(dataset, predictions=tmp_path / "results.json")
    measure(dataset)
    assert told(load(dataset, tmp_path, source="real")) == (2, 0, 0, [])  # measures and outcomes are not in the data
    write(tmp_path, [BOLT], [BOLT])
    assert told(load(dataset, tmp_path, source="real", update=True, format="coco")) == (2, 0, 1, [])
    first, second = dataset._sample_collection.find().sort("_id", 1)
    assert "evaluation" not in first and "evaluation" in second
    for sample, judged in ((first, False), (second, True)):
        for label in (*sample["ground_truth"]["detections"], *sample["predictions"]["detections"]):
            assert ("outcome" in label) == judged
    assert measure(dataset).measured == 1
    assert all(
        label.get("gloss") is not None for label in dataset._sample_collection.find_one()["ground_truth"]["detections"]
    )
    assert read_by_fiftyone(dataset.name) == 2


def test_a_class_of_the_whole_picture(dataset, tmp_path):
    for name in ("nut", "bolt"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "nut" / "a.png")
    Image.new("RGB", (8, 8), (9, 0, 0)).save(tmp_path / "bolt" / "b.png")
    load(dataset, tmp_path, source="real")
    given = [stored.record for stored in store.read(dataset)]
    corrected = [record(r.image_path, origin=r.origin, width=8, height=8, classification="washer") for r in given]
    assert len(store.add(dataset, corrected, source="real").corrections.kept) == 2
    assert len(store.add(dataset, corrected, source="real", update=True).corrections.updated) == 2
    assert {stored.record.classification for stored in store.read(dataset)} == {"washer"}


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_no_format_reports_a_change_where_there_is_none(dataset, tmp_path, name):
    files = {INSIDE.get(name, HOME[name]): png(np.full((H, W, 3), 90, np.uint8)), **SEEDS[name]}
    for file, data in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(data)
    load(dataset, tmp_path, source="synthetic", format=name)
    measure(dataset)
    again = load(dataset, tmp_path, source="synthetic", format=name, update=True)
    assert (again.changed, again.updated) == (0, 0)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(labels(), max_size=3), st.lists(labels(), max_size=3))
def test_any_labels_are_the_same_again_or_taken(dataset, picture, first, second):
    def add(given_labels: Sequence[Any], **more: bool) -> Mapping[str, list[str]]:
        given_record = record(path, labels=tuple(given_labels), source_key=key)
        return vars(store.add(dataset, [given_record], source="real", **more).corrections)

    path, key = picture(), str(len(list(store.read(dataset))))
    nothing = {"kept": [], "updated": [], "edited": []}
    add(first)
    assert add(list(reversed(first))) == nothing
    changed = add(second)["kept"]
    assert len(add(second, update=True)["updated"]) == len(changed)
    assert add(second) == nothing
    (back,) = [stored.record.labels for stored in store.read(dataset) if stored.source_key == key]
    if changed:
        assert [label.name for label in back] == [label.name for label in second]
    assert len({label.id for sample in dataset for label in sample.ground_truth.detections}) == sum(
        len(sample.ground_truth.detections) for sample in dataset
    )
    assert fo.dataset_exists(dataset.name)
