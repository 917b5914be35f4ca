"""Labels that are others when data is loaded again: named, and taken when that is asked for.

Each sample keeps two hashes of its labels: as the data gave them, and as they were stored. So a label that was
corrected in the data is told from one that was edited in the dataset, and work done here is never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from workbench.adapters.store import documents
from workbench.adapters.store.database import Dataset
from workbench.adapters.store.documents import OUTCOME
from workbench.adapters.store.field_types import settle
from workbench.adapters.store.groups import join_groups
from workbench.adapters.store.odd_labels import fault_of
from workbench.core.metrics import overlap
from workbench.core.metrics.matching import greedy_pairs
from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema import fields
from workbench.core.schema.labels import Record

LABEL_FIELDS: Final = (fields.GROUND_TRUTH, fields.CLASSIFICATION, fields.KEYPOINTS)
LISTS: Final = {fields.GROUND_TRUTH: "detections", fields.KEYPOINTS: "keypoints"}
OWN: Final = frozenset(  # of a label: what is not in the data, or set here
    {"_id", "_cls", "tags", "attributes", "instance", "of", OUTCOME} | set(fields.LABEL_MEASURES)
)
SAME_OBJECT_IOU: Final = 0.5
Label = dict[str, Any]


@dataclass(frozen=True)
class Corrections:
    """Samples, by their origin, whose labels are others in the data than in the dataset.

    Attributes:
        kept: not edited here since they were loaded, and not updated.
        updated: those that have the labels of the data now.
        edited: edited here as well, so kept; or loaded by a version that did not note what it loaded.
    """

    kept: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)


def fingerprint(document: Mapping[str, Any]) -> str:
    """A hash of the labels of a sample, whatever their order, ids, tags, measures and outcomes."""
    parts = [f"{name}: {content!r}" for name in LABEL_FIELDS for content in sorted(_contents(document, name))]
    return blake2b("\n".join(parts).encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()


def _contents(document: Mapping[str, Any], name: str) -> Iterator[str]:
    value = document.get(name) or {}
    if name in LISTS:
        return (_content(label) for label in value.get(LISTS[name]) or ())
    return iter([str(value["label"])] if value.get("label") is not None else [])


def _content(label: Mapping[str, Any]) -> str:
    return repr(sorted((key, _rounded(value)) for key, value in label.items() if key not in OWN and value is not None))


def _rounded(value: Any) -> Any:
    """Numbers as they survive another program: whole ones as decimals, six digits behind the point."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return round(float(value), 6) + 0.0
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def correct(
    dataset: Dataset, source: str, known: Mapping[str, Record], ids: Mapping[str, str], *, update: bool
) -> Corrections:
    """Compare records that are in the dataset with what is stored, and take their labels if asked to.

    Args:
        dataset: the dataset.
        source: source of the records.
        known: records by ``source_key``.
        ids: sample id by ``source_key``.
        update: whether labels that were not edited here are replaced.
    """
    found = Corrections()
    stated = {key: _labels_of(dataset, source, key, record) for key, record in known.items()}
    loaded = {key: fingerprint(document) for key, document in stated.items()}
    query = {"_id": {"$in": [ObjectId(ids[key]) for key in known]}}
    wanted = {fields.LABELS_LOADED: 1, fields.SOURCE_KEY: 1}
    noted = {d[fields.SOURCE_KEY]: d for d in dataset._sample_collection.find(query, wanted)}
    others = [key for key, d in noted.items() if (d.get(fields.LABELS_LOADED) or "").split(" ")[0] != loaded[key]]
    for key in others:
        sample = dataset._sample_collection.find_one({"_id": noted[key]["_id"]})
        if sample is None or (now := fingerprint(sample)) == loaded[key]:
            continue
        stored = (sample.get(fields.LABELS_LOADED) or " ").split(" ")[1]
        if now != stored:
            found.edited.append(known[key].origin)
        elif not update:
            found.kept.append(known[key].origin)
        else:
            taken = _replace(dataset, sample, stated[key], known[key])
            (found.updated if taken else found.edited).append(known[key].origin)
    return found


