"""Which prediction hits which true label, stored sample by sample.

A sample is matched again when its boxes are others; a later round, another least confidence and the same predictions
loaded once more are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import fiftyone.core.odm.database as odm_database
import numpy as np
from bson import Binary
from numpy.typing import NDArray
from pymongo import UpdateOne
from pymongo.collection import Collection

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.predictions import require_boxes
from workbench.adapters.store.samples import object_id
from workbench.base.progress import Progress
from workbench.core.metrics.matching import matched
from workbench.core.schema.boxes import Box, Boxes

MATCHES = "workbench_matches"
RULE = b"coco, class by class, 2"  # another rule forgets all that was matched before
MATCH_BATCH = 200  # samples between two words of progress
READ_BATCH = 5_000
Pairs = NDArray[np.uint32]  # (n, 2) index of the prediction and of the true label that it hits


@translated
def match(
    dataset: Dataset, field: str, samples: Sequence[Boxes], *, iou: float, progress: Progress
) -> tuple[dict[str, str], int]:
    """Match predictions with the truth as COCO does, class by class; labels stay as they are.

    Args:
        dataset: the dataset.
        field: predicted boxes.
        samples: truth and predictions, as ``predictions.boxes`` reads them.
        iou: least overlap of a hit.
        progress: counts the samples.

    Returns:
        Id of the true label by id of the prediction that hits it, and how many samples were matched now.

    Raises:
        DatasetError: no such field of boxes.
        Cancelled: the user stopped; what was matched is remembered.
    """
    require_boxes(dataset, field)
    key = {"dataset_id": dataset._doc.id, "field": field, "iou": iou}
    collection = _collection()
    truth_of: dict[str, str] = {}
    unknown: list[Boxes] = []
    for batch in _batches(samples, READ_BATCH):
        query = {**key, "sample": {"$in": [object_id(boxes.sample_id) for boxes in batch]}}
        known = {str(stored["sample"]): stored for stored in collection.find(query)}
        for boxes in batch:
            stored = _stored_pairs(known.get(boxes.sample_id, {}), boxes)
            if stored is None:
                unknown.append(boxes)
            else:
                truth_of |= _by_id(boxes, stored)
                progress.advance(1)
    for batch in _batches(unknown, MATCH_BATCH):
        pairs = [np.array(matched(boxes.truth, boxes.predicted, iou=iou), np.uint32).reshape(-1, 2) for boxes in batch]
        changes = [
            UpdateOne(
                {**key, "sample": object_id(boxes.sample_id)},
                {"$set": {"state": _state(boxes), "pairs": Binary(own_pairs.tobytes())}},
                upsert=True,
            )
            for boxes, own_pairs in zip(batch, pairs, strict=True)
        ]
        collection.bulk_write(changes, ordered=False)
        for boxes, own_pairs in zip(batch, pairs, strict=True):
            truth_of |= _by_id(boxes, own_pairs)
        progress.advance(len(batch))
    return truth_of, len(unknown)


def forget_matches(dataset: Dataset) -> None:
    """Delete all stored matches of a dataset."""
    odm_database.get_db_conn()[MATCHES].delete_many({"dataset_id": dataset._doc.id})


def _stored_pairs(stored: Mapping[str, object], boxes: Boxes) -> Pairs | None:
    """What is stored of a sample, where it is of these boxes and whole."""
    data = stored.get("pairs")
    if stored.get("state") != _state(boxes) or not isinstance(data, bytes) or len(data) % 8:
        return None
    pairs = np.frombuffer(data, np.uint32).reshape(-1, 2)
    return pairs if (pairs < (len(boxes.predicted), len(boxes.truth))).all() else None


def _by_id(boxes: Boxes, pairs: Pairs) -> dict[str, str]:
    return {boxes.predicted[at].id: boxes.truth[hit].id for at, hit in pairs.tolist()}


def _state(boxes: Boxes) -> bytes:
    """A hash of everything that matching depends on."""
    content = ([_looked_at(box) for box in side] for side in (boxes.truth, boxes.predicted))
    return blake2b(RULE + repr(list(content)).encode(), digest_size=12).digest()


def _looked_at(box: Box) -> tuple[object, ...]:
    return box.name, box.xyxy, box.size, box.confidence, box.crowd


def _batches(samples: Sequence[Boxes], size: int) -> Iterable[Sequence[Boxes]]:
    return (samples[start : start + size] for start in range(0, len(samples), size))


def _collection() -> Collection[dict[str, object]]:
    collection = odm_database.get_db_conn()[MATCHES]
    collection.create_index([("dataset_id", 1), ("field", 1), ("iou", 1), ("sample", 1)], unique=True)
    return collection
