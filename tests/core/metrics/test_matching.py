"""Matching of boxes: COCO's rules written as plain loops, and how much is compared when an image has thousands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.gap import objects
from workbench.core.gap.objects import Objects, quantities
from workbench.core.metrics import matching, overlap
from workbench.core.metrics.matching import greedy_pairs, matched
from workbench.core.metrics.outcomes import outcomes
from workbench.core.schema.boxes import Box, Boxes

MANY = 20_000
edges = st.sampled_from([0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0]) | st.floats(0, 1)


@st.composite
def boxes(draw: Any, prefix: str, predicted: bool) -> list[Box]:
    """Few edges and classes, so that many are equal, overlap alike or share a confidence."""
    made = []
    for at in range(draw(st.integers(0, 9))):
        left, top, width, height = (draw(edges) for _ in range(4))
        confidence = draw(st.sampled_from([None, 0.0, 0.3, 0.9])) if predicted else None
        crowd = not predicted and draw(st.integers(0, 4)) == 0
        xyxy = (left, top, left + width, top + height)
        box = Box(f"{prefix}{at}", draw(st.sampled_from("ab")), xyxy, confidence, crowd=crowd, size=(width, height))
        made.append(box)
    return made


def share(true: Box, box: Box) -> float:
    (tw, th), (w, h) = true.size or (0, 0), box.size or (0, 0)
    width = min(true.xyxy[2], box.xyxy[2]) - max(true.xyxy[0], box.xyxy[0])
    height = min(true.xyxy[3], box.xyxy[3]) - max(true.xyxy[1], box.xyxy[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = height * width
    union = h * w if true.crowd else h * w + th * tw - both
    return min(both / union, 1.0) if union > 0 else 0.0


def by_loops(truth: list[Box], predicted: list[Box], iou: float) -> list[tuple[int, int]]:
    """``evaluateImg`` of pycocotools, class by class."""
    taken: set[int] = set()
    pairs = []
    order = sorted(range(len(predicted)), key=lambda at: -(predicted[at].confidence or -1.0))
    for at in order:
        best, chosen = min(iou, 1 - 1e-10), None
        for k in sorted(range(len(truth)), key=lambda k: truth[k].crowd):
            true = truth[k]
            if true.name != predicted[at].name or (k in taken and not true.crowd):
                continue
            if chosen is not None and not truth[chosen].crowd and true.crowd:
                break
            if (own := share(true, predicted[at])) >= best:
                best, chosen = own, k
        if chosen is not None:
            taken.add(chosen)
            pairs.append((at, chosen))
    return sorted(pairs)


@given(boxes("t", False), boxes("p", True), st.sampled_from([0.001, 0.1, 0.3, 0.5, 0.75, 1.0]))
@settings(max_examples=300)
def test_it_is_cocos_matching(truth: list[Box], predicted: list[Box], iou: float) -> None:
    assert matched(truth, predicted, iou=iou) == by_loops(truth, predicted, iou)


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9), st.data())
def test_greedy_pairs_take_the_best_that_is_left(first: list[int], second: list[int], data: Any) -> None:
    values = st.sampled_from([-np.inf, 0.0, 0.5, 1.0])
    table = np.array(data.draw(st.lists(st.lists(values, min_size=4, max_size=4), min_size=4, max_size=4)))
    full = table[np.ix_(np.array(first, int), np.array(second, int))]
    free, expected = [set(range(len(first))), set(range(len(second)))], []
    for at in np.argsort(-full, axis=None, kind="stable"):
        i, j = (int(k) for k in np.unravel_index(at, full.shape))
        if full[i, j] > -np.inf and i in free[0] and j in free[1]:
            expected.append((i, j))
            free[0].remove(i)
            free[1].remove(j)
    assert greedy_pairs(first, second, lambda i, js: full[i, js]) == expected


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pairs of boxes in each comparison."""
    counts: list[int] = []

    def counting(function: Any, size: Any) -> Any:
        def wrapper(*args: Any, **more: Any) -> Any:
            counts.append(size(*args))
            return function(*args, **more)

        return wrapper

    monkeypatch.setattr(matching, "overlaps", counting(matching.overlaps, lambda box, others: len(others)))
    monkeypatch.setattr(overlap, "iou", counting(overlap.iou, lambda a, b: (a.size // 4) * (b.size // 4)))
    monkeypatch.setattr(
        objects, "_intersections", counting(objects._intersections, lambda a, b: a.size * b.shape[1] // 4)
    )
    return counts


def placed(prefix: str, xyxy: np.ndarray, names: list[str], confidence: float | None = None) -> tuple[Box, ...]:
    rows = zip(xyxy.tolist(), names, strict=True)
    return tuple(Box(f"{prefix}{at}", name, tuple(box), confidence) for at, (box, name) in enumerate(rows))


EQUAL = np.tile([0.2, 0.2, 0.6, 0.7], (MANY, 1))
corner = np.stack(np.meshgrid(np.arange(200), np.arange(100)), axis=-1).reshape(-1, 2) / (200, 100)
SPREAD = np.hstack([corner, corner + np.array([0.004, 0.008])])
INPUTS = [
    ("equal", EQUAL, ["nut"] * MANY, 2),
    ("equal, 1,500 classes", EQUAL, [f"class {at % 1500}" for at in range(MANY)], 2),
    ("spread over the image", SPREAD, ["nut"] * MANY, 200),
]


@pytest.mark.parametrize(("xyxy", "names", "most"), [each[1:] for each in INPUTS], ids=[each[0] for each in INPUTS])
def test_matching_of_thousands_compares_each_box_with_a_few(xyxy: Any, names: Any, most: int, compared: Any) -> None:
    truth, predicted = placed("t", xyxy, names), placed("p", xyxy, names, 0.5)
    pairs = matched(truth, predicted, iou=0.5)
    assert len(pairs) == MANY
    assert sum(compared) <= most * MANY
    truth_of = {predicted[at].id: truth[k].id for at, k in pairs}
    assert outcomes(Boxes("", truth, predicted), truth_of, iou=0.5, confidence=0).counts()["hits"] == MANY


def test_errors_of_thousands_of_equal_boxes(compared: Any) -> None:
    truth, predicted = placed("t", EQUAL[:5], ["nut"] * 5), placed("p", EQUAL, ["nut", "bolt"] * (MANY // 2), 0.5)
    pairs = matched(truth, predicted, iou=0.5)
    truth_of = {predicted[at].id: truth[k].id for at, k in pairs}
    counts = outcomes(Boxes("", truth, predicted), truth_of, iou=0.5, confidence=0).counts()
    assert (counts["hits"], counts["duplicates"], counts["wrong_class"]) == (5, MANY // 2 - 5, MANY // 2)
    assert sum(compared) <= 2 * MANY


def test_never_are_all_pairs_of_boxes_in_memory(compared: Any) -> None:
    """Boxes that nearly coincide must all be compared, but not at once."""
    n = 3_000
    near = EQUAL[:n] + np.random.default_rng(0).normal(0, 0.01, (n, 4))
    truth, predicted = placed("t", near, ["nut"] * n), placed("p", near[::-1], ["nut"] * n, 0.5)
    assert len(matched(truth, predicted, iou=0.5)) > 0.9 * n
    outcomes(Boxes("", truth, predicted), {}, iou=0.5, confidence=0)
    covered = quantities(Objects(np.zeros(n, np.int64), near, np.array(["nut"] * n), np.zeros(n), np.ones(1)), [])
    assert np.isfinite(covered).all()
    assert max(compared) <= max(overlap.PAIRS, objects.PAIRS)


@given(st.lists(st.tuples(edges, edges, edges, edges), min_size=1, max_size=12))
def test_what_many_boxes_cover_is_what_few_do(given_boxes: list[tuple[float, ...]]) -> None:
    xyxy = np.array(given_boxes)
    xyxy[:, 2:] += xyxy[:, :2]
    expected = []
    for at, box in enumerate(xyxy):
        others = np.delete(xyxy, at, axis=0)
        low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
        own = np.maximum(box[2:] - box[:2], objects.LEAST).prod()
        expected.append(min(np.maximum(high - low, 0).prod(axis=1).max(initial=0.0) / own, 1.0))
    assert np.allclose(objects._covered_of_many(xyxy), expected)
