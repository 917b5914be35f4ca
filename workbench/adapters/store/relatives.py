"""Which generated samples recreate which others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.adapters.store.database import Dataset, translated
from workbench.core.schema import fields


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
    return [_relatives(document) for document in documents]


def _relatives(document: dict[str, Any]) -> Relatives:
    generation = document[fields.GENERATION]
    parent = generation.get("parent_sample_id")
    parents = tuple(generation.get("parent_sample_ids") or ([parent] if parent else ()))
    tags = tuple(generation.get("parent_tags") or ())
    return Relatives(
        str(document["_id"]), parents, parent, generation.get("scenario_name", ""), generation["scenario_sha256"], tags
    )
