"""Read each picture once, compute all measures, store them with the attributes that the data lacks."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench import store
from workbench.measures import MEASURES, Picture, derive, measure_all
from workbench.progress import Cancel, Listener, Progress
from workbench.schema import fields
from workbench.schema.report import Problem
from workbench.slicing import Filter
from workbench.store import Dataset, Stored

BATCH = 256


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
    """Measure light, surface and sensor quality of every picture that has no measures yet.

    Attributes given by the data or a curator stay; only missing ones are derived, and the sample is
    then marked ``attributes_from = "measured"``. Work is saved batch by batch.

    Args:
        dataset: the dataset.
        where: only these samples.
        again: measure also what has been measured.
        listener, cancel: progress, and the switch to stop.
    """
    chosen = list(store.read(dataset, store.select(dataset, where)))
    pictures = [s for s in chosen if s.record.image_path is not None]
    todo = [s for s in pictures if again or not set(MEASURES) <= set(s.measures)]
    report = MeasureReport(skipped=len(chosen) - len(todo), without_picture=len(chosen) - len(pictures))
    started_s = time.monotonic()
    with (
        ThreadPoolExecutor(os.cpu_count() or 2) as pool,
        Progress("measuring", total=len(todo), unit="picture", listener=listener, cancel=cancel) as progress,
    ):
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            results = list(progress.track(pool.map(_measure_one, batch)))
            _save(dataset, batch, results, report)
    report.samples_per_s = report.measured / max(time.monotonic() - started_s, 1e-9)
    return report


def read_picture(path: Path) -> Picture:
    """Decode a picture upright (EXIF orientation applied).

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("I;16", "I;16B", "I"):
            return Picture(np.asarray(upright, np.uint16))
        return Picture(np.asarray(upright.convert("RGB")))


def _measure_one(stored: Stored) -> dict[str, float] | Problem:
    path = stored.record.medium
    try:
        return measure_all(read_picture(path))
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        message = f"Wanted a picture that can be read, found {type(error).__name__}: {error}. It has no measures."
        return Problem(str(path), "unreadable_image", message)


def _save(
    dataset: Dataset, batch: Sequence[Stored], results: Sequence[dict[str, float] | Problem], report: MeasureReport
) -> None:
    measured = {s.id: r for s, r in zip(batch, results, strict=True) if isinstance(r, dict)}
    report.problems += [r for r in results if isinstance(r, Problem)]
    report.measured += len(measured)
    store.set_values(dataset, {s.id: _values(s, measured[s.id]) for s in batch if s.id in measured})


def _values(stored: Stored, measured: dict[str, float]) -> dict[str, float | str]:
    """Fields to set: all measures, and the attributes that neither the data nor a curator gave."""
    values: dict[str, float | str] = {f"{fields.MEASURES}.{name}": value for name, value in measured.items()}
    derived = {name: word for name, word in derive(measured).items() if _is_ours(stored, name)}
    mark = {fields.ATTRIBUTES_FROM: "measured"} if derived and stored.attributes_from in (None, "measured") else {}
    return values | derived | mark


def _is_ours(stored: Stored, attribute: str) -> bool:
    """Whether the attribute is missing or was derived by an earlier measuring."""
    return stored.attributes_from == "measured" or attribute not in stored.record.attributes
