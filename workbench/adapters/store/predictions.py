"""Predictions in the database: stored, read back as plain boxes, and marked with their outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import fiftyone as fo
from pymongo import UpdateOne

from workbench.adapters.documents import OUTCOME
from workbench.adapters.store import documents
from workbench.adapters.store.columns import query_of
from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.groups import samples_only
from workbench.adapters.store.notes import forget_note, note, set_note
from workbench.adapters.store.odd_labels import IN_SPACE, OddLabel, sorted_out
from workbench.adapters.store.odd_samples import odd_labels
from workbench.adapters.store.samples import WRITE_BATCH, declare_paths, object_id, set_label_values, set_values
from workbench.base.errors import DatasetError, one_of
from workbench.base.plurals import counted
from workbench.core.metrics.per_class import LabelOutcomes
from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema import fields
from workbench.core.schema.boxes import Box, Boxes
from workbench.core.schema.labels import Label
from workbench.core.tables import Filter

Outcomes = Mapping[str, str]  # word by label id


def has_field(dataset: Dataset, name: str) -> bool:
    """Whether samples have a field of that name."""
    return name in dataset.get_field_schema()


@translated
def set_predictions(dataset: Dataset, field: str, labels: Mapping[str, Sequence[Label] | None]) -> None:
    """Store predicted labels by sample id, in place of what was in that field; samples not named keep theirs.

    An empty list says that the model saw the image and predicted nothing, ``None`` that it did not see it.

    Raises:
        DatasetError: the field holds something else, or a sample is not there.
    """
    present = dataset.get_field_schema().get(field)
    if field == fields.GROUND_TRUTH or (present is not None and not _holds_boxes(present)):
        content = "the ground truth" if field == fields.GROUND_TRUTH else f"a {type(present).__name__}"
        problem = f"The field '{field}' holds {content}, so predictions cannot be stored in it."
        raise DatasetError(problem, at=dataset.name, fix="Name another field.")
    if present is None:
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    evaluated = note(dataset, EVALUATION)
    if isinstance(evaluated, Mapping) and evaluated.get("field") == field:
        forget_note(dataset, EVALUATION)  # it is not of these predictions
    set_note(dataset, _half(field), True)
    ids = list(labels)
    for start in range(0, len(ids), WRITE_BATCH):
        batch = [object_id(i) for i in ids[start : start + WRITE_BATCH]]
        stored = dataset._sample_collection.find({"_id": {"$in": batch}}, {"metadata": 1})
        sizes = {document["_id"]: document.get("metadata") or {} for document in stored}
        if missing := [i for i in batch if i not in sizes]:
            raise DatasetError(f"There is no sample with id {missing[0]}.", at=dataset.name)
        if unknown := [i for i, size in sizes.items() if not (size.get("width") and size.get("height"))]:
            problem = (
                f"The size of the picture is not known of {counted(len(unknown), 'sample')} (first: {unknown[0]})."
            )
            raise DatasetError(problem, at=dataset.name, fix="Call dataset.compute_metadata() of FiftyOne first.")
        writes = [_put(i, field, labels[str(i)], sizes[i]) for i in batch]
        dataset._sample_collection.bulk_write(writes, ordered=False)
    forget_note(dataset, _half(field))


def _half(field: str) -> str:
    """Key of the note that a field is being filled: where that was cut off, it holds predictions of two models."""
    return f"half_stored:{field}"


def _put(sample_id: Any, field: str, labels: Sequence[Label] | None, metadata: Mapping[str, Any]) -> UpdateOne:
    value = None if labels is None else documents.detections(labels, metadata["width"], metadata["height"])
    return UpdateOne({"_id": sample_id}, {"$set": {field: value, "last_modified_at": documents.now()}})


@contextlib.contextmanager
def field_kept(dataset: Dataset, field: str) -> Iterator[None]:
    """Restore a field of predictions, and the note of its evaluation, if the body fails or is cancelled."""
    there = field in dataset.get_field_schema()
    documents = dataset._sample_collection.find({}, {field: 1}) if there else ()
    before = {document["_id"]: document.get(field) for document in documents}
    marks = {key: note(dataset, key) for key in (EVALUATION, _half(field))}
    try:
        yield
    except BaseException:
        if there:
            _put_back(dataset, field, before)
        elif field in dataset.get_field_schema():
            dataset.delete_sample_field(field)
        for key, value in marks.items():
            forget_note(dataset, key) if value is None else set_note(dataset, key, value)
        raise


def _put_back(dataset: Dataset, field: str, before: Mapping[Any, Any]) -> None:
    stamp, ids = {"last_modified_at": documents.now()}, list(before)
    for start in range(0, len(ids), WRITE_BATCH):
        writes = [
            UpdateOne({"_id": i}, {"$set": {field: before[i], **stamp}}) for i in ids[start : start + WRITE_BATCH]
        ]
        dataset._sample_collection.bulk_write(writes, ordered=False)


@translated
def boxes(
    dataset: Dataset,
    field: str | None,
    *,
    where: str | Filter | None = None,
    ids: Sequence[str] | None = None,
    only_covered: bool = False,
) -> Iterator[Boxes]:
    """Truth and predictions of every sample, of those of a filter, or of some ids; in order of loading.

    Without a field only the truth. With ``only_covered`` samples whose field is not set are left out; an empty list
    of predictions is set.

    Raises:
        DatasetError: no such field of boxes.
    """
    if field is not None:
        require_boxes(dataset, field)
    paths = ("_id", "label", "bounding_box", "confidence", "iscrowd", "tags", OUTCOME, *sorted(IN_SPACE))
    wanted = {f"{name}.detections.{path}": 1 for name in (fields.GROUND_TRUTH, field) if name for path in paths}
    query = query_of(dataset, where) if ids is None else {"_id": {"$in": [object_id(i) for i in ids]}}
    if only_covered and field is not None:
        query = {"$and": [query, {field: {"$ne": None}}]}
    documents = dataset._sample_collection.find(query, wanted).sort("_id", 1)
    return (_boxes(document, field) for document in documents)


@translated
def label_outcomes(
    dataset: Dataset, field: str | None, *, where: str | Filter | None = None
) -> Iterator[LabelOutcomes]:
    """Class and outcome of the true labels of samples, and of the predicted ones of a field; in order of loading."""
    pairs = {name: _pairs(path) for name, path in (("t", fields.GROUND_TRUTH), ("p", field)) if path}
    stages = [{"$match": query_of(dataset, where)}, {"$sort": {"_id": 1}}, {"$project": pairs}]
    documents = dataset._sample_collection.aggregate(stages, allowDiskUse=True)
    paths = {"t": fields.GROUND_TRUTH} | ({"p": field} if field else {})
    odd = {name: odd_labels(dataset, path, where=where) for name, path in paths.items()}
    return (_label_outcomes(document, odd) for document in documents)


def _label_outcomes(document: Mapping[str, Any], odd: Mapping[str, Mapping[str, Sequence[OddLabel]]]) -> LabelOutcomes:
    sample_id = str(document["_id"])
    sides = (_without(document.get(name), odd.get(name, {}).get(sample_id, ())) for name in ("t", "p"))
    return LabelOutcomes(sample_id, *sides)


def _pairs(path: str) -> dict[str, Any]:
    """Class and outcome of each label of a field, and whether it has a box; labels in space have none."""
    labels = {"$cond": [{"$isArray": f"${path}.detections"}, f"${path}.detections", []]}
    values = ["$$d.label", f"$$d.{OUTCOME}", {"$isArray": "$$d.bounding_box"}]
    return {"$map": {"input": labels, "as": "d", "in": values}}


def _without(pairs: Sequence[Sequence[Any]] | None, odd: Sequence[OddLabel]) -> list[tuple[Any, Any]]:
    """Class and outcome of the labels with a box that can be used."""
    left_out = {label.at for label in odd if not label.is_kept}
    return [
        (name, outcome) for at, (name, outcome, is_boxed) in enumerate(pairs or ()) if is_boxed and at not in left_out
    ]


def _boxes(document: Mapping[str, Any], field: str | None) -> Boxes:
    truth, _ = sorted_out(document.get(fields.GROUND_TRUTH), by_id=True)
    predicted, _ = sorted_out(document.get(field) if field else None, predicted=True, by_id=True)
    sides = (tuple(_box(label) for _, label in labels) for labels in (truth, predicted))
    return Boxes(str(document["_id"]), *sides)


def _box(label: Mapping[str, Any]) -> Box:
    x, y, width, height = map(float, label["bounding_box"])
    return Box(
        id=str(label["_id"]),
        name=label["label"],
        xyxy=(x, y, x + width, y + height),
        confidence=label.get("confidence"),
        outcome=label.get(OUTCOME),
        crowd=bool(label.get("iscrowd")),
        tags=tuple(label.get("tags") or ()),
        size=(width, height),
    )


@translated
def set_outcomes(
    dataset: Dataset,
    field: str,
    outcomes: Mapping[str, tuple[Outcomes, Outcomes]],
    counts: Mapping[str, Mapping[str, float]],
) -> None:
    """Write the result of an evaluation: an outcome on every label, and counts on every sample.

    Args:
        dataset: the dataset.
        field: predicted boxes.
        outcomes: by sample id, the words of its true and of its predicted labels by label id; labels that were removed
            meanwhile stay removed.
        counts: by sample id, numbers by field path.
    """
    declare_paths(dataset, [{f"{name}.detections.{OUTCOME}": "" for name in (fields.GROUND_TRUTH, field)}])
    ids = list(outcomes)
    for start in range(0, len(ids), WRITE_BATCH):
        batch = ids[start : start + WRITE_BATCH]
        for at, name in enumerate((fields.GROUND_TRUTH, field)):
            words = {i: {label: {OUTCOME: word} for label, word in outcomes[i][at].items()} for i in batch}
            set_label_values(dataset, name, words)
        set_values(dataset, {i: counts[i] for i in batch})


@translated
def covered(dataset: Dataset, field: str) -> tuple[int, int]:
    """In how many samples a field of predictions is set, and how many samples there are."""
    collection, everything = dataset._sample_collection, samples_only(dataset, {})
    n = collection.count_documents({"$and": [everything, {field: {"$ne": None}}]})
    return n, collection.count_documents(everything)


@translated
def classes_of_truth(dataset: Dataset) -> set[str]:
    """All classes of the true labels."""
    return set(dataset._sample_collection.distinct(f"{fields.GROUND_TRUTH}.detections.label"))


@translated
def clear_outcomes(dataset: Dataset, field: str, counts: str, *, but: Collection[str]) -> None:
    """Remove the outcomes and counts of an earlier evaluation from all samples but some.

    Args:
        dataset: the dataset.
        field: predicted boxes, whose outcomes are removed with those of the truth.
        counts: field of the counts.
        but: ids of the samples that keep theirs.
    """
    paths = {name: f"{name}.detections.{OUTCOME}" for name in (fields.GROUND_TRUTH, field)}
    collection = dataset._sample_collection
    query = {"$or": [{path: {"$exists": True}} for path in (counts, *paths.values())]}
    kept = set(but)
    stale = [document["_id"] for document in collection.find(query, {"_id": 1}) if str(document["_id"]) not in kept]
    for start in range(0, len(stale), WRITE_BATCH):
        among = {"_id": {"$in": stale[start : start + WRITE_BATCH]}}
        collection.update_many(among, {"$unset": {counts: ""}, "$set": {"last_modified_at": documents.now()}})
        for name, path in paths.items():
            there = {**among, path: {"$exists": True}}
            collection.update_many(there, {"$unset": {f"{name}.detections.$[].{OUTCOME}": ""}})


def require_boxes(dataset: Dataset, field: str) -> None:
    """Check that a field holds boxes, of one model.

    Raises:
        DatasetError: it does not; the message lists the fields that do.
    """
    schema = dataset.get_field_schema()
    if field not in schema or not _holds_boxes(schema[field]) or field == fields.GROUND_TRUTH:
        usable = box_fields(dataset)
        fix = one_of(field, usable) if usable else "Give a file of predictions; see `workbench evaluate --help`."
        raise DatasetError(f"There are no predicted boxes in a field {field!r}.", at=dataset.name, fix=fix)
    if note(dataset, _half(field)):
        problem = f"Storing predictions in '{field}' was cut off (or is still going on), so some are of another model."
        raise DatasetError(problem, at=dataset.name, fix="Give the file again, or predict again.")


def box_fields(dataset: Dataset) -> list[str]:
    """Names of the fields that hold boxes, without the ground truth: also that of a cloud."""
    labels, schema = (fields.GROUND_TRUTH, fields.BOXES_3D), dataset.get_field_schema()
    return [name for name, declared in schema.items() if _holds_boxes(declared) and name not in labels]


def _holds_boxes(field: Any) -> bool:
    return getattr(field, "document_type", None) is fo.Detections
