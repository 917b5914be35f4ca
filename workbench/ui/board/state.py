"""What a curator looks at and has chosen: filter, order, chosen samples, the session as Python. Needs no browser."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.actions.tag import remembered
from workbench.adapters import store
from workbench.adapters.store import Dataset
from workbench.base.errors import DatasetError, InputError
from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema import fields
from workbench.core.tables import EVERYTHING, Filter, NumberColumn, Table, parse
from workbench.core.tables.absent import absent
from workbench.core.tables.column import Mask, Rows
from workbench.core.tables.filter import all_of, resolve, words
from workbench.core.tables.ordering import ranking
from workbench.ui.board.code_line import DS, call, literal
from workbench.ui.board.conditions import between, by_facet, chosen_words, either
from workbench.ui.board.facet_states import CLASS, LABEL_TAGS, facet_state, find_words, usual_facets
from workbench.ui.board.overlays import class_hues
from workbench.ui.board.tagging import Tagging

Side = Literal["filtered", "pinned"]


class Selection(Tagging):
    """One way to look at a dataset, shared by any number of boards.

    Args:
        dataset: a dataset or the name of one.
        facets: names of the facets that slicers show; the usual ones when not given.

    Attributes:
        conditions: parts of the filter by facet.
        filtered, pinned_rows: rows of the table in the order shown: of the filter, and of the pinned one.
        pinned: a filter kept beside the current one to compare, ``None`` for none.
        order: facet by which samples are shown and whether from the largest; ``None`` for the order of loading.
        code: the session as Python, line by line; run on the same data it ends with the same samples.
        revision: grows when samples may look different.
        arrangement: grows when other samples, or in other places, are shown.
        marks: grows when other samples are chosen.
        embedding_map: the map of embeddings that boards show, with columns ``id``, ``x``, ``y``; ``None`` for none.

    Raises:
        DatasetError: no dataset of that name.
        FilterError: a facet that the dataset does not have.
    """

    def __init__(self, dataset: Dataset | str, *, facets: Sequence[str] | None = None) -> None:
        self.dataset = store.require_dataset(dataset) if isinstance(dataset, str) else dataset
        self.conditions: dict[str, Filter] = {}
        self.pinned: Filter | None = None
        self.order: tuple[str, bool] | None = None
        self.code: list[str] = [
            "import workbench as wb",
            f"ds = wb.open({literal(self.dataset.name)})",
            f"selection = {call(Selection, DS)}",
        ]
        self.embedding_map: pd.DataFrame | None = None
        self.revision = self.arrangement = self.marks = 0
        self.filtered: Rows = np.zeros(0, np.int64)
        self.pinned_rows: Rows = np.zeros(0, np.int64)
        self._chosen: Rows = np.zeros(0, np.int64)
        self._before: tuple[NDArray[np.str_], int, int] | None = None  # see ``_choose_anew``
        self._observers: list[weakref.WeakMethod[Callable[[], None]]] = []
        self._cached: tuple[int, list[dict[str, Any]]] = (-1, [])
        self._ranked: tuple[Table | None, tuple[str, bool] | None, Rows] = (None, None, self.filtered)
        self._totals: tuple[Table | None, dict[str, dict[str, int]]] = (None, {})
        self._prediction_notes: tuple[Table | None, list[str]] = (None, [])
        self._snapshot = store.Snapshot(self.dataset)
        self.table = self._shown_table = self._snapshot.table
        self.is_chosen: Mask = np.zeros(len(self.table), np.bool_)
        self._has_label_tags = LABEL_TAGS in self.table.columns
        self.facets = usual_facets(self.table) if facets is None else list(facets)
        for name in self.facets:
            self.table.column(name)
        self._arrange()

    def observe(self, method: Callable[[], None]) -> None:
        """Call a bound method after every change, as long as its object lives."""
        self._observers.append(weakref.WeakMethod(method))

    def _tell(self, code: str = "") -> None:
        # what only sets the selection needs no second line
        if code and not (code == self.code[-1] and code.startswith("selection.")):
            self.code.append(code)
        self._observers = [known for known in self._observers if known() is not None]
        for known in self._observers:
            if (method := known()) is not None:
                method()

    def note_code(self, line: str) -> None:
        """Add a line to the session as Python, for work that changes nothing here."""
        self._tell(line)

    def refresh(self) -> None:
        """Read what has changed: tags, samples and measures that came from elsewhere show up."""
        self._reread()
        self._tell()

    def is_stale(self) -> bool:
        """Whether the dataset has changed since it was read: another cell, curator or process was at work."""
        return self._snapshot.is_stale()

    def follow(self) -> None:
        """Read what has changed, if anything has."""
        if self.is_stale():
            self.refresh()

    def _reread(self) -> None:
        self._snapshot.refresh()
        before, self.table = self.table, self._snapshot.table
        if before is not self.table:
            rows = self.table.rows_of(before.ids[self._chosen])
            self._choose(rows[rows >= 0], anew=bool((rows < 0).any()))
        self._arrange()

    def _arrange(self) -> None:
        self.is_evaluated = f"{EVALUATION}.hits" in self.table.columns
        self.evaluation: dict[str, Any] | None = store.evaluation(self.dataset) if self.is_evaluated else None
        self.described = remembered(self.dataset, self._occurring(fields.TAGS))
        self.hues = class_hues(self.table.columns.get(CLASS))
        if LABEL_TAGS in self.table.columns and not self._has_label_tags:
            self.facets.append(LABEL_TAGS)  # the first tag of a label
        self._has_label_tags = LABEL_TAGS in self.table.columns
        self.facets = [name for name in self.facets if name in self.table.columns] or usual_facets(self.table)
        self._apply()

    def _apply(self) -> None:
        self.rows, self.rows_for = self.table.linked_masks(self.conditions)
        pinned = np.zeros(len(self.table), np.bool_) if self.pinned is None else self.table.mask(self.pinned)
        before, shown = (self.filtered, self.pinned_rows), self._shown_table
        self.filtered, self.pinned_rows = self._in_order(self.rows), self._in_order(pinned)
        same = shown is self.table  # else rows have other numbers by now, and the ids tell
        self.arrangement += not all(
            np.array_equal(old, new) if same else np.array_equal(shown.ids[old], self.table.ids[new])
            for old, new in zip(before, (self.filtered, self.pinned_rows), strict=True)
        )
        self._shown_table = self.table
        self.revision += 1

    def _in_order(self, rows: Mask) -> Rows:
        if self.order is None:
            return np.flatnonzero(rows)
        table, order, ranked = self._ranked
        if table is not self.table or order != self.order:
            ranked = ranking(self.table.column(self.order[0]), len(self.table), descending=self.order[1])
            self._ranked = (self.table, self.order, ranked)
        return ranked[rows[ranked]]

    @property
    def filter(self) -> Filter:
        """All conditions as one filter; can be set with text of the ``where`` language."""
        return all_of(*self.conditions.values())

    @filter.setter
    def filter(self, where: str | Filter) -> None:
        store.warn(self.set_filter(where))

    def set_filter(self, where: str | Filter) -> list[str]:
        """Set the filter; returns what the user has to know: words that no sample has, or that nothing matches."""
        condition = parse(where) if isinstance(where, str) else where
        self._catch_up()
        doubts = absent(condition, self.table)  # an unknown facet is refused before anything changes
        self.conditions = {
            resolve(key, self.table.columns) if key in condition.facets else key: part
            for key, part in by_facet(condition).items()
        }
        self._filtered_anew()
        return doubts

    @property
    def view(self) -> Any:
        """The samples of the filter as a FiftyOne view."""
        return store.view(self.dataset, self.filter)

    def toggle(self, facet: str, value: str | None) -> None:
        """Add or remove one word of a facet; ``None`` is the missing value."""
        self.table.column(facet)
        values, missing = chosen_words(self.conditions.get(facet))
        if value is None:
            missing = not missing
        else:
            values = tuple(v for v in values if v != value) if value in values else (*values, value)
        self._set({facet: either(facet, values, missing)})

    def brush(self, facet: str, low: float | None, high: float | None) -> None:
        """Keep the samples with ``low <= facet <= high``; ``None`` leaves that end open."""
        if not isinstance(self.table.column(facet), NumberColumn):
            raise InputError(f"'{facet}' has text values, not numbers.", fix="Use toggle.")
        self._set({facet: between(facet, low, high)})

    def clear(self, facet: str | None = None) -> None:
        """Remove the condition of one facet, or all of them."""
        self._set(dict.fromkeys(self.conditions if facet is None else [facet], EVERYTHING))

    def put(self, conditions: Mapping[str, Filter]) -> None:
        """Set the conditions of some facets at once; those that stand so already are removed."""
        on = all(self.conditions.get(facet) == condition for facet, condition in conditions.items())
        self._set(dict.fromkeys(conditions, EVERYTHING) if on else conditions)

    def _set(self, conditions: Mapping[str, Filter]) -> None:
        for facet, condition in conditions.items():
            self.conditions.pop(facet, None)
            if condition != EVERYTHING:
                self.conditions[facet] = condition
        self._filtered_anew()

    def _filtered_anew(self) -> None:
        self._apply()
        self._tell(f"selection.filter = {literal(self.filter)}")

    def sort(self, facet: str | None = None, *, descending: bool = False) -> None:
        """Show samples in the order of a facet, missing last; without one in the order of loading.

        Raises:
            FilterError: no such facet.
        """
        self._catch_up()
        self.order = None if facet is None else (resolve(facet, self.table.columns), bool(descending))
        self._apply()
        self._tell(call(self.sort, self.order and self.order[0], descending=bool(self.order and descending)))

    def pin(self, where: str | Filter | None = None) -> None:
        """Keep a filter (the current one) beside the board's, to compare the two."""
        condition = self.filter if where is None else parse(where) if isinstance(where, str) else where
        store.warn(absent(condition, self.table) if where is not None else [])
        self.pinned = condition
        self._apply()
        self._tell(call(self.pin, condition))

    def unpin(self) -> None:
        """End the comparison."""
        self.pinned = None
        self._apply()
        self._tell(call(self.unpin))

    def show_facet(self, facet: str, *, on: bool = True) -> None:
        """Show or hide a facet in the slicers.

        Raises:
            FilterError: no such facet.
        """
        name = resolve(facet, self.table.columns)
        self.facets = [other for other in self.facets if other != name] + ([name] if on else [])
        self.revision += 1
        self._tell()

    @property
    def output_folder(self) -> Path:
        """Where the board writes: ``out/<dataset>`` beside the notebook."""
        return Path.cwd() / "out" / str(self.dataset.name)

    @property
    def ids(self) -> list[str]:
        """Ids of the chosen samples, in the order in which they were chosen."""
        ids: list[str] = self.table.ids[self._chosen].tolist()
        return ids

    @property
    def filtered_ids(self) -> list[str]:
        """Ids of all filtered samples, in the order shown."""
        return self.page(0, len(self.filtered))

    def page(self, start: int, stop: int, *, side: Side = "filtered") -> list[str]:
        """Ids of some of the samples shown."""
        rows = self.pinned_rows if side == "pinned" else self.filtered
        ids: list[str] = self.table.ids[rows[start:stop]].tolist()
        return ids

    def select(self, ids: Iterable[str], *, on: bool = True, only: bool = False) -> None:
        """Choose samples or leave them out again; ``only`` leaves out all others first.

        Raises:
            DatasetError: an id that the dataset does not have.
        """
        wanted = list(dict.fromkeys(ids))
        rows = self.table.rows_of(wanted)
        if (unknown := np.flatnonzero(rows < 0)).size:
            first = str(wanted[int(unknown[0])])[:80]
            raise DatasetError(f"The dataset has no sample '{first}'.", at=self.dataset.name, fix="Refresh.")
        self._choose_anew(rows, call(self.select, wanted, on=on, only=only), on=on, only=only)

    def select_range(self, start: int, end: int, *, side: Side = "filtered") -> None:
        """Choose the samples shown from place ``start`` to place ``end``, both included."""
        self._catch_up()
        low, high = sorted((max(0, int(start)), max(0, int(end))))
        rows = (self.pinned_rows if side == "pinned" else self.filtered)[low : high + 1]
        self._choose_anew(rows, call(self.select_range, low, high, side=side))

    def select_back(self) -> None:
        """Choose what was chosen before the last choice: a double click opens a sample and chooses none."""
        if self._before is None:
            return
        (ids, before, after), self._before = self._before, None
        rows = self.table.rows_of(ids)
        self._choose(rows[rows >= 0])
        if len(self.code) == after:
            del self.code[before:]
            self._tell()
        else:
            self._tell(call(self.select, ids.tolist(), only=True) if len(ids) else call(self.deselect))

    def select_filtered(self) -> None:
        """Choose all filtered samples and no others."""
        self._catch_up()
        self._choose(self.filtered)
        self._tell(call(self.select_filtered))

    def deselect(self) -> None:
        """Choose nothing."""
        if len(self._chosen):
            self._choose(self._chosen[:0])
            self._tell(call(self.deselect))

    def _choose_anew(self, rows: Rows, code: str, *, on: bool = True, only: bool = False) -> None:
        """Choose some rows, and remember what was chosen and how many lines of code there were."""
        ids, before = self.table.ids[self._chosen], len(self.code)
        asked = np.zeros(len(self.table), np.bool_)
        asked[rows] = True
        kept = self._chosen[:0] if only else self._chosen[~asked[self._chosen]]
        self._choose(np.concatenate([kept, rows]) if on else kept)
        self._tell(code)
        self._before = (ids, before, len(self.code))

    def _choose(self, rows: Rows, *, anew: bool = True) -> None:
        self._chosen = rows
        self.is_chosen = np.zeros(len(self.table), np.bool_)
        self.is_chosen[rows] = True
        self.marks += anew
        if anew:
            self._before = None

    def _catch_up(self) -> None:
        """As ``follow``, for a method that tells of its change itself."""
        if self.is_stale():
            self._reread()

    def counts(self) -> dict[str, int]:
        """How many samples are selected (and of these hidden by the filter), filtered, pinned, and in all."""
        hidden = int(np.count_nonzero(self.is_chosen & ~self.rows))
        selected, filtered, pinned = (len(rows) for rows in (self._chosen, self.filtered, self.pinned_rows))
        return {"selected": selected, "hidden": hidden, "filtered": filtered, "pinned": pinned, "all": len(self.table)}

    def facet_states(self) -> list[dict[str, Any]]:
        """Bars and histograms with counts that follow all *other* facets' conditions."""
        if self._cached[0] != self.revision:
            self._cached = (self.revision, [self._facet_state(name) for name in self.facets])
        return self._cached[1]

    def _facet_state(self, name: str) -> dict[str, Any]:
        column, condition = self.table.column(name), self.conditions.get(name)
        return facet_state(name, column, self.rows_for.get(name, self.rows), condition, self._occurring(name))

    def _occurring(self, name: str) -> dict[str, int]:
        """How many samples have each word of a facet; words of removed tags are left out."""
        if self._totals[0] is not self.table:
            self._totals = (self.table, {})
        column = self.table.column(name)
        if name not in self._totals[1] and not isinstance(column, NumberColumn):
            counted = column.counts(np.ones(len(self.table), np.bool_))
            self._totals[1][name] = {word: n for word, n in counted.items() if n}
        return self._totals[1].get(name, {})

    def find_words(self, facet: str, text: str) -> list[dict[str, Any]]:
        """Words of a facet that hold a text, with their counts."""
        return find_words(
            self.table.column(facet), self.rows_for.get(facet, self.rows), text, self.conditions.get(facet)
        )

    def label_notes(self) -> dict[str, list[str]]:
        """What there is to say of labels that cannot be used, of the truth and of the predictions evaluated last.

        As ``notes`` of an answer to the browser; empty when there is nothing to say.
        """
        field = (self.evaluation or {}).get("field")
        if field and self._prediction_notes[0] is not self.table:
            notes = [str(each) for each in store.odd_label_problems(self.dataset, [field])]
            self._prediction_notes = (self.table, notes)
        notes = [*self.facet_notes(), *(self._prediction_notes[1] if field else [])]
        return {"notes": notes} if notes else {}

    def facet_notes(self) -> list[str]:
        """What there is to say of labels that facets do not count."""
        return [str(problem) for problem in self._snapshot.label_problems()]

    def chips(self) -> list[dict[str, str]]:
        """Active conditions in words."""
        return [{"facet": facet, "text": words(condition)} for facet, condition in self.conditions.items()]
