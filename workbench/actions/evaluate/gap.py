"""The gap of a dataset: how far is the synthetic data from the real, or any slice from any other?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from workbench.actions.evaluate.gap_charts import aucs, bars
from workbench.actions.evaluate.gap_text import (
    DISTANCES,
    distance_sentence,
    distances,
    measure_sentence,
    object_sentence,
    unit,
)
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.objects import objects as read_objects
from workbench.adapters.store.vectors import VectorTable, read_vectors
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.core.embeddings import NETWORK
from workbench.core.gap.embeddings import FRECHET_LEAST, frechet, look_gap
from workbench.core.gap.gap import ALPHA, Gap, MeasureGap
from workbench.core.gap.gap import gap as measured_gap
from workbench.core.gap.objects import object_gap
from workbench.core.measures.registry import cyclic_measures
from workbench.core.metrics.holm import holm
from workbench.core.metrics.per_slice import parts_of
from workbench.core.report import html
from workbench.core.schema import fields
from workbench.core.schema.report import Problem
from workbench.core.tables import CategoryColumn, Filter, NumberColumn, Table
from workbench.core.tables.column import Mask
from workbench.core.tables.filter import OneOf

MOST_READ = 20_000  # samples per side whose labels are read: a million would take minutes and gigabytes
CYCLIC = cyclic_measures()  # 359 degrees is near 1: no distance on a line
CHANCE = 0.5
NUMBERS = ("auc", "low", "high", "p_value", "kid", "kid_p", "sliced_wasserstein", "sliced_wasserstein_p")


@dataclass(frozen=True)
class Look:
    """The gap in what images look like, from their vectors (``wb.embed``).

    Attributes:
        gap: AUC, kernel and sliced Wasserstein distance of the vectors' main components.
        frechet: Frechet distance, ``None`` where samples are too few for it.
        note: why there is no Frechet distance.
    """

    gap: Gap
    frechet: float | None
    note: str


@dataclass(frozen=True)
class Gaps:
    """Gaps, one row or one per word of a facet; the last line of a notebook cell draws them.

    Attributes:
        sides: the two sides in words; the first is the reference, whose spread is the unit.
        by: the facet, if any.
        found: word of the facet and gap.
        looks: the same in what images look like, ``None`` for those without vectors; empty when none has any.
        objects: the same in what images show, from their labels (``mining.objects``); ``None`` for those where a side
            has none, empty when all are so.
        problems: labels that could not be used.
    """

    sides: tuple[str, str]
    by: str | None
    found: tuple[tuple[str | None, Gap], ...]
    looks: tuple[Look | None, ...] = ()
    objects: tuple[Gap | None, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def views(self) -> Iterator[tuple[str | None, Gap, Look | None, Gap | None]]:
        """Word of the facet; the gap in measures, in looks and in objects."""
        nothing = (None,) * len(self.found)
        for (word, pictures), look, shown in zip(
            self.found, self.looks or nothing, self.objects or nothing, strict=True
        ):
            yield word, pictures, look, shown

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The gaps as plain values.

        ``per_measure`` and ``per_object`` have the distance of each measure and of each quantity of the labels, the
        farthest first. ``distance`` is the number to rank candidates by (``mining.objects.distance``): that of the
        images plus that of their objects, where both sides have labels.
        """
        return [self._row(*views) for views in self.views]

    def _row(self, word: str | None, pictures: Gap, look: Look | None, shown: Gap | None) -> dict[str, Any]:
        head: dict[str, Any] = {
            "samples": pictures.samples,
            "against": pictures.against,
            "different": pictures.different,
        }
        head |= distances(pictures, shown) | {name: getattr(pictures, name) for name in NUMBERS}
        if look is not None:
            head |= {f"look_{name}": getattr(look.gap, name) for name in NUMBERS} | {"frechet": look.frechet}
        if shown is not None:
            head |= {f"object_{name}": getattr(shown, name) for name in NUMBERS}
            head |= {"per_object": {quantity.name: quantity.distance for quantity in shown.measures}}
        head |= {"per_measure": {measure.name: measure.distance for measure in pictures.measures}}
        head |= {"words": measure_sentence(pictures, self.sides), "note": pictures.note}
        return head if self.by is None else {**head, self.by: word}

    @property
    def frame(self) -> pd.DataFrame:
        """One row per gap."""
        first = [self.by] if self.by else []
        looks = [*(f"look_{name}" for name in NUMBERS), "frechet"] if any(self.looks) else []
        shown = [f"object_{name}" for name in NUMBERS] if any(self.objects) else []
        names = ["samples", "against", "different", *DISTANCES, *NUMBERS, *looks, *shown, "words", "note"]
        return pd.DataFrame(self.rows, columns=[*first, *(name for name in names if name != self.by)])

    @property
    def measures(self) -> pd.DataFrame:
        """One row per gap and measure, or quantity of the labels: distance, medians, p-value."""
        rows = [
            self._measure(word, measure)
            for word, pictures, _, shown in self.views
            for measure in (*pictures.measures, *(shown.measures if shown else ()))
        ]
        names = ["measure", "distance", "expected", "reference", "other", "unit", "p_value"]
        return pd.DataFrame(rows, columns=([self.by] if self.by else []) + names)

    def _measure(self, word: str | None, measure: MeasureGap) -> dict[str, Any]:
        row = {name: getattr(measure, name) for name in ("distance", "expected", "reference", "other", "p_value")}
        row |= {"measure": measure.name, "unit": unit(measure.name)}
        return row if self.by is None else {self.by: word, **row}

    def __str__(self) -> str:
        lines = []
        for word, pictures, look, shown in self.views:
            named = f"{self.by} = {word}: " if self.by else ""
            sentences = [
                measure_sentence(pictures, self.sides),
                embedding_sentence(look) if look else "",
                object_sentence(shown) if shown else "",
            ]
            lines.append(named + " ".join(filter(None, [*sentences, distance_sentence(pictures, shown)])))
        return "\n".join([*lines, *map(str, self.problems)])

    def _repr_html_(self) -> str:
        return html.fragment(self._body())

    def _body(self) -> Markup:
        drawn = [
            bars(f"{self._name(word)}: {what}", part)
            for word, pictures, _, shown in self.views
            for what, part in (("distance per measure", pictures), ("distance per label property", shown))
            if part and part.measures
        ]
        first = aucs([(self._name(word), pictures) for word, pictures in self.found])
        return html.join(first, *drawn, html.paragraphs(str(self).splitlines()))

    def _name(self, word: str | None) -> str:
        return " / ".join(self.sides) if self.by is None else f"{word if word is not None else 'missing'}"

    def save(self, path: str | Path) -> Path:
        """Write a page that opens anywhere.

        Raises:
            OutputError: the folder is missing, read-only or full.
        """
        target = Path(path)
        write_bytes(target, html.page("Gap", self._body(), facts=(" against ".join(self.sides),)).encode())
        return target


