"""Estimates with 95 % intervals."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964
Estimate = tuple[float | None, float | None, float | None]  # value, low and high end of the 95 % interval
NOTHING: Estimate = (None, None, None)


def share(part: float, trials: float) -> Estimate:
    """A share with Wilson's interval; nothing without trials."""
    return (part / trials, *wilson(part, trials)) if trials else NOTHING


def mean(values: NDArray[np.float64], *, effect: float = 1.0) -> Estimate:
    """A mean with its normal interval; no interval from fewer than two values.

    Args:
        values: ``(n,)`` finite numbers.
        effect: design effect by which the variance of the mean is larger than that of independent values.
    """
    if not values.size:
        return NOTHING
    centre = float(values.mean())
    if values.size < 2:
        return centre, None, None
    half = Z_95 * float(values.std(ddof=1)) * sqrt(effect / values.size)
    return centre, centre - half, centre + half


def wilson(part: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, "Probable inference, the law of succession").

    By hand: SciPy's takes whole numbers only, and trials that fail together count as fractions.

    >>> [round(x, 3) for x in wilson(8, 10)]
    [0.49, 0.943]
    """
    p, z2 = part / trials, Z_95**2
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
