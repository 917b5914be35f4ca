"""Similar samples, and a map of all embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.actions.embed.embed import require_vectors
from workbench.adapters import store
from workbench.adapters.store import Dataset, identity, opened
from workbench.adapters.store.vectors import VectorTable
from workbench.base.errors import InputError
from workbench.base.files import home, sha256_text
from workbench.core.embeddings import NETWORK, layout, nearest
from workbench.core.embeddings.neighbours import EXACT_MOST, DiskIndex
from workbench.core.tables import Filter


def similar(
    dataset: Dataset | str,
    ids: Sequence[str],
    *,
    n: int = 20,
    where: str | Filter | None = None,
    vectors: str = NETWORK,
) -> pd.DataFrame:
    """The samples most similar to the given ones, best first: columns ``id``, ``similarity``, ``origin``.

    With several ids, each sample counts by the one that it is most similar to.

    Args:
        dataset: the dataset or its name, embedded (``wb.embed``).
        ids: the samples.
        n: how many.
        where: look among these samples only.
        vectors: name of vectors of your own.

    Raises:
        InputError: no vectors, no ids, or none of the ids has one.
    """
    dataset = opened(dataset)
    table = _among(dataset, require_vectors(dataset, vectors), where, ids)
    _, rows = table.of(ids)
    if not len(rows):
        fix = "Embed again: wb.embed(ds), or workbench embed DATASET."
        raise InputError("None of the given samples has an embedding.", at=dataset.name, fix=fix)
    wanted = min(n + len(rows), len(table))
    places, likeness = _nearest(dataset, table, table.vectors[rows], wanted, whole=where is None)
    best = pd.Series(likeness.ravel(), index=places.ravel()).groupby(level=0).max()
    best = best.drop(index=rows.tolist(), errors="ignore").sort_values(ascending=False, kind="stable").head(n)
    nearest_ids = [str(sample_id) for sample_id in table.ids[best.index.to_numpy(np.int64)]]
    origins = {stored.id: stored.record.origin for stored in store.read(dataset, nearest_ids)}
    best_of = dict(zip(nearest_ids, best.to_numpy().tolist(), strict=True))
    rows_found = [
        (sample_id, best_of[sample_id], origins[sample_id]) for sample_id in nearest_ids if sample_id in origins
    ]
    return pd.DataFrame(rows_found, columns=["id", "similarity", "origin"])


def embedding_map(dataset: Dataset | str, *, vectors: str = NETWORK, seed: int = 0) -> pd.DataFrame:
    """Positions of all embedded samples on a map, similar ones close: columns ``id``, ``x``, ``y`` (0..1).

    Raises:
        InputError: no vectors.
    """
    dataset = opened(dataset)
    table = _among(dataset, require_vectors(dataset, vectors), None, ())
    placed = layout(table.vectors, seed=seed)
    return pd.DataFrame({"id": table.ids.astype(object), "x": placed[:, 0], "y": placed[:, 1]})


def _among(dataset: Dataset, table: VectorTable, where: str | Filter | None, also: Sequence[str]) -> VectorTable:
    """Vectors of the samples that are still there, or those of a filter and some more."""
    wanted = np.array([*store.select(dataset, store.asked(dataset, where)), *also], "U24")
    rows = np.flatnonzero(np.isin(table.ids, wanted))
    return VectorTable(table.ids[rows], table.states[rows], table.vectors[rows])


def _nearest(
    dataset: Dataset, table: VectorTable, queries: np.ndarray, k: int, *, whole: bool
) -> tuple[np.ndarray, np.ndarray]:
    if len(table) <= EXACT_MOST or not whole:
        return nearest(table.vectors, queries, k)
    state = sha256_text("".join(table.ids.tolist()) + "".join(table.states.tolist()))
    index = home() / "vectors" / identity(dataset) / f"{state[:16]}.usearch"
    on_disk = DiskIndex(index)
    if not index.is_file():
        on_disk.build(table.vectors)
    return on_disk.nearest(queries, k)
