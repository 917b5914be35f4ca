"""The gap in the objects of images: number, size, position, shape, overlap, classes and gloss of their labels.

Pictures can measure alike and still teach something else: one small part in each where there are several large ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.gap.gap import Floats, Gap, MeasureGap, Texts, gap

QUANTITIES = ("number", "size", "x", "y", "aspect", "overlap", "gloss")
LEARNED = ("size", "aspect", "gloss")  # what a detector learns of a label, besides its class, however many, wherever
SHARE = "share of "  # of a class, before its name
MOST_CLASSES = 20  # the most common ones: the rest is too rare to compare
LEAST = 1e-4  # width and height of a box, as shares of the picture; the logarithm of 0 is none
DIGITS = 9  # kept of a quantity: what is equal but for rounding has no spread to measure distances in
PAIRS = 1_000_000  # of boxes compared at once


@dataclass(frozen=True, eq=False)
class Objects:
    """Labels of ``n`` samples, one row per label, those of a sample together.

    Attributes:
        sample: ``(k,)`` number of the sample, ascending, below ``n``.
        edges: ``(k, 4)`` left, top, right, bottom as shares of the picture's width and height.
        names: ``(k,)`` classes.
        gloss: ``(k,)`` as measured on the label; NaN where it was not.
        proportion: ``(n,)`` width of each picture over its height.
    """

    sample: NDArray[np.int64]
    edges: Floats
    names: Texts
    gloss: Floats
    proportion: Floats

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Labels of each sample, ``(n,)``."""
        return np.bincount(self.sample, minlength=len(self.proportion)).astype(np.int64)


def object_gap(
    first: Objects, second: Objects, *, rng: np.random.Generator, groups: tuple[Texts, Texts] | None = None
) -> Gap | None:
    """Compare the labels of the reference with those of the other side, sample by sample; ``None`` where one has none.

    Medians are those of numbers of labels, sizes (the root of a box's share of the picture) and width over height;
    distances are taken in logarithms of these, because twice as large is as far as half as large. Of the shares of
    classes they are means: most samples lack most classes, so that all medians are 0.
    """
    if not len(first.sample) or not len(second.sample):
        return None
    names, counts = np.unique(np.concatenate([first.names, second.names]), return_counts=True)
    classes = sorted(names[np.argsort(-counts, kind="stable")[:MOST_CLASSES]].tolist())
    columns = (*QUANTITIES, *(SHARE + name for name in classes))
    sides = quantities(first, classes), quantities(second, classes)
    logarithmic = gap(*sides, columns, rng=rng, groups=groups)
    means = {
        name: tuple(float(np.nanmean(side[:, column])) for side in sides)
        for column, name in enumerate(columns)
        if name.startswith(SHARE)
    }
    return replace(logarithmic, measures=tuple(_plain(measure, means) for measure in logarithmic.measures))


def quantities(objects: Objects, classes: Sequence[str]) -> Floats:
    """``(n, 7 + classes)``: ``QUANTITIES``, means over the labels of a sample, and the share of each class.

    NaN where a sample has no labels, or none with a gloss. The number is ``log(1 + number)``; size and aspect are
    logarithms too.
    """
    left, top, right, bottom = objects.edges.T
    width, height = np.maximum(right - left, LEAST), np.maximum(bottom - top, LEAST)
    columns = [
        np.log(width * height) / 2,
        (left + right) / 2,
        (top + bottom) / 2,
        np.log(width / height * objects.proportion[objects.sample]),
        _covered(objects),
        objects.gloss,
        *(np.where(objects.names == name, 1.0, 0.0) for name in classes),
    ]
    values = np.stack([np.log1p(objects.numbers), *(_means(objects, column) for column in columns)], axis=1)
    return np.round(values, DIGITS)


def distance(measures: Gap, objects: Gap | None) -> float | None:
    """One number to rank candidates by, the smaller the nearer: how far pictures are plus how far their objects are.

    Both are of 1-Wasserstein distances in standard deviations of the reference: the mean over the measures, of which
    dozens tell the same few things, plus the root mean square over what is known of objects (``object_distance``).
    The sum is the distance where the steps of both count together and the two vary independently. Without objects
    it is that of the pictures alone; ``None`` where samples are too few. How well it orders what detectors learn from,
    and where it failed, is in ``tests/proof/README.md``.
    """
    pictures = picture_distance(measures)
    shown = object_distance(objects) if objects else None
    return pictures if pictures is None or shown is None else pictures + shown


