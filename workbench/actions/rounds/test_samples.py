"""Which images a round is judged on: real ones that no model was trained on and no scenario was fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.actions.export import manifest
from workbench.adapters import store
from workbench.adapters.store import Dataset
from workbench.base.errors import InputError
from workbench.base.files import sha256_file
from workbench.core.schema import fields
from workbench.core.tables import Table
from workbench.core.tables.filter import OneOf

JUDGED = ("test", "val")  # the first of them that has real images
ALL_REAL = "all real"


@dataclass(frozen=True)
class Data:
    """What a model was trained on, as an export's manifest says.

    Attributes:
        path: of the manifest.
        sha256: its hash.
        split_of: split by sample id, of the samples that are still in the dataset.
        synthetic: number of synthetic samples beside test and val.
    """

    path: str = ""
    sha256: str = ""
    split_of: Mapping[str, str] = field(default_factory=dict)
    synthetic: int = 0

    @property
    def trained(self) -> set[str]:
        """Ids of the samples that are not in test or val."""
        return {i for i, split in self.split_of.items() if split not in JUDGED}


@dataclass(frozen=True)
class Judged:
    """The images of a round.

    Attributes:
        ids: sample ids, sorted.
        split: where they are from: ``test``, ``val`` or ``all real``.
        left_out: real images of that split that a model was trained on or a scenario fitted to, by reason.
    """

    ids: tuple[str, ...]
    split: str
    left_out: Mapping[str, int]


def read_manifest(dataset: Dataset, path: Path) -> Data:
    """What an export's manifest says of the dataset's samples.

    Args:
        dataset: the dataset that was exported.
        path: the manifest, or the folder it lies in.

    Raises:
        InputError: it is not there or not a manifest, or names no sample of the dataset.
    """
    file = path / manifest.FILE_NAME if path.is_dir() else path
    _, entries = manifest.read(path, "source_key", "split", "source")
    samples = [(entry["source_key"], entry["split"], entry["source"]) for entry in entries]
    ids = store.source_keys(dataset, [key for key, *_ in samples])
    if samples and not ids:
        fix = "Pass manifest.json of the folder that wb.export wrote."
        raise InputError(f"The manifest lists no sample of the dataset {dataset.name}.", at=str(path), fix=fix)
    split_of = {ids[key]: split for key, split, _ in samples if key in ids}
    made = sum(source == "synthetic" and split not in JUDGED for _, split, source in samples)
    return Data(str(file), sha256_file(file), split_of, made)


def judged(dataset: Dataset, table: Table, data: Data) -> Judged:
    """The real images that a round is judged on: of ``test``, else of ``val``, else all.

    The manifest's splits count, else those of the dataset. Left out are images that the model was trained on by the
    manifest, and images that a scenario of the dataset's generated samples was fitted to.

    Raises:
        InputError: there are none.
    """
    real = set(table.ids[table.mask(OneOf(fields.SOURCE, ("real",)))].tolist())
    split, chosen = _split(table, data, real)
    fitted = {parent for relative in store.relatives(dataset) for parent in relative.parents}
    trained = data.trained & chosen
    left_out = {"trained on": len(trained), "fitted to": len((chosen & fitted) - trained)}
    kept = sorted(chosen - trained - fitted)
    if not kept:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in left_out.items() if n) or "none were loaded"
        fix = "Load real images that nothing was trained on or fitted to, or export with a test split."
        raise InputError(f"No real images to evaluate on ({reasons}).", at=f"{dataset.name}, {split}", fix=fix)
    return Judged(tuple(kept), split, {reason: n for reason, n in left_out.items() if n})


def _split(table: Table, data: Data, real: set[str]) -> tuple[str, set[str]]:
    for split in JUDGED:
        if ids := real & {i for i, own in data.split_of.items() if own == split}:
            return split, ids
    for split in JUDGED:
        if ids := real & set(table.ids[table.mask(OneOf(fields.SPLIT, (split,)))].tolist()):
            return split, ids
    return ALL_REAL, real


def rows_of(ids: Sequence[str], wanted: set[str]) -> Any:
    """Which of the ids are wanted, ``(n,)``."""
    return np.fromiter((row_id in wanted for row_id in ids), np.bool_, len(ids))
