"""Candidate pairs of near duplicates: each image's nearest by perceptual hash and by coarse image."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from workbench.core.duplicates.fingerprints import Floats, Thumbs, descriptors, hash_signs, mirrored, unit

Pairs = NDArray[np.int64]

NEAREST = 5  # per picture and source of candidates
BLOCK = 512  # rows of the table of similarities that are in memory at once


def candidates(thumbs: Thumbs, *, k: int = NEAREST, workers: int = 2) -> Pairs:
    """Pairs ``(m, 2)`` of indices, the lower first, each once, in order.

    For every picture its ``k`` nearest by perceptual hash and its ``k`` nearest by coarse picture without what all
    pictures have in common (a fixed camera's background), each also against the mirrored pictures. All pairs are
    compared, in blocks: time grows with the square of ``n`` (2 s at 10,000), memory with ``n``.

    Args:
        thumbs: ``(n, 48, 48)`` fingerprints.
        k: nearest per source.
        workers: threads.
    """
    if len(thumbs) < 2:
        return np.empty((0, 2), np.int64)
    coarse, turned = descriptors(thumbs), descriptors(mirrored(thumbs))
    common = (coarse.mean(axis=0) + turned.mean(axis=0)) / 2
    sources = [
        (hash_signs(thumbs), hash_signs(mirrored(thumbs))),
        (unit(coarse - common), unit(turned - common)),
    ]
    nearest = [_nearest(plain, other, min(k, len(thumbs) - 1), workers) for plain, other in sources]
    pairs = np.sort(np.concatenate(nearest), axis=1)
    return np.unique(pairs, axis=0)


def _nearest(rows: Floats, turned: Floats, k: int, workers: int) -> Pairs:
    """Each row with its ``k`` most similar others, as they are or mirrored."""

    def block(start: int) -> Pairs:
        own = rows[start : start + BLOCK]
        similar = np.maximum(own @ rows.T, own @ turned.T)
        indices = np.arange(len(own))
        similar[indices, start + indices] = -np.inf  # itself
        best = np.argpartition(similar, -k, axis=1)[:, -k:]
        return np.stack([np.repeat(start + indices, k), best.ravel()], axis=1).astype(np.int64)

    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(block, range(0, len(rows), BLOCK))))
