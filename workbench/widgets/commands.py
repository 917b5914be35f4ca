"""What the browser may ask for: a closed list; every argument is checked again here.

The names stand in ``front/protocol.js`` as well; a test compares the two lists.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from workbench import curating, generating, store, tagging
from workbench.errors import Cancelled, InputError
from workbench.progress import Cancel, Listener
from workbench.scenario import Scenario, preset_names
from workbench.schema import fields
from workbench.store import Stored
from workbench.widgets.thumbnails import full_picture, thumbnails

if TYPE_CHECKING:
    from workbench.widgets.board import Board

PAGE_MAX = 200
HISTORY_ROWS = 200
PREVIEW_FRAMES = 4


@dataclass(frozen=True)
class Reply:
    """JSON values and binary buffers for the browser."""

    result: Any = None
    buffers: Sequence[bytes] = field(default_factory=tuple)


@dataclass(frozen=True)
class Command:
    """A command; ``changes`` says that the board's state is to be published afterwards."""

    function: Callable[..., Reply]
    changes: bool = False


def toggle(board: Board, facet: str, value: str | None) -> Reply:
    """Add or remove one word of a facet."""
    board.session.toggle(facet, value)
    return Reply()


def brush(board: Board, facet: str, low: float | None, high: float | None) -> Reply:
    """Keep a range of a facet with numbers."""
    board.session.brush(facet, low, high)
    return Reply()


def clear(board: Board, facet: str | None = None) -> Reply:
    """Remove one condition or all."""
    board.session.clear(facet)
    return Reply()


def where(board: Board, text: str) -> Reply:
    """Set the filter as text."""
    board.session.filter = text
    return Reply()


def page(board: Board, start: int, count: int) -> Reply:
    """One page of the gallery: labels and thumbnails of the filtered samples from ``start``."""
    first = max(0, int(start))
    ids = board.session.page(first, first + max(0, min(int(count), PAGE_MAX)))
    samples = list(store.read(board.session.dataset, ids))
    return Reply([_tile(board, sample) for sample in samples], thumbnails(samples))


def zoom(board: Board, sample_id: str) -> Reply:
    """One sample with all that is known of it, and its picture."""
    sample = store.require_sample(board.session.dataset, sample_id)
    record = sample.record
    known = {
        "source": sample.source,
        "origin": record.origin,
        "split": record.split,
        "scene": record.scene_id,
        **record.attributes,
        **{f"{fields.MEASURES}.{name}": round(value, 4) for name, value in sample.measures.items()},
        **{f"{fields.GENERATION}.{k}": v for k, v in record.generation.items() if not isinstance(v, dict | list)},
    }
    facts = [[name, str(value)] for name, value in known.items() if value not in (None, "")]
    try:
        return Reply({**_tile(board, sample), "facts": facts}, [full_picture(sample)])
    except OSError as cause:
        fix = "Restore the file, or load the data again."
        raise InputError("a picture", found=str(cause), where=str(record.image_path), fix=fix) from cause


def select(board: Board, ids: list[str], on: bool = True, only: bool = False) -> Reply:
    """Select or deselect samples; ``only`` empties the selection first."""
    if only:
        board.session.deselect()
    board.session.select(ids, on=on)
    board._selected = board.selection
    return Reply(board.session.counts())


def select_range(board: Board, start: int, end: int) -> Reply:
    """Select the filtered samples from place ``start`` to place ``end``, both included."""
    low, high = sorted((max(0, int(start)), max(0, int(end))))
    return select(board, board.session.page(low, high + 1))


def select_filtered(board: Board) -> Reply:
    """Select all filtered samples."""
    board.session.select_filtered()
    return Reply()


def deselect(board: Board) -> Reply:
    """Empty the selection."""
    board.session.deselect()
    return Reply()


def tag(board: Board, name: str, target: str, reason: str = "", action: str = "tag") -> Reply:
    """Tag or untag the selected or all filtered samples."""
    if target not in ("selected", "filtered") or action not in ("tag", "untag"):
        raise InputError("selected or filtered, tag or untag", found=f"{target}, {action}")
    entry = board.session.tag(name, target=target, reason=reason, action=action)
    verb = "tagged" if entry.action == "tag" else "untagged"
    return Reply({"text": f"{entry.changed:,} {verb} {entry.tag}, {entry.already:,} were so already."})


def undo(board: Board) -> Reply:
    """Take the last change of tags back."""
    entry = board.session.undo()
    return Reply({"text": f"Undone: {entry.tag} on {entry.changed:,} samples."})


def redo(board: Board) -> Reply:
    """Do the last undone change again."""
    entry = board.session.redo()
    return Reply({"text": f"Done again: {entry.tag} on {entry.changed:,} samples."})


def refresh(board: Board) -> Reply:
    """Read the dataset anew."""
    board.session.refresh()
    return Reply()


