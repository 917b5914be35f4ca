"""A map: vectors as points of a plane, near where they are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.embeddings.neighbours import nearest

LANDMARKS = 1_500  # laid out with care; the others go between the landmarks most like them
COMPONENTS, PERPLEXITY, STEPS, BESIDE = 40, 30.0, 500, 4
Floats = NDArray[np.float64]


def layout(vectors: NDArray[np.floating[Any]], *, seed: int = 0) -> Floats:
    """Positions ``(n, 2)`` in 0..1, the same for the same vectors.

    t-SNE (van der Maaten and Hinton 2008) of up to 1,500 landmarks on their main components; every other vector
    lies at the mean of the landmarks most like it, weighted by how much.
    """
    n = len(vectors)
    if n < 4:
        return np.column_stack([np.linspace(0.25, 0.75, n), np.full(n, 0.5)]) if n else np.empty((0, 2))
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:LANDMARKS])
    landmarks = np.asarray(vectors[chosen], np.float64)
    placed = _tsne(landmarks, seed)
    if n == len(chosen):
        return placed
    indices, likeness = nearest(landmarks, vectors, BESIDE)
    weights = np.exp(8.0 * (likeness - likeness[:, :1]))[:, :, None]
    return np.asarray((placed[indices] * weights).sum(axis=1) / weights.sum(axis=1))


def _tsne(vectors: Floats, seed: int) -> Floats:
    from sklearn.decomposition import PCA  # deferred: takes a second to import
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    few = min(COMPONENTS, *vectors.shape)
    centred = vectors - vectors.mean(axis=0)
    if not centred.any():
        return np.full((len(vectors), 2), 0.5)
    main = PCA(few, svd_solver="randomized", random_state=seed).fit_transform(centred)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    with threadpool_limits(1):  # its threads spin while they wait: on busy cores four times slower than one alone
        plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, max_iter=STEPS).fit_transform(main)
    low, high = plane.min(axis=0), plane.max(axis=0)
    return np.asarray((plane - low) / np.maximum(high - low, 1e-9), np.float64)
