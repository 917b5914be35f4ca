"""Labels that others wrote into the shared database and that cannot be used: told from good ones, with the reason.

This decides for every action which labels of a sample count; what it leaves out is a problem in the action's result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.base.plurals import counted
from workbench.core.schema import fields
from workbench.core.schema.report import ODD_LABEL, Problem

IN_SPACE = frozenset({"location", "dimensions", "T_cam_obj"})  # a label with one of these needs no box in the picture
FAR = 1e6  # widths of the image: a box that reaches farther is no box of it
NOT_A_LIST = "its labels are not a list"
Detection = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OddLabel:
    """A label in the database that somebody wrote there and that cannot be used as it is.

    Attributes:
        at: index in the list of its field.
        reason: what is wrong with it.
        is_kept: whether it counts all the same.
    """

    at: int
    reason: str
    is_kept: bool = False


def sorted_out(
    value: Any, *, predicted: bool = False, by_id: bool = False
) -> tuple[list[tuple[int, Detection]], tuple[OddLabel, ...]]:
    """The labels of a field with a box that can be used, each with its index, and those that are odd.

    Labels in space, which have no box in the image, are in neither.

    Args:
        value: what the field of a sample holds.
        predicted: whether it holds predictions: one outside of the image, or without area, is wrong, but counts.
        by_id: whether a label needs an id.

    >>> nut = {"label": "nut", "bounding_box": [0.1, 0.1, 0.2, 0.2]}
    >>> good, odd = sorted_out({"detections": [nut, {"label": "nut"}]})
    >>> [at for at, _ in good], odd
    ([0], (OddLabel(at=1, reason='it has no box', is_kept=False),))
    """
    detections = () if value is None else value.get("detections", ()) if isinstance(value, Mapping) else value
    if not isinstance(detections, list | tuple):
        return [], (OddLabel(0, NOT_A_LIST),)
    good: list[tuple[int, Detection]] = []
    odd: list[OddLabel] = []
    for at, detection in enumerate(detections):
        fault = fault_of(detection)
        if fault is None and by_id and "_id" not in detection:
            fault = "it has no id"
        if fault is None and detection.get("bounding_box"):
            doubt = doubt_of(detection["bounding_box"])
            if doubt:
                odd.append(OddLabel(at, doubt, predicted))
            if predicted or not doubt:
                good.append((at, detection))
        elif fault is not None:
            odd.append(OddLabel(at, fault))
    return good, tuple(odd)


def fault_of(detection: Any) -> str | None:
    """Why a label cannot be used; ``None`` for a good one, and for one in space, which has no box in the image.

    >>> fault_of({"label": "nut", "bounding_box": [0.1, 0.1, float("nan"), 0.2]})
    'its box is not four numbers'
    >>> fault_of({"label": "nut", "bounding_box": [0.1, 0.1, 0.2, 0.2]})
    """
    if not isinstance(detection, Mapping):
        return "it is not a label"
    box, confidence = detection.get("bounding_box"), detection.get("confidence")
    if not box:
        return None if IN_SPACE & detection.keys() else "it has no box"
    if not isinstance(box, list) or len(box) != 4 or not _are_near(box):
        return "its box is not four numbers"
    if not isinstance(name := detection.get("label"), str) or not name.strip():
        return "it has no class"
    if confidence is not None and not _is_number(confidence):
        return "its confidence is not a number"
    if box[2] < 0 or box[3] < 0:
        return "its box has a negative size"
    return None


def doubt_of(box: Sequence[float]) -> str | None:
    """Why a box of four numbers shows nothing of its image.

    >>> doubt_of([1.2, 0.1, 0.2, 0.2]), doubt_of([0.1, 0.1, 0.0, 0.2]), doubt_of([-0.1, 0.1, 0.2, 0.2])
    ('its box lies outside of the image', 'its box has no area', None)
    """
    left, top, width, height = box
    if width == 0 or height == 0:
        return "its box has no area"
    if left >= 1 or top >= 1 or left + width <= 0 or top + height <= 0:
        return "its box lies outside of the image"
    return None


def _are_near(box: Sequence[Any]) -> bool:
    """Whether all edges are numbers, and not beyond reach; quick, as every label that is read passes here."""
    for edge in box:
        if type(edge) is not float and (not isinstance(edge, int | float) or isinstance(edge, bool)):
            return False
        if not -FAR < edge < FAR:  # nor NaN
            return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class OddLabels:
    """Odd labels, counted while samples are read.

    >>> odd = OddLabels()
    >>> odd.look("a.png", "ground_truth", [OddLabel(1, "it has no class")])
    >>> [problem.message for problem in odd.problems()]
    ['1 label of 1 sample cannot be used (first: a.png, label 1: it has no class); left out.']
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bool], tuple[int, int, str]] = {}  # labels, samples, the first

    def look(self, sample: str, field: str, odd: Iterable[OddLabel]) -> None:
        """Count those of one more sample, named by its origin or id."""
        for is_kept in (False, True):
            if own := [label for label in odd if label.is_kept == is_kept]:
                first = f"{sample}, label {own[0].at}: {own[0].reason}"
                labels, samples, earlier = self._seen.get((field, is_kept), (0, 0, first))
                self._seen[field, is_kept] = (labels + len(own), samples + 1, earlier)

    def problems(self) -> list[Problem]:
        """What was left out, or counts though it shows nothing, by field."""
        return [_problem(field, is_kept, *seen) for (field, is_kept), seen in self._seen.items()]


def _problem(field: str, is_kept: bool, labels: int, samples: int, first: str) -> Problem:
    noun = "label" if field == fields.GROUND_TRUTH else "prediction"
    of = f"{counted(labels, noun)} of {counted(samples, 'sample')}"
    if is_kept:
        shows = "shows" if labels == 1 else "show"
        return Problem(field, ODD_LABEL, f"{of} {shows} nothing of the image (first: {first}); counted as wrong.")
    return Problem(field, ODD_LABEL, f"{of} cannot be used (first: {first}); left out.")
