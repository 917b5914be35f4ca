"""Neighbours, the map and lessons on vectors whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.base.errors import InputError
from workbench.core.embeddings import layout, nearest, neighbours, teach
from workbench.core.embeddings.neighbours import DiskIndex, centre, directions


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 12), st.integers(0, 9))
def test_neighbours_are_exact(n: int, queries: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, wanted = rng.normal(size=(n, 5)), rng.normal(size=(queries, 5))
    middle = centre(vectors)
    truth = directions(wanted, middle) @ directions(vectors, middle).T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "CHUNK", 7)
        patch.setattr(neighbours, "QUERIES", 4)
        places, likeness = nearest(vectors, wanted, k)
    assert places.shape == (queries, min(k, n))
    np.testing.assert_allclose(likeness, -np.sort(-truth, axis=1)[:, :k], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(truth, places, axis=1), likeness, atol=1e-5)


def test_the_index_on_disk_finds_nearly_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3_000, 24)).astype(np.float16)
    index = DiskIndex(tmp_path / "a.usearch")
    index.build(vectors)
    exact, _ = nearest(vectors, vectors, 10)
    found, likeness = index.nearest(vectors, 10)
    assert found[:, 0].tolist() == list(range(3_000)) and likeness[:, 0].min() > 0.99  # none is lost
    hits = [len(set(a) & set(b)) for a, b in zip(exact.tolist(), found.tolist(), strict=True)]
    assert np.mean(hits) >= 9.9


def test_the_map_keeps_clusters_apart() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 2_400)  # more than there are landmarks
    vectors = rng.normal(size=(4, 64))[truth] * 4 + rng.normal(size=(2_400, 64))
    placed = layout(vectors)
    assert placed.shape == (2_400, 2) and placed.min() >= 0 and placed.max() <= 1
    np.testing.assert_array_equal(placed, layout(vectors))
    distance = np.linalg.norm(placed[:, None] - placed[None, ::40], axis=2)
    nearest_other = np.argsort(distance, axis=0)[1:6]
    assert (truth[nearest_other] == truth[::40]).mean() > 0.98


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 9])
def test_the_map_of_a_few(n: int) -> None:
    assert layout(np.random.default_rng(0).normal(size=(n, 8))).shape == (n, 2)


def test_the_map_of_equal_vectors() -> None:
    assert np.isfinite(layout(np.ones((50, 8)))).all()


def test_a_lesson_finds_the_rest_and_doubts_what_lies_between() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    features = rng.normal(size=(400, 50)) + 2.0 * np.eye(3, 50)[truth] * 2
    features[:, 7] = np.nan  # a measure that nobody has
    features[5, 3] = np.nan
    marked = np.arange(0, 400, 5)
    words = ["matte", "glass", "brushed"]
    lesson = teach([features], marked, [words[k] for k in truth[marked]])
    assert lesson.words == ("brushed", "glass", "matte") and sum(lesson.marks.values()) == 80
    predicted = [lesson.words[k] for k in lesson.predicted]
    right = np.array([word == words[k] for word, k in zip(predicted, truth, strict=True)])
    assert right.mean() > 0.9 and lesson.accuracy > 0.85
    assert lesson.doubt[~right].mean() > lesson.doubt[right].mean()
    assert lesson.confidence[right].mean() > lesson.confidence[~right].mean()


@pytest.mark.parametrize("given_words", [[], ["a"] * 20, ["a"] * 10 + ["b"] * 4])
def test_too_few_marks_are_named(given_words: list[str]) -> None:
    features = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(
        InputError, match=r"At least two words with 5 marks each are needed\. Marks so far: (none|a: \d+)"
    ):
        teach([features], np.arange(len(given_words)), given_words)


def test_marks_without_any_difference_teach_nothing() -> None:
    features = np.random.default_rng(0).normal(size=(400, 20))
    words = ["a", "b"] * 100
    lesson = teach([features], np.arange(200), words)
    assert lesson.accuracy < 0.65
