"""Which predicted box hits which true box, by COCO's rules; and pairs of boxes that overlap most.

Boxes that are equal count as one kind with several members, and a box is compared only with those beside it that can
overlap it enough. So thousands of equal boxes, or boxes spread over an image, cost little more than their number.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.boxes import Box

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
MOST_IOU = 1 - 1e-10  # that can be asked for: rounding puts the overlap of equal boxes just below 1


def matched(truth: Sequence[Box], predicted: Sequence[Box], *, iou: float) -> list[tuple[int, int]]:
    """Hits of one sample, class by class: index of the prediction and of the true box, in the predictions' order.

    The most confident prediction chooses first, among the true boxes that are left the one it overlaps most, of equal
    ones the last. What finds none may hit a crowd, any number of which do.

    >>> cup = Box("t", "cup", (0.0, 0.0, 0.5, 0.5))
    >>> sure, unsure = Box("p", "cup", (0.0, 0.0, 0.5, 0.4), 0.3), Box("q", "cup", (0.0, 0.0, 0.5, 0.5), 0.2)
    >>> matched([cup], [sure, unsure], iou=0.5)
    [(0, 0)]
    """
    true_of, predicted_of = _by_name(truth), _by_name(predicted)
    pairs: list[tuple[int, int]] = []
    for name in true_of.keys() & predicted_of.keys():
        own = sorted(predicted_of[name], key=lambda at: -(predicted[at].confidence or -1.0))
        single, crowds = ([at for at in true_of[name] if truth[at].crowd == crowd] for crowd in (False, True))
        pairs += _of_class(_sized(truth, single), _sized(truth, crowds), _sized(predicted, own), min(iou, MOST_IOU))
    return sorted(pairs)


def _by_name(boxes: Sequence[Box]) -> dict[str, list[int]]:
    of_name: defaultdict[str, list[int]] = defaultdict(list)
    for at, box in enumerate(boxes):
        of_name[box.name].append(at)
    return of_name


Sized = tuple[list[int], Floats]  # indices, and left, top, right, bottom, area of each


def _sized(boxes: Sequence[Box], chosen: list[int]) -> Sized:
    """Edges and area; the area is that of width and height as they were given."""
    edges = np.array([boxes[at].xyxy for at in chosen], np.float64).reshape(-1, 4)
    sizes = [boxes[at].size or (edges[k, 2] - edges[k, 0], edges[k, 3] - edges[k, 1]) for k, at in enumerate(chosen)]
    areas = np.array([height * width for width, height in sizes], np.float64)
    return chosen, np.column_stack([edges, areas.reshape(-1, 1)])


def _of_class(single: Sized, crowds: Sized, predicted: Sized, least: float) -> list[tuple[int, int]]:
    kinds, members = _kinds(single)
    crowd_kinds, crowd_members = _kinds(crowds)
    beside, rank = _Beside(kinds, least), np.array([own[-1] for own in members], np.int64)
    pairs = []
    for at, box in zip(predicted[0], predicted[1], strict=True):
        rows = beside.of(box)
        if (chosen := _best(overlaps(box, kinds[rows]), rank[rows], least)) is not None:
            kind = int(rows[chosen])
            pairs.append((at, members[kind].pop()))
            rank[kind] = members[kind][-1] if members[kind] else -1
            if not members[kind]:
                beside.remove(kind)
        elif len(crowd_kinds):
            last = np.array([own[-1] for own in crowd_members], np.int64)
            if (chosen := _best(overlaps(box, crowd_kinds, of_first=True), last, least)) is not None:
                pairs.append((at, crowd_members[chosen][-1]))
    return pairs


def _kinds(boxes: Sized) -> tuple[Floats, list[list[int]]]:
    """Boxes without repetition, from left to right, and the indices of the equal ones of each in order."""
    members: defaultdict[tuple[float, ...], list[int]] = defaultdict(list)
    for at, box in zip(boxes[0], boxes[1].tolist(), strict=True):
        members[tuple(box)].append(at)
    order = sorted(members)
    return np.array(order, np.float64).reshape(-1, 5), [members[kind] for kind in order]


def _best(shares: Floats, rank: Rows, least: float) -> int | None:
    """The largest share of at least ``least``; of equal ones that of the highest rank."""
    top = shares.max(initial=0.0)
    if not len(shares) or top < least:
        return None
    equal = np.flatnonzero(shares == top)
    return int(equal[np.argmax(rank[equal])])


def overlaps(box: Floats, others: Floats, *, of_first: bool = False) -> Floats:
    """Intersection over union of a box with others, or over the area of the box itself; ``(n,)``, at most 1.

    Args:
        box: left, top, right, bottom, area.
        others: ``(n, 5)``, the same of each.
        of_first: whether to divide by the area of the box.
    """
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    both = np.where((width > 0) & (height > 0), height * width, 0.0)
    union = np.full(len(others), box[4]) if of_first else box[4] + others[:, 4] - both
    shares: Floats = np.divide(both, union, out=np.zeros(len(others)), where=union > 0)
    return np.minimum(shares, 1.0)


class _Beside:
    """Which of some boxes, sorted by their left edge, can overlap a box by a share; those that are used up are not.

    Boxes with an IoU of ``t`` or more have widths that differ by a factor of ``t`` at most, and share that much of the
    wider one, which limits where the other's left edge is.
    """

    def __init__(self, boxes: Floats, least: float) -> None:
        self._left, self._least = boxes[:, 0], least
        self._rows, self._free, self._used = np.arange(len(boxes)), np.ones(len(boxes), np.bool_), 0

    def of(self, box: Floats) -> Rows:
        width, near = box[2] - box[0], 1e-9 * (1.0 + abs(box[0]) + abs(box[2]))
        low = box[0] + self._least * width - width / self._least - near
        high = box[2] - self._least * width + near
        first, last = np.searchsorted(self._left, (low, high), side="left")
        rows = self._rows[first : max(first, last + 1)]
        return rows[self._free[rows]] if self._used else rows

    def remove(self, row: int) -> None:
        self._free[row] = False
        self._used += 1
        if 2 * self._used > len(self._rows):  # so that what is used up costs nothing any more
            kept = self._free[self._rows]
            self._left, self._rows, self._used = self._left[kept], self._rows[kept], 0


def greedy_pairs(
    first: Sequence[Hashable], second: Sequence[Hashable], scores: Callable[[int, Rows], Floats]
) -> list[tuple[int, int]]:
    """Pairs of the highest score first, each thing once; of equal scores those that come first.

    Args:
        first, second: what each thing is: equal things are alike in all scores.
        scores: gives the scores of one of the first with some of the second; ``-inf`` for pairs that must not be.

    >>> greedy_pairs("ab", "xy", lambda i, js: np.array([[1.0, 3.0], [0.5, 4.0]])[i][js])
    [(1, 1), (0, 0)]
    """
    own, others = _equal(first), _equal(second)
    of_own, of_others = [members[-1] for members in own], np.array([members[-1] for members in others], np.int64)
    following, left = of_others.copy(), np.arange(len(others))  # the next of each kind, -1 when all are taken
    offers: list[tuple[float, int, int, int, int]] = []
    pairs: list[tuple[int, int]] = []

    def offer(kind: int) -> None:
        """The best that is left for the next of a kind."""
        rows = left[following[left] >= 0]
        if own[kind] and len(rows):
            of_kind = scores(of_own[kind], of_others[rows])
            if (top := float(of_kind.max())) > -np.inf:
                equal = rows[of_kind == top]
                best = int(equal[np.argmin(following[equal])])
                heapq.heappush(offers, (-top, own[kind][-1], int(following[best]), kind, best))

    for kind in range(len(own)):
        offer(kind)
    taken = 0
    while offers:
        _, at, other_at, kind, other = heapq.heappop(offers)
        if following[other] == other_at:  # else taken meanwhile
            pairs.append((at, other_at))
            own[kind].pop()
            others[other].pop()
            following[other] = others[other][-1] if others[other] else -1
            taken += not others[other]
            if 2 * taken > len(left):
                left, taken = left[following[left] >= 0], 0
        offer(kind)
    return pairs


def _equal(things: Sequence[Hashable]) -> list[list[int]]:
    """Indices of the equal things of each kind, the first one last."""
    members: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at in range(len(things) - 1, -1, -1):
        members[things[at]].append(at)
    return list(members.values())
