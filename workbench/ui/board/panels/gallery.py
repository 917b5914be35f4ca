"""The gallery: pages of tiles, which of them are chosen, and one sample with everything that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.adapters import store
from workbench.adapters.store import Stored
from workbench.adapters.store import predictions as stored_predictions
from workbench.base.errors import InputError
from workbench.base.progress import Cancel
from workbench.core.schema import fields
from workbench.core.tables import NumberColumn, SetColumn
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.overlays import boxes_of, outlines_of
from workbench.ui.board.panel import Command, Panel, Reply
from workbench.ui.board.state import Selection, Side
from workbench.ui.board.thumbnails import full_picture, thumbnails

PAGE_MAX = 200
RELATED_SHOWN = 12
PARENT = f"{fields.GENERATION}.parent_sample_id"
GROUPS = ("generation", "measures", "camera", "evaluation")  # the rest are the sample's own fields


def page(
    state: Selection, jobs: Jobs, cancel: Cancel, start: int, count: int, side: Side = "filtered", masks: bool = False
) -> Reply:
    """Some of the samples shown, from place ``start``: labels, marks and thumbnails."""
    ids = _ids(state, start, count, side)
    samples = list(store.read(state.dataset, ids))
    cancel.check()
    tiles = _tiles(state, samples, masks=masks)
    return Reply({"tiles": tiles, "marks": _marks(state, ids)}, thumbnails(samples, cancel))


def marks(state: Selection, jobs: Jobs, start: int, count: int, side: Side = "filtered") -> list[bool]:
    """Which of some of the samples shown are chosen."""
    return _marks(state, _ids(state, start, count, side))


def _ids(state: Selection, start: int, count: int, side: Side) -> list[str]:
    first = max(0, start)
    return state.page(first, first + max(0, min(count, PAGE_MAX)), side=side)


def _marks(state: Selection, ids: Sequence[str]) -> list[bool]:
    rows = state.table.rows_of(list(ids))
    return [bool(row >= 0 and state.is_chosen[row]) for row in rows.tolist()]


def _tiles(state: Selection, samples: Sequence[Stored], *, masks: bool) -> list[dict[str, Any]]:
    field = None if state.evaluation is None else state.evaluation["field"]
    stored = stored_predictions.boxes(state.dataset, field, ids=[sample.id for sample in samples])
    boxes = {each.sample_id: boxes_of(each, state.hues) for each in stored}
    return [_tile(state, sample, boxes.get(sample.id, []), masks=masks) for sample in samples]


def _tile(state: Selection, sample: Stored, boxes: list[dict[str, Any]], *, masks: bool) -> dict[str, Any]:
    record = sample.record
    return {
        "id": sample.id,
        "name": record.origin,
        "source": sample.source,
        "aspect": record.width / record.height if record.height else 1.0,
        "boxes": boxes,
        "outlines": outlines_of(record, state.hues) if masks else [],
        "classification": record.classification,
        "lighting": record.attributes.get(fields.LIGHTING),
        "surface": record.attributes.get(fields.SURFACE),
        "scenario": record.generation.get("scenario_name"),
        "tags": list(sample.tags),
        "sorted": None if state.order is None else _value(state, sample.id, state.order[0]),
    }


def zoom(state: Selection, jobs: Jobs, cancel: Cancel, sample_id: str, step: int = 0, side: Side = "filtered") -> Reply:
    """One sample with all that is known of it and its related samples: its image, then thumbnails of the related.

    Args:
        state, jobs, cancel: as of every command.
        sample_id: the sample, or the one from which ``step`` counts.
        step: places away among the samples shown on ``side``; beyond the ends the last one is meant.
        side: which gallery.
    """
    sample_id, place = _beside(state, sample_id, step, side)
    sample = store.require_sample(state.dataset, sample_id)
    try:
        picture = full_picture(sample)
    except OSError as cause:
        fix = "Restore the file, or load the data again."
        raise InputError(f"The image cannot be read: {cause}.", at=str(sample.record.medium), fix=fix) from cause
    cancel.check()
    related = _related(state, sample)
    relatives = list(store.read(state.dataset, [sample_id for group in related for sample_id in group["ids"]]))
    result = {**_tiles(state, [sample], masks=True)[0], "groups": _facts(state, sample), "related": related}
    row = int(state.table.rows_of([sample.id])[0])
    result["place"], result["chosen"] = place, bool(row >= 0 and state.is_chosen[row])
    result["relatives"] = [{"id": each.id, "name": each.record.origin, "source": each.source} for each in relatives]
    return Reply(result, [picture, *thumbnails(relatives, cancel)])


def _beside(state: Selection, sample_id: str, step: int, side: Side) -> tuple[str, dict[str, int] | None]:
    """The sample some places away, and its place among those shown; the sample itself where it is not among them."""
    table, rows = state.table, state.pinned_rows if side == "pinned" else state.filtered
    places = np.flatnonzero(rows == table.rows_of([sample_id])[0])
    if not places.size:
        return sample_id, None
    at = min(max(int(places[0]) + step, 0), len(rows) - 1)
    return str(table.ids[rows[at]]), {"at": at, "all": len(rows)}


def _facts(state: Selection, sample: Stored) -> list[dict[str, Any]]:
    """All fields with a value, in groups."""
    record = sample.record
    own = {"file": str(record.medium), "size": f"{record.width} x {record.height}", "origin": record.origin}
    groups: dict[str, dict[str, str]] = {"sample": own | {"id": sample.id}}
    for name in state.table.columns:
        if (value := _value(state, sample.id, name)) is None:
            continue
        group, _, field = name.partition(".")
        if field and group in GROUPS:
            groups.setdefault(group, {})[field] = value
        else:
            groups["sample"].setdefault(name, value)
    for name, value in record.generation.items():
        if not isinstance(value, dict | list) and value not in (None, ""):
            groups.setdefault(fields.GENERATION, {}).setdefault(name, str(value))
    order = ["sample", *GROUPS[1:], GROUPS[0]]
    return [{"group": name, "facts": [list(pair) for pair in groups[name].items()]} for name in order if name in groups]


def _value(state: Selection, sample_id: str, name: str) -> str | None:
    """A facet of one sample as text."""
    column, row = state.table.column(name), int(state.table.rows_of([sample_id])[0])
    if row < 0:
        return None
    if isinstance(column, NumberColumn):
        number = float(column.values[row])
        return None if np.isnan(number) else f"{number:.6g}"
    if isinstance(column, SetColumn):
        codes = column.codes[column.starts[row] : column.starts[row + 1]]
        return ", ".join(column.names[code] for code in codes) or None
    code = int(column.codes[row])
    return None if code < 0 else column.names[code]


def _related(state: Selection, sample: Stored) -> list[dict[str, Any]]:
    """Samples of the same scene, those that this one recreates, and those that recreate it."""
    generation = sample.record.generation
    parents = [generation.get("parent_sample_id"), *(generation.get("parent_sample_ids") or ())]
    groups = {
        "same scene": _with_word(state, fields.SCENE_ID, sample.record.scene_id),
        "recreated from": list(dict.fromkeys(str(sample_id) for sample_id in parents if sample_id)),
        "recreated as": _with_word(state, PARENT, sample.id),
    }
    related = []
    for title, ids in groups.items():
        rows = state.table.rows_of(ids).tolist()
        present = [i for i, row in zip(ids, rows, strict=True) if row >= 0 and i != sample.id]
        if present:
            related.append({"title": title, "count": len(present), "ids": present[:RELATED_SHOWN]})
    return related


def _with_word(state: Selection, facet: str, word: str | None) -> list[str]:
    if word is None or facet not in state.table.columns:
        return []
    ids: list[str] = state.table.ids[state.table.column(facet).mask_of([word])].tolist()
    return ids


COMMANDS = {
    "page": Command(page, background=True),
    "marks": Command(marks),
    "zoom": Command(zoom, background=True),
}
PANEL = Panel(None, "gallery.js", COMMANDS, order=30)
