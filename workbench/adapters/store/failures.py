"""Failure scenarios on single labels."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.groups import samples_only
from workbench.adapters.store.journal import label_paths
from workbench.core.schema import fields


@dataclass
class TaggedLabels:
    """Labels with one tag.

    Attributes:
        truth: sample id by id of the true label.
        samples: ids of the samples where a label of another field (a false alarm) has the tag.
    """

    truth: dict[str, str] = field(default_factory=dict)
    samples: set[str] = field(default_factory=set)


@translated
def tagged_labels(dataset: Dataset) -> dict[str, TaggedLabels]:
    """Labels by failure tag."""
    by_tag: dict[str, TaggedLabels] = {}
    for path in label_paths(dataset):
        is_truth = path == f"{fields.GROUND_TRUTH}.detections"
        starts = {"$regex": f"^{fields.FAILURE_PREFIX}"}
        stages = [
            {"$match": samples_only(dataset, {f"{path}.tags": starts})},
            {"$project": {"label": f"${path}"}},
            {"$unwind": "$label"},
            {"$project": {"label._id": 1, "tag": "$label.tags"}},
            {"$unwind": "$tag"},
            {"$match": {"tag": starts}},
        ]
        for row in dataset._sample_collection.aggregate(stages):
            own = by_tag.setdefault(row["tag"], TaggedLabels())
            if is_truth:
                own.truth[str(row["label"]["_id"])] = str(row["_id"])
            else:
                own.samples.add(str(row["_id"]))
    return by_tag
