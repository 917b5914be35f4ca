"""The gap of a dataset: how far is the synthetic data from the real, or any slice from any other?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench import store
from workbench.counting import counted
from workbench.embeddings import NETWORK
from workbench.errors import InputError
from workbench.files import write_bytes
from workbench.measures import MEASURES
from workbench.mining.gap import ALPHA, Gap, MeasureGap
from workbench.mining.gap import gap as measured_gap
from workbench.mining.looks import FRECHET_LEAST, frechet, look_gap
from workbench.mining.slices import holm
from workbench.schema import fields
from workbench.slicing import CategoryColumn, Filter, NumberColumn, Table, parse
from workbench.slicing.cells import parts_of
from workbench.slicing.column import Mask
from workbench.slicing.filter import OneOf
from workbench.store import Dataset
from workbench.store.vectors import VectorTable, read_vectors

CYCLIC = ("light_direction_deg", "motion_direction_deg")  # 359 degrees is near 1: no distance on a line
CHANCE = 0.5
TOLD = 3  # measures named in words
SHOWN = 6  # measures drawn per row
NUMBERS = ("auc", "low", "high", "p_value", "kid", "kid_p", "sliced_wasserstein", "sliced_wasserstein_p")
STYLE = """
<style>
.wb-gap { font: 13px system-ui, sans-serif; color: inherit; max-width: 760px }
.wb-gap svg { display: block; width: 100%; height: auto; overflow: visible; margin: 6px 0 14px }
.wb-gap svg text { font: 12px system-ui, sans-serif; fill: currentColor }
.wb-gap svg .wb-axis { stroke: currentColor; opacity: .35 }
.wb-gap p { margin: 2px 0; color: inherit }
</style>
"""


@dataclass(frozen=True)
class Look:
    """The gap in what pictures look like, from their vectors (``wb.embed``).

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
        looks: the same in what pictures look like, ``None`` for those without vectors; empty when none has any.
    """

    sides: tuple[str, str]
    by: str | None
    found: tuple[tuple[str | None, Gap], ...]
    looks: tuple[Look | None, ...] = ()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The gaps as plain values; ``per_measure`` has the distance of each measure, farthest first."""
        looks = self.looks or (None,) * len(self.found)
        return [self._row(word, one, look) for (word, one), look in zip(self.found, looks, strict=True)]

    def _row(self, word: str | None, one: Gap, look: Look | None) -> dict[str, Any]:
        head: dict[str, Any] = {"samples": one.samples, "against": one.against, "different": one.different}
        head |= {name: getattr(one, name) for name in NUMBERS}
        if look is not None:
            head |= {f"look_{name}": getattr(look.gap, name) for name in NUMBERS} | {"frechet": look.frechet}
        distances = {measure.name: measure.distance for measure in one.measures}
        head |= {"per_measure": distances, "words": words(one, self.sides), "note": one.note}
        return head if self.by is None else {**head, self.by: word}

    @property
    def frame(self) -> pd.DataFrame:
        """One row per gap."""
        first = [self.by] if self.by else []
        looks = [*(f"look_{name}" for name in NUMBERS), "frechet"] if any(self.looks) else []
        names = ["samples", "against", "different", *NUMBERS, *looks, "words", "note"]
        return pd.DataFrame(self.rows, columns=[*first, *(name for name in names if name != self.by)])

    @property
    def measures(self) -> pd.DataFrame:
        """One row per gap and measure: distance, medians, p-value."""
        rows = [self._measure(word, one) for word, gap_ in self.found for one in gap_.measures]
        names = ["measure", "distance", "expected", "reference", "other", "unit", "p_value"]
        return pd.DataFrame(rows, columns=([self.by] if self.by else []) + names)

    def _measure(self, word: str | None, one: MeasureGap) -> dict[str, Any]:
        row = {name: getattr(one, name) for name in ("distance", "expected", "reference", "other", "p_value")}
        row |= {"measure": one.name, "unit": _unit(one.name)}
        return row if self.by is None else {self.by: word, **row}

    def __str__(self) -> str:
        named = ((f"{self.by} = {word}: " if self.by else "", one) for word, one in self.found)
        lines = [f"{name}{words(one, self.sides)}" for name, one in named]
        told = [look_words(look) if look else "" for look in self.looks]
        return "\n".join(" ".join(filter(None, parts)) for parts in zip_longest(lines, told, fillvalue=""))

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in str(self).splitlines())
        charts = "".join(_bars(self._name(word), one) for word, one in self.found if one.measures)
        return f"{STYLE}<div class='wb-gap'>{_aucs([(self._name(w), g) for w, g in self.found])}{charts}{lines}</div>"

    def _name(self, word: str | None) -> str:
        return " / ".join(self.sides) if self.by is None else f"{word if word is not None else 'missing'}"

    def save(self, path: str | Path) -> Path:
        """Write a page that opens anywhere.

        Raises:
            OutputError: the folder is missing, read-only or full.
        """
        target = Path(path)
        write_bytes(target, f"<!doctype html><meta charset='utf-8'><title>gap</title>{self._repr_html_()}".encode())
        return target


