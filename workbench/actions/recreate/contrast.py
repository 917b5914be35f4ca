"""What some samples have in common, against the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGE_EFFECT = 0.8  # Cohen 1988: difference of the means in standard deviations that anybody sees
COMMON_SHARE = 0.6  # of the samples that must agree on a word


@dataclass(frozen=True)
class Fact:
    """One measure of the samples.

    Attributes:
        measure: its name.
        mean, std: over the samples.
        effect: difference from the others in pooled standard deviations, ``None`` without others.
        n: samples that have it.
    """

    measure: str
    mean: float
    std: float
    effect: float | None
    n: int

    @property
    def is_common(self) -> bool:
        """Whether this is what the samples have in common; without others, everything is."""
        return self.effect is None or abs(self.effect) >= LARGE_EFFECT

    @property
    def confidence(self) -> str:
        """How far the mean can be trusted: ``high``, ``medium`` or ``low``, by the number of samples."""
        return confidence_of(self.n)


def confidence_of(n: int) -> str:
    """How far ``n`` samples can be trusted to show what they have in common."""
    return "high" if n >= 10 else "medium" if n >= 4 else "low"


def fact(measure: str, chosen: NDArray[np.float64], others: NDArray[np.float64]) -> Fact | None:
    """Compare one measure of the samples with that of the others; ``None`` when none of the samples has it.

    >>> round(fact("noise", np.array([5.0, 7.0]), np.array([1.0, 1.0, 2.0, 0.0])).effect, 1)
    6.1
    """
    chosen, others = chosen[np.isfinite(chosen)], others[np.isfinite(others)]
    if not chosen.size:
        return None
    mean, std = float(chosen.mean()), float(chosen.std())
    if others.size < 2:
        return Fact(measure, mean, std, None, chosen.size)
    pooled = float(np.sqrt((chosen.var() * chosen.size + others.var() * others.size) / (chosen.size + others.size)))
    difference = mean - float(others.mean())
    effect = difference / pooled if pooled > 0 else (0.0 if difference == 0 else np.inf * np.sign(difference))
    return Fact(measure, mean, std, float(effect), chosen.size)


def common_words(words: Sequence[str | None], others: Sequence[str | None]) -> dict[str, float]:
    """Shares of the words that the samples have in common and the others have less; empty when there is no such word.

    >>> common_words(["metal", "metal", "metal", "mirror"], ["wood", "wood", "metal"])
    {'metal': 0.75, 'mirror': 0.25}
    """
    counts, apart = Counter(word for word in words if word), Counter(word for word in others if word)
    total, total_apart = sum(counts.values()), sum(apart.values())
    if not total:
        return {}
    shares = {word: n / total for word, n in counts.most_common()}
    frequent = [word for word, share in shares.items() if share >= 0.2]
    together = sum(shares[word] for word in frequent)
    elsewhere = sum(apart[word] for word in frequent) / total_apart if total_apart else 0.0
    return shares if together >= COMMON_SHARE and together - elsewhere >= 0.2 else {}


def distance(chosen: Mapping[str, NDArray[np.float64]], made: Mapping[str, NDArray[np.float64]]) -> float:
    """Mean over the measures of the Wasserstein distance, in standard deviations of the samples."""
    from scipy.stats import wasserstein_distance

    distances = []
    for name, values in chosen.items():
        known, drawn = values[np.isfinite(values)], made[name][np.isfinite(made[name])]
        if known.size and drawn.size:
            scale = max(float(known.std()), 1e-3 * max(1.0, abs(float(known.mean()))))
            distances.append(float(wasserstein_distance(known, drawn)) / scale)
    return float(np.mean(distances)) if distances else float("nan")
