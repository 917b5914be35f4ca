"""The samples to recreate: what is measured on them, and what sets them apart from the others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.actions.recreate.contrast import Fact, fact
from workbench.actions.recreate.parameters import TARGETS
from workbench.actions.recreate.probes import BOX_MEASURES, box_measures
from workbench.adapters import store
from workbench.adapters.store import Dataset
from workbench.base.errors import InputError
from workbench.core.measures import MEASURES
from workbench.core.measures.registry import cyclic_measures
from workbench.core.scenario.anchor import Anchor
from workbench.core.schema import fields
from workbench.core.tables import Filter, NumberColumn, SetColumn, Table, as_filter

ANCHORS = 200  # samples named in the scenario
CYCLIC = cyclic_measures()  # 359 degrees is near 1: no number to regress on
LEAST_TO_JUDGE = 20  # samples from which half are kept to judge by

Values = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Samples:
    """What is recreated.

    Attributes:
        dataset, table: where they are.
        rows: ``(n,)`` which rows of the table they are.
        others: ``(n,)`` what they are compared with.
        facts: by measure, what sets them apart.
        numbers: by measure, the values of each of them; NaN is missing.
        tags: failure tags that most of them carry.
        spared: how many of those that were asked for belong to test, and are left out.
        all_of_test: whether all of them belong to test.
    """

    dataset: Dataset
    table: Table
    rows: Rows
    others: Rows
    facts: Mapping[str, Fact]
    numbers: Mapping[str, Values]
    tags: tuple[str, ...]
    spared: int = 0
    all_of_test: bool = False

    @property
    def ids(self) -> list[str]:
        """Sample ids."""
        return [str(i) for i in self.table.ids[self.rows]]

    def anchor(self) -> Anchor:
        """What a scenario says of them."""
        return Anchor(tuple(self.ids[:ANCHORS]), self.dataset.name, self.tags)

    def halves(self) -> tuple[Rows, Rows]:
        """Those to fit to and those to judge by, among themselves; few samples are both."""
        n = int(self.rows.sum())
        if n < LEAST_TO_JUDGE:
            return np.ones(n, np.bool_), np.ones(n, np.bool_)
        order = np.argsort([hashlib.sha256(i.encode()).digest()[:8] for i in self.ids])
        first = np.zeros(n, np.bool_)
        first[order[::2]] = True
        return first, ~first


def samples_of(
    dataset: Dataset, where: str | Filter | None, ids: Sequence[str] | None, *, spare_test: bool = True
) -> Samples:
    """The samples that are asked for; without those of test, if others are left.

    Raises:
        InputError: there are none, or none of them is measured.
        FilterError: the filter is wrong.
    """
    table = store.table(dataset)
    rows = _rows(table, None if where is None else store.asked(dataset, where), ids)
    given = int(rows.sum())
    of_test = np.isin(table.ids, list(store.held_back(dataset, alike=False)))
    all_of_test = bool(of_test[rows].all())
    if spare_test and not all_of_test:
        rows = rows & ~of_test
    others = _others(table, rows)
    facts = _facts(table, rows, others)
    if not facts:
        problem = "None of the selected samples has been measured."
        raise InputError(problem, at=dataset.name, fix="Measure first: wb.measure(ds), or workbench measure DATASET.")
    numbers = _numbers(table, rows) | _boxes(dataset, table.ids[rows].tolist())
    tags = tuple(_shared_tags(table, rows))
    return Samples(dataset, table, rows, others, facts, numbers, tags, given - int(rows.sum()), all_of_test)


def _rows(table: Table, where: str | Filter | None, ids: Sequence[str] | None) -> NDArray[np.bool_]:
    if (where is None) == (ids is None):
        problem = "Only one of where and ids is allowed." if ids is not None else "Neither where nor ids was given."
        raise InputError(problem, at="recreate", fix="Pass a filter or sample ids.")
    if ids is None:
        rows = table.mask(as_filter(where))
    else:
        positions = table.rows_of(list(ids))
        if (positions < 0).any():
            unknown = list(ids)[int(np.flatnonzero(positions < 0)[0])]
            raise InputError(f"The dataset has no sample {unknown!r}.", at="recreate")
        rows = np.zeros(len(table), np.bool_)
        rows[positions] = True
    if not rows.any():
        fix = "Look at `workbench info` for tags and facets."
        raise InputError("No samples to recreate are selected.", at="ids" if where is None else str(where), fix=fix)
    return rows


def _others(table: Table, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the samples are compared with: all other real ones, or all others of a dataset without real ones."""
    source = table.columns[fields.SOURCE]
    real = source.mask_of(["real"]) & ~rows
    return real if real.any() else ~rows


def _facts(table: Table, rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> dict[str, Fact]:
    facts = {}
    for measure in TARGETS:
        column = table.columns.get(f"{fields.MEASURES}.{measure}")
        if isinstance(column, NumberColumn) and (compared := fact(measure, column.values[rows], column.values[others])):
            facts[measure] = compared
    return facts


def _shared_tags(table: Table, rows: NDArray[np.bool_]) -> list[str]:
    """Failure tags that most of the samples carry, the most frequent first."""
    column = table.columns[fields.TAGS]
    assert isinstance(column, SetColumn)
    counts = {tag: n for tag, n in column.counts(rows).items() if tag.startswith(fields.FAILURE_PREFIX)}
    return sorted((tag for tag, n in counts.items() if n > rows.sum() / 2), key=lambda tag: -counts[tag])


def _numbers(table: Table, rows: NDArray[np.bool_]) -> dict[str, Values]:
    """Every measure that some of the samples have."""
    numbers = {}
    for name in MEASURES:
        column = table.columns.get(f"{fields.MEASURES}.{name}")
        if name not in CYCLIC and isinstance(column, NumberColumn) and np.isfinite(column.values[rows]).any():
            numbers[name] = column.values[rows]
    return numbers


def _boxes(dataset: Dataset, ids: Sequence[str]) -> dict[str, Values]:
    """Sizes and distances of true boxes, where some sample has any."""
    per_sample = [
        box_measures(list(stored.record.labels.boxes()), stored.record.width, stored.record.height)
        for stored in store.read(dataset, list(ids))
    ]
    columns = {name: np.array([sample[name] for sample in per_sample]) for name in BOX_MEASURES}
    return {name: values for name, values in columns.items() if np.isfinite(values).any()}
