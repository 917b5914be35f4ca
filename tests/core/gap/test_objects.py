"""What pictures show: quantities of literal boxes, what moves which quantity, sides without labels, the one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.gap import objects as mining_objects
from workbench.core.gap.gap import Gap, MeasureGap
from workbench.core.gap.objects import (
    QUANTITIES,
    Objects,
    distance,
    object_distance,
    object_gap,
    picture_distance,
    quantities,
)

Boxes = Sequence[tuple[float, float, float, float]]
NAN = float("nan")


def shown(samples: Sequence[Boxes], names: str = "", gloss: Sequence[float] = (), proportion: float = 1.0) -> Objects:
    """Samples with boxes; a class is a letter of ``names``, in the order of the boxes."""
    rows = [row for row, boxes in enumerate(samples) for _ in boxes]
    edges = np.array([box for boxes in samples for box in boxes], float).reshape(-1, 4)
    classes = np.array(list(names) if names else ["a"] * len(rows), dtype=str)
    gloss_of = np.array(gloss or [NAN] * len(rows), float)
    return Objects(np.array(rows, np.int64), edges, classes, gloss_of, np.full(len(samples), proportion))


def drawn(n: int, seed: int, *, side: float = 0.2, numbers: tuple[int, int] = (2, 4)) -> Objects:
    """Square boxes of about one size, two classes."""
    rng, samples = np.random.default_rng(seed), []
    for _ in range(n):
        sizes = side * np.exp(rng.normal(0, 0.1, rng.integers(*numbers, endpoint=True)))
        corners = rng.uniform(0, 0.4, (len(sizes), 2))
        samples.append([(x, y, x + s, y + s) for (x, y), s in zip(corners.tolist(), sizes.tolist(), strict=True)])
    k = sum(map(len, samples))
    return shown(samples, "".join(rng.choice(list("ab"), k)), rng.uniform(0, 1, k).tolist())


CASES = {
    "one square": ([[(0.1, 0.2, 0.3, 0.4)]], "a", [1, 0.2, 0.2, 0.3, 1, 0, NAN, 1, 0]),
    "wide": ([[(0.0, 0.0, 0.4, 0.1)]], "b", [1, 0.2, 0.2, 0.05, 4, 0, NAN, 0, 1]),
    "two sizes": ([[(0, 0, 0.1, 0.1), (0.5, 0.5, 0.9, 0.9)]], "ab", [2, 0.2, 0.375, 0.375, 1, 0, NAN, 0.5, 0.5]),
    "half covered": ([[(0, 0, 0.2, 0.2), (0.1, 0, 0.3, 0.2)]], "aa", [2, 0.2, 0.15, 0.1, 1, 0.5, NAN, 1, 0]),
    "inside": ([[(0, 0, 0.4, 0.4), (0, 0, 0.2, 0.2)]], "aa", [2, 0.08**0.5, 0.15, 0.15, 1, 0.625, NAN, 1, 0]),
    "another class": ([[(0.1, 0.2, 0.3, 0.4)]], "z", [1, 0.2, 0.2, 0.3, 1, 0, NAN, 0, 0]),
    "nothing": ([[]], "", [0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN]),
}


@pytest.mark.parametrize("name", CASES)
def test_quantities_of_literal_boxes(name: str) -> None:
    samples, names, wanted = CASES[name]
    number, size, x, y, aspect, *others = quantities(shown(samples, names), ["a", "b"])[0].tolist()
    plain = [exp(number) - 1, exp(size), x, y, exp(aspect), *others]
    assert plain == pytest.approx(wanted, nan_ok=True)


def test_aspect_is_of_pixels_and_gloss_of_labels_that_have_one() -> None:
    one = shown([[(0, 0, 0.3, 0.2), (0.5, 0, 0.8, 0.2)], []], "aa", [0.5, NAN], proportion=4 / 3)
    found = quantities(one, ["a"])
    assert found[0, 4] == pytest.approx(log(2)) and found[0, 6] == 0.5 and np.isnan(found[1, 1:]).all()


edge = st.floats(0, 0.8)
box = st.tuples(edge, edge, st.floats(0.01, 0.2), st.floats(0.01, 0.2)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(st.lists(box, max_size=5), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_of_labels_does_not_matter_and_batches_neither(samples: list[Boxes], random: object) -> None:
    assert hasattr(random, "sample")
    mixed = [random.sample(boxes, len(boxes)) for boxes in samples]
    whole = quantities(shown(samples), ["a"])
    np.testing.assert_allclose(quantities(shown(mixed), ["a"]), whole, atol=1e-8)
    before, mining_objects.PAIRS = mining_objects.PAIRS, 1
    try:
        np.testing.assert_array_equal(quantities(shown(samples), ["a"]), whole)
    finally:
        mining_objects.PAIRS = before
    assert ((whole[:, 5] >= 0) & (whole[:, 5] <= 1) | np.isnan(whole[:, 5])).all()


@given(st.lists(st.lists(box, min_size=1, max_size=4), min_size=1, max_size=5), st.floats(0.3, 1.0))
def test_smaller_boxes_change_size_and_place_alone(samples: list[Boxes], factor: float) -> None:
    small = [[tuple(factor * edge for edge in one) for one in boxes] for boxes in samples]
    before, after = (quantities(shown(boxes), ["a"]) for boxes in (samples, small))
    np.testing.assert_allclose(after[:, 1], before[:, 1] + log(factor), atol=1e-8)
    np.testing.assert_allclose(after[:, 2:4], factor * before[:, 2:4], atol=1e-8)
    np.testing.assert_allclose(after[:, [0, 4, 5, 7]], before[:, [0, 4, 5, 7]], atol=1e-6)


def test_larger_boxes_are_told_by_size_and_others_by_what_differs() -> None:
    reference, alike, large = drawn(120, 1), drawn(120, 2), drawn(120, 3, side=0.3)
    many = drawn(120, 4, numbers=(5, 8))
    other = replace(alike, names=np.full(len(alike.names), "c"))
    same, larger, more, renamed = (
        object_gap(reference, one, rng=np.random.default_rng(0)) for one in (alike, large, many, other)
    )
    assert same and larger and more and renamed
    assert not same.different and all(one.different for one in (larger, more, renamed))
    told = next(one for one in larger.measures if one.name == "size")
    assert told.p_value < 0.05 and told is larger.measures[0]
    assert told.reference == pytest.approx(0.2, rel=0.05) and told.other == pytest.approx(0.3, rel=0.05)
    number = next(one for one in more.measures if one.name == "number")
    assert number.reference == pytest.approx(3) and number.other == pytest.approx(6, abs=1)
    assert renamed.measures[0].name.startswith("share of ")
    apart = [object_distance(one) or 0.0 for one in (same, larger, renamed)]
    assert min(apart[1:]) > 3 * apart[0]


def test_what_is_equal_but_for_rounding_is_equal() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        shown(
            [[(0.3 - side, 0.3 - side, 0.3 + side, 0.3 + side)] for side in rng.uniform(low, low + 0.05, 30).tolist()]
        )
        for low in (0.1, 0.2)
    )
    found = object_gap(first, second, rng=np.random.default_rng(0))
    assert found and [one.name for one in found.measures] == ["size"]


def test_only_the_most_common_classes_are_compared() -> None:
    reference, other = drawn(30, 1), drawn(30, 2)
    names = np.array([f"c{k % 40:02}" if k % 2 else "common" for k in range(len(reference.names))])
    found = object_gap(replace(reference, names=names), other, rng=np.random.default_rng(0))
    shares = [one.name for one in found.measures if one.name.startswith("share of ")] if found else []
    assert len(shares) == mining_objects.MOST_CLASSES and {"share of common", "share of a", "share of b"} <= set(shares)


@pytest.mark.parametrize("sides", [(True, False), (False, True), (False, False)])
def test_a_side_without_labels_has_no_objects(sides: tuple[bool, bool]) -> None:
    one, other = (drawn(20, seed) if has else shown([[]] * 20) for seed, has in enumerate(sides))
    assert object_gap(one, other, rng=np.random.default_rng(0)) is None


def test_too_few_samples_have_no_distance() -> None:
    found = object_gap(drawn(20, 1), drawn(3, 2), rng=np.random.default_rng(0))
    assert found and found.note and object_distance(found) is None


def measured(**distances: float) -> Gap:
    single = (MeasureGap(name.replace("_", " "), value, 0.1, 0, 0, 0.5) for name, value in distances.items())
    return Gap(50, 50, 0.9, 0.8, 1.0, 0.01, measures=tuple(single))


SAME = measured(**dict.fromkeys(QUANTITIES, 0.0))
TOTALS: dict[str, tuple[Gap, Gap | None, float | None]] = {
    "pictures alone": (measured(noise=1.0, blur_px=3.0), None, 2.0),
    "equal objects": (measured(noise=1.0, blur_px=3.0), SAME, 2.0),
    "one quantity": (measured(noise=1.0), measured(size=4.0), 3.0),
    "all quantities": (measured(noise=1.0), measured(**dict.fromkeys((*QUANTITIES, "share_of_a"), 2.0)), 3.0),
    "number, place and overlap do not count": (
        measured(noise=1.0),
        measured(number=9.0, x=9.0, y=9.0, overlap=9.0),
        1.0,
    ),
    "classes count as one": (measured(noise=0.0), measured(share_of_a=1.0, share_of_b=3.0), 1.0),
    "constant measures": (measured(), measured(), 0.0),
    "too few of both": (Gap(50, 3, note="few"), Gap(50, 3, note="few"), None),
    "too few for objects": (measured(noise=1.0), Gap(50, 3, note="few"), 1.0),
}


@pytest.mark.parametrize("name", TOTALS)
def test_the_number_to_rank_by(name: str) -> None:
    pictures, objects, wanted = TOTALS[name]
    assert distance(pictures, objects) == (wanted if wanted is None else pytest.approx(wanted))
    assert picture_distance(pictures) is None or distance(pictures, objects) >= picture_distance(pictures)
