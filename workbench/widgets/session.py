"""What a curator sees and has chosen: filter, selection, counts and code. Works without a browser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from workbench import store, tagging
from workbench.errors import DatasetError, InputError
from workbench.schema import fields
from workbench.slicing import EVERYTHING, Filter, NumberColumn, SetColumn, parse
from workbench.slicing.filter import And, Missing, OneOf, Or, Range, all_of, words
from workbench.store import Dataset
from workbench.store.journal import Entry

CLASS = "class"
BARS = (fields.SOURCE, fields.LIGHTING, fields.SURFACE, fields.SENSOR, CLASS, fields.TAGS, fields.SPLIT)
HISTOGRAMS = tuple(f"{fields.MEASURES}.{name}" for name in ("exposure_ev", "highlight_share", "blur_px", "noise"))
GOLDEN_ANGLE_DEG = 137.508
REST = "where"  # key of conditions that belong to no single facet
SHOWN_IDS = 8  # ids written out in the code before it refers to the selection's tag


class Session:
    """Filter and selection over one dataset.

    Args:
        dataset: a FiftyOne dataset opened with ``workbench.open``.
        facets: names of the facets to show; the usual ones when not given.

    Raises:
        FilterError: a facet that the dataset does not have.
    """

    def __init__(self, dataset: Dataset, *, facets: Sequence[str] | None = None) -> None:
        self.dataset = dataset
        self.conditions: dict[str, Filter] = {}
        self.selected: dict[str, None] = {}  # an ordered set
        self.code: list[str] = ["import workbench as wb", f"ds = wb.open({dataset.name!r})"]
        self.filtered = np.zeros(0, np.int64)  # rows of the table
        self.revision = 0  # grows when samples may look different: the gallery asks for its pages again
        self.order = 0  # grows when other samples, or in other places, are shown: the old pages are wrong
        self._wanted = facets
        self._snapshot = store.Snapshot(dataset)
        self._filtered_of = self._snapshot.table
        self._arrange()

    def refresh(self) -> None:
        """Read the dataset anew: tags, samples and measures that came from elsewhere show up."""
        self._snapshot.refresh()
        self._arrange()

    def _arrange(self) -> None:
        self.table = self._snapshot.table
        usual = [name for name in (*BARS, *HISTOGRAMS) if name in self.table.columns]
        self.facets = [name for name in self._wanted or usual if self.table.column(name) is not None]
        classes = self.table.columns[CLASS]
        names = classes.names if isinstance(classes, SetColumn) else ()
        # golden-angle steps keep neighbours in the list far apart on the colour wheel
        self.hues = {name: round(place * GOLDEN_ANGLE_DEG % 360, 1) for place, name in enumerate(names)}
        rows = self.table.rows_of(list(self.selected)).tolist()
        self.selected = {i: None for i, row in zip(self.selected, rows, strict=True) if row >= 0}
        self._apply()

    def is_stale(self) -> bool:
        """Whether the dataset has changed since it was read: another cell, curator or process was at work."""
        return self._snapshot.is_stale()

    def follow(self) -> None:
        """Read the dataset anew if it has changed."""
        if self.is_stale():
            self.refresh()

    def _apply(self) -> None:
        self.rows, self.rows_for = self.table.linked_masks(self.conditions)
        before, table = self.filtered, self._filtered_of
        self.filtered, self._filtered_of = np.flatnonzero(self.rows), self.table
        self.revision += 1
        if table is self.table:
            self.order += not np.array_equal(before, self.filtered)
        else:
            self.order += not np.array_equal(table.ids[before], self.table.ids[self.filtered])

    def page(self, start: int, stop: int) -> list[str]:
        """Ids of some of the filtered samples, in the order shown."""
        ids: list[str] = self.table.ids[self.filtered[start:stop]].tolist()
        return ids

    @property
    def filtered_ids(self) -> list[str]:
        """Ids of all filtered samples."""
        return self.page(0, len(self.filtered))

    @property
    def filter(self) -> Filter:
        """All conditions as one filter."""
        return all_of(*self.conditions.values())

    @filter.setter
    def filter(self, where: str | Filter) -> None:
        condition = parse(where) if isinstance(where, str) else where
        self.follow()
        self.table.mask(condition)  # an unknown facet is refused before anything changes
        parts = condition.parts if isinstance(condition, And) else (condition,)
        self.conditions = {}
        for part in parts:
            if part != EVERYTHING:
                key = next(iter(part.facets)) if _is_simple(part) else REST
                self.conditions[key] = all_of(self.conditions.get(key, EVERYTHING), part)
        self._apply()
        self.code.append(f'board.filter = "{self.filter}"')

    @property
    def view(self) -> Any:
        """The samples of the filter as a FiftyOne view."""
        return store.view(self.dataset, self.filter)

    def toggle(self, facet: str, value: str | None) -> None:
        """Add or remove one word of a facet; ``None`` is the missing value."""
        self.table.column(facet)
        values, missing = _chosen(self.conditions.get(facet))
        if value is None:
            missing = not missing
        else:
            values = tuple(v for v in values if v != value) if value in values else (*values, value)
        self._set(facet, _either(facet, values, missing))

    def brush(self, facet: str, low: float | None, high: float | None) -> None:
        """Keep the samples with ``low <= facet <= high``; ``None`` leaves that end open."""
        if not isinstance(self.table.column(facet), NumberColumn):
            raise InputError("a facet with numbers", found=facet, where="brush")
        ends = [Range(facet, ">=", float(low))] if low is not None else []
        ends += [Range(facet, "<=", float(high))] if high is not None else []
        self._set(facet, all_of(*ends))

    def clear(self, facet: str | None = None) -> None:
        """Remove the condition of one facet, or all of them."""
        if facet is None:
            self.filter = EVERYTHING
        else:
            self._set(facet, EVERYTHING)

    def _set(self, facet: str, condition: Filter) -> None:
        self.conditions.pop(facet, None)
        if condition != EVERYTHING:
            self.conditions[facet] = condition
        self._apply()
        self.code.append(f'board.filter = "{self.filter}"')

    def select(self, ids: Iterable[str], *, on: bool = True) -> None:
        """Add samples to the selection or take them out.

        Raises:
            DatasetError: an id that the dataset does not have.
        """
        wanted = list(ids)
        unknown = np.flatnonzero(self.table.rows_of(wanted) < 0)
        if unknown.size:
            first = wanted[int(unknown[0])]
            raise DatasetError("ids of samples", found=first, where=self.dataset.name, fix="Refresh.")
        for i in wanted:
            self.selected.pop(i, None)
            if on:
                self.selected[i] = None

    def select_filtered(self) -> None:
        """Select all samples of the filter."""
        self.selected = dict.fromkeys(self.filtered_ids)

    def deselect(self) -> None:
        """Empty the selection."""
        self.selected = {}

    def tag(self, name: str, *, target: str = "selected", reason: str = "", action: str = "tag") -> Entry:
        """Tag or untag the ``selected`` samples, or all ``filtered`` ones; saved at once."""
        change = tagging.tag if action == "tag" else tagging.untag
        why = f", reason={reason!r}" if reason else ""
        if target == "filtered":
            entry = change(self.dataset, name, where=self.filter, reason=reason)
            self.code.append(f'wb.{action}(ds, {name!r}, where="{self.filter}"{why})')
        else:
            if not self.selected:
                fix = "Click pictures, or press Ctrl+A for all filtered ones."
                raise InputError("selected samples", found="none", where="selection", fix=fix)
            entry = change(self.dataset, name, ids=list(self.selected), reason=reason)
            self.code.append(f"wb.{action}(ds, {name!r}, ids={list(self.selected)!r}{why})")
        self.refresh()
        return entry

    def undo(self) -> Entry:
        """Take the last change of tags back."""
        return self._repeat("undo")

    def redo(self) -> Entry:
        """Do the last undone change again."""
        return self._repeat("redo")

    def _repeat(self, what: str) -> Entry:
        entry: Entry = getattr(tagging, what)(self.dataset)
        self.code.append(f"wb.{what}(ds)")
        self.refresh()
        return entry

    def counts(self) -> dict[str, int]:
        """How many samples are selected, filtered, and in all."""
        return {"selected": len(self.selected), "filtered": len(self.filtered), "all": len(self.table)}

    def facet_states(self) -> list[dict[str, Any]]:
        """Bars and histograms with counts that follow all *other* facets' conditions."""
        return [self._facet_state(name) for name in self.facets]

    def _facet_state(self, name: str) -> dict[str, Any]:
        column = self.table.column(name)
        rows = self.rows_for.get(name, self.rows)
        if isinstance(column, NumberColumn):
            edges = column.bin_edges()
            low, high = _ends(self.conditions.get(name))
            counts = column.counts(rows, edges).tolist()
            return {"name": name, "kind": "histogram", "edges": edges.tolist(), "counts": counts, "range": [low, high]}
        values, missing = _chosen(self.conditions.get(name))
        counted = sorted(column.counts(rows).items(), key=lambda item: (-item[1], item[0]))
        bars = [{"value": v, "count": n, "on": v in values} for v, n in counted]
        lacking = int(np.count_nonzero(column.missing() & rows))
        return {"name": name, "kind": "bars", "bars": bars, "missing": {"count": lacking, "on": missing}}

    def chips(self) -> list[dict[str, str]]:
        """Active conditions in words."""
        return [{"facet": facet, "text": words(condition)} for facet, condition in self.conditions.items()]

    def scenarios(self) -> list[dict[str, Any]]:
        """Failure scenarios with the number of samples that carry each; the first nine have a key."""
        rows = np.ones(len(self.table), np.bool_)
        column = self.table.column(fields.TAGS)
        counted = column.counts(rows) if not isinstance(column, NumberColumn) else {}
        names = sorted(name for name in counted if name.startswith(fields.FAILURE_PREFIX))
        return [{"tag": t, "count": counted[t], "key": str(i + 1) if i < 9 else ""} for i, t in enumerate(names)]


