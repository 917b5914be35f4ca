"""Make a stored sample again, from its lineage alone, and compare."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.frame import accepted_draw, shoot
from workbench.actions.generate.media import labels_of
from workbench.actions.generate.record import resolved_frame
from workbench.base.errors import DatasetError, InputError
from workbench.base.processes import WorkerProcesses
from workbench.core import assets as library
from workbench.core.scenario import ResolvedFrame
from workbench.core.schema.labels import Label, Labels

if TYPE_CHECKING:
    from workbench.adapters.store import Dataset

BOX_TOLERANCE_PX = 1e-6  # the database keeps boxes relative to the picture


@dataclass(frozen=True)
class Reproduction:
    """How alike a sample and its second making are.

    Attributes:
        identical: boxes, masks, classes and instance ids are the same.
        image_identical: the files are the same byte for byte.
        max_pixel_difference: largest difference of a channel of a pixel, 0..255; 255 when the sizes differ.
        changed_assets: library assets that are no longer what they were.
        backend: what drew it now.
        backend_then: what drew it first.
    """

    identical: bool
    image_identical: bool
    max_pixel_difference: int
    changed_assets: tuple[str, ...]
    backend: str
    backend_then: str


def reproduce(dataset: Dataset | str, sample_id: str, *, executor: Executor | None = None) -> Reproduction:
    """Make a generated sample again from the record in the database, and compare labels and picture.

    Raises:
        DatasetError: no such sample, or one that was not generated here.
        InputError: its picture is gone.
        RenderError: it cannot be drawn here.
    """
    from workbench.adapters import store  # deferred: brings FiftyOne, which workers must not load

    record = store.require_sample(store.opened(dataset), sample_id).record
    generation = record.generation
    if "params" not in generation:
        fix = "Choose a sample with source == 'synthetic'."
        raise DatasetError(
            "a sample that the workbench generated", found="none of its lineage", where=sample_id, fix=fix
        )
    if not record.medium.exists():
        raise InputError("the picture of the sample", found="no file", where=str(record.medium))
    backend = generation["backend"]
    if executor is None:
        with WorkerProcesses(1) as own:
            jpeg, labels, now = own.submit(remake, resolved_frame(generation), backend).result()
    else:
        jpeg, labels, now = executor.submit(remake, resolved_frame(generation), backend).result()
    then = record.medium.read_bytes()
    return Reproduction(
        identical=same_labels(record.labels, labels),
        image_identical=then == jpeg,
        max_pixel_difference=_difference(_pixels(then), _pixels(jpeg)),
        changed_assets=tuple(a for a, sha in generation["assets"].items() if library.asset_sha256(a) != sha),
        backend=now,
        backend_then=generation["backend_version"],
    )


def remake(frame: ResolvedFrame, backend: str) -> tuple[bytes, Labels, str]:
    """Picture file, labels and backend of a recorded draw; the function that workers run."""
    shot = shoot(accepted_draw(frame.as_scenario(), frame.mark.frame), backend=backend)
    return shot.picture.jpeg, labels_of(shot.accepted.truth), shot.backend_version


def same_labels(first: Sequence[Label], second: Sequence[Label]) -> bool:
    """Whether two sets of labels are the same: class, instance, box and mask."""
    if len(first) != len(second):
        return False
    pairs = zip(sorted(first, key=_instance), sorted(second, key=_instance), strict=True)
    return all(_same(a, b) for a, b in pairs)


def _instance(label: Label) -> int:
    return label.instance_id or 0


def _same(a: Label, b: Label) -> bool:
    if (a.name, a.instance_id) != (b.name, b.instance_id) or not np.allclose(a.xyxy, b.xyxy, atol=BOX_TOLERANCE_PX):
        return False
    if a.mask is None or b.mask is None:
        return a.mask is b.mask
    return bool(np.array_equal(a.mask, b.mask))


def _pixels(data: bytes) -> NDArray[np.uint8] | None:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if found is None else np.asarray(found, dtype=np.uint8)


def _difference(a: NDArray[np.uint8] | None, b: NDArray[np.uint8] | None) -> int:
    if a is None or b is None or a.shape != b.shape:
        return 255
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max())