def follow(board: Board) -> Reply:
    """Read the dataset anew if it has changed."""
    board.session.follow()
    return Reply()


def history(board: Board) -> Reply:
    """All changes of tags, the newest first."""
    found = tagging.history(board.session.dataset).iloc[::-1].head(HISTORY_ROWS)
    found = found.assign(
        when=found["when"].map("{:%d %b %H:%M}".format),
        why=found["reason"].where(found["reason"] != "", found["where"]),
    )
    return Reply(found[["when", "who", "role", "action", "tag", "changed", "why"]].values.tolist())


def options(board: Board) -> Reply:
    """What the forms offer: presets, and folders to suggest."""
    folder = Path.cwd() / "out" / board.session.dataset.name
    return Reply({"presets": sorted(preset_names()), "folder": str(folder), "formats": ["coco", "yolo"]})


def preview(board: Board, scenario: str, seed: int) -> Reply:
    """Four frames of a scenario, small, with their boxes."""
    pictures = generating.preview(Scenario.load(scenario).replace(seed=int(seed)), PREVIEW_FRAMES)
    return Reply(len(pictures), [_jpeg(picture) for picture in pictures])


def generate(board: Board, scenario: str, n: int, seed: int) -> Reply:
    """Start to generate samples into the dataset."""
    dataset, made, count = board.session.dataset, Scenario.load(scenario), int(n)
    if count < 1:
        raise InputError("a number of samples of at least 1", found=str(count), where="generate")

    def work(listener: Listener, cancel: Cancel) -> str:
        job = generating.generate(made, into=dataset, n=count, seed=int(seed), listener=listener, cancel=cancel)
        try:
            return f"{job.result()}."
        except Cancelled as stop:
            fix = f"{job.so_far.generated:,} frames are kept; the same again completes it."
            raise Cancelled(stop.wanted, found=stop.found, fix=fix) from stop

    board.session.code.append(f"wb.generate({scenario!r}, into=ds, n={count}, seed={int(seed)}).result()")
    return Reply(board.jobs.start(f"Generate {count} of {made.name}", work))


def export(board: Board, folder: str, format: str, splits: dict[str, float] | None, scope: str) -> Reply:
    """Start to export the filtered samples, or all."""
    dataset = board.session.dataset
    condition = board.session.filter if scope == "filtered" else None

    def work(listener: Listener, cancel: Cancel) -> str:
        report = curating.export(
            dataset, Path(folder), format=format, splits=splits, where=condition, listener=listener, cancel=cancel
        )
        parts = [f"{name} {counts['samples']:,}" for name, counts in report.splits.items()]
        return f"{', '.join(parts)}; read back and compared. {report.manifest}"

    where_text = f', where="{condition}"' if condition is not None else ""
    board.session.code.append(f"wb.export(ds, {folder!r}, format={format!r}, splits={splits!r}{where_text})")
    return Reply(board.jobs.start(f"Export {format} to {Path(folder).name}", work))


def cancel(board: Board, number: int) -> Reply:
    """Stop a job."""
    board.jobs.cancel(int(number))
    return Reply()


def app(board: Board) -> Reply:
    """Open the filtered samples in the FiftyOne App; returns its address."""
    return Reply(store.open_app(board.view))


COMMANDS: dict[str, Command] = {
    "toggle": Command(toggle, changes=True),
    "brush": Command(brush, changes=True),
    "clear": Command(clear, changes=True),
    "where": Command(where, changes=True),
    "page": Command(page),
    "zoom": Command(zoom),
    "select": Command(select),
    "select_range": Command(select_range),
    "select_filtered": Command(select_filtered, changes=True),
    "deselect": Command(deselect, changes=True),
    "tag": Command(tag, changes=True),
    "undo": Command(undo, changes=True),
    "redo": Command(redo, changes=True),
    "refresh": Command(refresh, changes=True),
    "follow": Command(follow, changes=True),
    "history": Command(history),
    "options": Command(options),
    "preview": Command(preview),
    "generate": Command(generate, changes=True),
    "export": Command(export, changes=True),
    "cancel": Command(cancel),
    "app": Command(app),
}


def _tile(board: Board, sample: Stored) -> dict[str, Any]:
    record = sample.record
    boxes = [
        [label.name, label.xyxy[0] / record.width, label.xyxy[1] / record.height,
         label.xyxy[2] / record.width, label.xyxy[3] / record.height, board.session.hues.get(label.name, 0)]
        for label in record.labels
        if record.width and record.height
    ]  # fmt: skip
    return {
        "id": sample.id,
        "name": record.origin,
        "source": sample.source,
        "aspect": record.width / record.height if record.height else 1.0,
        "boxes": boxes,
        "classification": record.classification,
        "lighting": record.attributes.get(fields.LIGHTING),
        "surface": record.attributes.get(fields.SURFACE),
        "tags": list(sample.tags),
    }


def _jpeg(rgb: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=88)
    return out.getvalue()
