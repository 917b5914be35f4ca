"""The gap in appearance: the comparison of ``gap`` on the main components of the images' embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from workbench.core.gap.gap import Floats, Gap, Texts, gap

FEWEST_COMPONENTS, MOST_COMPONENTS = 8, 64  # what both sides vary in most
SAMPLES_PER_COMPONENT = 10  # more components only add noise for the classifier to learn
FRECHET_LEAST = 5_000  # per side: below, most of the distance is bias (Chong and Forsyth 2020) and grows as n falls


def look_gap(
    first: NDArray[np.floating[Any]],
    second: NDArray[np.floating[Any]],
    *,
    rng: np.random.Generator,
    groups: tuple[Texts, Texts] | None = None,
) -> Gap:
    """Compare vectors ``(n, d)`` of the reference with ``(m, d)`` of the other side; ``measures`` stays empty."""
    both = np.concatenate([first, second]).astype(np.float32)
    both -= both.mean(axis=0)
    kept = min(max(len(both) // SAMPLES_PER_COMPONENT, FEWEST_COMPONENTS), MOST_COMPONENTS)
    d = both.shape[1]
    axes = scipy.linalg.eigh(both.T @ both, subset_by_index=[max(0, d - kept), d - 1])[1]
    main: Floats = (both @ axes).astype(np.float64)
    return gap(main[: len(first)], main[len(first) :], (), rng=rng, groups=groups)


def frechet(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> float | None:
    """Frechet distance of two sets of vectors as normal distributions; ``None`` below 5,000 on a side.

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", on other
    features than theirs: compare only with itself.
    """
    if min(len(first), len(second)) < FRECHET_LEAST:
        return None
    reference, compared = first.astype(np.float64), second.astype(np.float64)
    apart = reference.mean(axis=0) - compared.mean(axis=0)
    a, b = np.cov(reference, rowvar=False), np.cov(compared, rowvar=False)
    values, axes = np.linalg.eigh(a)
    root = (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    middle = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b @ root), 0.0)).sum()  # trace of the root of a b
    return float(apart @ apart + np.trace(a) + np.trace(b) - 2 * middle)
