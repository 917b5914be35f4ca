"""Read each picture once, compute all measures, store them with the attributes that the data lacks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from PIL import Image, UnidentifiedImageError

from workbench import store
from workbench.measures import MEASURES, decode, judge, measure_all, measure_labels, over_labels
from workbench.progress import Cancel, Listener, Progress
from workbench.schema import fields
from workbench.schema.report import Problem
from workbench.slicing import Filter
from workbench.store import Dataset, Stored

BATCH = 256
Value = float | str


@dataclass(frozen=True)
class Measured:
    """What measuring found in one picture.

    Attributes:
        measures: by name, those over all labels included.
        labels: measures of each label in order, ``None`` for one too small to say.
        file: stamp of the file that was read.
    """

    measures: Mapping[str, float]
    labels: Sequence[Mapping[str, float] | None]
    file: str


@dataclass
class MeasureReport:
    """Outcome of measuring.

    Attributes:
        measured: samples measured now.
        skipped: samples that had all measures before, and those without a picture.
        without_picture: point clouds alone, of which there is nothing to measure; counted in ``skipped`` too.
        problems: pictures that could not be read.
        samples_per_s: rate of this call.
    """

    measured: int = 0
    skipped: int = 0
    without_picture: int = 0
    problems: list[Problem] = field(default_factory=list)
    samples_per_s: float = 0.0


def measure(
    dataset: Dataset,
    *,
    where: str | Filter | None = None,
    again: bool = False,
    listener: Listener | None = None,
    cancel: Cancel | None = None,
) -> MeasureReport:
    """Measure light, surface and sensor quality of every picture that has no measures yet, or has changed since.

    Attributes given by the data or a curator stay; only missing ones are derived, each with its
    confidence (``lighting_confidence`` ...), and the sample is then marked ``attributes_from = "measured"``.
    Every label gets ``highlight_share`` and ``gloss``. Work is saved batch by batch. Decoding and measuring
    run in as many threads as there are cores; nearly all of it is OpenCV, which does not hold the interpreter.

    Args:
        dataset: the dataset.
        where: only these samples.
        again: measure also what has been measured.
        listener, cancel: progress, and the switch to stop.
    """
    chosen = list(store.read(dataset, store.select(dataset, where)))
    pictures = [s for s in chosen if s.record.image_path is not None]
    todo = [s for s in pictures if again or not _is_done(s)]
    report = MeasureReport(skipped=len(chosen) - len(todo), without_picture=len(chosen) - len(pictures))
    started_s = time.monotonic()
    with (
        _one_thread_each(),
        ThreadPoolExecutor(os.cpu_count() or 2) as pool,
        Progress("measuring", total=len(todo), unit="picture", listener=listener, cancel=cancel) as progress,
    ):
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            results = list(progress.track(pool.map(_measure_one, batch)))
            _save(dataset, batch, results, report)
    report.samples_per_s = report.measured / max(time.monotonic() - started_s, 1e-9)
    return report


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """OpenCV's own threads off: whole pictures in parallel are quicker than parts of one."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _is_done(stored: Stored) -> bool:
    """Whether all measures are there, and the file is still the one they were taken from."""
    return set(MEASURES) <= set(stored.measures) and stored.measured_file == _stamp(stored.record.medium)


def _stamp(path: Path) -> str | None:
    """Size and time of a file; ``None`` where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return f"{found.st_size}-{found.st_mtime_ns}"


def _measure_one(stored: Stored) -> Measured | Problem:
    record, path = stored.record, stored.record.medium
    size = (record.width, record.height, record.width, record.height)
    boxes = [[edge / max(side, 1) for edge, side in zip(label.xyxy, size, strict=True)] for label in record.labels]
    try:
        stamp = str(_stamp(path))  # before reading: a file that changes meanwhile is measured again
        picture = decode(path.read_bytes())
        labels = measure_labels(picture, boxes) if boxes else []
        return Measured(measure_all(picture) | over_labels(labels), labels, stamp)
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        message = f"Wanted a picture that can be read, found {type(error).__name__}: {error}. It has no measures."
        return Problem(str(path), "unreadable_image", message)


def _save(
    dataset: Dataset, batch: Sequence[Stored], results: Sequence[Measured | Problem], report: MeasureReport
) -> None:
    measured = {s.id: r for s, r in zip(batch, results, strict=True) if isinstance(r, Measured)}
    report.problems += [r for r in results if isinstance(r, Problem)]
    report.measured += len(measured)
    store.set_values(dataset, {s.id: _values(s, measured[s.id]) for s in batch if s.id in measured})


def _values(stored: Stored, found: Measured) -> dict[str, Value]:
    """Fields to set: all measures, and the attributes that neither the data nor a curator gave."""
    values: dict[str, Value] = {f"{fields.MEASURES}.{name}": value for name, value in found.measures.items()}
    for place, label in enumerate(found.labels):
        for name, value in (label or {}).items():
            values[f"{fields.GROUND_TRUTH}.detections.{place}.{name}"] = value
    derived: dict[str, Value] = {}
    for name, answer in judge(found.measures).items():
        if _is_ours(stored, name):
            derived |= {name: answer.word, fields.CONFIDENCE[name]: answer.confidence}
    mark: dict[str, Value] = {}
    if derived and stored.attributes_from in (None, "measured"):
        mark = {fields.ATTRIBUTES_FROM: "measured"}
    return values | derived | mark | {fields.MEASURED_FILE: found.file}


def _is_ours(stored: Stored, attribute: str) -> bool:
    """Whether the attribute is missing or was derived by an earlier measuring."""
    return stored.attributes_from == "measured" or attribute not in stored.record.attributes