def gap(
    dataset: Dataset | str,
    *,
    by: str | None = None,
    where: str | Filter | None = None,
    against: str | Filter | None = None,
    seed: int = 0,
) -> Gaps:
    """How far two sets of samples are apart, by what was measured on them; see ``mining.gap``.

    Real against synthetic; with ``where`` only the samples of that filter; with ``against`` the samples of ``where``
    (real ones by default) against those of ``against``. Where samples are embedded, also by what they look like; where
    both sides have labels, also by what these tell: number, size, place, shape, overlap, gloss, classes.

    Args:
        dataset: the dataset, measured.
        by: a facet: one gap per word of it; p-values are corrected for their number (Holm).
        where: see above.
        against: see above.
        seed: of folds, permutations and directions: the same call gives the same numbers.

    Raises:
        FilterError: unknown facet.
        InputError: not measured, a side is empty, or both share samples.
    """
    dataset = opened(dataset)
    table = store.table(dataset)
    names, values = _measured(table)
    asked = [None if side is None else store.asked(dataset, side) for side in (where, against)]
    first, second, sides = _sides(table, *asked)
    known = np.isfinite(values).any(axis=1)
    _require(first, second, known, sides)
    groups = _scenes(table)
    parts = [(None, np.ones(len(table), np.bool_))] if by is None else list(parts_of(table, by, first | second))
    vectors = read_vectors(dataset, NETWORK)
    gaps, looks, shown = [], [], []
    for word, rows in parts:
        first_rows, second_rows = (np.flatnonzero(side & rows & known) for side in (first, second))
        scenes = None if groups is None else (groups[first_rows], groups[second_rows])
        rng = np.random.default_rng(seed)
        gaps.append((word, measured_gap(values[first_rows], values[second_rows], names, rng=rng, groups=scenes)))
        looks.append(
            _look(vectors, (table.ids[first_rows], table.ids[second_rows]), scenes, seed) if len(vectors) else None
        )
        shown.append(_shown(dataset, (table.ids[first_rows], table.ids[second_rows]), scenes, seed))
    given = tuple(looks) if any(looks) else (), tuple(shown) if any(shown) else ()
    problems = store.odd_label_problems(dataset, ids=table.ids[first | second].tolist())
    return Gaps(sides, by, tuple(_corrected(gaps)), *given, tuple(problems))


