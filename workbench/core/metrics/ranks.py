"""Ranks with ties, and the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Mean ranks as shares from 0 to 1; equal values have equal ranks.

    >>> ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist()
    [0.5, 0.125, 0.5, 0.875]
    """
    shares: Floats = (rankdata(values) - 0.5) / max(len(values), 1)
    return shares


def auc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the chance that a positive scores higher than a negative, ties half.

    >>> auc(np.array([3.0, 2.0, 1.0, 2.0]), np.array([True, True, False, False]))
    0.875
    """
    n, m = int(positive.sum()), int((~positive).sum())
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))
