"""Load a file or folder of any known format into a dataset, in batches."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from operator import length_hint
from pathlib import Path

from workbench.adapters import store
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit import archive
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError, one_of, unreadable
from workbench.base.files import existing
from workbench.base.plurals import counted
from workbench.base.processes import no_cycles
from workbench.base.progress import Progress, Work
from workbench.core.schema.classes import ClassFacts
from workbench.core.schema.fields import SOURCE, SOURCES, SourceName
from workbench.core.schema.labels import Record
from workbench.core.schema.report import LoadReport

BATCH = 1_000


@no_cycles()
def load(
    dataset: store.Dataset | str,
    path: str | Path,
    *,
    source: str,
    format: str | None = None,
    update: bool = False,
    work: Work | None = None,
) -> LoadReport:
    """Load images and labels; loading the same again changes nothing.

    A new field takes the type of its values: flags, numbers or text. Values of several types, and those that do not fit
    a field that is there (then in ``<name>_text`` beside it), are kept as text and named as ``mixed_types``.

    Args:
        dataset: an open dataset, or the name of one, which is made when it is new.
        path: file, folder or archive (zip, tar).
        source: ``"real"`` or ``"synthetic"``. Records that say their own source keep it, and it is named.
        format: name of the format; found from the content when not given.
        update: take the labels of the data where a sample that is there has others; without it they are only named.
            Labels that were edited in the dataset since are kept in any case. Labels that stay the same object keep
            their id and tags; what was evaluated of the sample is cleared.
        work: receives the progress; its ``cancel`` stops between two batches; what was added stays.

    Raises:
        InputError: nothing there, no known format, unknown source, or not one record that can be used.
        Cancelled: the user stopped.
    """
    if source not in SOURCES:
        raise InputError(f"Unknown source {source!r}.", fix=one_of(source, SOURCES))
    given = existing(Path(path), wanted="a file, folder or archive to load")
    opened = Source(archive.opened(given))
    problems = opened.problems
    name, detected = choose(opened, name=format)
    records, total = _records(name, detected, opened)
    target = store.open_dataset(dataset, create=True) if isinstance(dataset, str) else dataset
    report = LoadReport(format=name, why=detected.why)
    _note(target, given, report.format)
    mixed: dict[str, store.Mixed] = {}
    with_bytes: dict[str, list[str]] = {}
    add = partial(
        _add, target, source=source, update=update, report=report, problems=problems, mixed=mixed, with_bytes=with_bytes
    )
    bar = Progress(f"loading {given.name}", total=total, unit="sample", work=work)
    with bar as progress, ThreadPoolExecutor(1, thread_name_prefix="write") as writer:
        classes = _Classes(target)
        waiting: Future[int] | None = None  # a batch is written while the next one is read
        for batch in iter(lambda: list(islice(records, BATCH)), []):
            if waiting:
                progress.advance(waiting.result())
            classes.add(batch, problems)
            waiting = writer.submit(_settled, opened.scratch, add, batch)
        if waiting:
            progress.advance(waiting.result())
    _close(source, problems, mixed)
    for attribute, origins in with_bytes.items():
        first = f"{counted(len(origins), 'sample')} (first: {origins[0]})"
        message = f"'{attribute:.60}' holds bytes in {first}; bytes are no facts of an image, left out."
        problems.add("unsupported_annotation", origins[0], message)
    if report.updated:
        _note(target, given, report.format, updated=report.updated)
    report.problems = list(problems)
    return report


def _note(dataset: store.Dataset, path: Path, form: str, **more: int) -> None:
    """Note where data came from: files of predictions name images by the numbers of these files."""
    store.append_note(dataset, "loads", {"path": str(path.absolute()), "format": form, **more}, instead="path")


def _records(name: str, detected: Found, opened: Source) -> tuple[Iterator[Record], int]:
    """The records with the first one already read, so that a hopeless input changes nothing."""
    try:
        records = detected.read()
        total = length_hint(records)
        first = next(records, None)
    except OSError as cause:
        raise unreadable(cause, opened.path) from cause
    if first is None:
        problem = f"No record of the format {name} can be used{_summary(opened.problems)}."
        raise InputError(problem, at=str(opened.path), fix="Fix the data, or name another format.")
    return chain([first], records), total


def _summary(problems: Problems) -> str:
    kinds = Counter(problem.kind for problem in problems if problem.kind != "ignored_junk")
    if not kinds:
        return ""
    kind, n = kinds.most_common(1)[0]
    first = next(problem for problem in problems if problem.kind == kind)
    return f": {n:,} x {kind}, first at {first.where}: {first.message.removesuffix('.')}"


def _settled(scratch: Scratch, add: Callable[[Sequence[Record]], int], batch: Sequence[Record]) -> int:
    scratch.settle()  # the dataset must not name files that a power failure takes away
    return add(batch)


def _add(
    dataset: store.Dataset,
    batch: Sequence[Record],
    *,
    source: SourceName,
    update: bool,
    report: LoadReport,
    problems: Problems,
    mixed: dict[str, store.Mixed],
    with_bytes: dict[str, list[str]],
) -> int:
    """Add a batch and count what became of it; returns its size."""
    by_source: dict[SourceName, list[Record]] = {}
    for record in batch:
        own = _own_source(record)
        if own is not None and own != source:
            problems.count("source_conflict", record.origin)
        by_source.setdefault(own or source, []).append(_without_source(record))
    for name, records in by_source.items():
        added = store.add(dataset, records, source=name, update=update)
        _tell_corrections(added.corrections, report, problems)
        for part in added.mixed:
            known = mixed.setdefault(f"{part.path} {part.kept_in}", part)
            known.values += part.values if known is not part else 0
        for attribute, origins in added.with_bytes.items():
            with_bytes.setdefault(attribute, []).extend(origins)
        for record, new in zip(records, added.new, strict=True):
            _tell(record, report) if new else _tell_again(report)
    return len(batch)


class _Classes:
    """What the data says of classes as a whole, kept with the dataset."""

    def __init__(self, dataset: store.Dataset) -> None:
        self._dataset = dataset
        self._known: dict[str, ClassFacts] | None = None  # read when the first record has any
        self._named: set[tuple[str, str]] = set()

    def add(self, batch: Sequence[Record], problems: Problems) -> None:
        """Store the facts of some records; what contradicts earlier facts is reported, and those are kept."""
        given = [record for record in batch if record.class_facts]
        if not given:
            return
        if self._known is None:
            self._known = store.class_facts(self._dataset)
        whole = dict(self._known)
        for record in given:
            for name, facts in record.class_facts.items():
                whole[name], contradictions = whole.get(name, facts).joined(facts)
                for key in contradictions:
                    self._name(name, key, record.origin, problems)
        if whole != self._known:
            store.set_class_facts(self._dataset, whole)
            self._known = whole

    def _name(self, name: str, key: str, where: str, problems: Problems) -> None:
        if (name, key) not in self._named:
            self._named.add((name, key))
            message = f"The {key} of the class '{name:.60}' is another than before; the first is kept."
            problems.add("annotation_conflict", where, message)


def _own_source(record: Record) -> SourceName | None:
    given = record.attributes.get(SOURCE)
    if given in SOURCES:
        return given
    return "synthetic" if record.generation else None


def _without_source(record: Record) -> Record:
    """The source is a field of its own, never an attribute; another word there is kept as ``source_given``."""
    if SOURCE not in record.attributes:
        return record
    attributes = dict(record.attributes)
    given = attributes.pop(SOURCE)
    if given not in SOURCES:
        attributes[f"{SOURCE}_given"] = given
    return dataclasses.replace(record, attributes=attributes)


def _tell(record: Record, report: LoadReport) -> None:
    names = Counter(record.labels.names)
    if record.classification is not None:
        names[record.classification] += 1
    report.samples += 1
    report.labels += names.total()
    report.labels_per_class.update(names)


def _tell_again(report: LoadReport) -> None:
    report.already_there += 1


def _tell_corrections(corrections: store.Corrections, report: LoadReport, problems: Problems) -> None:
    report.updated += len(corrections.updated)
    report.changed += len(corrections.kept) + len(corrections.edited)
    for origin in corrections.kept:
        problems.count("changed_labels", origin)
    for origin in corrections.edited:
        problems.count("edited_labels", origin)


def _close(source: str, problems: Problems, mixed: Mapping[str, store.Mixed]) -> None:
    """Report what concerns many records, once for each fault and field."""
    for values in mixed.values():
        problems.add("mixed_types", values.first, str(values))
    kept = "{n} samples with other labels than when loaded ({first}); kept. Pass update=True (--update) to take them."
    problems.close("changed_labels", kept)
    edited = "{n} samples with labels changed both in the data and in the dataset ({first}); those of the dataset kept."
    problems.close("edited_labels", edited)
    other = next(name for name in SOURCES if name != source)
    message = f"{{n}} records with the source {other}, not {source} (first: {{first}}); loaded as {other}."
    problems.close("source_conflict", message)
