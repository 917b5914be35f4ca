"""Rounds whose truth is known: each label is found with a given chance."""

from __future__ import annotations

import numpy as np

from workbench.core.metrics.counts import RoundCounts, round_counts
from workbench.core.metrics.outcomes import Outcomes
from workbench.core.schema.boxes import Box, Boxes


def planted(found: list[list[bool]], wrong: list[int] | None = None, *, seed: int = 0) -> RoundCounts:
    """A round in which label j of picture i is found as said; a found one has a random confidence."""
    rng = np.random.default_rng(seed)
    samples, outcomes, truth_of = [], {}, {}
    for i, hits in enumerate(found):
        truth = tuple(Box(f"t{i:05}-{j}", "nut", (0.1 * j, 0, 0.1 * j + 0.05, 0.1)) for j in range(len(hits)))
        predicted = []
        for box, hit in zip(truth, hits, strict=True):
            if hit:
                predicted.append(Box(f"p{box.id}", "nut", box.xyxy, float(rng.random())))
                truth_of[predicted[-1].id] = box.id
        words = ["hit"] * len(predicted) + ["false_alarm"] * (wrong[i] if wrong else 0)
        for k in range(wrong[i] if wrong else 0):
            predicted.append(Box(f"w{i}-{k}", "nut", (0.9, 0.9, 1, 1), float(rng.random())))
        name = f"s{i:05}"
        samples.append(Boxes(name, truth, tuple(predicted)))
        outcomes[name] = Outcomes(tuple("hit" if h else "miss" for h in hits), tuple(words))
    return round_counts(samples, outcomes, truth_of)


def drawn(rng: np.random.Generator, pictures: int, labels: int, recall: float, spread: float = 0.0) -> RoundCounts:
    """A round of random hits; ``spread`` makes pictures differ, so that labels of one are not independent."""
    chance = np.clip(recall + spread * rng.choice([-1, 1], pictures), 0, 1)
    return planted([(rng.random(labels) < p).tolist() for p in chance], rng.integers(0, 2, pictures).tolist())
