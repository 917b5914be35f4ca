"""A table that is kept up to date with its dataset: read in bulk once, then only what has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
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
from workbench.adapters.store.odd_samples import may_be_odd, odd_label_problems
from workbench.adapters.store.samples import object_id
from workbench.adapters.store.usable_labels import USABLE, odd_count
from workbench.base.files import home
from workbench.core.schema import fields
from workbench.core.schema.report import Problem
from workbench.core.tables import Facet, Table, table_file
from workbench.core.tables.column import KINDS, NumberColumn

CHUNK = 50_000
WORTH_KEEPING = 50_000  # samples from which the table is kept on disk
# another process stamps its samples before it writes them, by its own clock
OVERLAP_MS = 60_000.0
CHANGED_AT = "last_modified_at"
VERSION = "(version)"  # column of the times of change, which say that a sample differs, not which change was later
ODD = "(odd)"  # column of the numbers of labels that cannot be used
HIDDEN = (VERSION, ODD)
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
        self._rows = _part(dict.fromkeys(HIDDEN, "number"), [])
        self.table, self.read = _shown(self._rows), 0
        self._odd: tuple[list[Any], list[Problem]] = ([], [])
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
        self.table = _shown(self._rows)
        self._revision, self._facets = now, columns
        if len(self.table) >= WORTH_KEEPING and self.read > len(self.table) // 10:
            self.keep()
        return True

    def _take(self, columns: Mapping[str, Facet], query: Mapping[str, Any]) -> None:
        """Read the samples of a query."""
        changed = _table(self._dataset, columns, query, hidden=True)
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

    def label_problems(self) -> list[Problem]:
        """What there is to say of labels that cannot be used; only the samples that have any are looked at."""
        rows = np.flatnonzero(self._hidden(ODD))
        ids = self._rows.ids[rows].tolist()
        state = [ids, self._versions()[rows].tolist()]
        if state != self._odd[0]:
            self._odd = (state, odd_label_problems(self._dataset, ids=ids) if ids else [])
        return self._odd[1]

    def _versions(self) -> NDArray[np.float64]:
        """Times of change in milliseconds since 1970, by row."""
        return self._hidden(VERSION)

    def _hidden(self, name: str) -> NDArray[np.float64]:
        column = self._rows.columns[name]
        assert isinstance(column, NumberColumn)
        return column.values

    def _sum(self) -> tuple[int, int]:
        return len(self._rows), int((self._versions().astype(np.int64) % MODULUS).sum())

    def keep(self) -> None:
        """Write the table to disk for the next session."""
        table_file.write(self._file, self._rows, {"facets": _plain(self._facets)})

    def _recall(self) -> None:
        """Start with the table of the last session, if its file is complete and has the same facets."""
        kept = table_file.read(self._file)
        if kept is None:
            return
        table, header = kept
        if header.get("facets") == _plain(facets(self._dataset)) and set(HIDDEN) <= table.columns.keys():
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


def _plain(columns: Mapping[str, Facet]) -> dict[str, Any]:
    """Facets as plain JSON values: a kept table is of use as long as they are the same."""
    return {name: json.loads(json.dumps(asdict(facet))) for name, facet in columns.items()}


def _shown(rows: Table) -> Table:
    return Table(rows.ids, {name: column for name, column in rows.columns.items() if name not in HIDDEN})


def _table(dataset: Dataset, columns: Mapping[str, Facet], query: Mapping[str, Any], *, hidden: bool = False) -> Table:
    """Rows of a query; those that may have odd labels are read again and counted label by label, which is slow."""
    only = samples_only(dataset, query)
    plain = {name: replace(facet, items=None, variables={}) for name, facet in columns.items()}
    rows = _read(dataset, plain, only, [_version(), {"$literal": 0}] if hidden else [])
    odd = odd_count(fields.GROUND_TRUTH, f"$${USABLE}")
    if len(rows) <= CHUNK:  # found again by id, without another look at all samples
        only = {"_id": {"$in": [object_id(each) for each in rows.ids.tolist()]}}
    doubtful = {"$and": [only, may_be_odd(fields.GROUND_TRUTH)]}
    exact = _read(dataset, columns, doubtful, [_version(), odd] if hidden else [])
    return rows.patched(exact) if len(exact) else rows


def _read(dataset: Dataset, columns: Mapping[str, Facet], query: Mapping[str, Any], hidden: list[Any]) -> Table:
    """Rows with facets and hidden columns; each comes as a flat list, in a third of the time of a document."""
    variables = {name: value for facet in columns.values() for name, value in facet.variables.items()}
    values = ["$_id", *(facet.value() for facet in columns.values()), *hidden]
    stages = [
        {"$match": query},
        {"$sort": {"_id": 1}},
        {"$project": {"v": {"$let": {"vars": variables, "in": values}}}},
    ]
    kinds = {name: facet.kind for name, facet in columns.items()} | dict.fromkeys(HIDDEN[: len(hidden)], "number")
    rows = (document["v"] for document in dataset._sample_collection.aggregate(stages, allowDiskUse=True))
    parts = [_part(kinds, chunk) for chunk in iter(lambda: list(islice(rows, CHUNK)), [])]
    while len(parts) > 1:  # in pairs, so that nothing is copied often
        parts = [first.joined(*second) for first, *second in _pairs(parts)]
    return parts[0] if parts else _part(kinds, [])


def _pairs(parts: list[Table]) -> Iterator[list[Table]]:
    yield from (parts[i : i + 2] for i in range(0, len(parts), 2))


def _part(kinds: Mapping[str, str], rows: list[list[Any]]) -> Table:
    ids, *values = zip(*rows, strict=True) if rows else [()] * (len(kinds) + 1)
    columns = {name: KINDS[kind].of(given) for (name, kind), given in zip(kinds.items(), values, strict=True)}
    return Table(np.array([str(i) for i in ids], dtype="U24"), columns)
