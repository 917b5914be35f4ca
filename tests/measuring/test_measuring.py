"""Measuring a dataset: only what is new, the data's own words win, problems are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.store.test_store import record
from workbench import store
from workbench.errors import Cancelled
from workbench.measures import MEASURES
from workbench.measuring import measure
from workbench.progress import Cancel, Tick


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
    assert set(next(iter(store.read(dataset, ids))).measures) == set(MEASURES)


def test_words_of_the_data_stay(dataset: Any, ids: list[str]) -> None:
    measure(dataset)
    measure(dataset, again=True)
    by_data, partly, measured = store.read(dataset, ids)
    assert (by_data.record.attributes["lighting"], by_data.record.attributes["surface"]) == ("harsh", "wood")
    assert partly.record.attributes["surface"] == "wood" and "lighting" in partly.record.attributes
    assert [s.attributes_from for s in (by_data, partly, measured)] == ["data", "data", "measured"]


def test_a_picture_that_cannot_be_read_is_named(dataset: Any, ids: list[str]) -> None:
    path = next(iter(store.read(dataset, ids[1:2]))).record.image_path
    path.write_bytes(path.read_bytes()[:40])
    report = measure(dataset)
    assert report.measured == 2
    assert [(p.where, p.kind) for p in report.problems] == [(str(path), "unreadable_image")]


def test_a_cancelled_measuring_goes_on_later(dataset: Any, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.measuring.run.BATCH", 1)
    cancel = Cancel()

    def stop(tick: Tick) -> None:
        if tick.done == 2:
            cancel.set()

    with pytest.raises(Cancelled):
        measure(dataset, listener=stop, cancel=cancel)
    report = measure(dataset)
    assert report.measured + report.skipped == 3
    assert report.skipped >= 1
