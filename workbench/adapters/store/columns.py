"""Facets of a dataset, and filters carried out in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import fiftyone as fo

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.groups import samples_only, samples_view
from workbench.adapters.store.journal import label_paths, tags_labels
from workbench.adapters.store.usable_labels import USABLE, usable_labels, words_of
from workbench.core.schema import fields
from workbench.core.tables import EVERYTHING, Facet, Filter, as_filter
from workbench.core.tables.filter import to_query

# ids, hashes and free text are not facets: nobody slices by them
NOT_FACETS = frozenset(
    {"filepath", "media_type"} | {fields.SOURCE_KEY, fields.CONTENT_SHA256, fields.LABELS_LOADED, fields.MEASURED_FILE}
)
PARAMS = f"{fields.GENERATION}.params"
CLASS, LABELS, LABEL_TAGS = "class", "labels", "label_tags"


@translated
def facets(dataset: Dataset) -> dict[str, Facet]:
    """Facets by name, in the order in which they are shown."""
    counted = {USABLE: usable_labels(fields.GROUND_TRUTH)}  # odd labels do not
    columns: dict[str, Facet] = {
        fields.SOURCE: Facet((fields.SOURCE,), "category"),
        fields.LIGHTING: Facet((fields.LIGHTING,), "category"),
        fields.SURFACE: Facet((fields.SURFACE,), "category"),
        fields.SENSOR: Facet((fields.SENSOR,), "category"),
        CLASS: Facet(
            (f"{fields.GROUND_TRUTH}.detections.label", f"{fields.CLASSIFICATION}.label"),
            "set",
            words_of(f"$${USABLE}"),
            counted,
        ),
        fields.TAGS: Facet((fields.TAGS,), "set"),
        LABELS: Facet((f"{fields.GROUND_TRUTH}.detections",), "count", f"$${USABLE}", counted),
        fields.SPLIT: Facet((fields.SPLIT,), "category"),
    }
    for path, kind in _scalar_paths(dataset.get_field_schema()):
        name = re.sub(f"^{fields.GENERATION_PARAMS}[.]", f"{PARAMS}.", path)
        if (known := columns.get(name)) is None:
            columns[name] = Facet((path,), kind)
        elif name != path and known.kind == kind:  # of a dataset that an earlier version made, too
            columns[name] = replace(known, paths=(*known.paths, path))
    if tags_labels(dataset):  # reading the tags of all boxes costs as much as all else together
        columns[LABEL_TAGS] = Facet(tuple(f"{path}.tags" for path in label_paths(dataset)), "sets")
    return columns


def _scalar_paths(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Scalar fields and those inside plain embedded documents (measures, generation), not inside labels."""
    for name, field in schema.items():
        path = f"{prefix}{name}"
        if path in NOT_FACETS or path == "generation.record":
            continue
        if isinstance(field, fo.StringField):
            yield path, "category"
        elif isinstance(field, fo.BooleanField):
            yield path, "flag"
        elif isinstance(field, fo.FloatField | fo.IntField):
            yield path, "number"
        elif isinstance(field, fo.EmbeddedDocumentField) and field.document_type is fo.DynamicEmbeddedDocument:
            yield from _scalar_paths(field.get_field_schema(), f"{path}.")


@translated
def select(dataset: Dataset, where: str | Filter | None = None) -> list[str]:
    """Ids of the samples that a filter selects, in order of loading.

    Raises:
        FilterError: the text is not in the language, or names an unknown facet.
    """
    query = query_of(dataset, where)
    return [str(document["_id"]) for document in dataset._sample_collection.find(query, {"_id": 1}).sort("_id", 1)]


def word_counts(dataset: Dataset, facet: Facet) -> dict[str, int]:
    """How often each word of a facet is there, in samples that have several of it too."""
    stages = [
        {"$match": samples_only(dataset, {})},
        {"$project": {"word": facet.whole_value()}},
        {"$unwind": "$word"},
        {"$group": {"_id": "$word", "n": {"$sum": 1}}},
    ]
    found = dataset._sample_collection.aggregate(stages)
    return {str(document["_id"]): document["n"] for document in found if document["_id"] is not None}


def query_of(dataset: Dataset, where: str | Filter | None) -> dict[str, Any]:
    """The samples that a filter selects, as a query document of MongoDB.

    Raises:
        FilterError: as ``select``.
    """
    return samples_only(dataset, to_query(as_filter(where), facets(dataset)))


@translated
def view(dataset: Dataset, where: str | Filter | None = None) -> Any:
    """The same samples as a FiftyOne view, for the App and for FiftyOne's own methods.

    In a dataset that holds clouds the view keeps its groups: see ``groups.samples_view``.
    """
    condition = as_filter(where)
    return samples_view(dataset, {} if condition == EVERYTHING else to_query(condition, facets(dataset)))


@translated
def save_view(dataset: Dataset, name: str, where: str | Filter | None, *, description: str = "") -> None:
    """Save the samples of a filter as a view of FiftyOne, in place of one of that name."""
    dataset.save_view(name, view(dataset, where), description=description, overwrite=True)
