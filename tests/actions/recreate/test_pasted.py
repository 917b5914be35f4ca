"""Recreating crowded samples: number, size, overlap and classes of objects that are pasted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from workbench.actions.measure import measure
from workbench.actions.recreate import recreate
from workbench.actions.recreate.fitting import Fitted
from workbench.actions.recreate.pasted import Crowd, crowd_of
from workbench.actions.recreate.recreate import _best
from workbench.adapters import store
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label, Labels, Record


def _crowd(counts: list[int], size: float = 0.2, overlap: float = 0.0, **classes: int) -> Crowd:
    n = sum(counts)
    return Crowd(np.array(counts, float), np.full(n, size), np.full(n, overlap), Counter(classes or {"a": n}))


@pytest.mark.parametrize(
    ("here", "there", "rich"),
    [
        (_crowd([5, 6]), _crowd([2, 2]), True),
        (_crowd([2, 3]), _crowd([2, 2]), False),
        (_crowd([2, 2], size=0.1), _crowd([2, 2]), True),
        (_crowd([2, 2], size=0.18), _crowd([2, 2]), False),
        (_crowd([2, 2], overlap=0.4), _crowd([2, 2], overlap=0.1), True),
        (_crowd([2, 2], a=1, b=3), _crowd([2, 2], a=3, b=1), False),
        (_crowd([2, 2], a=1, b=3), _crowd([5, 5], a=9, b=1), True),
        (_crowd([2, 2], b=4), _crowd([2, 2], a=4), True),
        (_crowd([0, 0]), _crowd([2, 2]), False),
        (_crowd([5, 5]), _crowd([0, 0]), False),
    ],
)
def test_what_sets_crowds_apart(here: Crowd, there: Crowd, rich: bool) -> None:
    assert here.is_richer_than(there) == rich


def test_pictures_without_labels_make_an_empty_crowd() -> None:
    crowd = crowd_of([(Labels(), 10, 10)])
    assert (crowd.counts.tolist(), crowd.sizes.tolist(), crowd.classes) == ([0.0], [], Counter())
    assert len(crowd_of([]).counts) == 0


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Photos with one large egg or stone each; every third with six small eggs, that is tagged; two are test."""
    folder, records = tmp_path_factory.mktemp("yard"), []
    dataset = store.open_dataset(f"yard-{folder.name}")
    for i in range(30):
        rng = np.random.default_rng(i)
        crowded = i % 3 == 0
        pixels = cv2.resize(rng.integers(80, 160, (5, 6, 3)).astype(np.float32), (160, 120)) + rng.normal(
            0, 3, (120, 160, 3)
        )
        labels = []
        for k in range(6 if crowded else 1):
            radius = 7 if crowded else 20
            x, y = (20 + 24 * k, 60 + 20 * (k % 2)) if crowded else rng.integers(35, 85, 2)
            cv2.circle(pixels, (int(x), int(y)), radius, (30.0, 230.0, 40.0), -1)
            name = "egg" if crowded or i % 2 else "stone"
            labels.append(Label(name, (x - radius, y - radius, x + radius + 1.0, y + radius + 1.0)))
        path = folder / f"{i:02}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        split = "test" if i >= 28 else "train"
        tags = ("failure:crowded",) if crowded else ()
        records.append(Record(path, path.name, 160, 120, labels=labels, split=split, tags=tags))
    store.add(dataset, records, source="real")
    measure(dataset)
    yield dataset
    store.delete_dataset(dataset.name)


def test_crowded_samples_are_recreated_with_pasted_objects(yard: Any) -> None:
    recreation = recreate(yard, "'failure:crowded' in tags", probes=False)
    scenario = recreation.scenario
    assert (recreation.content, scenario.content) == ("pasted", "pasted")
    sections = scenario.document()
    assert sections["assets"]["targets.count"] == {"uniform_int": [5, 5]}
    low, high = (
        sections["paste"]["scale"]["log_uniform"]
        if isinstance(sections["paste"]["scale"], dict)
        else (sections["paste"]["scale"],) * 2
    )
    assert 0.3 < low <= high < 0.45
    assert sections["paste"]["object"] == {"object": {"classes": ["egg"]}}
    assert "the samples have 6.0 labels each, the photos 1" in str([row.why for row in recreation.parameters])
    held_back = {stored.id for stored in store.read(yard) if stored.record.split == "test"}
    assert not held_back & set(scenario.donors.ids)


def test_samples_with_as_many_objects_as_others_are_photos_first(yard: Any) -> None:
    usual = [stored.id for stored in store.read(yard) if stored.record.labels.names == ("egg",)][:8]
    assert recreate(yard, ids=usual, probes=False, name="usual").content == "photos"


def test_pasted_pictures_are_fitted_and_judged(yard: Any) -> None:
    recreation = recreate(yard, "'failure:crowded' in tags", content="pasted", seconds=15)
    assert recreation.content == "pasted" and recreation.probes >= 60
    assert recreation.gap_after is not None and recreation.gap_before is not None


@pytest.mark.parametrize(
    ("tried", "best"),
    [
        ([("photos", 0.8), ("pasted", 0.75)], "photos"),
        ([("photos", 0.8), ("pasted", 0.65)], "pasted"),
        ([("pasted", 0.8), ("photos", 0.82)], "pasted"),
        ([("pasted", 0.8), ("photos", 0.7)], "photos"),
        ([("photos", None), ("pasted", None)], "photos"),
        ([("photos", 0.8), ("rendered", 0.79), ("pasted", 0.72)], "rendered"),
    ],
)
def test_pasted_objects_tried_last_must_be_clearly_better(tried: list[tuple[str, float | None]], best: str) -> None:
    fits = [Fitted(content, Scenario("a"), [], auc=auc) for content, auc in tried]
    assert _best(fits).content == best
