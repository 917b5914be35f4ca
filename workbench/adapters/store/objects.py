"""The labels of samples as columns, to compare sets of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.odd_labels import sorted_out
from workbench.adapters.store.samples import object_id
from workbench.core.gap.objects import Objects
from workbench.core.schema import fields

READ_BATCH = 50_000  # ids in one query, which may be 16 MB long
LABEL_PATHS = tuple(
    f"{fields.GROUND_TRUTH}.detections.{name}" for name in ("bounding_box", "label", "gloss", "iscrowd")
)
PATHS = (*LABEL_PATHS, "metadata.width", "metadata.height")


@translated
def objects(dataset: Dataset, ids: Sequence[str]) -> Objects:
    """The true boxes of some samples, in the order of their ids; no crowds, nothing that has no box in the image.

    A sample that is not there, or without labels, is one without objects.
    """
    row_of = {name: row for row, name in enumerate(ids)}
    rows: list[tuple[int, list[float], str, float | None]] = []
    proportion = np.ones(len(ids))
    for document in _documents(dataset, ids):
        row, size = row_of[str(document["_id"])], document.get("metadata") or {}
        proportion[row] = (size.get("width") or 1) / (size.get("height") or 1)
        rows += [(row, *label) for label in _labels(document)]
    rows.sort(key=itemgetter(0))
    sample, boxes, names, gloss = zip(*rows, strict=True) if rows else ((), (), (), ())
    edges = np.array(boxes, np.float64).reshape(-1, 4)
    edges[:, 2:] += edges[:, :2]  # kept are left, top, width, height
    numbers, classes = np.array(sample, np.int64), np.array(names, dtype=str)
    return Objects(numbers, edges, classes, np.array(gloss, np.float64), proportion)


def _documents(dataset: Dataset, ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    wanted = dict.fromkeys(PATHS, 1)
    for start in range(0, len(ids), READ_BATCH):
        batch = [object_id(i) for i in ids[start : start + READ_BATCH]]
        yield from dataset._sample_collection.find({"_id": {"$in": batch}}, wanted)


def _labels(document: Mapping[str, Any]) -> Iterator[tuple[list[float], str, float | None]]:
    """Left, top, width and height as shares of the image, class, gloss."""
    for _, label in sorted_out(document.get(fields.GROUND_TRUTH))[0]:
        if not label.get("iscrowd"):
            yield label["bounding_box"], label["label"], label.get("gloss")