def picture_distance(measures: Gap) -> float | None:
    """Mean distance of the measures, in spreads of the reference; ``None`` where samples are too few."""
    if measures.auc is None:
        return None
    return float(np.mean([measure.distance for measure in measures.measures])) if measures.measures else 0.0


def object_distance(objects: Gap) -> float | None:
    """Root mean square over ``LEARNED`` and the classes, whose shares count as one by their mean.

    A mean would hide what cannot be learned around: objects of another size are enough to fail. How many there are
    in a picture, where, and what they hide of each other does not count: a detector learns label by label, the same
    in every place, and a pile of six is no worse to learn from than a pair. ``None`` where samples are too few.
    """
    if objects.auc is None:
        return None
    single = [measure.distance for measure in objects.measures if measure.name in LEARNED]
    shares = [measure.distance for measure in objects.measures if measure.name.startswith(SHARE)]
    squares = sum(value**2 for value in (*single, float(np.mean(shares or [0.0]))))
    return sqrt(squares / (len(LEARNED) + 1))


def _means(objects: Objects, values: Floats) -> Floats:
    """Mean over the labels of each sample that have a value, ``(n,)``."""
    n, known = len(objects.proportion), np.isfinite(values)
    sums = np.bincount(objects.sample[known], values[known], n)
    counts = np.bincount(objects.sample[known], minlength=n)
    means: Floats = np.where(counts, sums / np.maximum(counts, 1), np.nan)
    return means


def _covered(objects: Objects) -> Floats:
    """The largest share of each box that another box of its picture covers, ``(k,)``."""
    covered, numbers = np.zeros(len(objects.sample)), objects.numbers
    starts = np.cumsum(numbers) - numbers
    for n in np.unique(numbers[numbers > 1]).tolist():
        for start in starts[numbers == n] if n**2 > PAIRS else ():
            covered[start : start + n] = _covered_of_many(objects.edges[start : start + n])
        for batch in _batches(starts[numbers == n], max(1, PAIRS // n**2)) if n**2 <= PAIRS else ():
            rows = batch[:, None] + np.arange(n)
            boxes = objects.edges[rows]  # (samples, n, 4)
            both = _intersections(boxes, boxes)
            both[:, np.arange(n), np.arange(n)] = 0.0
            covered[rows] = _shares(both.max(axis=2), boxes)
    return covered


def _covered_of_many(boxes: Floats) -> Floats:
    """The same for the many boxes of one picture, ``(n, 4)``: equal ones are compared once, and part after part."""
    kinds, which, counts = np.unique(boxes, axis=0, return_inverse=True, return_counts=True)
    most, step = np.zeros(len(kinds)), max(1, PAIRS // len(kinds))
    for start in range(0, len(kinds), step):
        both = _intersections(kinds[None, start : start + step], kinds[None])[0]
        at = np.arange(len(both))
        both[at, start + at] *= counts[start : start + step] > 1  # its equals cover a box, it does not
        most[start : start + step] = both.max(axis=1)
    return _shares(most, kinds)[which.ravel()]


def _intersections(first: Floats, second: Floats) -> Floats:
    """Areas that boxes have in common, ``(s, n, 4)`` and ``(s, m, 4)`` to ``(s, n, m)``."""
    low = np.maximum(first[:, :, None, :2], second[:, None, :, :2])
    high = np.minimum(first[:, :, None, 2:], second[:, None, :, 2:])
    return np.asarray(np.maximum(high - low, 0.0).prod(axis=3))


def _shares(areas: Floats, boxes: Floats) -> Floats:
    """Areas as shares of boxes, at most 1."""
    own = np.maximum(boxes[..., 2:] - boxes[..., :2], LEAST).prod(axis=-1)
    return np.asarray(np.minimum(areas / own, 1.0))


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[Any]]:
    yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _plain(measure: MeasureGap, means: Mapping[str, tuple[float, ...]]) -> MeasureGap:
    """With medians that are no logarithms, means of shares, and no distance that is rounding alone."""
    if measure.name in means:
        measure = replace(measure, reference=means[measure.name][0], other=means[measure.name][1])
    back: dict[str, Any] = {"number": np.expm1, "size": np.exp, "aspect": np.exp}
    reference, other = (float(back.get(measure.name, float)(value)) for value in (measure.reference, measure.other))
    return replace(measure, distance=round(measure.distance, DIGITS), reference=reference, other=other)
