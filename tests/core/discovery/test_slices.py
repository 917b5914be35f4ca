"""Planted slices are found once each, nothing is found where nothing is, and what is said is true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.core.discovery.planted import FACETS, conditions, planted
from workbench.base.errors import FilterError, InputError
from workbench.core.discovery.search import fisher, halves, holm, search
from workbench.core.metrics.score import design_effect, score
from workbench.core.tables import CategoryColumn, NumberColumn, SetColumn, Table, parse

OUTCOMES = ("hits", "misses", "false_alarms", "wrong_class", "badly_placed", "duplicates")


def evaluated(table: Table, hits: np.ndarray, misses: np.ndarray, wrong: np.ndarray | None = None) -> Table:
    """The table with numbers of an evaluation."""
    nothing = np.zeros(len(table))
    numbers = {"hits": hits, "misses": misses, "false_alarms": nothing if wrong is None else wrong}
    columns = {f"evaluation.{name}": NumberColumn(numbers.get(name, nothing).astype(float)) for name in OUTCOMES}
    return Table(table.ids, {**table.columns, **columns})


@pytest.mark.parametrize(("n", "depth"), [(4_000, 2), (10_000, 3), (50_000, 2)])
def test_planted_slices_are_found_once(n: int, depth: int) -> None:
    reported = 0
    for seed in range(4):
        table, truth = planted(n, depth, np.random.default_rng(seed))
        found = search(table, score(table, "mean:bad"), FACETS)
        assert truth <= {conditions(one) for one in found.slices}
        reported += len(found.slices)
        for one in found.slices:
            mask = table.mask(one.filter)
            assert one.samples == mask.sum() and one.value > one.rest and one.confirmed > one.rest
            assert one.value == pytest.approx(table.columns["bad"].values[mask].mean())
            assert one.rest == pytest.approx(table.columns["bad"].values[~mask].mean())
            assert one.low < one.value < one.high and one.p_value <= 0.05
            assert np.array_equal(table.mask(parse(str(one.filter))), mask)
    assert reported <= 1.3 * 3 * 4


def test_nothing_where_nothing_is() -> None:
    """120 tables: of a chance of 5 % each, more than 12 have one of 1 %."""
    found = []
    for seed in range(120):
        table, _ = planted(1_500, 2, np.random.default_rng(1_000 + seed), slices=0, base=0.05 + 0.3 * (seed % 2))
        found.append(bool(search(table, score(table, "mean:bad"), FACETS).slices))
    assert sum(found) <= 12


@pytest.mark.parametrize("kind", ["labels", "scenes", "skewed"])
def test_nothing_where_samples_are_not_independent(kind: str) -> None:
    """Labels of one picture, pictures of one scene, numbers with a long tail."""
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table, _ = planted(1_000, 2, rng, slices=0)
        metric = "mean:number"
        if kind == "labels":
            n = rng.integers(1, 12, len(table))
            hits = rng.binomial(n, rng.beta(1.6, 0.4, len(table)))
            table, metric = evaluated(table, hits, n - hits), "recall"
        elif kind == "scenes":
            scene = rng.integers(0, 120, len(table))
            bad = (rng.random(len(table)) < rng.beta(0.4, 1.6, 120)[scene]).astype(float)
            words = {
                name: CategoryColumn(rng.integers(0, 4, 120)[scene].astype(np.int32), tuple("wxyz")) for name in FACETS
            }
            names = CategoryColumn(scene.astype(np.int32), tuple(f"s{i}" for i in range(120)))
            table = Table(table.ids, {**words, "scene_id": names, "number": NumberColumn(bad)})
        else:
            table = Table(table.ids, {**table.columns, "number": NumberColumn(np.exp(1.5 * rng.normal(size=1_000)))})
        found += bool(search(table, score(table, metric), FACETS).slices)
    assert found <= 5  # of 40 with a chance of 5 %: more has 1 %


def test_recall_of_labels_in_words() -> None:
    rng = np.random.default_rng(0)
    lighting, surface = rng.integers(0, 2, 1_200), rng.integers(0, 3, 1_200)
    n = rng.integers(1, 5, 1_200)
    hits = rng.binomial(n, np.where((lighting == 1) & (surface == 2), 0.4, 0.9))
    table = Table(
        np.array([f"{i:024x}" for i in range(1_200)]),
        {
            "lighting": CategoryColumn(lighting.astype(np.int32), ("bright", "dim")),
            "surface": CategoryColumn(surface.astype(np.int32), ("matte", "metal", "mirror")),
            "measures.noise": NumberColumn(rng.normal(size=1_200)),
            "tags": SetColumn.of([("odd",) if i % 2 else () for i in range(1_200)]),
        },
    )
    table = evaluated(table, hits, n - hits)
    found = search(table, score(table, "recall"), [*table.columns])
    mask = (lighting == 1) & (surface == 2)
    value, rest = hits[mask].sum() / n[mask].sum(), hits[~mask].sum() / n[~mask].sum()
    (one,) = found.slices
    assert str(one.filter) == "lighting == 'dim' and surface == 'mirror'"
    assert (one.value, one.rest) == pytest.approx((value, rest))
    told = f"recall {value:.3g} in {mask.sum()} images: lighting = dim and surface = mirror; elsewhere {rest:.3g}"
    assert one.words == told


@pytest.mark.parametrize("worst", ["low", "high"])
def test_either_end_of_a_number_in_bins_of_another(worst: str) -> None:
    rng = np.random.default_rng(3)
    blur = rng.random(2_000)
    size = rng.normal(size=2_000) + np.where(blur > 0.75, 2.0 if worst == "high" else -2.0, 0.0)
    table = Table(
        np.array([f"{i:024x}" for i in range(2_000)]), {"blur": NumberColumn(blur), "size": NumberColumn(size)}
    )
    (one,) = search(table, score(table, "mean:size", worst=worst), ["blur", "size"]).slices
    assert one.filter.facet == "blur" and one.filter.order == ">" and one.filter.limit == pytest.approx(0.75, abs=0.03)
    assert (one.effect > 0) == (worst == "high")


def test_near_copies_are_reported_once() -> None:
    """Two facets that are the same for 95 of 100 samples: what is told after the first is only what it lacks."""
    rng = np.random.default_rng(5)
    real = rng.random(1_000) < 0.4
    noisy = real ^ (rng.random(1_000) < 0.05)
    bad = (rng.random(1_000) < np.where(real | noisy, 0.6, 0.1)).astype(float)
    facets = {"real": CategoryColumn.of(real.tolist()), "noisy": CategoryColumn.of(noisy.tolist())}
    table = Table(np.array([f"{i:024x}" for i in range(1_000)]), {**facets, "bad": NumberColumn(bad)})
    first, *others = (table.mask(one.filter) for one in search(table, score(table, "mean:bad"), [*facets]).slices)
    assert first.sum() > 350 and all((first & other).sum() < other.sum() / 2 for other in others)


def test_a_tag_does_not_explain_itself() -> None:
    rng = np.random.default_rng(4)
    dark, other = rng.random(1_000) < 0.3, rng.random(1_000) < 0.5
    tagged = rng.random(1_000) < np.where(dark, 0.7, 0.1)
    rows = zip(tagged, other, strict=True)
    tags = SetColumn.of([("failure:x",) * bool(t) + ("other",) * bool(o) for t, o in rows])
    flag = CategoryColumn.of(dark.tolist())
    table = Table(np.array([f"{i:024x}" for i in range(1_000)]), {"dark": flag, "tags": tags})
    (one,) = search(table, score(table, "share:failure:x"), ["dark", "tags"]).slices
    assert str(one.filter) == "dark == 'True'"


@pytest.mark.parametrize("n", [0, 1, 2, 15, 40])
@pytest.mark.parametrize("kind", ["mixed", "one_class", "missing"])
def test_tiny_tables(n: int, kind: str) -> None:
    rng = np.random.default_rng(n)
    bad = {"mixed": rng.integers(0, 2, n).astype(float), "one_class": np.ones(n), "missing": np.full(n, np.nan)}[kind]
    words = CategoryColumn(rng.integers(-1, 2, n).astype(np.int32), ("a", "b"))
    table = Table(np.array([f"{i:024x}" for i in range(n)], "U24"), {"a": words, "bad": NumberColumn(bad)})
    found = search(table, score(table, "mean:bad"), ["a", "bad"])
    assert found.slices == () and found.samples == (0 if kind == "missing" else n)


def test_halves_stay_when_data_is_added_and_keep_scenes_together() -> None:
    ids = np.array([f"{i * 7919:024x}" for i in range(4_000)])
    whole = halves(Table(ids, {}))
    assert np.array_equal(halves(Table(ids[:1_000], {})), whole[:1_000])
    assert 0.46 < whole.mean() < 0.54
    scene = CategoryColumn((np.arange(4_000) // 40).astype(np.int32), tuple(f"s{i:03}" for i in range(100)))
    kept = halves(Table(ids, {"scene_id": scene})).reshape(100, 40)
    assert (kept.all(axis=1) | ~kept.any(axis=1)).all() and 20 < kept[:, 0].sum() < 80


def test_errors() -> None:
    table, _ = planted(50, 2, np.random.default_rng(0))
    with pytest.raises(FilterError, match=r"has not been evaluated\. Evaluate first"):
        score(table, "recall")
    with pytest.raises(InputError, match=r"Unknown metric 'speed'\. .*Valid: errors, .*recall"):
        score(table, "speed")
    with pytest.raises(FilterError, match="Facet 'a1' holds words, not numbers"):
        score(table, "mean:a1")
    table = evaluated(table, np.ones(50), np.ones(50))
    with pytest.raises(InputError, match="bad end of recall is always 'low', not 'high'"):
        score(table, "recall", worst="high")


def test_fisher_and_holm() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        n, m = rng.integers(1, 60, 2)
        a, b = rng.integers(0, n + 1), rng.integers(0, m + 1)
        truth = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
        assert fisher(int(a), int(n), int(b), int(m)) == pytest.approx(truth, rel=1e-6)
    assert holm([]) == [] and holm([0.02]) == [0.02]


def test_design_effect_of_whole_groups() -> None:
    """Ten equal labels per group are worth one."""
    bad = np.repeat(np.arange(50) % 2, 10).astype(float)
    scene = CategoryColumn(np.repeat(np.arange(50), 10).astype(np.int32), tuple(map(str, range(50))))
    table = Table(np.array([f"{i:024x}" for i in range(500)]), {"bad": NumberColumn(bad), "scene_id": scene})
    assert design_effect(score(table, "mean:bad"), np.ones(500, np.bool_)) == pytest.approx(10)


@pytest.mark.parametrize("worst", ["high", "low"])
@pytest.mark.parametrize("seed", range(4))
def test_a_slice_is_worse_by_the_metric_that_is_shown(seed: int, worst: str) -> None:
    """A few very large numbers elsewhere lift the mean of the rest above that of a slice whose ranks are high."""
    rng = np.random.default_rng(seed)
    n = 2_000
    marked, extreme = np.arange(n) % 4 == 0, np.arange(n) % 20 == 1
    number = np.where(marked, rng.uniform(1, 2, n), rng.uniform(0, 1.5, n)) + np.where(extreme, 50.0, 0.0)
    columns = {
        "kind": CategoryColumn.of(["marked" if m else "plain" for m in marked]),
        "end": CategoryColumn.of(["far" if e else "near" for e in extreme]),
        "number": NumberColumn(number if worst == "high" else -number),
    }
    table = Table(np.array([f"{i:05}" for i in range(n)]), columns)
    result = search(table, score(table, "mean:number", worst=worst), ["kind", "end"])
    assert result.slices
    for part in result.slices:
        assert part.value > part.rest if worst == "high" else part.value < part.rest
