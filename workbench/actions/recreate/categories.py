"""Words that samples have in common: surface, classes, and how many labels they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.actions.recreate.contrast import common_words, confidence_of
from workbench.actions.recreate.report import Row
from workbench.core.assets import PART_NAMES, SURFACE_KINDS
from workbench.core.schema import fields
from workbench.core.tables import CategoryColumn, NumberColumn, SetColumn, Table

ALL_DRAWN = "; drawn from the whole library"
LIBRARY_PARTS: Mapping[str, Sequence[str]] = {name: (name,) for name in PART_NAMES}


def words_of(
    table: Table,
    rows: NDArray[np.bool_],
    others: NDArray[np.bool_],
    parts: Mapping[str, Sequence[str]] = LIBRARY_PARTS,
) -> tuple[dict[str, Any], list[Row]]:
    """Surface and classes that the samples have in common, and how many labels they have.

    Args:
        table: of the dataset.
        rows, others: ``(n,)`` the samples, and what they are compared with.
        parts: meshes by class, as words of the library or of files.
    """
    changes: dict[str, Any] = {}
    report: list[Row] = []
    surfaces = common_words(*(_category(table, fields.SURFACE, part) for part in (rows, others)))
    known = {word: share for word, share in surfaces.items() if word in SURFACE_KINDS}
    _take(changes, report, "scene.surface.label", known, surfaces, int(rows.sum()), "surfaces in common")
    shares = common_words(_labels(table, rows), _labels(table, others))
    common = {name: share for name, share in shares.items() if name in parts}
    _take(changes, report, "assets.targets.labels", common, shares, int(rows.sum()), "classes in common", parts)
    own = sorted({*_labels(table, rows), *_labels(table, others)} & set(parts))
    if own and not common:  # others than the data has would be labels that it lacks
        changes["assets.targets.labels"] = {"choice": [word for name in own for word in parts[name]]}
        why = report[-1].why.removesuffix(ALL_DRAWN)
        report[-1] = replace(report[-1], why=f"{why}; drawn from the classes of the data: {', '.join(own)}")
    counts = table.columns.get("labels")
    if isinstance(counts, NumberColumn) and np.nansum(counts.values[rows]) > 0:
        low, high = (int(np.clip(round(v), 1, 40)) for v in np.nanquantile(counts.values[rows], [0.1, 0.9]))
        changes["assets.targets.count"] = {"uniform_int": [low, high]}
        why = f"8 of 10 samples have {low} to {high} labels"
        report.append(Row("assets.targets.count", "jitter", [low, high], confidence_of(int(rows.sum())), why))
    return changes, report


def _take(
    changes: dict[str, Any],
    report: list[Row],
    path: str,
    known: Mapping[str, float],
    shares: Mapping[str, float],
    n: int,
    what: str,
    parts: Mapping[str, Sequence[str]] | None = None,
) -> None:
    if known:
        weights = {word: round(share / sum(known.values()), 3) for word, share in known.items()}
        drawn = (
            {each: weight / len(parts[word]) for word, weight in weights.items() for each in parts[word]}
            if parts
            else weights
        )
        changes[path] = {"choice": list(drawn), "weights": list(drawn.values())}
        why = f"{what}: " + ", ".join(f"{word} {share:.0%}" for word, share in weights.items())
        report.append(Row(path, "jitter", weights, confidence_of(n), why))
    elif shares:
        why = f"{what} ({', '.join(list(shares)[:3])}) are not in the asset library{ALL_DRAWN}"
        report.append(Row(path, "free", None, "unknown", why))
    else:
        report.append(Row(path, "free", None, "unknown", "nothing more frequent here than in the other samples"))


def _category(table: Table, name: str, rows: NDArray[np.bool_]) -> list[str | None]:
    column = table.columns[name]
    assert isinstance(column, CategoryColumn)
    return [None if code < 0 or column.names[code] == "unknown" else column.names[code] for code in column.codes[rows]]


def _labels(table: Table, rows: NDArray[np.bool_]) -> list[str]:
    column = table.columns["class"]
    assert isinstance(column, SetColumn)
    return [word for word, n in column.counts(rows).items() for _ in range(n)]
