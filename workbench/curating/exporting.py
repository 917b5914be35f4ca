"""Export a dataset, or a part of it, as splits in a format that trainers read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import store
from workbench.curating.duplicate_report import DuplicateReport, LabelConflict, Pair
from workbench.curating.duplicate_search import find
from workbench.curating.file_names import flattened
from workbench.curating.manifest import FILE_NAME, Choice, Shipped, counts, document
from workbench.curating.media import MEDIA, Media, put, require_media, require_room
from workbench.curating.readback import compare
from workbench.curating.splits import LeftOut, Member, Plan, plan
from workbench.errors import InputError, one_of
from workbench.files import require_empty, whole_folder, write_json
from workbench.formats.contract import Placed, Writer
from workbench.formats.losses import told
from workbench.formats.names import in_order
from workbench.formats.registry import WRITERS
from workbench.progress import Cancel, Listener, Progress
from workbench.schema.fields import SOURCE, SourceName
from workbench.slicing import Filter


@dataclass
class ExportReport:
    """Outcome of one export.

    Attributes:
        folder: where it lies.
        format: name of the format.
        splits: ``samples``, ``labels``, ``real`` and ``synthetic`` by split.
        manifest: path of the manifest.
        lost: what the format cannot hold, one sentence each.
        left_out: samples that would leak between splits, with the reason.
        cross_split_pairs: written samples of the same picture in different splits, because they were given so.
        label_conflicts: written samples of the same picture whose labels contradict each other.
        notes: what else is worth knowing.
    """

    folder: str
    format: str
    splits: dict[str, dict[str, int]]
    manifest: str
    lost: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    cross_split_pairs: list[Pair] = field(default_factory=list)
    label_conflicts: list[LabelConflict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.format} in {self.folder}, read back and equal"]
        for name, n in self.splits.items():
            lines.append(
                f"  {name}: {n['samples']:,} samples ({n['real']:,} real, {n['synthetic']:,} synthetic), "
                f"{n['labels']:,} labels"
            )
        lines += [f"  not in this format: {text}" for text in self.lost]
        return "\n".join(lines + [f"  {note}" for note in self.notes])


def export(
    dataset: store.Dataset | str,
    folder: str | Path,
    *,
    format: str = "coco",
    splits: Mapping[str, float] | None = None,
    seed: int = 0,
    where: str | Filter | None = None,
    media: Media = "copy",
    real_only: Sequence[str] = ("test",),
    near_duplicates: bool = True,
    listener: Listener | None = None,
    cancel: Cancel | None = None,
) -> ExportReport:
    """Write splits to a new folder; it appears only when it is whole and reads back as it was meant.

    Args:
        dataset: an open dataset, or its name.
        folder: new or empty.
        format: ``coco``, ``yolo`` or ``voc``.
        splits: shares to draw all splits anew; by default samples keep the splits they have, and
            others are drawn as train .7, val .15, test .15.
        seed: of the draw; the same input and seed give the same bytes.
        where: only these samples. Groups are formed over the whole dataset, so exports of parts fit together.
        media: ``copy``, or ``hardlink`` to save space (copied where links are not possible).
        real_only: splits that hold no synthetic samples.
        near_duplicates: keep near duplicates together (``wb.duplicates``) where splits are drawn, and report those
            that lie in several given splits. The first time costs 2 ms per picture and a few seconds; after that
            15 s at 10,000 pictures, growing with the square of their number.
        listener: told of the progress.
        cancel: stops; nothing is left behind.

    Raises:
        InputError: unknown format, no samples, missing or changed pictures, shares that cannot be used.
        OutputError: the folder is not empty, cannot be written, or the export reads back differently.
    """
    writer = _writer(format)
    if media not in MEDIA:
        raise InputError("a way to bring the pictures", found=repr(media), where="media", fix=one_of(media, MEDIA))
    opened = store.require_dataset(dataset) if isinstance(dataset, str) else dataset
    target = Path(folder).expanduser().absolute()
    require_empty(target)
    samples = list(store.read(opened))
    twins = _twins(opened, samples, listener, cancel) if near_duplicates else None
    planned, shipped, clouds = _shipped(opened, samples, where, splits, seed, tuple(real_only), _near(twins))
    total_bytes = require_media(shipped)
    if media == "copy":
        require_room(target, total_bytes)
    placed = [item.placed for item in shipped]
    lost = writer.lost([item.record for item in placed])
    lost += told({"{n} samples that are point clouds without a picture": clouds})
    names = _names(shipped, splits)
    choice = Choice(format, None if where is None else str(where), seed, splits, tuple(real_only))
    with whole_folder(target) as parts, _progress(len(shipped), listener, cancel) as progress:
        paths = {writer.picture_path(str(item.placed.record.split), item.placed.name): item for item in shipped}
        hashes = put(parts, paths, media, progress)
        writer.write(parts, placed)
        compare(parts, placed, writer)
        content = document(parts, shipped, names, choice, lost=lost, left_out=planned.left_out, pictures=hashes)
        write_json(parts / FILE_NAME, content)
    crossing, conflicts = _doubtful(twins, {item.id: planned.splits[item.id] for item in shipped})
    return ExportReport(
        folder=str(target),
        format=format,
        splits={name: counts(shipped, name) for name in names},
        manifest=str(target / FILE_NAME),
        lost=lost,
        left_out=planned.left_out,
        cross_split_pairs=crossing,
        label_conflicts=conflicts,
        notes=_notes(planned, names, shipped) + _told(twins, crossing, conflicts),
    )


def _writer(format: str) -> Writer:
    if format not in WRITERS:
        raise InputError("a format to write", found=repr(format), where="format", fix=one_of(format, WRITERS))
    return WRITERS[format]


def _progress(total: int, listener: Listener | None, cancel: Cancel | None) -> Progress:
    return Progress("exporting", total=total, unit="sample", listener=listener, cancel=cancel)


def _shipped(
    dataset: store.Dataset,
    samples: Sequence[store.Stored],
    where: str | Filter | None,
    ratios: Mapping[str, float] | None,
    seed: int,
    real_only: tuple[str, ...],
    near: Mapping[str, str],
) -> tuple[Plan, list[Shipped], int]:
    """The samples to write, in an order that does not depend on the database, and the plan for the selection.

    The last is the number of selected clouds without a picture; the formats hold pictures alone.
    """
    chosen = set(store.select(dataset, where))
    members: list[Member] = []
    selected: list[store.Stored] = []
    clouds = 0
    for stored in samples:
        if stored.record.image_path is None:
            clouds += stored.id in chosen
            continue
        members.append(_member(stored, near.get(stored.id)))
        if stored.id in chosen:
            selected.append(stored)
    if not selected:
        found = "an empty dataset" if not members else f"none of {len(members):,} samples"
        found = f"{clouds:,} point clouds without a picture" if clouds else found
        raise InputError("samples to export", found=found, where=str(where or dataset.name), fix="Widen the filter.")
    whole = plan(members, ratios=ratios, seed=seed, real_only=real_only)
    origins = {stored.id: stored.record.origin for stored in selected}
    left_out = [LeftOut(item.id, item.reason, origins[item.id]) for item in whole.left_out if item.id in origins]
    planned = Plan(whole.splits, sorted(left_out, key=lambda item: (item.origin, item.reason)))
    kept = [stored for stored in selected if stored.id in planned.splits]
    if not kept:
        found = f"all {len(selected):,} left out: {planned.left_out[0].reason}"
        raise InputError("samples to export", found=found, where="splits", fix="Choose others, or pass real_only=().")
    kept.sort(key=lambda stored: (stored.record.origin, stored.source_key or "", stored.source or ""))
    file_names = flattened([(stored.record.origin, stored.source_key or stored.id) for stored in kept])
    named = zip(kept, file_names, strict=True)
    return planned, [_one(stored, planned.splits[stored.id], name) for stored, name in named], clouds


def _twins(
    dataset: store.Dataset, samples: Sequence[store.Stored], listener: Listener | None, cancel: Cancel | None
) -> DuplicateReport | None:
    """Duplicates among all pictures that are there; those that are not are the business of ``require_media``."""
    pictures = [s for s in samples if s.record.image_path is not None and s.record.image_path.is_file()]
    return find(dataset, pictures, listener=listener, cancel=cancel) if pictures else None


def _near(twins: DuplicateReport | None) -> dict[str, str]:
    """Name of the group of duplicates by sample id."""
    groups = twins.groups if twins else []
    return {sample_id: group.ids[0] for group in groups for sample_id in group.ids}


def _doubtful(twins: DuplicateReport | None, splits: Mapping[str, str]) -> tuple[list[Pair], list[LabelConflict]]:
    """Of the written samples: pairs of the same picture in different splits, and those with different labels."""
    if twins is None:
        return [], []
    crossing = [p for p in twins.pairs if set(p.ids) <= splits.keys() and len({splits[i] for i in p.ids}) > 1]
    return crossing, [c for c in twins.label_conflicts if set(c.ids) <= splits.keys()]


def _told(twins: DuplicateReport | None, crossing: Sequence[Pair], conflicts: Sequence[LabelConflict]) -> list[str]:
    """What people must know of duplicates."""
    notes = [f"{problem.message} [{problem.where}]" for problem in (twins.problems if twins else [])]
    if crossing:
        notes.append(
            f"{len(crossing):,} pairs of the same picture lie in different splits, as given "
            f"({' = '.join(crossing[0].origins)}); draw the splits anew to keep them together"
        )
    if conflicts:
        notes.append(
            f"{len(conflicts):,} pairs of the same picture have different labels ({' = '.join(conflicts[0].origins)})"
        )
    return notes


def _member(stored: store.Stored, near: str | None) -> Member:
    generation = stored.record.generation
    return Member(
        id=stored.id,
        synthetic=stored.source == "synthetic",
        split=stored.record.split,
        scene_id=stored.record.scene_id,
        content_sha256=stored.content_sha256,
        parents=tuple(_parents(generation)),
        near=near,
    )


def _parents(generation: Mapping[str, Any]) -> list[str]:
    """Ids of the samples that a generated one recreates: its own parent, else all of the scenario's anchor."""
    anchor = generation.get("anchor")
    for holder, key in ((generation, "parent_sample_id"), (anchor, "sample_ids"), (anchor, "sample_id")):
        given = holder.get(key) if isinstance(holder, Mapping) else None
        if given:
            return [str(i) for i in given] if isinstance(given, (list, tuple)) else [str(given)]
    return []


def _one(stored: store.Stored, split: str, name: str) -> Shipped:
    source: SourceName = "synthetic" if stored.source == "synthetic" else "real"
    attributes = {**stored.record.attributes, SOURCE: source}
    record = dataclasses.replace(stored.record, split=split, attributes=attributes)
    return Shipped(stored.id, source, stored.source_key or stored.id, stored.content_sha256, Placed(record, name))


def _names(shipped: Sequence[Shipped], ratios: Mapping[str, float] | None) -> list[str]:
    """Splits in the order that people expect, the empty ones of the given shares too."""
    return in_order({str(item.placed.record.split) for item in shipped} | set(ratios or ()))


def _notes(planned: Plan, names: Sequence[str], shipped: Sequence[Shipped]) -> list[str]:
    filled = {item.placed.record.split for item in shipped}
    notes = [f"{name} holds no samples" for name in names if name not in filled]
    reasons: dict[str, int] = {}
    for item in planned.left_out:
        reasons[item.reason] = reasons.get(item.reason, 0) + 1
    return notes + [f"{n:,} samples left out: {reason}" for reason, n in sorted(reasons.items())]
