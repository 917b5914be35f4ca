"""Names of samples and labels that are the same in every copy of a dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.journal import CHUNK, Targets, label_paths
from workbench.adapters.store.samples import source_keys
from workbench.core.schema import fields


@dataclass(frozen=True)
class Named:
    """Samples by ``source_key``; labels by ``source_key`` of their sample, path of the list, and index in it."""

    samples: Sequence[str] = ()
    labels: Sequence[Sequence[Any]] = field(default_factory=tuple)


@translated
def named(dataset: Dataset, targets: Sequence[Targets]) -> Named:
    """The names of the targets of a change; samples deleted since then have none."""
    samples: list[str] = []
    labels: list[tuple[str, str, int]] = []
    for part in targets:
        wanted = {fields.SOURCE_KEY: 1, **({f"{part.path}._id": 1} if part.path else {})}
        documents = dataset._sample_collection.find({"_id": {"$in": list(part.ids)}}, wanted).sort("_id", 1)
        if not part.path:
            samples += [document.get(fields.SOURCE_KEY) or str(document["_id"]) for document in documents]
            continue
        chosen = set(part.labels)
        for document in documents:
            key = document.get(fields.SOURCE_KEY) or str(document["_id"])
            labels += [
                (key, part.path, i) for i, label_id in enumerate(_ids_at(document, part.path)) if label_id in chosen
            ]
    return Named(samples, labels)


@translated
def targets_of(dataset: Dataset, names: Named) -> tuple[list[Targets], int]:
    """The targets that the names mean in this dataset, and how many names are unknown here."""
    ids = _sample_ids(dataset, names.samples)
    targets = [Targets(ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]
    indices: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for key, path, index in names.labels:
        indices[path][key].add(index)
    known, n_known = set(label_paths(dataset)), 0
    for path, by_key in indices.items():
        if path not in known:
            continue
        labels, inside = _labels_at(dataset, path, by_key)
        n_known += len(labels)
        targets += [Targets(inside, path, labels)] if labels else []
    return targets, len(set(names.samples)) - len(ids) + len(names.labels) - n_known


def _sample_ids(dataset: Dataset, keys: Sequence[str]) -> list[ObjectId]:
    unique = list(dict.fromkeys(keys))
    ids: dict[str, str] = {}
    for start in range(0, len(unique), CHUNK):
        ids |= source_keys(dataset, unique[start : start + CHUNK])
    return [ObjectId(ids[key]) for key in unique if key in ids]


def _labels_at(
    dataset: Dataset, path: str, by_key: defaultdict[str, set[int]]
) -> tuple[list[ObjectId], list[ObjectId]]:
    labels: list[ObjectId] = []
    samples: list[ObjectId] = []
    query = {fields.SOURCE_KEY: {"$in": list(by_key)}}
    for document in dataset._sample_collection.find(query, {fields.SOURCE_KEY: 1, f"{path}._id": 1}):
        ids = _ids_at(document, path)
        here = [ids[index] for index in sorted(by_key[document[fields.SOURCE_KEY]]) if 0 <= index < len(ids)]
        labels += here
        samples += [document["_id"]] if here else []
    return labels, samples


def _ids_at(document: dict[str, Any], path: str) -> list[ObjectId]:
    inside: Any = document
    for part in path.split("."):
        inside = (inside or {}).get(part)
    return [label["_id"] for label in inside or []]