def _is_simple(part: Filter) -> bool:
    if isinstance(part, OneOf | Range | Missing):
        return True
    return isinstance(part, Or) and len(part.facets) == 1 and all(isinstance(p, OneOf | Missing) for p in part.parts)


def _chosen(condition: Filter | None) -> tuple[tuple[str, ...], bool]:
    """Words that a facet's condition allows, and whether it allows missing."""
    match condition:
        case OneOf(_, values):
            return tuple(map(str, values)), False
        case Missing():
            return (), True
        case Or(parts):
            found = [_chosen(part) for part in parts]
            return tuple(v for values, _ in found for v in values), any(missing for _, missing in found)
    return (), False


def _either(facet: str, values: tuple[str, ...], missing: bool) -> Filter:
    parts: list[Filter] = [OneOf(facet, values)] if values else []
    if missing:
        parts.append(Missing(facet))
    if not parts:
        return EVERYTHING
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _ends(condition: Filter | None) -> tuple[float | None, float | None]:
    parts = condition.parts if isinstance(condition, And) else (condition,)
    low = next((p.limit for p in parts if isinstance(p, Range) and p.order in (">", ">=")), None)
    high = next((p.limit for p in parts if isinstance(p, Range) and p.order in ("<", "<=")), None)
    return low, high
