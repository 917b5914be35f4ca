"""Embeddings, likeness and taught attributes on real photos in the real database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.actions import tag as tagging
from workbench.actions.embed import add_embeddings, embed, embedding_map, similar, teach
from workbench.actions.load import load
from workbench.actions.measure import measure
from workbench.adapters import store
from workbench.adapters.store.vectors import add_vectors, read_vectors
from workbench.base.errors import InputError
from workbench.core.embeddings import NETWORK


@pytest.fixture
def photos(dataset: Any, shared_data: Path) -> list[str]:
    """Nuts on foil, and part of the cones."""
    load(dataset, shared_data / "coco_nuts", source="real")
    load(dataset, shared_data / "yolo_cones", source="real")
    return store.select(dataset)


def kind(dataset: Any, sample_id: str) -> str:
    return "nut" if "nuts" in str(store.require_sample(dataset, sample_id).record.image_path) else "cone"


def test_embed_only_what_is_new_and_find_the_like(dataset: Any, photos: list[str]) -> None:
    first = embed(dataset, where="labels > 5")
    assert 0 < first.embedded < len(photos) and not first.problems
    second = embed(dataset)
    assert second.embedded + first.embedded == len(photos) and second.skipped == first.embedded
    assert embed(dataset).embedded == 0
    assert len(read_vectors(dataset, NETWORK)) == len(photos)
    nuts = [one for one in photos if kind(dataset, one) == "nut"]
    found = similar(dataset, nuts[:2], n=10)
    assert [kind(dataset, one) for one in found["id"]] == ["nut"] * 10
    assert found["similarity"].is_monotonic_decreasing and not set(nuts[:2]) & set(found["id"])
    cones = similar(dataset, nuts[:1], n=5, where="class == 'cone'")
    assert {kind(dataset, one) for one in cones["id"]} == {"cone"}
    placed = embedding_map(dataset)
    assert set(placed["id"]) == set(photos) and placed[["x", "y"]].to_numpy().min() >= 0


def test_teach_from_tags_and_measure_again(dataset: Any, photos: list[str]) -> None:
    measure(dataset)
    embed(dataset)
    by_kind = {word: [i for i in photos if kind(dataset, i) == word] for word in ("nut", "cone")}
    for word, ids in by_kind.items():
        tagging.tag(dataset, f"surface:{word}", ids=ids[:8])
    told = teach(dataset, "surface")
    assert told.marks == {"cone": 8, "nut": 8} and told.accuracy > 0.9
    table = store.table(dataset)
    words = table.column("surface").to_series().astype(str)
    truth = np.array([kind(dataset, str(one)) for one in table.ids])
    assert (words.to_numpy() == truth).mean() > 0.9
    assert table.column("surface_from").counts(np.ones(len(table), bool)) == {"curator": 16, "taught": len(photos) - 16}
    assert not set(told.doubtful) & {i for ids in by_kind.values() for i in ids[:8]}
    measure(dataset, again=True)
    assert store.table(dataset).column("surface").to_series().astype(str).tolist() == words.tolist()
    assert sum(told.counts.values()) == len(photos) - 16
    tagging.undo(dataset)
    with pytest.raises(InputError, match="At least two words"):
        teach(dataset, "surface")
    tagging.undo(dataset)
    with pytest.raises(InputError, match="No sample has a tag surface:<word>"):
        teach(dataset, "surface")


def test_words_of_the_data_stay(dataset: Any, photos: list[str]) -> None:
    store.set_values(dataset, {one: {"surface": "wood", "attributes_from": "data"} for one in photos[:30]})
    measure(dataset, where="surface == 'wood'")
    for word, ids in (("a", photos[30:40]), ("b", photos[60:70])):
        tagging.tag(dataset, f"surface:{word}", ids=ids)
    embed(dataset)
    assert teach(dataset, "surface").kept == 30
    assert len(store.select(dataset, "surface == 'wood'")) == 30


def test_two_words_on_one_sample_are_named(dataset: Any, photos: list[str]) -> None:
    for word in ("a", "b"):
        tagging.tag(dataset, f"finish:{word}", ids=photos[:6])
    measure(dataset, where="labels > 5")
    with pytest.raises(InputError, match="two tags for finish: a and b"):
        teach(dataset, "finish")
    with pytest.raises(InputError, match="is taken by another field"):
        teach(dataset, "origin")


def test_vectors_of_ones_own(dataset: Any, photos: list[str]) -> None:
    values = np.random.default_rng(0).normal(size=(len(photos), 6))
    add_embeddings(dataset, "mine", dict(zip(photos, values.tolist(), strict=True)))
    assert len(similar(dataset, photos[:1], n=3, vectors="mine")) == 3
    for name, vectors, text in (
        ("mine", {photos[0]: [1.0], photos[1]: [1.0, 2.0]}, r"different lengths: \[1, 2\]"),
        ("mine", {photos[0]: [float("nan")]}, "NaN or infinite"),
        (NETWORK, {photos[0]: [1.0]}, "is reserved"),
    ):
        with pytest.raises(InputError, match=text):
            add_embeddings(dataset, name, vectors)
    with pytest.raises(InputError, match="no embeddings 'other'"):
        similar(dataset, photos[:1], vectors="other")


def test_parts_are_joined_and_a_broken_one_counts_as_absent(dataset: Any) -> None:
    for k in range(70):
        add_vectors(dataset, "mine", [f"{k:024x}", f"{0:024x}"], ["s", str(k)], np.full((2, 3), k))
    found = read_vectors(dataset, "mine")
    assert len(found) == 70 and found.vectors[found.ids == f"{0:024x}"].tolist() == [[69.0, 69.0, 69.0]]
    folder = next(store.vectors.home().glob(f"vectors/{dataset._doc.id}/mine"))
    assert len(list(folder.glob("*.npz"))) < 64
    next(iter(sorted(folder.glob("*.npz")))).write_bytes(b"half")
    assert 0 < len(read_vectors(dataset, "mine")) < 70