def gap(
    dataset: Dataset,
    *,
    by: str | None = None,
    where: str | Filter | None = None,
    against: str | Filter | None = None,
    seed: int = 0,
) -> Gaps:
    """How far two sets of samples are apart, by what was measured on them; see ``mining.gap``.

    Real against synthetic; with ``where`` only the samples of that filter; with ``against`` the samples of ``where``
    (real ones by default) against those of ``against``. Where samples are embedded, also by what they look like.

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
    table = store.table(dataset)
    names, values = _measured(table)
    first, second, sides = _sides(table, where, against)
    known = np.isfinite(values).any(axis=1)
    _require(first, second, known, sides)
    groups = _scenes(table)
    parts = [(None, np.ones(len(table), np.bool_))] if by is None else list(parts_of(table, by, first | second))
    vectors = read_vectors(dataset, NETWORK)
    found, looks = [], []
    for word, rows in parts:
        one, two = (np.flatnonzero(side & rows & known) for side in (first, second))
        scenes = None if groups is None else (groups[one], groups[two])
        rng = np.random.default_rng(seed)
        found.append((word, measured_gap(values[one], values[two], names, rng=rng, groups=scenes)))
        looks.append(_look(vectors, (table.ids[one], table.ids[two]), scenes, seed) if len(vectors) else None)
    return Gaps(sides, by, tuple(_corrected(found)), tuple(looks) if any(looks) else ())


def _look(vectors: VectorTable, ids: tuple[Any, Any], scenes: tuple[Any, Any] | None, seed: int) -> Look | None:
    """The gap between the embedded ones of two sides; ``None`` when a side has none."""
    (places, rows), (other_places, other_rows) = (vectors.of(side.tolist()) for side in ids)
    if not len(rows) or not len(other_rows):
        return None
    first, second = vectors.vectors[rows], vectors.vectors[other_rows]
    groups = None if scenes is None else (scenes[0][places], scenes[1][other_places])
    distance = frechet(first, second)
    note = "" if distance is not None else f"no Frechet distance: fewer than {FRECHET_LEAST:,} on a side, mostly bias"
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
        raise InputError("measured samples", found="no measures", where=prefix + "*", fix=fix)
    return list(named), np.stack(list(named.values()), axis=1)


def _sides(
    table: Table, where: str | Filter | None, against: str | Filter | None
) -> tuple[Mask, Mask, tuple[str, str]]:
    """Rows of both sides, and their names."""
    real, synthetic = (OneOf(fields.SOURCE, (source,)) for source in fields.SOURCES)
    chosen = _filter(where)
    if against is None:
        inside = np.ones(len(table), np.bool_) if chosen is None else table.mask(chosen)
        return table.mask(real) & inside, table.mask(synthetic) & inside, (fields.SOURCES[0], fields.SOURCES[1])
    first, second = real if chosen is None else chosen, _filter(against)
    assert second is not None
    return table.mask(first), table.mask(second), (str(first), str(second))


def _filter(text: str | Filter | None) -> Filter | None:
    return parse(text) if isinstance(text, str) else text


def _require(first: Mask, second: Mask, known: Mask, sides: tuple[str, str]) -> None:
    """Refuse what cannot be compared."""
    if (both := int((first & second).sum())) > 0:
        found = f"{counted(both, 'sample')} on both"
        raise InputError("two sides without common samples", found=found, where="where, against", fix="Change one.")
    for side, name in ((first, sides[0]), (second, sides[1])):
        if not side.any():
            fix = "Name the two sides: where='...', against='...' (--where F --against F)."
            raise InputError("samples on both sides", found=f"none that are {name}", where="where, against", fix=fix)
        if not (side & known).any():
            fix = "Measure first: wb.measure(ds), or workbench measure DATASET."
            raise InputError("measured samples", found=f"none that are {name}", where="measures", fix=fix)


def _scenes(table: Table) -> Any:
    """Name of the scene per sample, the sample's id where there is none; ``None`` where no sample has one."""
    column = table.columns.get(fields.SCENE_ID)
    if not isinstance(column, CategoryColumn) or not len(column.names):
        return None
    return np.where(column.codes >= 0, np.array([*column.names, ""])[column.codes], table.ids)


def _corrected(found: Sequence[tuple[str | None, Gap]]) -> Iterator[tuple[str | None, Gap]]:
    """With p-values corrected for the number of rows; an interval claims no more than its p-value."""
    tested = [one.p_value for _, one in found if one.p_value is not None]
    corrected = iter(holm(tested))
    for word, one in found:
        if one.p_value is None or one.low is None:
            yield word, one
            continue
        p = next(corrected)
        yield word, replace(one, p_value=p, low=one.low if p < ALPHA else min(one.low, CHANCE))


