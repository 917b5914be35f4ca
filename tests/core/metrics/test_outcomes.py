"""What becomes of each label, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.core.metrics.outcomes import outcomes
from workbench.core.metrics.overlap import iou
from workbench.core.schema.boxes import Box, Boxes

TRUTH = (Box("t0", "nut", (0.0, 0.0, 0.2, 0.2)), Box("t1", "bolt", (0.5, 0.5, 0.7, 0.7)))


def predicted(i: str, name: str, xyxy: tuple[float, float, float, float], confidence: float = 0.9) -> Box:
    return Box(i, name, xyxy, confidence)


@pytest.mark.parametrize(
    ("box", "matched", "word", "truth"),
    [
        (predicted("p", "nut", (0.0, 0.0, 0.2, 0.2)), "t0", "hit", ("hit", "miss")),
        (predicted("p", "nut", (0.0, 0.0, 0.2, 0.2)), None, "duplicate", ("miss", "miss")),
        (predicted("p", "bolt", (0.0, 0.0, 0.2, 0.2)), None, "wrong_class", ("miss", "miss")),
        (predicted("p", "nut", (0.1, 0.0, 0.3, 0.2)), None, "badly_placed", ("miss", "miss")),  # IoU 1/3
        (predicted("p", "nut", (0.19, 0.0, 0.39, 0.2)), None, "false_alarm", ("miss", "miss")),  # IoU 0.026
        (predicted("p", "nut", (0.8, 0.8, 0.9, 0.9)), None, "false_alarm", ("miss", "miss")),
        (predicted("p", "nut", (0.0, 0.0, 0.2, 0.2), 0.2), "t0", "below_confidence", ("miss", "miss")),
    ],
)
def test_each_kind(box: Box, matched: str | None, word: str, truth: tuple[str, str]) -> None:
    found = outcomes(Boxes("s", TRUTH, (box,)), {"p": matched} if matched else {}, iou=0.5, confidence=0.3)
    assert (found.predicted, found.truth) == ((word,), truth)


def test_a_crowd_neither_hits_nor_misses() -> None:
    crowd = Box("t", "nut", (0.0, 0.0, 0.5, 0.5), crowd=True)
    boxes = Boxes("s", (crowd,), (predicted("a", "nut", (0.0, 0.0, 0.5, 0.5)),))
    found = outcomes(boxes, {"a": "t"}, iou=0.5, confidence=0.0)
    assert (found.truth, found.predicted) == (("ignored",), ("ignored",))
    assert set(found.counts().values()) == {0}


def test_counts_are_of_labels() -> None:
    boxes = Boxes("s", TRUTH, (predicted("a", "nut", TRUTH[0].xyxy), predicted("b", "nut", (0.8, 0.8, 0.9, 0.9))))
    counts = outcomes(boxes, {"a": "t0"}, iou=0.5, confidence=0.0).counts()
    assert counts == {
        "hits": 1, "misses": 1, "false_alarms": 1, "wrong_class": 0, "badly_placed": 0, "duplicates": 0,
    }  # fmt: skip


def test_overlaps_of_all_pairs() -> None:
    boxes = np.array([(0.0, 0.0, 1.0, 1.0), (0.5, 0.0, 1.5, 1.0)])
    assert np.allclose(iou(boxes, boxes), [[1, 1 / 3], [1 / 3, 1]])
    nothing = np.zeros((0, 4))
    assert iou(nothing, boxes).shape == (0, 2) and iou(boxes, nothing).shape == (2, 0)
    flat = np.array([(0.2, 0.2, 0.2, 0.9)])
    assert iou(flat, flat).tolist() == [[0.0]]
