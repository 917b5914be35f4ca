"""Designed experiments of factors at two levels: a design in half of all combinations, and the analysis of variance.

With an odd number of minus signs left out (the last factor is the product of the others), five factors take 16 runs,
and no effect of a factor or a pair is mixed up with another of a factor or pair (resolution V; Box, Hunter & Hunter
2005, "Statistics for Experimenters", chapter 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from workbench.core.metrics.holm import holm

ALPHA = 0.05
LEAST_FACTORS = 5  # with fewer, half of the combinations mixes pairs up
STRONG = 0.05  # least effect that is worth a scenario
Values = NDArray[np.float64]


def design(n_factors: int) -> NDArray[np.int64]:
    """Runs of an experiment, ``(runs, factors)`` of -1 and 1: all combinations, or half of them from five factors on.

    >>> design(5).shape, design(2).tolist()
    ((16, 5), [[-1, -1], [-1, 1], [1, -1], [1, 1]])
    """
    if n_factors < LEAST_FACTORS:
        return np.array(list(product((-1, 1), repeat=n_factors)))
    free = np.array(list(product((-1, 1), repeat=n_factors - 1)))
    return np.column_stack([free, free.prod(axis=1)])


@dataclass(frozen=True)
class Effect:
    """What one factor, or two together, do to a value.

    Attributes:
        factors: one or two names.
        value: mean at the high level less mean at the low one; of a pair half the difference of the first factor's
            effect between the levels of the second.
        low, high: 95 % interval.
        share: of the variance between pictures, 0..1.
        p_value: of no effect, corrected for the number of effects (Holm).
    """

    factors: tuple[str, ...]
    value: float
    low: float
    high: float
    share: float
    p_value: float

    @property
    def is_strong(self) -> bool:
        """Surely there, and large enough to matter."""
        return self.p_value <= ALPHA and abs(self.value) >= STRONG


def effects(
    values: Values, levels: NDArray[np.int64], factors: Sequence[str], blocks: NDArray[np.int64]
) -> list[Effect]:
    """Effects of all factors and pairs, by least squares; the largest first.

    Args:
        values: ``(n,)`` what was observed, e.g. the recall of one picture.
        levels: ``(n, factors)`` -1 or 1.
        factors: their names.
        blocks: ``(n,)`` number of the block: observations of one block share all that is not a factor.

    Returns:
        Nothing when there are too few observations for an error to be known.
    """
    names = [(name,) for name in factors] + list(combinations(factors, 2))
    columns = [levels[:, i] for i in range(len(factors))]
    columns += [levels[:, i] * levels[:, j] for i, j in combinations(range(len(factors)), 2)]
    block = (blocks[:, None] == np.unique(blocks)[None]).astype(float)
    matrix = np.column_stack([*columns, block]).astype(float)
    free = len(values) - int(np.linalg.matrix_rank(matrix))
    if free < 2:
        return []
    coefficients, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    residual = values - matrix @ coefficients
    inverse = np.linalg.pinv(matrix.T @ matrix)
    errors = np.sqrt(np.maximum(np.diag(inverse)[: len(names)] * float(residual @ residual) / free, 1e-18))
    slopes, total = coefficients[: len(names)], float(((values - values.mean()) ** 2).sum())
    reach = float(student.ppf(1 - ALPHA / 2, free)) * errors
    ps = holm((2 * student.sf(np.abs(slopes) / errors, free)).tolist())
    squares = slopes**2 / np.diag(inverse)[: len(names)]
    shares = squares / total if total > 0 else np.zeros(len(names))
    rows = [
        Effect(name, 2 * float(s), 2 * float(s - r), 2 * float(s + r), float(share), p)
        for name, s, r, share, p in zip(names, slopes, reach, shares, ps, strict=True)
    ]
    return sorted(rows, key=lambda effect: -abs(effect.value))
