"""Which prediction hits which true label: FiftyOne's matching, stored sample by sample.

Matching costs milliseconds per image, a thousand times what reading its boxes does. A sample is matched again when
its boxes are others; a later round, another least confidence and the same predictions loaded once more are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from workbench.core.schema import fields
from workbench.core.schema.boxes import Box, Boxes

MATCHES = "workbench_matches"
RULE = b"fiftyone coco, class by class, 1"  # another rule forgets all that was matched before
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
            stored = known.get(boxes.sample_id)
            if stored is None or stored["state"] != _state(boxes):
                unknown.append(boxes)
            else:
                truth_of |= _by_id(boxes, np.frombuffer(stored["pairs"], np.uint32).reshape(-1, 2))
                progress.advance(1)
    for batch in _batches(unknown, MATCH_BATCH):
        pairs = _matched(dataset, field, batch, iou)
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


def _matched(dataset: Dataset, field: str, samples: Sequence[Boxes], iou: float) -> list[Pairs]:
    everything = dataset if dataset.group_field is None else dataset.select_group_slices(_allow_mixed=True)
    view = everything.match({"_id": {"$in": [object_id(boxes.sample_id) for boxes in samples]}})
    results = view.evaluate_detections(field, gt_field=fields.GROUND_TRUTH, method="coco", iou=iou, progress=False)
    truth_of = dict(zip(results.ypred_ids, results.ytrue_ids, strict=True))
    return [_pairs(boxes, truth_of) for boxes in samples]


def _pairs(boxes: Boxes, truth_of: dict[str | None, str | None]) -> Pairs:
    index_by_id = {box.id: at for at, box in enumerate(boxes.truth)}
    hits = ((at, truth_of.get(box.id)) for at, box in enumerate(boxes.predicted))
    return np.array([(at, index_by_id[hit]) for at, hit in hits if hit is not None], np.uint32).reshape(-1, 2)


def _by_id(boxes: Boxes, pairs: Pairs) -> dict[str, str]:
    return {boxes.predicted[at].id: boxes.truth[hit].id for at, hit in pairs.tolist()}


def _state(boxes: Boxes) -> bytes:
    """A hash of everything that matching depends on."""
    content = ([_looked_at(box) for box in side] for side in (boxes.truth, boxes.predicted))
    return blake2b(RULE + repr(list(content)).encode(), digest_size=12).digest()


def _looked_at(box: Box) -> tuple[object, ...]:
    return box.name, box.xyxy, box.confidence, box.crowd


def _batches(samples: Sequence[Boxes], size: int) -> Iterable[Sequence[Boxes]]:
    return (samples[start : start + size] for start in range(0, len(samples), size))


def _collection() -> Collection[dict[str, object]]:
    collection = odm_database.get_db_conn()[MATCHES]
    collection.create_index([("dataset_id", 1), ("field", 1), ("iou", 1), ("sample", 1)], unique=True)
    return collection
