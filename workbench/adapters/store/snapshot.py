"""A table that is kept up to date with its dataset: read in bulk once, then only what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from workbench.adapters.store.columns import facets
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.datasets import opened, stamp
from workbench.adapters.store.groups import samples_only
from workbench.base.files import home
from workbench.core.tables import Facet, Table, table_file
from workbench.core.tables.column import KINDS

CHUNK = 50_000
WORTH_KEEPING = 50_000  # samples from which the table is kept on disk
# another process stamps its samples before it writes them, by its own clock
OVERLAP = timedelta(seconds=60)
CHANGED_AT = "last_modified_at"


class Snapshot:
    """The table of a dataset as of the last ``refresh``.

    It sees what other processes and the FiftyOne App change, because they all note the time of a change. Tables of
    large datasets are kept in ``$WORKBENCH_HOME/tables`` between sessions.

    Attributes:
        table: all facets of all samples.
        read: samples that the last ``refresh`` read from the database.
    """

    @translated
    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._stamp: tuple[int, datetime | None] | None = None
        self._facets: dict[str, Facet] = {}
        self.table, self.read = Table(np.array([], dtype="U24"), {}), 0
        self._recall()
        self.refresh()

    def is_stale(self) -> bool:
        """Whether the dataset has changed since; costs a millisecond."""
        return stamp(self._dataset) != self._stamp

    @translated
    def refresh(self) -> bool:
        """Take over what has changed; returns whether anything may have."""
        now = stamp(self._dataset)  # before reading: what changes meanwhile is read the next time
        if now == self._stamp:
            return False
        self._dataset.reload()
        columns = facets(self._dataset)
        since = self._stamp[1] - OVERLAP if self._stamp and self._stamp[1] else None
        changed = _table(self._dataset, columns, {CHANGED_AT: {"$gte": since}} if since else {})
        self.read = len(changed)
        self.table = self.table.patched(changed) if since else changed
        self._forget_deleted()
        self._stamp, self._facets = now, columns
        if len(self.table) >= WORTH_KEEPING and self.read > len(self.table) // 10:
            self.keep()
        return True

    def _forget_deleted(self) -> None:
        collection = self._dataset._sample_collection
        only = samples_only(self._dataset, {})
        n = collection.count_documents(only) if only else collection.estimated_document_count()
        if n != len(self.table):
            there = np.array([str(document["_id"]) for document in collection.find(only, {"_id": 1})], dtype="U24")
            self.table = self.table.taken(np.flatnonzero(np.isin(self.table.ids, there)))

    def keep(self) -> None:
        """Write the table to disk for the next session."""
        kinds = {name: [list(facet.paths), facet.kind] for name, facet in self._facets.items()}
        assert self._stamp and self._stamp[1]
        table_file.write(self._file, self.table, {"facets": kinds, "at": self._stamp[1].isoformat()})

    def _recall(self) -> None:
        """Start with the table of the last session, if its file is complete and has the same facets."""
        kept = table_file.read(self._file)
        if kept is None:
            return
        table, header = kept
        columns = {name: [list(facet.paths), facet.kind] for name, facet in facets(self._dataset).items()}
        if header.get("facets") == columns:
            self.table, self._stamp = table, (-1, datetime.fromisoformat(header["at"]))

    @property
    def _file(self) -> Path:
        return home() / "tables" / f"{self._dataset._doc.id}.npz"


@translated
def table(dataset: Dataset | str) -> Table:
    """All facets of all samples as columns, in order of loading."""
    dataset = opened(dataset)
    dataset.reload()
    return _table(dataset, facets(dataset), {})


def _table(dataset: Dataset, columns: Mapping[str, Facet], query: Mapping[str, Any]) -> Table:
    """Rows of a query; each comes as a flat list, which takes a third of the time of a document."""
    stages = [
        {"$match": samples_only(dataset, query)},
        {"$sort": {"_id": 1}},
        {"$project": {"v": ["$_id", *(_value(facet) for facet in columns.values())]}},
    ]
    rows = (document["v"] for document in dataset._sample_collection.aggregate(stages, allowDiskUse=True))
    parts = [_part(columns, chunk) for chunk in iter(lambda: list(islice(rows, CHUNK)), [])]
    while len(parts) > 1:  # in pairs, so that nothing is copied often
        parts = [first.joined(*second) for first, *second in _pairs(parts)]
    return parts[0] if parts else _part(columns, [])


def _pairs(parts: list[Table]) -> Iterator[list[Table]]:
    yield from (parts[i : i + 2] for i in range(0, len(parts), 2))


def _value(facet: Facet) -> Any:
    """The values of a facet as an expression of MongoDB; what is missing comes as ``None``."""
    if facet.kind == "set":
        return {"$concatArrays": [_words(f"${path}") for path in facet.paths]}
    if facet.kind == "sets":
        return {"$concatArrays": [_all_words(f"${path}") for path in facet.paths]}
    value: Any = f"${facet.paths[0]}"
    if len(facet.paths) > 1:
        value = {"$ifNull": [*(f"${path}" for path in facet.paths), None]}
    return {"$size": {"$cond": [{"$isArray": value}, value, []]}} if facet.kind == "count" else value


def _words(value: str) -> Any:
    lacking = {"$in": [{"$type": value}, ["missing", "null"]]}
    return {"$cond": [{"$isArray": value}, value, {"$cond": [lacking, [], [value]]}]}


def _all_words(value: str) -> Any:
    """The words of a list of lists."""
    each = {"$cond": [{"$isArray": "$$this"}, "$$this", []]}
    joined = {"$setUnion": ["$$value", each]}
    return {"$reduce": {"input": _words(value), "initialValue": [], "in": joined}}


def _part(facets_by_name: Mapping[str, Facet], rows: list[list[Any]]) -> Table:
    ids, *values = zip(*rows, strict=True) if rows else [()] * (len(facets_by_name) + 1)
    columns = {
        name: KINDS[facet.kind].of(given) for (name, facet), given in zip(facets_by_name.items(), values, strict=True)
    }
    return Table(np.array([str(i) for i in ids], dtype="U24"), columns)
