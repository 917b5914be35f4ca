"""The exporter: splits in a format that trainers read, read back and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from workbench.actions.export import ExportReport
from workbench.actions.export import export as export_splits
from workbench.actions.export.media import MEDIA
from workbench.adapters.formats.registry import WRITERS
from workbench.base.errors import InputError
from workbench.base.progress import Work
from workbench.core.splits import SplitSpec
from workbench.core.splits.spec import options as split_options
from workbench.ui.board.code_line import DS, FILTER, call
from workbench.ui.board.jobs import Done, Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

USUAL = "coco"  # what the form opens with
OWN_CONTROLS = {"splits", "seed", "real_only", "stages", "folds", "max_synthetic"}


def options(state: Selection, jobs: Jobs) -> dict[str, Any]:
    """What the form offers; the fields of the splits that it has no control of its own for are listed."""
    fields = [
        {"name": name, "help": option.help, "example": option.example, "switch": option.parse is None, "value": default}
        for name, default, option in split_options()
        if name not in OWN_CONTROLS
    ]
    formats = sorted(WRITERS, key=lambda name: name != USUAL)
    return {
        "folder": str(state.output_folder / "export"), "formats": formats, "media": list(MEDIA), "fields": fields
    }  # fmt: skip


def export(
    state: Selection,
    jobs: Jobs,
    folder: str,
    format: str,
    scope: Literal["filtered", "all"],
    splits: dict[str, Any] | None = None,
    media: str = "copy",
    near_duplicates: bool = True,
) -> int:
    """Start to export the filtered samples, or all, with fields of ``SplitSpec``; returns the job's number."""
    if not folder.strip():
        raise InputError("No folder was given.", fix="Enter a new or empty one.")
    where = state.filter if scope == "filtered" else None
    spec = SplitSpec.of_values(splits or {})
    given: dict[str, Any] = {"format": format, "media": media, "near_duplicates": near_duplicates}
    given["splits"] = spec.splits if spec == SplitSpec(spec.splits) else spec

    def run(work: Work) -> Done:
        report = export_splits(state.dataset, folder, where=where, **given, work=work)
        return _done(report)

    state.note_code(call(export_splits, DS, folder, **given, where=None if where is None else FILTER))
    return jobs.start(f"Export {format} to {Path(folder).name}", run, kind="export")


def _done(report: ExportReport) -> Done:
    parts = [f"{name} {counts['samples']:,}" for name, counts in report.splits.items()]
    result = {"splits": report.splits, "lost": report.lost, "notes": report.notes, "manifest": report.manifest}
    return Done(f"{', '.join(parts)}; read back and compared. {report.manifest}", result)


COMMANDS = {"export": Command(export)}
PANEL = Panel("Export", "exporter.js", COMMANDS, options, order=80)
