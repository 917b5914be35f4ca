"""Vectors of samples, beside the database: thousands of numbers per sample would weigh on every query.

``$WORKBENCH_HOME/vectors/<dataset>/<name>/`` holds parts; each is whole or not there, so work that was cut off goes on.
A part names its samples and the state of each one's image; of several vectors of a sample the newest counts.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.store.database import Dataset
from workbench.base.files import home, write_bytes

MANY_PARTS = 64


@dataclass(frozen=True, eq=False)
class VectorTable:
    """Vectors by sample.

    Attributes:
        ids: ``(n,)`` sample ids, no one twice.
        states: ``(n,)`` state of the image that the vector was made of.
        vectors: ``(n, d)``.
    """

    ids: NDArray[np.str_]
    states: NDArray[np.str_]
    vectors: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, ids: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices in ``ids`` that have a vector, and the rows of their vectors."""
        row_of = {sample_id: row for row, sample_id in enumerate(self.ids.tolist())}
        rows = [(i, row_of[sample_id]) for i, sample_id in enumerate(ids) if sample_id in row_of]
        pairs = np.array(rows, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]


def read_vectors(dataset: Dataset, name: str) -> VectorTable:
    """All vectors of a name; none when there are none. A damaged part is ignored."""
    parts = [part for path in sorted(_folder(dataset, name).glob("*.npz")) if (part := _read(path)) is not None]
    if not parts:
        return VectorTable(np.empty(0, "U24"), np.empty(0, "U1"), np.empty((0, 0), np.float16))
    ids = np.concatenate([part.ids for part in parts])
    _, newest = np.unique(ids[::-1], return_index=True)
    rows = np.sort(len(ids) - 1 - newest)
    states, vectors = (np.concatenate([getattr(part, field) for part in parts]) for field in ("states", "vectors"))
    return VectorTable(ids[rows], states[rows], vectors[rows])


def add_vectors(dataset: Dataset, name: str, ids: Sequence[str], states: Sequence[str], vectors: NDArray[Any]) -> None:
    """Keep some more vectors, all or none.

    Raises:
        OutputError: the folder is read-only or full.
    """
    if not len(ids):
        return None
    folder = _folder(dataset, name)
    folder.mkdir(parents=True, exist_ok=True)
    present = sorted(folder.glob("*.npz"))
    if present and _length(present[-1]) not in (None, vectors.shape[1]):
        shutil.rmtree(folder)  # vectors of another network
        return add_vectors(dataset, name, ids, states, vectors)
    number = int(present[-1].stem) + 1 if present else 0
    _write(folder / f"{number:06}.npz", VectorTable(np.array(ids), np.array(states), vectors.astype(np.float16)))
    if len(present) >= MANY_PARTS:
        whole = read_vectors(dataset, name)
        _write(folder / f"{number + 1:06}.npz", whole)  # the newest: the others count no more
        for path in sorted(folder.glob("*.npz"))[:-1]:
            path.unlink()
    return None


def _folder(dataset: Dataset, name: str) -> Path:
    return home() / "vectors" / str(dataset._doc.id) / name


def _write(path: Path, table: VectorTable) -> None:
    stream = io.BytesIO()
    np.savez(stream, ids=table.ids.astype("S24"), states=table.states.astype("S"), vectors=table.vectors)
    write_bytes(path, stream.getvalue())


def _read(path: Path) -> VectorTable | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return VectorTable(arrays["ids"].astype("U24"), arrays["states"].astype("U"), arrays["vectors"])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # it is made again


def _length(path: Path) -> int | None:
    part = _read(path)
    return None if part is None else int(part.vectors.shape[1])
