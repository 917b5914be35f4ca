"""The values that a scenario drew: flat, so that the FiftyOne App takes them; those of earlier versions as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

from tests.builders import read_by_fiftyone, record
from workbench.adapters import store
from workbench.core.tables import as_filter

FILTERS = {
    "generation.params.scene_surface_roughness > 0.5": 2,
    "scene_surface_roughness <= 0.5": 2,
    "generation.params.scene_surface_roughness == None": 1,
    "generation.params.scene_surface_label == 'metal'": 3,
    "not scene_surface_label == 'metal'": 2,
    "generation.seed == 2": 1,
}


@pytest.fixture
def generated(dataset: Any, picture: Callable[..., Path]) -> Any:
    """Four generated samples and one that is not."""
    records = [record(picture("real.png", seed=9))]
    for at in range(4):
        params = {"scene.surface.roughness": at / 3, "scene.surface.label": "metal" if at else "wood", "list": [1]}
        generation = {"seed": at, "scenario_name": "dim", "params": params}
        records.append(record(picture(f"{at}.png", seed=at), generation=generation, source_key=f"generated {at}"))
    store.add(dataset, records, source="synthetic")
    return dataset


def nested(dataset: Any) -> None:
    """As earlier versions stored them: a document in a document."""
    collection, params = dataset._sample_collection, "generation.params"
    dataset.add_sample_field(params, fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    dataset.add_sample_field(f"{params}.scene_surface_roughness", fo.FloatField)
    dataset.add_sample_field(f"{params}.scene_surface_label", fo.StringField)
    collection.update_many({"generation": {"$ne": None}}, [{"$set": {params: "$generation_params"}}])
    dataset.delete_sample_field("generation_params")


def expect_filters(dataset: Any) -> None:
    table = store.table(dataset)
    for where, n in FILTERS.items():
        assert len(store.select(dataset, where)) == n, where
        assert table.mask(as_filter(where)).sum() == n, where


def test_no_document_lies_in_a_document(generated: Any) -> None:
    expect_filters(generated)
    inside = [
        path
        for path, field in generated.get_field_schema(flat=True).items()
        if "." in path and isinstance(field, fo.EmbeddedDocumentField) and not issubclass(field.document_type, fo.Label)
    ]
    assert inside == []
    generated.generate_label_schemas(scan_samples=False)  # what the App asks for when it opens
    assert store.lineage(generated, store.select(generated, "seed == 2")[0])["params"]["list"] == [1]


def test_the_values_of_an_earlier_version_are_moved_when_the_dataset_is_opened(generated: Any) -> None:
    before = [store.lineage(generated, i) for i in store.select(generated)]
    nested(generated)
    assert generated.get_field("generation_params") is None
    expect_filters(generated)  # through FiftyOne's own dataset, which nothing has moved
    opened = store.open_dataset(generated.name)
    assert opened.get_field("generation.params") is None
    assert opened.values("generation_params.scene_surface_label") == [None, "wood", "metal", "metal", "metal"]
    assert opened.match({"generation.params": {"$exists": True}}).count() == 0
    opened.generate_label_schemas(scan_samples=False)
    expect_filters(opened)
    assert [store.lineage(opened, i) for i in store.select(opened)] == before
    assert read_by_fiftyone(opened.name) == 5


def test_samples_of_both_versions_side_by_side(generated: Any, picture: Callable[..., Path]) -> None:
    nested(generated)
    more = {"seed": 7, "params": {"scene.surface.roughness": 0.9, "scene.surface.label": "metal"}}
    store.add(generated, [record(picture("more.png", seed=7), generation=more)], source="synthetic")
    for _ in range(2):
        assert len(store.select(generated, "scene_surface_roughness > 0.5")) == 3
        table = store.table(generated)
        assert table.mask(as_filter("scene_surface_label == 'metal'")).sum() == 4
        store.open_dataset(generated.name)
