"""Open, list, describe and delete datasets."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.core.odm.database as odm_database
from pymongo.errors import OperationFailure

from workbench.adapters.store import dataset as handle
from workbench.adapters.store.columns import CLASS, facets, word_counts
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.field_types import TEXT_FIELDS
from workbench.adapters.store.flat_params import flatten_params
from workbench.adapters.store.groups import follow, samples_view
from workbench.adapters.store.journal import forget_journal
from workbench.adapters.store.matches import forget_matches
from workbench.adapters.store.remembered_splits import forget_splits
from workbench.adapters.store.removals import forget_removals
from workbench.adapters.store.rounds import forget_rounds
from workbench.adapters.store.write_lock import forget_lock, write_lock
from workbench.base.errors import DatasetError, one_of
from workbench.core.schema import fields

EMBEDDED = {  # that every sample carries
    fields.GROUND_TRUTH: fo.Detections,
    **dict.fromkeys(
        (fields.MEASURES, fields.CAMERA, fields.GENERATION, fields.GENERATION_PARAMS), fo.DynamicEmbeddedDocument
    ),
}


@translated
def open_dataset(name: str, *, create: bool = True) -> Dataset:
    """A persistent FiftyOne dataset with the workbench's fields; made when it is new.

    Raises:
        DatasetError: the name cannot be used, or ``create`` is false and there is none.
        DatabaseError: see ``connect``.
    """
    if not fo.dataset_exists(name):
        if not create:
            raise _unknown(name)
        try:
            fo.Dataset(name, persistent=True)
        except ValueError as cause:
            raise DatasetError(
                f"{name!r} cannot be the name of a dataset: {cause}.", fix="Choose another name."
            ) from cause
    dataset = fo.load_dataset(name)
    dataset.reload()  # FiftyOne gives the object that it has, which may not know what other processes added
    flatten_params(dataset)
    _declare(dataset)
    follow(dataset)
    return dataset


@translated
def require_dataset(name: str) -> Dataset:
    """An existing dataset.

    Raises:
        DatasetError: no dataset of that name; the message lists the ones there are.
    """
    return open_dataset(name, create=False)


def opened(dataset: handle.Dataset | str) -> handle.Dataset:
    """A dataset as given, or the existing one of that name.

    Raises:
        DatasetError: no dataset of that name; the message lists the ones there are.
    """
    return require_dataset(dataset) if isinstance(dataset, str) else dataset


def identity(dataset: Dataset) -> str:
    """Id of a dataset in the database, which stays when it is renamed."""
    return str(dataset._doc.id)


@translated
def list_datasets() -> list[str]:
    """Names of all datasets, sorted."""
    return sorted(fo.list_datasets())


@translated
def revision(dataset: Dataset) -> tuple[Any, int] | None:
    """A number of the server that each write to the samples increases, whoever writes and whatever their clocks say.

    Costs a millisecond. The number begins anew when the server starts, so the server's process comes with it. ``None``
    where the server does not count or may not tell.
    """
    collection = dataset._sample_collection
    try:
        parts = list(collection.aggregate([{"$collStats": {"latencyStats": {}}}]))
        server = odm_database.get_db_client().admin.command("hello").get("topologyVersion", {}).get("processId")
        return server, sum(int(part["latencyStats"]["writes"]["ops"]) for part in parts)
    except (OperationFailure, KeyError):
        return None


@translated
def delete_dataset(name: str) -> None:
    """Delete a dataset from the database; images on disk stay."""
    if not fo.dataset_exists(name):
        raise _unknown(name)
    dataset = fo.load_dataset(name)
    for forget in (forget_splits, forget_rounds, forget_matches, forget_journal, forget_removals):
        forget(dataset)
    fo.delete_dataset(name)
    forget_lock(dataset)


@translated
def info(dataset: Dataset | str) -> dict[str, Any]:
    """Counts of a dataset: samples, per source, labels per class, fields and tags."""
    known: Dataset = opened(dataset)
    samples = samples_view(known, {})
    per_source = samples.count_values(fields.SOURCE)
    return {
        "samples": samples.count(),
        "per_source": {str(name): n for name, n in sorted(per_source.items(), key=str) if name is not None},
        "labels_per_class": dict(sorted(word_counts(known, facets(known)[CLASS]).items())),
        "fields": sorted(known.get_field_schema()),
        "tags": dict(sorted(samples.count_sample_tags().items())),
    }


def _declare(dataset: Dataset) -> None:
    """Add the fields that every sample carries, all at once; those already there stay as they are."""
    if _undeclared(dataset):
        with write_lock(dataset):  # others may be declaring fields of this dataset too
            dataset.reload()
            dataset._merge_sample_field_schema(_undeclared(dataset))
    if fields.SOURCE_KEY not in dataset.list_indexes():
        # unique where present, so two loads at once cannot add a record twice
        dataset.create_index(
            fields.SOURCE_KEY, unique=True, partialFilterExpression={fields.SOURCE_KEY: {"$type": "string"}}
        )


def _undeclared(dataset: Dataset) -> dict[str, Any]:
    """Fields that every sample carries and this dataset does not have, by name."""
    create, present = dataset._sample_doc_cls._create_field, dataset.get_field_schema()
    own = {name: create(name, fo.StringField) for name in TEXT_FIELDS if name not in present}
    for name, cls in EMBEDDED.items():
        if name not in present:
            own[name] = create(name, fo.EmbeddedDocumentField, embedded_doc_type=cls)
    return own


def _unknown(name: str) -> DatasetError:
    return DatasetError(f"There is no dataset {name!r}.", fix=one_of(name, list_datasets()))