def _labels_of(dataset: Dataset, source: str, key: str, record: Record) -> dict[str, Any]:
    """The part of a sample's document that holds its labels, and what a companion needs of the rest."""
    given = {fields.ORIGIN: record.origin, fields.SCENE_ID: record.scene_id, fields.SPLIT: record.split}
    known = {"_dataset_id": dataset._doc.id, fields.SOURCE: source, fields.SOURCE_KEY: key}
    return {**known, **given, **documents.label_fields(record)}


def note_loaded(document: dict[str, Any], loaded: str) -> None:
    """Note in a document which labels the data gave, and which are stored."""
    document[fields.LABELS_LOADED] = f"{loaded} {fingerprint(document)}"


def _replace(dataset: Dataset, sample: Mapping[str, Any], stated: dict[str, Any], record: Record) -> bool:
    """Replace the labels of a sample, unless it was changed since it was read; returns whether they were."""
    loaded = fingerprint(stated)
    settle(dataset, [stated])
    join_groups(dataset, [stated], [record])
    for name, inside in LISTS.items():
        if name in stated:
            _keep_ids(stated[name][inside], ((sample.get(name) or {}).get(inside)) or [])
    note_loaded(stated, loaded)
    values = {name: stated.get(name) for name in (*LABEL_FIELDS, fields.LABELS_LOADED) if stated.get(name)}
    gone = {name: "" for name in LABEL_FIELDS if name in sample and name not in stated}
    gone |= {EVALUATION: "", fields.MEASURED_FILE: ""}  # so the new labels are measured the next time
    for name, value in sample.items():  # predictions are judged again
        if name not in LABEL_FIELDS and isinstance(value, dict) and isinstance(value.get("detections"), list):
            gone[f"{name}.detections.$[].{OUTCOME}"] = ""
    values["last_modified_at"] = documents.now()
    unchanged = {"_id": sample["_id"], "last_modified_at": sample.get("last_modified_at")}
    result = dataset._sample_collection.update_one(unchanged, {"$set": values, "$unset": gone})
    return bool(result.matched_count)


def _keep_ids(new: Sequence[Label], old: Sequence[Label]) -> None:
    """Give new labels the ids and tags of the old ones that they are: equal ones, then those that overlap most."""
    by_content: dict[str, list[Label]] = {}
    for label in old:
        by_content.setdefault(_content(label), []).append(label)
    others = []
    for label in new:
        if same := by_content.get(_content(label)):
            _take_over(label, same.pop(0), fields.LABEL_MEASURES)
        else:
            others.append(label)
    left = [label for labels in by_content.values() for label in labels]
    new_edges, old_edges = _edges(others[::-1]), _edges(left[::-1])  # of pairs that overlap alike the last first

    def scores(at: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        shares = overlap.iou(new_edges[at], old_edges[rows])[0]
        return np.where(shares >= SAME_OBJECT_IOU, shares, -np.inf)

    for at, k in greedy_pairs(list(map(tuple, new_edges.tolist())), list(map(tuple, old_edges.tolist())), scores):
        _take_over(others[-1 - at], left[-1 - k])


def _take_over(label: Label, old: Label, names: Sequence[str] = ()) -> None:
    label |= {name: old[name] for name in ("_id", "tags", *names) if name in old}


def _edges(labels: Sequence[Label]) -> NDArray[np.float64]:
    """Left, top, right, bottom of each label, ``(n, 4)``; all 0 of one without a box that can be used."""
    boxes = [label.get("bounding_box") if fault_of(label) is None else None for label in labels]
    edges = np.array([box or [0.0] * 4 for box in boxes], np.float64).reshape(-1, 4)
    edges[:, 2:] += edges[:, :2]
    return edges
