"""Which samples are of test: by their own split, by an export's draw, by a scene or content that they share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.adapters import store
from workbench.core.schema.labels import Record

Write = Callable[..., Path]


@pytest.fixture
def five(dataset: Any, picture: Write, tmp_path: Path) -> Any:
    """``a`` of val, ``b`` and ``c`` of one scene, ``d`` and ``e`` without a split, of the same content as nothing."""
    records = [
        Record(picture(f"{name}.png", seed=i), f"{name}.png", 64, 48, split=split, scene_id=scene)
        for i, (name, split, scene) in enumerate(
            [("a", "val", None), ("b", "test", "hall"), ("c", "train", "hall"), ("d", None, None), ("e", None, None)]
        )
    ]
    store.add(dataset, records, source="real")
    return dataset


def names(dataset: Any, ids: Any) -> str:
    return "".join(sorted(stored.record.origin[0] for stored in store.read(dataset, sorted(ids))))


def test_given_splits_and_scenes(five: Any) -> None:
    assert names(five, store.held_back(five)) == "bc"
    assert names(five, store.held_back(five, ("test", "val"))) == "abc"
    assert names(five, store.held_back(five, alike=False)) == "b"
    assert store.has_splits(five)


def test_drawn_splits(five: Any) -> None:
    key_of = {stored.record.origin[0]: stored.source_key for stored in store.read(five)}
    store.remember_splits(five, "one wish", {key_of["d"]: "train", key_of["e"]: "test"})
    assert names(five, store.held_back(five)) == "bce"
    store.remember_splits(five, "another wish", {key_of["d"]: "test"})
    assert names(five, store.held_back(five)) == "bcde"


def test_same_content(five: Any, picture: Write) -> None:
    store.add(five, [Record(picture("f.png", seed=1), "f.png", 64, 48)], source="real")  # the bytes of b
    assert names(five, store.held_back(five)) == "bcf"


def test_no_splits(dataset: Any, picture: Write) -> None:
    store.add(dataset, [Record(picture(), "a.png", 64, 48)], source="real")
    assert not store.has_splits(dataset) and store.held_back(dataset) == frozenset()
    (only,) = store.read(dataset)
    store.remember_splits(dataset, "wish", {only.source_key: "val"})
    assert store.has_splits(dataset) and store.held_back(dataset) == frozenset()
