"""Teach an attribute: a curator tags some samples, the workbench predicts the rest and lists the doubtful ones.

A mark is a tag ``<attribute>:<word>``, ``surface:brushed`` say. So marks are made with a key on the board, undone,
listed in the history and replayed on a copy like every other tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.vectors import read_vectors
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.embeddings import NETWORK, Lesson
from workbench.core.embeddings import teach as learn
from workbench.core.schema import fields
from workbench.core.tables import NumberColumn, SetColumn, Table

SURE = 0.6  # probability from which a word is given; below it ``unknown`` is the answer
DOUBTFUL = 24
UNKNOWN, MARKED, TAUGHT = "unknown", "curator", "taught"


@dataclass(frozen=True)
class Taught:
    """Outcome of ``teach``.

    Attributes:
        attribute: its name, a facet from now on, with ``<attribute>_confidence`` and ``<attribute>_from``.
        marks: marked samples per word.
        accuracy: balanced accuracy on marks held out (five folds); ``unknown`` is not given there.
        counts: samples per word that were predicted, ``unknown`` included.
        kept: samples whose word the data gives, which stays.
        doubtful: ids of unmarked samples, the most doubtful first: mark these next.
        features: what it was learned from: measures, and embeddings if there are any.
    """

    attribute: str
    marks: Mapping[str, int]
    accuracy: float
    counts: Mapping[str, int]
    kept: int
    doubtful: list[str] = field(repr=False)
    features: str = ""

    @property
    def frame(self) -> pd.DataFrame:
        """Marks and predictions per word."""
        words = [*self.marks, UNKNOWN]
        rows = [(word, self.marks.get(word, 0), self.counts.get(word, 0)) for word in words]
        return pd.DataFrame(rows, columns=[self.attribute, "marked", "predicted"])

    def __str__(self) -> str:
        counts = ", ".join(f"{word} {n:,}" for word, n in self.counts.items())
        return (
            f"{self.attribute} learned from {counted(sum(self.marks.values()), 'tag')} and {self.features}: "
            f"balanced accuracy {self.accuracy:.2f} on held-out tags; predicted {counts}"
            + (f"; {self.kept:,} keep the value of the data" if self.kept else "")
        )


def teach(dataset: Dataset | str, attribute: str, *, vectors: str = NETWORK) -> Taught:
    """Predict an attribute of all samples from those with tags ``<attribute>:<word>``.

    Words that the data gives stay. Marked samples get their word; the others the most likely one with its probability
    as confidence, or ``unknown`` below 0.6. Doing it again with more marks predicts anew.

    Args:
        dataset: the dataset or its name; measured, and better also embedded.
        attribute: e.g. ``surface``, or a name of your own such as ``wetness``.
        vectors: name of vectors of your own.

    Raises:
        InputError: the name is taken by another field, too few marks, or nothing to learn from.
    """
    dataset = opened(dataset)
    table = store.table(dataset)
    _check_name(attribute, table)
    words = _marks(table, attribute)
    marked = np.flatnonzero([word is not None for word in words])
    if not len(marked):
        fix = f"Tag 50 to 300 samples, e.g. wb.tag(ds, '{attribute}:brushed', ids=board.selected_ids)."
        raise InputError(f"No sample has a tag {attribute}:<word>.", at=dataset.name, fix=fix)
    blocks, features = _features(dataset, table, vectors)
    lesson = learn(blocks, marked, [str(words[row]) for row in marked])
    given = _given(table, attribute)
    values = {
        str(table.ids[row]): _values(attribute, lesson, row, words[row]) for row in np.flatnonzero(~given).tolist()
    }
    store.set_values(dataset, values)
    predicted = [sample[attribute] for sample in values.values() if sample[f"{attribute}_from"] == TAUGHT]
    counts = pd.Series(predicted, dtype=object).value_counts()
    unmarked = np.array([word is None for word in words]) & ~given
    order = np.argsort(-np.where(unmarked, lesson.doubt, -1.0), kind="stable")[: int(unmarked.sum())][:DOUBTFUL]
    return Taught(
        attribute,
        lesson.marks,
        lesson.accuracy,
        {str(word): int(n) for word, n in counts.items()},
        int(given.sum()),
        [str(table.ids[row]) for row in order],
        features,
    )


def _check_name(attribute: str, table: Table) -> None:
    taken = {*table.columns} - {*fields.ATTRIBUTES} if f"{attribute}_from" not in table.columns else set()
    if not attribute.isidentifier() or attribute in taken:
        fix = "Choose another name, for example finish."
        raise InputError(f"'{attribute}' is taken by another field or is not a valid name.", fix=fix)


def _marks(table: Table, attribute: str) -> list[str | None]:
    """The word of each marked sample.

    Raises:
        InputError: a sample has two.
    """
    tags, prefix = table.column(fields.TAGS), f"{attribute}:"
    assert isinstance(tags, SetColumn)
    words: list[str | None] = [None] * len(table)
    for name in (name for name in tags.names if name.startswith(prefix)):
        for row in np.flatnonzero(tags.mask_of([name])).tolist():
            if words[row] is not None:
                problem = f"The sample has two tags for {attribute}: {words[row]} and {name.removeprefix(prefix)}."
                raise InputError(problem, at=str(table.ids[row]), fix="Remove one of them.")
            words[row] = name.removeprefix(prefix)
    return words


def _features(dataset: Dataset, table: Table, name: str) -> tuple[list[NDArray[np.float64]], str]:
    """Measures, and vectors where there are some, ``(n, d)`` each; and in words."""
    measures = [
        column.values
        for path, column in table.columns.items()
        if path.startswith(f"{fields.MEASURES}.") and isinstance(column, NumberColumn)
    ]
    parts = [np.column_stack(measures)] if measures else []
    names = [counted(len(measures), "measure")] if measures else []
    embedded = read_vectors(dataset, name)
    places, rows = embedded.of(table.ids.tolist())
    if len(places):
        vectors = np.full((len(table), embedded.vectors.shape[1]), np.nan)
        vectors[places] = even(embedded.vectors[rows])
        parts.append(vectors)
        names.append(counted(len(places), "embedding"))
    if not parts:
        problem = "There are no measures and no embeddings to learn from."
        raise InputError(problem, at=dataset.name, fix="Measure first: wb.measure(ds), or workbench measure DATASET.")
    return parts, " and ".join(names)


def even(vectors: NDArray[np.float16]) -> NDArray[np.float64]:
    """Square roots, signs kept: a network's features are rarely large, and a linear model sees little else."""
    return np.asarray(np.sign(vectors) * np.sqrt(np.abs(vectors.astype(np.float64))))


def _given(table: Table, attribute: str) -> NDArray[np.bool_]:
    """Samples whose word is neither measured nor taught."""
    if attribute not in table.columns:
        return np.zeros(len(table), np.bool_)
    has = ~table.column(attribute).missing()
    origin = f"{attribute}_from"
    taught = (
        table.column(origin).mask_of([TAUGHT, MARKED]) if origin in table.columns else np.zeros(len(table), np.bool_)
    )
    measured = table.column(fields.ATTRIBUTES_FROM).mask_of(["measured"]) & (attribute in fields.ATTRIBUTES)
    return np.asarray(has & ~taught & ~measured)


def _values(attribute: str, lesson: Lesson, row: int, mark: str | None) -> dict[str, str | float]:
    confidence = 1.0 if mark is not None else float(lesson.confidence[row])
    word = mark or (lesson.words[lesson.predicted[row]] if confidence >= SURE else UNKNOWN)
    origin = MARKED if mark is not None else TAUGHT
    return {attribute: word, f"{attribute}_confidence": round(confidence, 4), f"{attribute}_from": origin}