def words(one: Gap, sides: tuple[str, str]) -> str:
    """A gap for people: can they be told apart, and by what."""
    n = f"{one.samples:,} {sides[0]}, {one.against:,} {sides[1]}"
    if one.auc is None:
        return f"{n}. {one.note}"
    judged = f"AUC {one.auc:.2f} ({one.low:.2f} to {one.high:.2f})"
    note = f" {one.note}" if one.note else ""
    if not one.different:
        return f"{n}: cannot be told apart, {judged}.{note}"
    telling = [measure for measure in one.measures if measure.p_value < ALPHA][:TOLD]
    what = "; ".join(_told(measure) for measure in telling) or "no single measure, only several together"
    return f"{n}: can be told apart, {judged}. What gives it away: {what}.{note}"


def look_words(look: Look) -> str:
    """The gap in looks for people."""
    one = look.gap
    if one.auc is None:
        return f"By their looks: {one.note}"
    kid = f"kernel distance {one.kid:.3f} (p {one.kid_p:.2g})"
    limits = f" ({look.note})" if look.note else f", Frechet distance {look.frechet:.1f}"
    return f"By their looks: AUC {one.auc:.2f} ({one.low:.2f} to {one.high:.2f}), {kid}{limits}."


def _told(one: MeasureGap) -> str:
    unit = _unit(one.name)
    values = f"median {one.other:.3g} instead of {one.reference:.3g}{' ' + unit if unit else ''}"
    return f"{one.name} ({values}, {one.distance:.2g} spreads apart)"


def _unit(name: str) -> str:
    return MEASURES[name].unit if name in MEASURES else ""


def _aucs(rows: Sequence[tuple[str, Gap]]) -> str:
    """AUC with its interval per row, on an axis from 0.4 to 1."""
    known = [(name, one) for name, one in rows if one.auc is not None]
    if not known:
        return ""

    def x(value: float | None) -> float:
        return 220 + (min(max(value or 0.0, 0.4), 1.0) - 0.4) / 0.6 * 460

    height = 26 * len(known) + 30
    ticks = "".join(
        f"<line class='wb-axis' x1='{x(t):.1f}' x2='{x(t):.1f}' y1='4' y2='{height - 22}'"
        f" stroke-dasharray='{'none' if t == CHANCE else '2 4'}'/>"
        f"<text x='{x(t):.1f}' y='{height - 6}' text-anchor='middle'>{t:g}</text>"
        for t in (CHANCE, 0.75, 1.0)
    )
    marks = "".join(_auc_mark(name, one, 16 + 26 * k, x) for k, (name, one) in enumerate(known))
    caption = "AUC of telling the two sides apart: 0.5 cannot be told, 1 always; bar: 95 % interval"
    return f"<p>{caption}</p><svg viewBox='0 0 760 {height}' role='img' aria-label='{caption}'>{ticks}{marks}</svg>"


def _auc_mark(name: str, one: Gap, y: int, x: Any) -> str:
    colour = "#c2410c" if one.different else "#0f766e"
    title = f"{name}: {one.auc:.3f} ({one.low:.3f} to {one.high:.3f})"
    return (
        f"<g><title>{escape(title)}</title><text x='210' y='{y + 4}' text-anchor='end'>{escape(name[:34])}</text>"
        f"<line x1='{x(one.low):.1f}' x2='{x(one.high):.1f}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='4' "
        f"stroke-linecap='round' opacity='.45'/><circle cx='{x(one.auc):.1f}' cy='{y}' r='5' fill='{colour}'/>"
        f"<text x='700' y='{y + 4}'>{one.auc:.2f}</text></g>"
    )


def _bars(name: str, one: Gap) -> str:
    """The farthest measures of a row, in spreads of the reference; a tick where chance would put them."""
    shown = one.measures[:SHOWN]
    scale = 460 / max(max(measure.distance, measure.expected) for measure in shown)
    marks = ""
    for k, measure in enumerate(shown):
        y, end, chance = 8 + 22 * k, 220 + measure.distance * scale, 220 + measure.expected * scale
        colour = "#c2410c" if measure.p_value < ALPHA else "#94a3b8"
        marks += (
            f"<g><title>{escape(_told(measure))}</title>"
            f"<text x='210' y='{y + 12}' text-anchor='end'>{escape(measure.name[:34])}</text>"
            f"<rect x='220' y='{y}' width='{end - 220:.1f}' height='16' rx='2' fill='{colour}'/>"
            f"<line class='wb-axis' x1='{chance:.1f}' x2='{chance:.1f}' y1='{y - 1}' y2='{y + 17}'/>"
            f"<text x='{end + 8:.1f}' y='{y + 12}'>{measure.distance:.2f}</text></g>"
        )
    caption = escape(f"{name}: distance per measure in spreads of the reference; line: what chance gives")
    return f"<p>{caption}</p><svg viewBox='0 0 760 {22 * len(shown) + 12}' role='img'>{marks}</svg>"
