"""The gap: alike is alike, known shifts are found and named, few samples claim nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.core.gap.embeddings import frechet, look_gap
from workbench.core.gap.gap import FEWEST, auc, auc_error, gap, wasserstein

NAMES = [f"m{k}" for k in range(12)]
MIXING = np.random.default_rng(0).normal(size=(12, 12)) / np.sqrt(12)


def draw(n: int, seed: int) -> np.ndarray:
    """Skewed numbers that depend on each other, as measures do."""
    return np.exp(0.5 * np.random.default_rng(seed).normal(size=(n, 12)) @ MIXING)


@pytest.mark.parametrize(("n", "m"), [(100, 100), (30, 150), (FEWEST, FEWEST)])
def test_alike(n: int, m: int) -> None:
    found = [gap(draw(n, 2 * s), draw(m, 2 * s + 1), NAMES, rng=np.random.default_rng(s)) for s in range(40)]
    for different in (
        [one.different for one in found],
        [one.kid_p <= 0.05 for one in found],
        [one.sliced_wasserstein_p <= 0.05 for one in found],
        [min(measure.p_value for measure in one.measures) <= 0.05 for one in found],
    ):
        assert sum(different) <= 6  # of 40 with a chance of 5 %: more has less than 1 %
    assert all(one.low <= 0.5 <= one.high for one in found if not one.different)
    assert abs(np.mean([one.auc for one in found]) - 0.5) < 0.05
    assert np.median([one.high - one.low for one in found]) > 0.5 / np.sqrt(min(n, m))


@pytest.mark.parametrize("kind", ["mean", "spread"])
def test_a_shift_is_found_and_named(kind: str) -> None:
    by_chance = 0
    for seed in range(5):
        first, second = draw(200, 100 + seed), draw(200, 200 + seed)
        middle = np.median(second[:, 3])
        second[:, 3] = second[:, 3] + 2 * first[:, 3].std() if kind == "mean" else 3 * second[:, 3] - 2 * middle
        one = gap(first, second, NAMES, rng=np.random.default_rng(seed))
        assert one.different and one.low > 0.5 and one.auc > 0.6
        told, *others = [measure for measure in one.measures if measure.p_value <= 0.05]
        assert told.name == "m3" and told is one.measures[0]
        by_chance += bool(others)
        if kind == "mean":
            assert one.sliced_wasserstein_p <= 0.05 and one.kid_p <= 0.05
            assert told.distance == pytest.approx(2, abs=0.3) and told.other > told.reference
    assert by_chance <= 2  # of 5 with a chance of 5 %: more has 0.1 %


def test_order_of_columns_and_labels_of_measures_stay_together() -> None:
    first, second = draw(60, 1), draw(60, 2)
    first[:, 0] = second[:, 0] = 5.0  # a constant measure is left out, the others keep their names
    second[:, 7] += 100
    one = gap(first, second, NAMES, rng=np.random.default_rng(0))
    assert one.measures[0].name == "m7" and len(one.measures) == 11
    assert one.measures[0].reference == pytest.approx(float(np.median(first[:, 7])))


def test_same_seed_same_numbers_and_missing_numbers() -> None:
    first, second = draw(40, 1), draw(50, 2)
    first[::3, 2] = np.nan
    second[:, 5] = np.inf
    one, two = (gap(first, second, NAMES, rng=np.random.default_rng(7)) for _ in range(2))
    assert one == two and one.auc is not None and np.isfinite([m.distance for m in one.measures]).all()


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 50), (1, 1), (FEWEST - 1, 500)])
def test_too_few_are_refused(n: int, m: int) -> None:
    one = gap(draw(n, 1), draw(m, 2) + 10, NAMES, rng=np.random.default_rng(0))
    assert one.auc is None and not one.different and f"{n} and {m}" in one.note


def test_constant_measures() -> None:
    one = gap(np.ones((20, 2)), np.ones((20, 2)), ["a", "b"], rng=np.random.default_rng(0))
    assert one.auc == 0.5 and (one.low, one.high) == (0, 1) and not one.different and one.note


def test_scenes_are_never_cut() -> None:
    """Pictures of a scene are alike: as if independent, two halves of one distribution would seem to differ."""
    found, naive = [], []
    for seed in range(12):
        scenes = draw(40, 500 + seed)
        pictures = np.repeat(scenes, 15, axis=0) * (1 + 0.01 * draw(600, seed))
        names = np.repeat([f"s{i}" for i in range(40)], 15)
        sides = pictures[:300], pictures[300:]
        found.append(gap(*sides, NAMES, rng=np.random.default_rng(seed), groups=(names[:300], names[300:])).different)
        naive.append(gap(*sides, NAMES, rng=np.random.default_rng(seed)).different)
    assert sum(found) <= 3 and sum(naive) >= 10
    few = gap(*sides, NAMES, rng=np.random.default_rng(0), groups=(np.full(300, "a"), names[300:]))
    assert "Only 1 and 20 scenes" in few.note


def test_auc_and_its_error() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.5, 1, 80), rng.normal(0, 1, 120).round(1)
    scores, is_first = np.concatenate([first, second]), np.arange(200) < 80
    u = stats.mannwhitneyu(first, second).statistic
    assert auc(scores, is_first) == pytest.approx(u / (80 * 120))
    beyond = (first[:, None] > second).astype(float) + 0.5 * (first[:, None] == second)
    error = np.sqrt(beyond.mean(axis=1).var(ddof=1) / 80 + beyond.mean(axis=0).var(ddof=1) / 120)
    assert auc_error(scores, is_first) == pytest.approx(error)


def test_wasserstein_is_scipys() -> None:
    values, labels = draw(50, 3)[:, 0], np.random.default_rng(1).random((50, 4)) < 0.4
    truth = [stats.wasserstein_distance(values[side], values[~side]) for side in labels.T]
    assert wasserstein(values, labels) == pytest.approx(truth)


def test_looks_are_alike_or_not() -> None:
    rng = np.random.default_rng(0)
    first, same = rng.normal(size=(2, 300, 200)).astype(np.float16)
    other = (rng.normal(size=(300, 200)) + 0.25).astype(np.float16)
    assert not look_gap(first, same, rng=np.random.default_rng(1)).different
    found = look_gap(first, other, rng=np.random.default_rng(1))
    assert found.different and found.kid_p is not None and found.kid_p <= 0.05 and not found.measures


def test_frechet_distance_of_known_normals_and_its_refusal() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 20_000, 4)) * [[[1.0]], [[2.0]]] + [[[0.0]], [[3.0]]]
    found = frechet(first, second)
    assert found is not None and abs(found - (4 * 9 + 4 * 1)) < 1.0  # apart^2 + (2 - 1)^2 in each of four directions
    assert frechet(first[:4_999], second) is None
