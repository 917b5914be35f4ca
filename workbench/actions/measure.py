"""Read each image once, compute all measures, store them with the attributes that the data lacks."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from workbench.adapters import store
from workbench.adapters.store import Dataset, Stored, opened
from workbench.base.plurals import counted
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Progress, Work
from workbench.core.measures import MEASURES, derive_attributes
from workbench.core.measures.reading import Measured, Task, measure_files, measure_files_in_child, stamp
from workbench.core.schema import fields
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter

BATCH, CHUNK = 256, 16  # images between two writes, and in one call of a worker
WORTH_PROCESSES = 300
Value = float | str


@dataclass
class MeasureReport:
    """Outcome of measuring.

    Attributes:
        measured: samples measured now.
        skipped: samples that had all measures before, and those without an image.
        without_picture: point clouds alone, of which there is nothing to measure; counted in ``skipped`` too.
        problems: images that could not be read, labels that cannot be used.
        failed: images that could not be read.
        samples_per_s: rate of this call.
        unknown: by attribute, images of which its word could not be told.
    """

    measured: int = 0
    skipped: int = 0
    without_picture: int = 0
    problems: list[Problem] = field(default_factory=list)
    failed: int = 0
    samples_per_s: float = 0.0
    unknown: dict[str, int] = field(default_factory=dict)

    def advice(self, dataset: str) -> list[str]:
        """What to do about attributes that are unknown in most images, in sentences."""
        return [
            f"{name} is unknown in {n:,} of {counted(self.measured, 'image')}. To teach it, tag about 25 images per "
            f"word as {name}:<word>, then: workbench teach {shlex.quote(dataset)} {name}"
            for name, n in self.unknown.items()
            if 2 * n > self.measured
        ]


def measure(
    dataset: Dataset | str,
    *,
    where: str | Filter | None = None,
    again: bool = False,
    work: Work | None = None,
) -> MeasureReport:
    """Measure light, surface and sensor quality of every image that has no measures yet, or has changed since.

    Attributes given by the data or a curator stay; only missing ones are derived, each with its
    confidence (``lighting_confidence`` ...), and the sample is then marked ``attributes_from = "measured"``.
    Every label gets ``highlight_share`` and ``gloss``. Work is saved batch by batch, on all cores.

    Args:
        dataset: the dataset.
        where: only these samples.
        again: measure also what has been measured.
        work: progress, and the switch to stop.
    """
    dataset = opened(dataset)
    chosen = list(store.read(dataset, store.select(dataset, where), label_ids=True))
    pictures = [s for s in chosen if s.record.image_path is not None]
    todo = [s for s in pictures if again or not _is_done(s)]
    report = MeasureReport(skipped=len(chosen) - len(todo), without_picture=len(chosen) - len(pictures))
    odd = store.OddLabels()
    for stored in chosen:
        odd.look(stored.record.origin, fields.GROUND_TRUTH, stored.odd)
    report.problems += odd.problems()
    started_s = time.monotonic()
    with (
        _pool(len(todo)) as (pool, function),
        Progress("measuring", total=len(todo), unit="image", work=work) as progress,
    ):
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            tasks = [_task(stored) for stored in batch]
            parts = pool.map(function, [tasks[k : k + CHUNK] for k in range(0, len(tasks), CHUNK)])
            results = list(progress.track(result for part in parts for result in part))
            _save(dataset, batch, results, report)
    report.samples_per_s = report.measured / max(time.monotonic() - started_s, 1e-9)
    return report


@contextmanager
def _pool(pictures: int) -> Iterator[tuple[Executor, Callable[[Sequence[Task]], list[Measured | Problem]]]]:
    """Where to measure and with what: threads for a few images, worker processes for many.

    Processes are about twice as quick on two cores, but take half a second to start.
    """
    cores = os.cpu_count() or 2
    if pictures < WORTH_PROCESSES:
        with ThreadPoolExecutor(cores) as threads:
            yield threads, measure_files
    else:
        with WorkerProcesses(cores) as processes:
            yield processes, measure_files_in_child


def _is_done(stored: Stored) -> bool:
    """Whether all measures are there, and the file is still the one they were taken from."""
    return set(MEASURES) <= set(stored.measures) and stored.measured_file == stamp(stored.record.medium)


def _task(stored: Stored) -> Task:
    record = stored.record
    size = (record.width, record.height, record.width, record.height)
    boxes = [[edge / max(side, 1) for edge, side in zip(xyxy, size, strict=True)] for xyxy in record.labels.boxes()]
    return str(record.medium), boxes


def _save(
    dataset: Dataset, batch: Sequence[Stored], results: Sequence[Measured | Problem], report: MeasureReport
) -> None:
    measured = {s.id: r for s, r in zip(batch, results, strict=True) if isinstance(r, Measured)}
    unread = [r for r in results if isinstance(r, Problem)]
    report.problems += unread
    report.failed += len(unread)
    report.measured += len(measured)
    labels = {s.id: dict(zip(s.label_ids, measured[s.id].labels, strict=True)) for s in batch if s.id in measured}
    known = {
        i: {label: values for label, values in of_sample.items() if label and values} for i, of_sample in labels.items()
    }
    store.set_label_values(dataset, fields.GROUND_TRUTH, known)  # before the mark that all of the sample is measured
    values = {s.id: _values(s, measured[s.id]) for s in batch if s.id in measured}
    for name in fields.ATTRIBUTES:
        if n := sum(of_sample.get(name) == "unknown" for of_sample in values.values()):
            report.unknown[name] = report.unknown.get(name, 0) + n
    store.set_values(dataset, values)


def _values(stored: Stored, measured: Measured) -> dict[str, Value]:
    """Fields to set: all measures, and the attributes that neither the data nor a curator gave."""
    values: dict[str, Value] = {f"{fields.MEASURES}.{name}": value for name, value in measured.measures.items()}
    derived: dict[str, Value] = {}
    for name, answer in derive_attributes(measured.measures).items():
        if _is_ours(stored, name):
            derived |= {name: answer.word, fields.CONFIDENCE[name]: answer.confidence}
    mark: dict[str, Value] = {}
    if derived and stored.attributes_from in (None, "measured"):
        mark = {fields.ATTRIBUTES_FROM: "measured"}
    return values | derived | mark | {fields.MEASURED_FILE: measured.file}


def _is_ours(stored: Stored, attribute: str) -> bool:
    """Whether the attribute is missing or was derived by an earlier measuring, and not taught since."""
    if stored.record.attributes.get(f"{attribute}_from"):
        return False
    return stored.attributes_from == "measured" or attribute not in stored.record.attributes
