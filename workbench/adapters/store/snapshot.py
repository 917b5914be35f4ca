"""A table that is kept up to date with its dataset: read in bulk once, then only what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.store.columns import facets
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.datasets import opened, revision
from workbench.adapters.store.groups import samples_only
from workbench.base.files import home
from workbench.core.tables import Facet, Table, table_file
from workbench.core.tables.column import KINDS, NumberColumn

CHUNK = 50_000
WORTH_KEEPING = 50_000  # samples from which the table is kept on disk
# another process stamps its samples before it writes them, by its own clock
OVERLAP_MS = 60_000.0
CHANGED_AT = "last_modified_at"
VERSION = "(version)"  # column of the times of change, which say that a sample differs, not which change was later
MODULUS = 1_000_003  # keeps sums of times exact
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Snapshot:
    """The table of a dataset as of the last ``refresh``.

    It sees what other processes and the FiftyOne App change, whatever their clocks say: the server counts all writes,
    and a sample is read again when its time of change is another one, earlier or later. Tables of large datasets are
    kept in ``$WORKBENCH_HOME/tables`` between sessions.

    Attributes:
        table: all facets of all samples.
        read: samples that the last ``refresh`` read from the database.
    """

    @translated
    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._revision: Any = None
        self._facets: dict[str, Facet] = {}
        self._rows = _part({}, [], versions=True)
        self.table, self.read = _without_versions(self._rows), 0
        self._recall()
        self.refresh()

    def is_stale(self) -> bool:
        """Whether the dataset has changed since; costs a millisecond."""
        now = revision(self._dataset)
        return now != self._revision if now else _sum(self._dataset) != self._sum()

    @translated
    def refresh(self) -> bool:
        """Take over what has changed; returns whether anything may have."""
        now = revision(self._dataset)  # before reading: what changes meanwhile is read the next time
        if now is not None and now == self._revision:
            return False
        self._dataset.reload()
        columns = facets(self._dataset)
        self.read = 0
        if len(self._rows):
            newest = EPOCH + timedelta(milliseconds=float(self._versions().max()) - OVERLAP_MS)
            self._take(columns, {CHANGED_AT: {"$gte": newest}})
            if _sum(self._dataset) != self._sum():  # samples deleted, or changed by a clock that is far behind
                self._take(columns, {"_id": {"$in": self._outdated()}})
        else:
            self._take(columns, {})
        self.table = _without_versions(self._rows)
        self._revision, self._facets = now, columns
        if len(self.table) >= WORTH_KEEPING and self.read > len(self.table) // 10:
            self.keep()
        return True

    def _take(self, columns: Mapping[str, Facet], query: Mapping[str, Any]) -> None:
        """Read the samples of a query."""
        changed = _table(self._dataset, columns, query, versions=True)
        self._rows = self._rows.patched(changed)
        self.read += len(changed)

    def _outdated(self) -> list[Any]:
        """Ids of the samples whose versions differ from those here; those that are gone are forgotten."""
        stages = [{"$match": samples_only(self._dataset, {})}, {"$project": {"v": _version()}}]
        there = {str(found["_id"]): found for found in self._dataset._sample_collection.aggregate(stages)}
        ids = np.array(list(there), dtype="U24")
        self._rows = self._rows.taken(np.flatnonzero(np.isin(self._rows.ids, ids)))
        known = dict(zip(self._rows.ids.tolist(), self._versions().tolist(), strict=True))
        return [found["_id"] for key, found in there.items() if known.get(key) != found["v"]]

    def _versions(self) -> NDArray[np.float64]:
        """Times of change in milliseconds since 1970, by row."""
        column = self._rows.columns[VERSION]
        assert isinstance(column, NumberColumn)
        return column.values

    def _sum(self) -> tuple[int, int]:
        return len(self._rows), int((self._versions().astype(np.int64) % MODULUS).sum())

    def keep(self) -> None:
        """Write the table to disk for the next session."""
        kinds = {name: [list(facet.paths), facet.kind] for name, facet in self._facets.items()}
        table_file.write(self._file, self._rows, {"facets": kinds})

    def _recall(self) -> None:
        """Start with the table of the last session, if its file is complete and has the same facets."""
        kept = table_file.read(self._file)
        if kept is None:
            return
        table, header = kept
        columns = {name: [list(facet.paths), facet.kind] for name, facet in facets(self._dataset).items()}
        if header.get("facets") == columns and VERSION in table.columns:
            self._rows = table

    @property
    def _file(self) -> Path:
        return home() / "tables" / f"{self._dataset._doc.id}.npz"


@translated
def table(dataset: Dataset | str) -> Table:
    """All facets of all samples as columns, in order of loading."""
    dataset = opened(dataset)
    dataset.reload()
    return _table(dataset, facets(dataset), {})


def _sum(dataset: Dataset) -> tuple[int, int]:
    """How many samples there are, and the sum of their versions; from the index alone."""
    only = samples_only(dataset, {})
    total = {"_id": None, "n": {"$sum": 1}, "sum": {"$sum": {"$mod": [_version(), MODULUS]}}}
    found = list(dataset._sample_collection.aggregate([{"$match": only}, {"$group": total}]))
    return (int(found[0]["n"]), int(found[0]["sum"])) if found else (0, 0)


def _version() -> Any:
    """When a sample was changed, in milliseconds since 1970, as an expression of MongoDB; 0 for unknown."""
    return {"$convert": {"input": f"${CHANGED_AT}", "to": "long", "onError": 0, "onNull": 0}}


def _without_versions(rows: Table) -> Table:
    return Table(rows.ids, {name: column for name, column in rows.columns.items() if name != VERSION})


def _table(
    dataset: Dataset, columns: Mapping[str, Facet], query: Mapping[str, Any], *, versions: bool = False
) -> Table:
    """Rows of a query; each comes as a flat list, which takes a third of the time of a document."""
    values = [*(_value(facet) for facet in columns.values()), *([_version()] if versions else [])]
    stages = [
        {"$match": samples_only(dataset, query)},
        {"$sort": {"_id": 1}},
        {"$project": {"v": ["$_id", *values]}},
    ]
    rows = (document["v"] for document in dataset._sample_collection.aggregate(stages, allowDiskUse=True))
    parts = [_part(columns, chunk, versions=versions) for chunk in iter(lambda: list(islice(rows, CHUNK)), [])]
    while len(parts) > 1:  # in pairs, so that nothing is copied often
        parts = [first.joined(*second) for first, *second in _pairs(parts)]
    return parts[0] if parts else _part(columns, [], versions=versions)


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


def _part(facets_by_name: Mapping[str, Facet], rows: list[list[Any]], *, versions: bool) -> Table:
    kinds = {name: facet.kind for name, facet in facets_by_name.items()} | ({VERSION: "number"} if versions else {})
    ids, *values = zip(*rows, strict=True) if rows else [()] * (len(kinds) + 1)
    columns = {name: KINDS[kind].of(given) for (name, kind), given in zip(kinds.items(), values, strict=True)}
    return Table(np.array([str(i) for i in ids], dtype="U24"), columns)
