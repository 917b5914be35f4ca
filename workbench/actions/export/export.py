"""Export a dataset, or a part of it, as splits in a format that trainers read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from workbench.actions.duplicates.report import DuplicateReport, LabelConflict, Pair
from workbench.actions.duplicates.search import find
from workbench.actions.export.bundle import write_bundle
from workbench.actions.export.class_names import ClassNames
from workbench.actions.export.conversion import conversion_notes
from workbench.actions.export.manifest import FILE_NAME, Choice, Shipped
from workbench.actions.export.media import MEDIA, Media, Pictures, put, require_room
from workbench.actions.export.readback import compare
from workbench.actions.export.selection import Selection, select
from workbench.actions.export.summary import Summary
from workbench.adapters import store
from workbench.adapters.formats.registry import WRITERS
from workbench.adapters.formats.toolkit.contract import Writer, everything, record_of
from workbench.adapters.formats.toolkit.fidelity import sentences
from workbench.adapters.formats.toolkit.names import in_order
from workbench.adapters.formats.toolkit.pictures import started_workers
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError, one_of
from workbench.base.files import Together, require_empty, whole_folder
from workbench.base.parts import part_folder
from workbench.base.plurals import counted
from workbench.base.processes import no_cycles
from workbench.base.progress import Progress, Work
from workbench.base.spool import Part, Spooled, Viewed
from workbench.core.schema import fields
from workbench.core.schema.labels import Record
from workbench.core.splits.limits import Deviation
from workbench.core.splits.plan import LeftOut
from workbench.core.splits.spec import SplitSpec
from workbench.core.tables import Filter


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
        cross_split_pairs: written samples of the same image in different splits, because they were given so.
        label_conflicts: written samples of the same image whose labels contradict each other.
        stratification: how far the splits are from holding everything alike; ``None`` where nothing compares.
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
    stratification: Deviation | None = None
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"Exported {self.format} to {self.folder}; read back without differences"]
        for name, n in self.splits.items():
            lines.append(
                f"  {name}: {counted(n['samples'], 'sample')} ({n['real']:,} real, {n['synthetic']:,} synthetic), "
                f"{counted(n['labels'], 'label')}"
            )
        lines += [f"  not in this format: {text}" for text in self.lost]
        if self.stratification:
            lines.append(f"  {self.stratification}")
        return "\n".join(lines + [f"  {note}" for note in self.notes])


@no_cycles()
def export(
    dataset: Dataset | str,
    folder: str | Path,
    *,
    format: str = "coco",
    splits: Mapping[str, float] | SplitSpec | None = None,
    where: str | Filter | None = None,
    media: Media = "copy",
    near_duplicates: bool = True,
    work: Work | None = None,
) -> ExportReport:
    """Write splits to a new folder; it appears only when it is whole and reads back as it was meant.

    Beside the data lie ``manifest.json`` (every file, every sample, how it was chosen), ``croissant.json``,
    ``samples.csv`` and a datasheet ``index.html``.

    Args:
        dataset: an open dataset, or its name.
        folder: new or empty.
        format: ``coco``, ``yolo``, ``voc``, ``kitti``, ``bop``, ``replicator``, ``fiftyone``, ``parquet``
            (Hugging Face ``datasets``) or ``webdataset``.
        splits: shares, or numbers of samples, to draw all splits anew; by default samples keep the splits they have,
            and others are drawn as train .7, val .15, test .15. A ``SplitSpec`` asks for more: folds, stages, limits,
            another seed.
        where: only these samples. Groups are formed over the whole dataset, so exports of parts fit together.
        media: ``copy``, ``hardlink`` to save space (copied where links are not possible), or ``reference``: symbolic
            links to the originals, which must stay where they are.
        near_duplicates: keep near duplicates together (``wb.duplicates``) where splits are drawn, and report those
            that lie in several given splits. All images of the dataset are compared, each pair once: the first time
            costs 4 ms per image, later 2 s at 10,000 images, growing with the square of their number.
        work: receives the progress; its ``cancel`` stops; nothing is left behind.

    Raises:
        InputError: unknown format, no samples, missing or changed images, splits that cannot be had.
        OutputError: the folder is not empty, cannot be written, or the export reads back differently.
    """
    writer = _writer(format)
    if media not in MEDIA:
        raise InputError(f"Unknown media {media!r}.", fix=one_of(media, MEDIA))
    spec = SplitSpec.of(splits)
    spec.check()
    dataset = opened(dataset)
    target = Path(folder).expanduser().absolute()
    require_empty(target)
    names_of = ClassNames(writer)
    odd = store.OddLabels()
    samples = Spooled(_prepared_samples(dataset, names_of, odd), _packed, _unpacked)
    twins = _twins(dataset, samples, work) if near_duplicates else None
    seen = _Seen(writer, Summary(spec.slice_by))
    chosen = select(dataset, samples, where, spec, near=_near(twins), writer=writer, look=seen.look)
    del samples
    lost = _prepared(chosen, seen, target, media) + names_of.lost()
    if writer.holds is not everything:
        seen = _Seen(writer, Summary(spec.slice_by))
        chosen = chosen.holding(writer.holds, seen.look)
    summary = seen.summary
    crossing, conflicts = _doubtful(twins, chosen.shipped)
    names = _names(summary, spec)
    report = ExportReport(
        folder=str(target),
        format=format,
        splits={name: summary.counts(name) for name in names},
        manifest=str(target / FILE_NAME),
        lost=lost,
        left_out=chosen.left_out,
        cross_split_pairs=crossing,
        label_conflicts=conflicts,
        stratification=chosen.stratification,
        notes=_notes(chosen, summary, names)
        + _duplicate_notes(twins, crossing, conflicts)
        + conversion_notes(chosen.shipped, format)
        + _of_media(media)
        + [str(problem) for problem in odd.problems()],
    )
    choice = Choice(format, None if where is None else str(where), spec)
    steps = len(chosen.shipped) * (1 if writer.embeds else 2)  # put there, and read back
    progress = Progress("exporting", total=steps, unit="step", work=work)
    remembering = partial(store.remembering, dataset, spec.memory, chosen.drawn, target)
    _write(target, chosen, seen, media, choice, report, progress, together=remembering if chosen.drawn else None)
    return report


def _writer(format: str) -> Writer:
    if format not in WRITERS:
        raise InputError(f"Unknown format {format!r}.", fix=one_of(format, WRITERS))
    return WRITERS[format]


@dataclass
class _Seen:
    """What is seen of the samples on their way to the disk, so that few have to be read again.

    Attributes:
        writer: the format.
        summary: counts.
        pictures: whether they are there.
        places: place of each sample by the path of its image.
    """

    writer: Writer
    summary: Summary
    pictures: Pictures = field(default_factory=Pictures)
    places: dict[str, int] = field(default_factory=dict)

    def look(self, item: Shipped) -> None:
        """Note one more sample."""
        split = str(item.record.split)
        self.pictures.look(item.record)
        self.summary.add(item.record, item.source)
        self.places[self.writer.picture_path(split, item.name)] = len(self.places)


def _prepared(chosen: Selection, seen: _Seen, target: Path, media: Media) -> list[str]:
    """What the format cannot hold, once images and room are there."""
    seen.pictures.require()
    if media == "copy" or seen.writer.embeds:
        require_room(target, seen.pictures.total_bytes)
    lost = seen.writer.lost(Viewed(chosen.shipped, record_of))
    return lost + sentences({"{n} point clouds without an image": chosen.clouds})


def _write(
    target: Path,
    chosen: Selection,
    seen: _Seen,
    media: Media,
    choice: Choice,
    report: ExportReport,
    progress: Progress,
    *,
    together: Together | None,
) -> None:
    """Everything into a folder beside the target, which is moved in when it reads back as it was meant."""
    writer = seen.writer
    with (
        whole_folder(target, together=together) as parts,
        progress,
        started_workers(len(chosen.shipped)) as workers,
    ):
        if not writer.embeds:
            put(parts, chosen.shipped, writer, media, progress)
        writer.write(parts, chosen.shipped)
        with part_folder(target.parent) as scratch:
            written = Source(parts, scratch=Scratch(scratch), workers=workers, follow_links=True)
            hashes = compare(written, chosen.shipped, seen.places, writer, progress)
        write_bundle(parts, chosen, seen.summary, choice, report, None if writer.embeds else hashes)


def _twins(dataset: store.Dataset, samples: Sequence[store.Stored], work: Work | None) -> DuplicateReport | None:
    """Duplicates among all images that are there; those that are not are the business of ``require_media``."""
    paths = (stored.record.image_path for stored in samples)
    there = [at for at, path in enumerate(paths) if path is not None and path.is_file()]
    return find(dataset, Part(samples, there), work=work) if there else None


def _prepared_samples(dataset: Dataset, names_of: ClassNames, odd: store.OddLabels) -> Iterator[store.Stored]:
    """All samples, with the names of classes that the format holds and what is known of these classes."""
    facts = store.class_facts(dataset)
    for stored in store.read(dataset):
        odd.look(stored.record.origin, fields.GROUND_TRUTH, stored.odd)
        record = stored.record
        if facts:
            names = {*record.labels.names, record.classification} & facts.keys()
            record.class_facts = {names_of.of(name): facts[name] for name in sorted(map(str, names))}
        record.labels = names_of.labels(record.labels)
        yield stored


def _packed(stored: store.Stored) -> tuple[Any, ...]:
    """Of a sample what an export needs: no measures, of which there are many."""
    return (stored.record.packed(), stored.id, stored.source, stored.content_sha256, stored.source_key)


def _unpacked(packed: tuple[Any, ...]) -> store.Stored:
    record, sample_id, source, content_sha256, source_key = packed
    return store.Stored(sample_id, Record.unpacked(record), source, content_sha256, source_key, (), {}, None)


def _near(twins: DuplicateReport | None) -> dict[str, str]:
    """Name of the group of duplicates by sample id."""
    groups = twins.groups if twins else []
    return {sample_id: group.ids[0] for group in groups for sample_id in group.ids}


def _doubtful(twins: DuplicateReport | None, shipped: Sequence[Shipped]) -> tuple[list[Pair], list[LabelConflict]]:
    """Of the written samples: pairs of the same image in different splits, and those with different labels."""
    if twins is None:
        return [], []
    splits = {item.id: str(item.record.split) for item in shipped}
    crossing = [p for p in twins.pairs if set(p.ids) <= splits.keys() and len({splits[i] for i in p.ids}) > 1]
    return crossing, [c for c in twins.label_conflicts if set(c.ids) <= splits.keys()]


def _duplicate_notes(
    twins: DuplicateReport | None, crossing: Sequence[Pair], conflicts: Sequence[LabelConflict]
) -> list[str]:
    """Notes about duplicates and label conflicts in the export."""
    notes = [f"{problem.message} [{problem.where}]" for problem in (twins.problems if twins else [])]
    if crossing:
        notes.append(
            f"{counted(len(crossing), 'pair')} of the same image in different given splits "
            f"({' = '.join(crossing[0].origins)}); create new splits to keep them together"
        )
    if conflicts:
        notes.append(
            f"{counted(len(conflicts), 'pair')} of the same image with different labels "
            f"({' = '.join(conflicts[0].origins)})"
        )
    return notes


def _names(summary: Summary, spec: SplitSpec) -> list[str]:
    """Splits in the order that people expect, the wanted ones that stayed empty too."""
    wanted = set() if spec.keeps_given else set(spec.names())
    return in_order(summary.parts.keys() | wanted)


def _notes(chosen: Selection, summary: Summary, names: Sequence[str]) -> list[str]:
    notes = [f"{name} has no samples" for name in names if name not in summary.parts]
    if chosen.moved:
        notes.append(f"{counted(chosen.moved, 'group')} merged across splits, because new samples belong to both")
    reasons: dict[str, int] = {}
    for item in chosen.left_out:
        reasons[item.reason] = reasons.get(item.reason, 0) + 1
    return notes + [f"{counted(n, 'sample')} left out: {reason}" for reason, n in sorted(reasons.items())]


def _of_media(media: Media) -> list[str]:
    return ["the images are links: the originals must stay where they are"] if media == "reference" else []
