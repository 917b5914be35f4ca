"""The same image with different boxes: at least one of the two is labelled wrongly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.metrics import overlap
from workbench.core.metrics.matching import greedy_pairs
from workbench.core.schema.labels import Record

SAME_IOU = 0.5
SLACK = 1 / 40  # of a side: how far the place of an edited image's box is known
SLACK_SIZE = 1.6  # ratio of areas that slack allows

Boxes = NDArray[np.float64]


def conflict(first: Record, second: Record, alignment: NDArray[np.float64] | None = None) -> str | None:
    """How the labels of two copies of an image contradict each other, or ``None``.

    Boxes are the same from an IoU of 0.5 on. In an image that was cropped, turned or mirrored also those whose
    middles are closer than a fortieth of its side, and boxes that lie outside the part both show do not count.

    Args:
        first, second: records of the two.
        alignment: ``(2, 3)`` from shares of the first's sides to those of the second; ``None`` is the identity.
    """
    moved = alignment is not None and not np.allclose(alignment, np.eye(2, 3), atol=1e-6)
    turn = alignment if alignment is not None and moved else np.eye(2, 3)
    first_boxes, second_boxes = _moved(_shares(first), turn), _shares(second)
    if moved:
        back = np.linalg.inv(np.vstack([turn, [0, 0, 1]]))[:2]
        shown = (_inside(first_boxes), _inside(_moved(second_boxes, back)))
    else:
        shown = (np.ones(len(first_boxes), bool), np.ones(len(second_boxes), bool))
    names = [
        [name for name, seen in zip(record.labels.names, mask, strict=True) if seen]
        for record, mask in zip((first, second), shown, strict=True)
    ]
    return _difference(names, _matches(first_boxes[shown[0]], second_boxes[shown[1]], names, slack=moved))


def _difference(names: Sequence[Sequence[str]], matches: Sequence[tuple[int, int]]) -> str | None:
    other_class = sorted({f"{names[0][i]} / {names[1][j]}" for i, j in matches if names[0][i] != names[1][j]})
    alone = [len(own) - len(matches) for own in names]
    parts = []
    if not any(names) or not (other_class or any(alone)):
        return None
    if not all(names):
        return f"{max(map(len, names)):,} boxes in one, none in the other"
    if any(alone):
        parts.append(f"{alone[0]:,} and {alone[1]:,} boxes have no match in the other")
    if other_class:
        parts.append("other class: " + ", ".join(other_class[:4]))
    return "; ".join(parts)


def _matches(first: Boxes, second: Boxes, names: Sequence[Sequence[str]], *, slack: bool) -> list[tuple[int, int]]:
    """Pairs of boxes that are the same, best first, those of the same class before others, each box once."""
    edges = [list(map(tuple, boxes.tolist())) for boxes in (first, second)]
    classes = np.array(names[1], dtype=object)

    def scores(at: int, others: NDArray[np.int64]) -> NDArray[np.float64]:
        iou = overlap.iou(first[at], second[others])[0]
        allowed = iou >= SAME_IOU
        if slack:
            allowed |= _near(first[at : at + 1], second[others])[0]
        return np.where(allowed, iou + (classes[others] == names[0][at]), -np.inf)

    own, other = (list(zip(*each, strict=True)) for each in zip(names, edges, strict=True))
    return greedy_pairs(own, other, scores)


def _shares(record: Record) -> Boxes:
    size = np.array([record.width, record.height] * 2, float).clip(1)
    shares: Boxes = record.labels.xyxy / size
    return shares


def _moved(boxes: Boxes, matrix: NDArray[np.float64]) -> Boxes:
    """Boxes around the moved boxes; a turned box keeps its size, as labels of the turned image would."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    return np.hstack([middle - half, middle + half])


def _inside(boxes: Boxes) -> NDArray[np.bool_]:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((middle > SLACK) & (middle < 1 - SLACK)).all(axis=1))


def _near(first: Boxes, second: Boxes) -> NDArray[np.bool_]:
    a, b = first[:, None], second[None]
    apart = np.abs((a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2).max(axis=-1)
    areas = [np.prod(side[..., 2:] - side[..., :2], axis=-1).clip(1e-9) for side in (a, b)]
    ratio = np.maximum(areas[0] / areas[1], areas[1] / areas[0])
    near: NDArray[np.bool_] = (apart < SLACK) & (ratio < SLACK_SIZE)
    return near
