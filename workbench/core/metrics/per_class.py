"""Samples by class: a row for each class in each sample, so that a metric of a class counts labels of it alone.

The facet ``class`` of a sample says which classes it shows. Recall of the samples that show bearings is recall of all
labels in them; recall of bearings is that of the rows of bearings here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.metrics.outcomes import COUNTED, HIT
from workbench.core.metrics.registry import EVALUATION, HITS
from workbench.core.tables.column import CategoryColumn, Column, NumberColumn
from workbench.core.tables.table import Table

CLASS, LABELS = "class", "labels"
_PLACE = {word: at for at, word in enumerate(COUNTED.values(), 1)}  # 0 is the number of labels
Words = Sequence[Sequence[str | None]]  # class and outcome of each label


@dataclass(frozen=True, slots=True)
class LabelOutcomes:
    """Class and outcome of each true and of each predicted label of one sample; no outcome before an evaluation."""

    sample_id: str
    truth: Words
    predicted: Words = ()


def by_class(table: Table, samples: Iterable[LabelOutcomes]) -> Table:
    """A row for each class in each sample, and one for a sample without labels, in the order of the table.

    Args:
        table: the samples.
        samples: what became of their labels; samples that the table lacks are passed over.

    Returns:
        All facets of the table, repeated; ``class``, ``labels`` and what evaluation counted are those of one class.
        Labels predicted where the truth has none of their class have rows without labels.
    """
    ids, names, counts = _counted(samples)
    rows = table.rows_of(ids)
    order = np.argsort(rows, kind="stable")[int((rows < 0).sum()) :]
    rows = rows[order]
    columns: dict[str, Column] = {name: column.taken(rows) for name, column in table.columns.items()}
    columns[CLASS] = CategoryColumn.of([names[at] for at in order.tolist()])
    columns[LABELS] = NumberColumn(counts[order, 0])
    if HITS in table.columns:
        evaluated = ~table.columns[HITS].missing()[rows]
        for name, word in COUNTED.items():
            columns[f"{EVALUATION}.{name}"] = NumberColumn(np.where(evaluated, counts[order, _PLACE[word]], np.nan))
    return Table(table.ids[rows], columns)


def _counted(samples: Iterable[LabelOutcomes]) -> tuple[list[str], list[str | None], NDArray[np.float64]]:
    """Sample, class and numbers of each row."""
    ids: list[str] = []
    names: list[str | None] = []
    counts: list[list[float]] = []
    for sample in samples:
        of_class: dict[str | None, list[float]] = {}
        for name, outcome in sample.truth:
            own = of_class.setdefault(name, [0.0] * (len(_PLACE) + 1))
            own[0] += 1
            if outcome in _PLACE:
                own[_PLACE[outcome]] += 1
        for name, outcome in sample.predicted:
            if outcome in _PLACE and outcome != HIT:  # a hit counts once, by its truth
                of_class.setdefault(name, [0.0] * (len(_PLACE) + 1))[_PLACE[outcome]] += 1
        of_class = of_class or {None: [0.0] * (len(_PLACE) + 1)}
        ids += [sample.sample_id] * len(of_class)
        names += of_class
        counts += of_class.values()
    return ids, names, np.reshape(np.array(counts, float), (-1, len(_PLACE) + 1))
