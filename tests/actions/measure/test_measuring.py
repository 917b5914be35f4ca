"""Measuring a dataset: only what is new, the data's own words win, problems are named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.builders import record
from workbench.actions.measure import MeasureReport, measure
from workbench.adapters import store
from workbench.base.errors import Cancelled
from workbench.base.progress import Cancel, Tick, Work
from workbench.core.measures import MEASURES
from workbench.core.schema.labels import Label


@pytest.fixture
def ids(dataset: Any, picture: Callable[..., Path]) -> list[str]:
    given = [{"lighting": "harsh", "surface": "wood"}, {"surface": "wood"}, {}]
    records = [record(picture(f"{i}.png", seed=i), attributes=attributes) for i, attributes in enumerate(given)]
    return store.add(dataset, records, source="real").ids


def test_only_new_samples_are_measured(dataset: Any, ids: list[str], picture: Callable[..., Path]) -> None:
    first = measure(dataset)
    assert (first.measured, first.skipped, first.problems) == (3, 0, [])
    store.add(dataset, [record(picture("new.png", seed=9))], source="real")
    again = measure(dataset)
    assert (again.measured, again.skipped) == (1, 3)
    assert measure(dataset, again=True).measured == 4
    found = next(iter(store.read(dataset, ids))).measures
    assert set(found) - {"label_gloss", "label_highlight_share"} == set(MEASURES)


def test_words_of_the_data_stay(dataset: Any, ids: list[str]) -> None:
    measure(dataset)
    measure(dataset, again=True)
    by_data, partly, measured = store.read(dataset, ids)
    assert (by_data.record.attributes["lighting"], by_data.record.attributes["surface"]) == ("harsh", "wood")
    assert partly.record.attributes["surface"] == "wood" and "lighting" in partly.record.attributes
    assert [s.attributes_from for s in (by_data, partly, measured)] == ["data", "data", "measured"]


def test_what_to_do_about_an_unknown_attribute_is_said(dataset: Any, picture: Callable[..., Path]) -> None:
    given: list[dict[str, str]] = [{"surface": "wood"}, {}, {}]
    store.add(dataset, [record(picture(f"{i}.png", seed=i), attributes=a) for i, a in enumerate(given)], source="real")
    report = measure(dataset)
    assert report.unknown["surface"] == 2
    (advice,) = [line for line in report.advice("my cell") if line.startswith("surface")]
    assert advice == (
        "surface is unknown in 2 of 3 images. To teach it, tag about 25 images per word as surface:<word>, then: "
        "workbench teach 'my cell' surface"
    )
    few = MeasureReport(measured=4, unknown={"surface": 2, "lighting": 1})
    assert few.advice("cell") == []


def test_a_picture_that_cannot_be_read_is_named(dataset: Any, ids: list[str]) -> None:
    path = next(iter(store.read(dataset, ids[1:2]))).record.image_path
    path.write_bytes(path.read_bytes()[:40])
    report = measure(dataset)
    assert report.measured == 2
    assert [(p.where, p.kind) for p in report.problems] == [(str(path), "unreadable_image")]


def test_a_cancelled_measuring_goes_on_later(dataset: Any, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.actions.measure.BATCH", 1)
    cancel = Cancel()

    def stop(tick: Tick) -> None:
        if tick.done == 2:
            cancel.set()

    with pytest.raises(Cancelled):
        measure(dataset, work=Work(stop, cancel))
    report = measure(dataset)
    assert report.measured + report.skipped == 3
    assert report.skipped >= 1


def test_a_changed_picture_is_measured_again(dataset: Any, ids: list[str], picture: Callable[..., Path]) -> None:
    measure(dataset)
    before = [s.measures["luminance"] for s in store.read(dataset, ids)]
    picture("1.png", seed=77)
    report = measure(dataset)
    assert (report.measured, report.skipped) == (1, 2)
    after = [s.measures["luminance"] for s in store.read(dataset, ids)]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, True]


def test_confidence_is_stored_for_what_was_measured_alone(dataset: Any, ids: list[str]) -> None:
    measure(dataset)
    documents = list(dataset._sample_collection.find({}).sort("_id", 1))
    assert [("lighting_confidence" in d, "surface_confidence" in d) for d in documents] == [
        (False, False),
        (True, False),
        (True, True),
    ]
    assert all(0 <= d["sensor_confidence"] <= 1 for d in documents)


def test_labels_get_their_own_measures_and_keep_what_they_had(dataset: Any, picture: Callable[..., Path]) -> None:
    pixels = np.full((240, 320, 3), 90, np.uint8)
    cv2.circle(pixels, (120, 100), 12, (255, 255, 255), -1)
    path = picture("shiny.png")
    Image.fromarray(pixels).save(path)
    labels = (Label("part", (90, 70, 150, 130)), Label("floor", (200, 150, 300, 230), attributes={"surface": "matte"}))
    given = dataclasses.replace(record(path), width=320, height=240, labels=labels)
    (sample_id,) = store.add(dataset, [given], source="real").ids
    measure(dataset)
    part, floor = dataset[sample_id].ground_truth.detections
    assert part["highlight_share"] == pytest.approx(np.pi * 12**2 / 60**2, rel=0.15)
    assert (floor["highlight_share"], floor["surface"]) == (0.0, "matte")
    assert part["gloss"] > floor["gloss"] >= 0
    stored = store.require_sample(dataset, sample_id)
    assert stored.measures["label_highlight_share"] == part["highlight_share"]
    assert [dict(label.attributes) for label in stored.record.labels] == [{}, {"surface": "matte"}]


def test_worker_processes_find_what_threads_find(dataset: Any, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    measure(dataset)
    before = [dict(s.measures) for s in store.read(dataset, ids)]
    monkeypatch.setattr("workbench.actions.measure.WORTH_PROCESSES", 1)
    assert measure(dataset, again=True).measured == 3
    assert [dict(s.measures) for s in store.read(dataset, ids)] == before
