"""The outcome of every label: hit or miss, and for a wrong prediction the kind of its error.

The kinds follow TIDE (Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors"):
a lower limit of overlap tells a badly placed box from a false alarm.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.metrics import overlap
from workbench.core.schema.boxes import Box, Boxes

NEAR_IOU = 0.1  # least overlap of a box that is badly placed instead of a false alarm
HIT, MISS, IGNORED, BELOW = "hit", "miss", "ignored", "below_confidence"
FALSE_ALARM, WRONG_CLASS, BADLY_PLACED, DUPLICATE = "false_alarm", "wrong_class", "badly_placed", "duplicate"
COUNTED = {  # number of a sample -> outcome of its labels
    "hits": HIT,
    "misses": MISS,
    "false_alarms": FALSE_ALARM,
    "wrong_class": WRONG_CLASS,
    "badly_placed": BADLY_PLACED,
    "duplicates": DUPLICATE,
}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of one sample's labels, in their order."""

    truth: tuple[str, ...]
    predicted: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Labels by number of the sample; a hit counts once, by its truth."""
        words = Counter(self.truth) + Counter(word for word in self.predicted if word != HIT)
        return {name: words[word] for name, word in COUNTED.items()}


def outcomes(boxes: Boxes, truth_of: Mapping[str, str], *, iou: float, confidence: float) -> Outcomes:
    """The outcomes of the labels of one sample.

    Args:
        boxes: truth and predictions.
        truth_of: id of the true label by id of the prediction that hits it.
        iou: least overlap of a hit.
        confidence: predictions below it do not count; one without confidence does.
    """
    crowd = {box.id for box in boxes.truth if box.crowd}
    shown = {box.id for box in boxes.predicted if box.confidence is None or box.confidence >= confidence}
    hit = {truth_of[i] for i in shown if i in truth_of}
    single = [box for box in boxes.truth if not box.crowd]
    unmatched = [at for at, box in enumerate(boxes.predicted) if box.id in shown and box.id not in truth_of]
    errors = dict(zip(unmatched, _errors([boxes.predicted[at] for at in unmatched], single, iou), strict=True))
    predicted = tuple(
        BELOW if box.id not in shown else errors[at] if at in errors else IGNORED if truth_of[box.id] in crowd else HIT
        for at, box in enumerate(boxes.predicted)
    )
    truth = tuple(IGNORED if box.crowd else HIT if box.id in hit else MISS for box in boxes.truth)
    return Outcomes(truth, predicted)


def _errors(predicted: Sequence[Box], truth: Sequence[Box], iou: float) -> list[str]:
    """The kind of error of each prediction that hits nothing."""
    edges, names = _xyxy(truth), np.array([box.name for box in truth], dtype=object)
    same, other = np.zeros(len(predicted)), np.zeros(len(predicted))
    of_name: defaultdict[str, list[int]] = defaultdict(list)
    for at, box in enumerate(predicted):
        of_name[box.name].append(at)
    for name, own in of_name.items():
        alike, xyxy = names == name, _xyxy([predicted[at] for at in own])
        same[own], other[own] = overlap.best(xyxy, edges[alike]), overlap.best(xyxy, edges[~alike])
    return [_error(*shares, iou) for shares in zip(same.tolist(), other.tolist(), strict=True)]


def _error(same: float, other: float, iou: float) -> str:
    """The kind of error, by the largest overlap with a true box of its class, and with one of another."""
    if same >= iou:
        return DUPLICATE
    if other >= iou:
        return WRONG_CLASS
    return BADLY_PLACED if same >= NEAR_IOU else FALSE_ALARM


def _xyxy(boxes: Sequence[Box]) -> NDArray[np.float64]:
    return np.array([box.xyxy for box in boxes], float).reshape(-1, 4)
