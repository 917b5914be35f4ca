"""Commands that show: a page of the gallery, one sample with its kin, the failure map, the FiftyOne App."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.adapters import store
from workbench.adapters.store import Stored
from workbench.adapters.store import predictions as stored
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.base.progress import Cancel
from workbench.core.schema import fields
from workbench.core.tables import NumberColumn, SetColumn
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.failure_map import failure_map, toggle_cell
from workbench.ui.board.overlays import boxes_of, outlines_of
from workbench.ui.board.panels.slicer import side_of
from workbench.ui.board.thumbnails import full_picture, thumbnails

if TYPE_CHECKING:
    from workbench.ui.board.board import Board
    from workbench.ui.board.state import Selection

PAGE_MAX = 200
KIN_SHOWN = 12
PARENT = f"{fields.GENERATION}.parent_sample_id"
GROUPS = ("generation", "measures", "camera", "evaluation")  # the rest are the sample's own fields


def page(board: Board, cancel: Cancel, start: int, count: int, side: str = "filtered", masks: bool = False) -> Reply:
    """Some of the samples shown, from place ``start``: labels, marks and thumbnails."""
    first = max(0, int(start))
    chosen = board.joined
    ids = chosen.page(first, first + max(0, min(int(count), PAGE_MAX)), side=side_of(side))
    samples = list(store.read(chosen.dataset, ids))
    cancel.check()
    tiles = _tiles(chosen, samples, masks=bool(masks))
    return Reply({"tiles": tiles, "marks": _marks(chosen, ids)}, thumbnails(samples, cancel))


def marks(board: Board, start: int, count: int, side: str = "filtered") -> Reply:
    """Which of some of the samples shown are chosen."""
    first = max(0, int(start))
    ids = board.joined.page(first, first + max(0, min(int(count), PAGE_MAX)), side=side_of(side))
    return Reply(_marks(board.joined, ids))


def _marks(chosen: Selection, ids: Sequence[str]) -> list[bool]:
    rows = chosen.table.rows_of(list(ids))
    return [bool(row >= 0 and chosen.is_chosen[row]) for row in rows.tolist()]


def _tiles(chosen: Selection, samples: Sequence[Stored], *, masks: bool) -> list[dict[str, Any]]:
    field = None if chosen.evaluation is None else chosen.evaluation["field"]
    found = stored.boxes(chosen.dataset, field, ids=[sample.id for sample in samples])
    boxes = {one.sample_id: boxes_of(one, chosen.hues) for one in found}
    tiles = []
    for sample in samples:
        record = sample.record
        tiles.append(
            {
                "id": sample.id,
                "name": record.origin,
                "source": sample.source,
                "aspect": record.width / record.height if record.height else 1.0,
                "boxes": boxes.get(sample.id, []),
                "outlines": outlines_of(record, chosen.hues) if masks else [],
                "classification": record.classification,
                "lighting": record.attributes.get(fields.LIGHTING),
                "surface": record.attributes.get(fields.SURFACE),
                "scenario": record.generation.get("scenario_name"),
                "tags": list(sample.tags),
                "sorted": None if chosen.order is None else _value(chosen, sample.id, chosen.order[0]),
            }
        )
    return tiles


def zoom(board: Board, cancel: Cancel, sample_id: str) -> Reply:
    """One sample with all that is known of it, its kin, and its picture; thumbnails of the kin follow the picture."""
    chosen = board.joined
    sample = store.require_sample(chosen.dataset, sample_id)
    try:
        picture = full_picture(sample)
    except OSError as cause:
        fix = "Restore the file, or load the data again."
        raise InputError("a picture", found=str(cause), where=str(sample.record.medium), fix=fix) from cause
    cancel.check()
    kin = _kin(chosen, sample)
    relatives = list(store.read(chosen.dataset, [i for one in kin for i in one["ids"]]))
    small = thumbnails(relatives, cancel)
    result = {**_tiles(chosen, [sample], masks=True)[0], "groups": _facts(chosen, sample), "kin": kin}
    result["relatives"] = [
        {"id": one.id, "name": one.record.origin, "source": one.source, "aspect": 1.0} for one in relatives
    ]
    return Reply(result, [picture, *small])


def _facts(chosen: Selection, sample: Stored) -> list[dict[str, Any]]:
    """All fields with a value, in groups."""
    record = sample.record
    said: dict[str, dict[str, str]] = {
        "sample": {"file": str(record.medium), "size": f"{record.width} x {record.height}"}
    }
    said["sample"] |= {"origin": record.origin, "id": sample.id}
    for name in chosen.table.columns:
        if (value := _value(chosen, sample.id, name)) is None:
            continue
        group, _, own = name.partition(".")
        if own and group in GROUPS:
            said.setdefault(group, {})[own] = value
        else:
            said["sample"].setdefault(name, value)
    for name, value in record.generation.items():
        if not isinstance(value, dict | list) and value not in (None, ""):
            said.setdefault(fields.GENERATION, {}).setdefault(name, str(value))
    order = ["sample", *GROUPS[1:], GROUPS[0]]
    return [{"group": name, "facts": [[k, v] for k, v in said[name].items()]} for name in order if name in said]


def _value(chosen: Selection, sample_id: str, name: str) -> str | None:
    """A facet of one sample as text."""
    column, row = chosen.table.column(name), int(chosen.table.rows_of([sample_id])[0])
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


def _kin(chosen: Selection, sample: Stored) -> list[dict[str, Any]]:
    """Samples of the same scene, those that this one recreates, and those that recreate it."""
    generation = sample.record.generation
    parents = [generation.get("parent_sample_id"), *(generation.get("parent_sample_ids") or ())]
    found = {
        "same scene": _with_word(chosen, fields.SCENE_ID, sample.record.scene_id),
        "recreated from": list(dict.fromkeys(str(i) for i in parents if i)),
        "recreated as": _with_word(chosen, PARENT, sample.id),
    }
    kin = []
    for title, ids in found.items():
        there = [
            i for i, row in zip(ids, chosen.table.rows_of(ids).tolist(), strict=True) if row >= 0 and i != sample.id
        ]
        if there:
            kin.append({"title": title, "count": len(there), "ids": there[:KIN_SHOWN]})
    return kin


def _with_word(chosen: Selection, facet: str, word: str | None) -> list[str]:
    if word is None or facet not in chosen.table.columns:
        return []
    ids: list[str] = chosen.table.ids[chosen.table.column(facet).mask_of([word])].tolist()
    return ids


def heat(board: Board, cancel: Cancel, by: list[str], metric: str, said: bool = False) -> Reply:
    """A metric for every combination of words of two facets; ``said`` when the user has just asked for it."""
    found = failure_map(board.joined, tuple(map(str, by)), str(metric))
    if said:
        where = "" if found["where"] == "True" else f", where={found['where']!r}"
        board.joined.note_code(f"wb.heatmap(ds, {list(by)!r}, metric={metric!r}{where})")
    return Reply(found)


def cell(board: Board, by: list[str], words: list[str | None]) -> Reply:
    """Filter to one cell of the failure map, or back."""
    toggle_cell(board.joined, tuple(map(str, by)), tuple(words))
    return Reply()


def app(board: Board) -> Reply:
    """Open the filtered samples in the FiftyOne App, which follows from now on; returns its address."""
    return Reply(board.open_app())


def app_take(board: Board) -> Reply:
    """Take over what is selected in the App."""
    ids = store.app_selection()
    if not ids:
        fix = "Select pictures in the App (the box in the corner of each), then take them over."
        raise InputError("samples selected in the FiftyOne App", found="none", where="App", fix=fix)
    board.joined.select(ids, only=True)
    return Reply({"text": f"{counted(len(ids), 'sample')} taken over from the App."})


LOOKING = {
    "page": Command(page, aside=True),
    "marks": Command(marks),
    "zoom": Command(zoom, aside=True),
    "heat": Command(heat, aside=True),
    "cell": Command(cell),
    "app": Command(app),
    "app_take": Command(app_take),
}
