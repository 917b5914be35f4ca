"""Which generated samples recreate which others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.adapters.store.database import Dataset, translated
from workbench.base.errors import DatasetError
from workbench.base.shapes import Shape, fault
from workbench.core.schema import fields

GENERATED: Shape = {
    fields.GENERATION: {
        "parent_sample_ids?": ([str], None), "parent_sample_id?": (str, None), "scenario_name?": (str, None),
        "scenario_sha256": str, "parent_tags?": ([str], None),
    }
}  # fmt: skip


@dataclass(frozen=True)
class Relatives:
    """The links of a generated sample to others.

    Attributes:
        id: sample id.
        parents: ids of the samples that its scenario recreates.
        parent: the one of them that this very frame recreates, if any.
        scenario_name, scenario_sha256: what it was drawn from.
        parent_tags: tags that led to the scenario.
    """

    id: str
    parents: tuple[str, ...]
    parent: str | None
    scenario_name: str
    scenario_sha256: str
    parent_tags: tuple[str, ...] = ()


@translated
def relatives(dataset: Dataset) -> list[Relatives]:
    """Every generated sample of a dataset with its parents, in order of generation."""
    own = fields.GENERATION
    names = ("parent_sample_ids", "parent_sample_id", "scenario_name", "scenario_sha256", "parent_tags")
    query = {f"{own}.scenario_sha256": {"$type": "string"}, fields.SOURCE_KEY: {"$type": "string"}}
    documents = dataset._sample_collection.find(query, {f"{own}.{name}": 1 for name in names}).sort("_id", 1)
    return [_relatives(dataset, document) for document in documents]


def _relatives(dataset: Dataset, document: dict[str, Any]) -> Relatives:
    if text := fault(document, GENERATED):
        problem = f"The record of how sample {document['_id']} was generated is damaged: {text}."
        fix = "Restore a backup of the database, or delete the sample and generate its scenario again."
        raise DatasetError(problem, at=dataset.name, fix=fix)
    generation = document[fields.GENERATION]
    parent = generation.get("parent_sample_id")
    parents = tuple(generation.get("parent_sample_ids") or ([parent] if parent else ()))
    tags = tuple(generation.get("parent_tags") or ())
    return Relatives(
        str(document["_id"]),
        parents,
        parent,
        generation.get("scenario_name") or "",
        generation["scenario_sha256"],
        tags,
    )