def _shown(dataset: Dataset, ids: tuple[Any, Any], scenes: tuple[Any, Any] | None, seed: int) -> Gap | None:
    """The gap between the labels of two sides, of some samples where there are many; ``None`` when a side has none."""
    draw = np.random.default_rng(seed)
    rows = [np.sort(draw.permutation(len(side))[:MOST_READ]) for side in ids]
    boxes = (read_objects(dataset, side[some].tolist()) for side, some in zip(ids, rows, strict=True))
    groups = None if scenes is None else (scenes[0][rows[0]], scenes[1][rows[1]])
    labels_gap = object_gap(*boxes, rng=np.random.default_rng(seed), groups=groups)
    if labels_gap is None or max(map(len, ids)) <= MOST_READ:
        return labels_gap
    drawn = f"Labels of {labels_gap.samples:,} and {labels_gap.against:,} samples, drawn at random."
    return replace(labels_gap, note=" ".join(filter(None, [labels_gap.note, drawn])))


def _look(vectors: VectorTable, ids: tuple[Any, Any], scenes: tuple[Any, Any] | None, seed: int) -> Look | None:
    """The gap between the embedded ones of two sides; ``None`` when a side has none."""
    (places, rows), (other_places, other_rows) = (vectors.of(side.tolist()) for side in ids)
    if not len(rows) or not len(other_rows):
        return None
    first, second = vectors.vectors[rows], vectors.vectors[other_rows]
    groups = None if scenes is None else (scenes[0][places], scenes[1][other_places])
    distance = frechet(first, second)
    note = "" if distance is not None else f"no Frechet distance: mostly bias below {FRECHET_LEAST:,} images per side"
    return Look(look_gap(first, second, rng=np.random.default_rng(seed), groups=groups), distance, note)


def _measured(table: Table) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Names and numbers of the measures, ``(n, d)``."""
    prefix = f"{fields.MEASURES}."
    named = {
        name.removeprefix(prefix): column.values
        for name, column in table.columns.items()
        if name.startswith(prefix) and isinstance(column, NumberColumn)
    }
    for name in CYCLIC:
        named.pop(name, None)
    if not named or not any(np.isfinite(values).any() for values in named.values()):
        fix = "Measure first: wb.measure(ds), or workbench measure DATASET."
        raise InputError("No sample has been measured.", at=prefix + "*", fix=fix)
    return list(named), np.stack(list(named.values()), axis=1)


def _sides(table: Table, chosen: Filter | None, against: Filter | None) -> tuple[Mask, Mask, tuple[str, str]]:
    """Rows of both sides, and their names."""
    real, synthetic = (OneOf(fields.SOURCE, (source,)) for source in fields.SOURCES)
    if against is None:
        inside = np.ones(len(table), np.bool_) if chosen is None else table.mask(chosen)
        return table.mask(real) & inside, table.mask(synthetic) & inside, (fields.SOURCES[0], fields.SOURCES[1])
    first = real if chosen is None else chosen
    return table.mask(first), table.mask(against), (str(first), str(against))


def _require(first: Mask, second: Mask, known: Mask, sides: tuple[str, str]) -> None:
    """Refuse what cannot be compared."""
    if (both := int((first & second).sum())) > 0:
        problem = f"The two sides have {counted(both, 'sample')} in common."
        raise InputError(problem, at="where, against", fix="Change one of the filters.")
    for side, name in ((first, sides[0]), (second, sides[1])):
        if not side.any():
            fix = "Name the two sides: where='...', against='...' (--where F --against F)."
            raise InputError(f"The side '{name}' has no samples.", at="where, against", fix=fix)
        if not (side & known).any():
            fix = "Measure first: wb.measure(ds), or workbench measure DATASET."
            raise InputError(f"No sample of the side '{name}' has been measured.", at="measures", fix=fix)


def _scenes(table: Table) -> Any:
    """Name of the scene per sample, the sample's id where there is none; ``None`` where no sample has one."""
    column = table.columns.get(fields.SCENE_ID)
    if not isinstance(column, CategoryColumn) or not len(column.names):
        return None
    return np.where(column.codes >= 0, np.array([*column.names, ""])[column.codes], table.ids)


def _corrected(gaps: Sequence[tuple[str | None, Gap]]) -> Iterator[tuple[str | None, Gap]]:
    """With p-values corrected for the number of rows; an interval claims no more than its p-value."""
    tested = [measured.p_value for _, measured in gaps if measured.p_value is not None]
    corrected = iter(holm(tested))
    for word, measured in gaps:
        if measured.p_value is None or measured.low is None:
            yield word, measured
            continue
        p = next(corrected)
        yield word, replace(measured, p_value=p, low=measured.low if p < ALPHA else min(measured.low, CHANCE))


def embedding_sentence(look: Look) -> str:
    """The gap between the embeddings of the two sides, as a sentence."""
    measured = look.gap
    if measured.auc is None:
        return f"Embeddings: {measured.note}"
    kid = f"kernel distance {measured.kid:.3f} (p {measured.kid_p:.2g})"
    limits = f" ({look.note})" if look.note else f", Frechet distance {look.frechet:.1f}"
    return f"Embeddings: AUC {measured.auc:.2f} ({measured.low:.2f} to {measured.high:.2f}), {kid}{limits}."
