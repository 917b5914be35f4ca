"""What lies beside the data of an export: table of samples, Croissant, datasheet, and the manifest of it all."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from workbench.actions.export import croissant, datasheet, manifest
from workbench.actions.export.manifest import Choice, Shipped
from workbench.actions.export.readback import Hashes
from workbench.actions.export.selection import Selection
from workbench.actions.export.summary import Summary
from workbench.adapters.formats.registry import WRITERS
from workbench.base.files import sha256_file, write_bytes
from workbench.core.schema.fields import ATTRIBUTES
from workbench.core.splits.limits import Deviation

SAMPLES, CROISSANT, DATASHEET = "samples.csv", "croissant.json", "index.html"
COLUMNS = ("picture", "split", "source", *ATTRIBUTES, "scene_id", "labels", "origin")


class Reported(Protocol):
    """What of a report goes into the bundle."""

    splits: dict[str, dict[str, int]]
    lost: list[str]
    notes: list[str]
    stratification: Deviation | None


def write_bundle(
    folder: Path, chosen: Selection, summary: Summary, choice: Choice, report: Reported, hashes: Hashes | None
) -> None:
    """Write the four files; the manifest last, for it names the others.

    Args:
        folder: what was written so far.
        chosen: the samples.
        summary: their counts.
        choice: what was asked for.
        report: what came of it.
        hashes: of files for which they are known.
    """
    _write_table(folder / SAMPLES, chosen.shipped, choice.format)
    table_sha256 = sha256_file(folder / SAMPLES)
    metadata = croissant.document(choice, report.splits, COLUMNS, SAMPLES, table_sha256)
    write_bytes(folder / CROISSANT, f"{json.dumps(metadata, indent=1, ensure_ascii=False)}\n".encode())
    head = manifest.head(
        summary,
        list(report.splits),
        choice,
        lost=report.lost,
        left_out=chosen.left_out,
        stratification=report.stratification,
    )
    write_bytes(folder / DATASHEET, datasheet.page(head, summary, chosen.shipped, report.notes).encode())
    manifest.write(folder, head, chosen.shipped, hashes)


def _write_table(path: Path, shipped: Sequence[Shipped], form: str) -> None:
    """One row per sample."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        for item in shipped:
            record = item.record
            picture = WRITERS[form].picture_path(str(record.split), item.name)
            values = [record.attributes.get(name, "") for name in ATTRIBUTES]
            labels = len(record.labels)
            table.writerow([picture, record.split, item.source, *values, record.scene_id or "", labels, record.origin])
