"""How well a measure orders, and how well a word is found: pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from workbench.core.metrics.ranks import auc

Floats = NDArray[np.float64]


def rank_correlation(one: Sequence[float] | Floats, other: Sequence[float] | Floats) -> float:
    """Spearman's rank correlation, -1..1; 0 where one of them never changes.

    >>> rank_correlation([1, 2, 3], [1, 10, 100])
    1.0
    """
    a, b = rankdata(one), rankdata(other)
    a, b = a - a.mean(), b - b.mean()
    power = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / power, 6) if power > 0 else 0.0


def interval(one: Floats, other: Floats, groups: NDArray[np.int64], *, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of the rank correlation by a bootstrap of 200 draws over groups (frames), not over shots."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = []
    for _ in range(200):
        rows = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        found.append(rank_correlation(one[rows], other[rows]))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def roc_auc(negative: Sequence[float] | Floats, positive: Sequence[float] | Floats) -> float:
    """Probability that a positive scores above a negative, ties counted half.

    >>> roc_auc([1, 2], [2, 3])
    0.875
    """
    return auc(np.concatenate([negative, positive]), np.arange(len(negative) + len(positive)) >= len(negative))


def confusion(true: Sequence[str], found: Sequence[str], words: Sequence[str]) -> list[list[int]]:
    """Counts: a row for each true word, a column for each of ``words`` and last one for ``unknown`` or any other.

    >>> confusion(["a", "b"], ["a", "unknown"], ["a", "b"])
    [[1, 0, 0], [0, 0, 1]]
    """
    column = {word: k for k, word in enumerate(words)}
    table = np.zeros((len(words), len(words) + 1), int)
    for t, f in zip(true, found, strict=True):
        table[column[t], column.get(f, len(words))] += 1
    return table.tolist()


def balanced_accuracy(table: Sequence[Sequence[int]], *, unknown_counts: bool = True) -> float:
    """Mean over the words of the share found right; words that never occur are left out.

    Args:
        table: of ``confusion``.
        unknown_counts: an answer ``unknown`` is wrong; else it is left out.

    >>> balanced_accuracy([[3, 1, 0], [0, 2, 2]])
    0.625
    """
    rows = [(row[k], sum(row) if unknown_counts else sum(row[:-1])) for k, row in enumerate(table)]
    shares = [right / total for right, total in rows if total]
    return float(np.mean(shares)) if shares else 0.0
