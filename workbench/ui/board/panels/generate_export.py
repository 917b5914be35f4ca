"""Commands that make data: preview, generate, export, and the jobs that do it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from workbench.actions import export as curating
from workbench.actions import generate as generating
from workbench.actions.export.media import MEDIA
from workbench.adapters.formats.registry import WRITERS
from workbench.adapters.render import BACKENDS
from workbench.adapters.store.predictions import box_fields
from workbench.base.errors import Cancelled, InputError
from workbench.base.files import sha256_text, write_bytes
from workbench.base.plurals import counted
from workbench.base.progress import Cancel, Listener
from workbench.core.scenario import Scenario, preset_names
from workbench.core.scenario.document import parse_text
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.jobs import Done
from workbench.ui.board.panels.analyse import SIDES, measured
from workbench.ui.board.panels.rounds import trainers

if TYPE_CHECKING:
    from workbench.ui.board.board import Board

PREVIEW_FRAMES = 4
SPLITS = ("train", "val", "test")


def options(board: Board) -> Reply:
    """What the forms offer."""
    dataset, table = board.joined.dataset, board.joined.table
    return Reply(
        {
            "presets": sorted(preset_names()),
            "backends": [name for name in BACKENDS if name != "flat"],
            "folder": str(_out(board) / "export"),
            "formats": list(WRITERS),
            "media": list(MEDIA),
            "predictions": box_fields(dataset),
            "measured": measured(table),
            "sides": list(SIDES),
            "trainers": trainers(board),
            "rounds_folder": str(_out(board) / "rounds"),
        }
    )


def scenario(board: Board, name: str) -> Reply:
    """A scenario as YAML, to read and to change."""
    return Reply(Scenario.load(str(name)).dump())


def preview(board: Board, cancel: Cancel, scenario: str, seed: int, text: str = "", first: int = 0) -> Reply:
    """Four frames of a scenario, small, with their boxes."""
    made = made_of(scenario, text).replace(seed=int(seed))
    pictures = generating.preview(made, PREVIEW_FRAMES, first_frame=max(0, int(first)))
    return Reply(len(pictures), [_jpeg(picture) for picture in pictures])


def made_of(scenario: str, text: str) -> Scenario:
    """The scenario of a name or file, or of an edited text."""
    return Scenario.load(parse_text(str(text), where="the edited scenario") if text else str(scenario))


def _jpeg(rgb: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=88)
    return out.getvalue()


def generate(
    board: Board,
    scenario: str,
    n: int,
    seed: int,
    text: str = "",
    backend: str = "open3d",
    workers: int | None = None,
) -> Reply:
    """Start to generate samples into the dataset; an edited scenario is saved beside the notebook first."""
    dataset, made, count = board.joined.dataset, made_of(scenario, text), int(n)
    if count < 1:
        raise InputError("a number of samples of at least 1", found=str(count), where="generate")
    if backend not in BACKENDS:
        raise InputError("a rendering backend", found=repr(backend)[:80], where="generate")
    given: dict[str, Any] = {
        "seed": int(seed),
        "backend": str(backend),
        "workers": None if workers is None else max(1, int(workers)),
    }
    source = _saved(board, made, text) if text else str(scenario)

    def work(listener: Listener, cancel: Cancel) -> Done:
        job = generating.generate(made, into=dataset, n=count, **given, listener=listener, cancel=cancel)
        try:
            return Done(f"{job.result()}.")
        except Cancelled as stop:
            fix = f"{counted(job.so_far.generated, 'frame')} kept; the same again completes it."
            raise Cancelled(stop.wanted, found=stop.found, fix=fix) from stop

    usual = {"backend": "open3d", "workers": None}
    said = "".join(f", {name}={value!r}" for name, value in given.items() if name == "seed" or value != usual[name])
    board.joined.note_code(f"wb.generate({source!r}, into=ds, n={count}{said}).result()")
    return Reply(board.jobs.start(f"Generate {count} of {made.name}", work, kind="generate"))


def _saved(board: Board, made: Scenario, text: str) -> str:
    """Path of an edited scenario; its name says its content, so that old lines of code keep their meaning."""
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in made.name)[:60]
    path = _out(board) / "scenarios" / f"{safe}-{sha256_text(text)[:8]}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode())
    return str(path)


def export(
    board: Board,
    folder: str,
    format: str,
    splits: dict[str, float] | None,
    scope: str,
    seed: int = 0,
    media: str = "copy",
    real_only: bool = True,
    near_duplicates: bool = True,
    stages: bool = False,
    folds: int = 0,
    max_synthetic: float | None = None,
) -> Reply:
    """Start to export the filtered samples, or all."""
    dataset = board.joined.dataset
    condition = board.joined.filter if scope == "filtered" else None
    if not str(folder).strip():
        raise InputError("a folder", found="none", where="export", fix="Give a new or empty one.")
    given: dict[str, Any] = {"format": str(format), "splits": splits, "seed": int(seed), "media": str(media)}
    given |= {"real_only": ("test",) if real_only else (), "near_duplicates": bool(near_duplicates)}
    given |= {"stages": bool(stages), "folds": int(folds)}
    given |= {"max_synthetic": None if max_synthetic is None else float(max_synthetic)}

    def work(listener: Listener, cancel: Cancel) -> Done:
        report = curating.export(dataset, Path(folder), where=condition, listener=listener, cancel=cancel, **given)
        parts = [f"{name} {counts['samples']:,}" for name, counts in report.splits.items()]
        result = {"splits": report.splits, "lost": report.lost, "notes": report.notes, "manifest": report.manifest}
        return Done(f"{', '.join(parts)}; read back and compared. {report.manifest}", result)

    usual = {"seed": 0, "media": "copy", "real_only": ("test",), "near_duplicates": True}
    usual |= {"splits": None, "stages": False, "folds": 0, "max_synthetic": None}
    said = "".join(f", {k}={v!r}" for k, v in given.items() if k not in usual or v != usual[k])
    where = "" if condition is None else ", where=selection.filter"
    board.joined.note_code(f"wb.export(ds, {folder!r}{said}{where})")
    return Reply(board.jobs.start(f"Export {format} to {Path(folder).name}", work, kind="export"))


def cancel(board: Board, number: int) -> Reply:
    """Stop a job."""
    board.jobs.cancel(int(number))
    return Reply()


def job_result(board: Board, number: int) -> Reply:
    """What a finished job has found."""
    return Reply(board.jobs.result(int(number)))


def _out(board: Board) -> Path:
    return Path.cwd() / "out" / str(board.joined.dataset.name)


MAKING = {
    "options": Command(options),
    "scenario": Command(scenario),
    "preview": Command(preview, aside=True),
    "generate": Command(generate),
    "export": Command(export),
    "cancel": Command(cancel),
    "job_result": Command(job_result),
}
