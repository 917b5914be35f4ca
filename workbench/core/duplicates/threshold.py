"""The threshold of near duplicates, found in the user's own pictures by planting known edits.

Two things are seen: how alike planted copies are to their originals, and how alike each picture is to the nearest of
the others. The second is a mixture: some of the nearest are real duplicates, the rest are different pictures. If real
duplicates resemble planted ones, the share flagged at a threshold t is
``flagged(t) = p * recall(t) + (1 - p) * wrong(t)``; the unknown share ``p`` of duplicates cannot be above
``flagged(t) / hardest(t)`` at any t, the recall of the hardest edit, and the smallest of these is taken for
it, as Storey (J. R. Statist. Soc. B 64, 2002) estimates the share of true hypotheses from a mixture of p-values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.base.shapes import Shape
from workbench.core.duplicates.fingerprints import Floats

WRONG_AT_MOST = 0.03  # share of different pictures that may be flagged
MISSED_AT_MOST = 0.01  # of the planted copies by the hardest edit, as long as the share above allows
DEFAULT = 0.95  # where there are no pictures to plant in
LOWEST, HIGHEST, STEP = 0.85, 0.9999, 0.0001
TRUSTED_FROM = 0.5  # share of planted copies below which p is not estimated


THRESHOLD: Shape = {"score": float, "found": {str: float}, "wrong": float, "planted": int}  # ``Threshold.plain``


@dataclass(frozen=True)
class Threshold:
    """From which similarity on two pictures count as near the same, and what that costs.

    Attributes:
        score: similarity 0..1.
        found: share of planted copies found, by edit; empty when none were planted.
        wrong: estimated share of different pictures that are flagged.
        planted: pictures that copies were planted of.
    """

    score: float = DEFAULT
    found: Mapping[str, float] = field(default_factory=dict)
    wrong: float = 0.0
    planted: int = 0

    def plain(self) -> dict[str, object]:
        """Values that JSON knows; ``Threshold(**plain)`` gives it back."""
        return {"score": self.score, "found": dict(self.found), "wrong": self.wrong, "planted": self.planted}


def calibrated(planted: Mapping[str, Floats], nearest: Floats) -> Threshold:
    """The lowest threshold that flags few different pictures, and no lower than the hardest edit needs.

    Args:
        planted: similarity of each planted copy to its original, by edit; the same pictures for each edit.
        nearest: similarity of each picture to the nearest other.

    >>> calibrated({"mirrored": np.full(50, 0.99)}, np.linspace(0.2, 0.8, 50)).score
    0.99
    """
    grid = np.arange(LOWEST, HIGHEST, STEP)
    recalls = np.array([_reached(similar, grid) for similar in planted.values()])
    needed = min(float(np.quantile(similar, MISSED_AT_MOST)) for similar in planted.values())
    wrong = wrongly_flagged(_reached(nearest, grid), recalls.mean(axis=0), recalls.min(axis=0))
    allowed = np.flatnonzero(wrong <= WRONG_AT_MOST)
    first = int(allowed[0]) if len(allowed) else len(grid) - 1
    index = max(first, min(int(np.searchsorted(grid, needed + STEP / 2)) - 1, len(grid) - 1))
    return Threshold(
        score=round(float(grid[index]), 4),
        found={name: round(float(row[index]), 3) for name, row in zip(planted, recalls, strict=True)},
        wrong=round(float(wrong[index]), 4),
        planted=len(next(iter(planted.values()))),
    )


def wrongly_flagged(
    flagged: NDArray[np.float64], recall: NDArray[np.float64], hardest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Estimated share of different pictures that are flagged, per threshold of a rising grid.

    Args:
        flagged: share of all pictures that are flagged.
        recall: share of planted copies that are found, over all edits.
        hardest: the same of the edit that is hardest to find; real duplicates may be of these alone.
    """
    trusted = hardest >= TRUSTED_FROM
    share = min(1.0, float((flagged[trusted] / hardest[trusted]).min())) if trusted.any() else 0.0
    if share >= 1.0:
        return np.zeros_like(flagged)
    wrong: NDArray[np.float64] = np.clip((flagged - share * recall) / (1.0 - share), 0.0, 1.0)
    return wrong


def _reached(similar: Floats, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of similarities at or above each threshold."""
    if not len(similar):
        return np.zeros(len(grid))
    shares: NDArray[np.float64] = 1.0 - np.searchsorted(np.sort(similar), grid, side="left") / len(similar)
    return shares
