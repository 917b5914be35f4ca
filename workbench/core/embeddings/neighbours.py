"""Nearest vectors: exact, or through an index on disk where there are too many to go through."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.files import write_bytes
from workbench.base.optional import require
from workbench.base.parts import part_file

CHUNK, QUERIES = 20_000, 1_000
EXACT_MOST = 300_000  # vectors that are compared one by one: half a second for 200,000
Floats = NDArray[np.float32]
SEEN = 20_000  # vectors whose mean stands for that of all


def nearest(
    vectors: NDArray[np.floating[Any]], queries: NDArray[np.floating[Any]], k: int
) -> tuple[NDArray[np.int64], Floats]:
    """The ``k`` vectors most like each query, by cosine about the mean of all vectors, most alike first.

    About the mean, because the networks' features all point the same way: without it everything is alike.

    Args:
        vectors: ``(n, d)``, any float type, may lie on disk.
        queries: ``(q, d)``.
        k: how many; fewer when there are fewer.

    Returns:
        Indices ``(q, k)`` and similarities ``(q, k)``, -1..1.

    >>> indices, likeness = nearest(np.eye(3), np.array([[0.9, 0.1, 0.0]]), 2)
    >>> indices.tolist()
    [[0, 1]]
    """
    middle, k = centre(vectors), min(k, len(vectors))
    parts = [_nearest(vectors, queries[a : a + QUERIES], middle, k) for a in range(0, max(len(queries), 1), QUERIES)]
    return np.concatenate([indices for indices, _ in parts]), np.concatenate([likeness for _, likeness in parts])


def _nearest(
    vectors: NDArray[np.floating[Any]], queries: NDArray[np.floating[Any]], middle: Floats, k: int
) -> tuple[NDArray[np.int64], Floats]:
    wanted = directions(queries, middle)
    best = np.full((len(wanted), 0), -2.0, np.float32)
    indices = np.zeros((len(wanted), 0), np.int64)
    for start in range(0, len(vectors), CHUNK):
        likeness = np.concatenate([best, wanted @ directions(vectors[start : start + CHUNK], middle).T], axis=1)
        fresh = np.arange(start, start + likeness.shape[1] - best.shape[1])
        here = np.broadcast_to(fresh, (len(wanted), len(fresh)))
        joined = np.concatenate([indices, here], axis=1)
        chosen = np.argpartition(-likeness, min(k, likeness.shape[1] - 1), axis=1)[:, :k]
        best, indices = np.take_along_axis(likeness, chosen, axis=1), np.take_along_axis(joined, chosen, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(indices, order, axis=1), np.take_along_axis(best, order, axis=1)


def centre(vectors: NDArray[np.floating[Any]]) -> Floats:
    """Mean of the vectors, of many from some spread evenly."""
    sample = vectors[:: len(vectors) // SEEN + 1]
    return np.asarray(np.mean(sample, axis=0, dtype=np.float64), np.float32)


def directions(vectors: NDArray[np.floating[Any]], middle: Floats) -> Floats:
    """Unit vectors from the middle."""
    apart = np.asarray(vectors, np.float32) - middle
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    return np.asarray(apart / np.maximum(length, 1e-12), np.float32)


class DiskIndex:
    """A graph of neighbours (HNSW, Malkov and Yashunin 2018) in a file that is mapped, not read: for millions.

    Raises:
        MissingExtra: ``usearch`` is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._usearch: Any = require("usearch", purpose="neighbours among many images")

    def build(self, vectors: NDArray[np.floating[Any]]) -> None:
        """Write the file again, whole or not at all."""
        from usearch.index import Index

        middle = centre(vectors)
        index = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
        for start in range(0, len(vectors), CHUNK):
            part = directions(vectors[start : start + CHUNK], middle)
            # one thread: several race for the links, and about one vector in a thousand is never found again
            index.add(np.arange(start, start + len(part), dtype=np.uint64), part, threads=1)
        stream = io.BytesIO()
        np.save(stream, middle)
        write_bytes(self._path.with_suffix(".middle.npy"), stream.getvalue(), durable=False)
        with part_file(self._path.parent) as (temporary, _):
            index.save(str(temporary))
            temporary.replace(self._path)

    def nearest(self, queries: NDArray[np.floating[Any]], k: int) -> tuple[NDArray[np.int64], Floats]:
        """As ``nearest``, nearly exact."""
        from usearch.index import Index

        index = Index.restore(str(self._path), view=True)
        wanted = directions(queries, np.load(self._path.with_suffix(".middle.npy"), allow_pickle=False))
        matches = index.search(wanted, k)
        keys, distances = np.atleast_2d(matches.keys), np.atleast_2d(matches.distances)
        return keys.astype(np.int64), np.asarray(1 - distances, np.float32)
