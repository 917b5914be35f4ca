"""Which type a field has: one rule for all formats, for samples and for their labels.

- A new field takes the type of all its values in the batch that brings it: flags, numbers or text. Values of several
  types are all kept as text, and so are whole numbers beyond 64 bits.
- A field that is there keeps its type. A field of text takes every value as text; a value that does not fit any other
  field is kept as text in a field beside it, ``<name>_text``.
- Either is reported (``Mixed``); no value is dropped, none is stored in a field of another type, which FiftyOne could
  not read.

Fields that the workbench keeps itself (``source``, ``ground_truth`` ...) must have their own type: a dataset in which
they hold something else takes no samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.core.odm.database as odm_database
from fiftyone.core.odm.dataset import SampleFieldDocument

from workbench.adapters.documents import LABEL_KEYS, MAP_TYPES
from workbench.adapters.store import documents
from workbench.adapters.store.database import Dataset
from workbench.adapters.store.write_lock import write_lock
from workbench.base.errors import DatasetError
from workbench.base.plurals import counted
from workbench.core.schema import fields
from workbench.core.schema.labels import Attribute

TEXT_FIELDS = (
    fields.SOURCE,
    fields.ORIGIN,
    fields.SOURCE_KEY,
    fields.CONTENT_SHA256,
    fields.LABELS_LOADED,
    fields.SCENE_ID,
    fields.SPLIT,
    fields.LIGHTING,
    fields.SURFACE,
    fields.SENSOR,
    fields.ATTRIBUTES_FROM,
)
WORDS: dict[type, str] = {fo.BooleanField: "flags", fo.FloatField: "numbers", fo.IntField: "whole numbers"}
OWN: dict[str, Any] = {  # document types of the fields that the workbench keeps itself
    fields.GROUND_TRUTH: fo.Detections,
    fields.CLASSIFICATION: fo.Classification,
    fields.KEYPOINTS: fo.Keypoints,
    **{name: getattr(fo, cls) for name, (cls, _) in MAP_TYPES.items()},
    **dict.fromkeys((fields.CAMERA, fields.GENERATION, fields.GENERATION_PARAMS), fo.DynamicEmbeddedDocument),
}
LABELS = f"{fields.GROUND_TRUTH}.detections."
Spot = tuple[str, dict[str, Any], str]  # path, the document that holds the value, its key there


@dataclass
class Mixed:
    """Values of one field that are not of its type, all kept as text.

    Attributes:
        path: the field.
        holds: what the field holds in the dataset, e.g. ``numbers``.
        kept_in: where these values are: the field itself, or the one beside it.
        first: origin of the first sample with such a value.
        values: how many there are.
    """

    path: str
    holds: str
    kept_in: str
    first: str
    values: int = 0

    def __str__(self) -> str:
        name, beside = (path.rpartition(".")[2] for path in (self.path, self.kept_in))
        turned = f"{counted(self.values, 'value')} turned into text"
        if self.kept_in == self.path:
            return f"'{name}' has values of several types; {turned} (first: {self.first})."
        return f"'{name}' holds {self.holds} in this dataset; {turned}, in '{beside}' (first: {self.first})."


def settle(dataset: Dataset, added: Sequence[dict[str, Any]]) -> list[Mixed]:
    """Declare all fields of new documents, and turn what does not fit its field into text, in place.

    Raises:
        DatasetError: a field that the workbench keeps itself holds something else in this dataset.
    """
    types: dict[str, set[type]] = {}
    for document in added:
        for path, holder, key in _spots(document):
            types.setdefault(path, set()).add(type(holder[key]))
    own = {name for document in added for name in OWN.keys() & document.keys()}
    plan = _Plan(_schema(dataset), types, own)
    if plan.missing or plan.embedded:
        with write_lock(dataset):  # two processes that declare the same field agree on its type
            dataset.reload()
            plan = _Plan(_schema(dataset), types, own)
            _declare(dataset, plan)
    return _fitted(added, plan)


def declare(dataset: Dataset, values: Mapping[str, Iterable[Attribute]]) -> None:
    """Declare fields for values by path, before they are set.

    Raises:
        DatasetError: a value does not fit the field that is there.
    """
    types = {path: {type(value) for value in of_path} for path, of_path in values.items()}
    own = {path.partition(".")[0] for path in types} & OWN.keys()
    plan = _Plan(_schema(dataset), types, own)
    if plan.kept_in:
        path = next(iter(plan.kept_in))
        problem = f"The field '{path}' of this dataset holds {_holds(plan.cls[path])}, not what is to be written."
        raise DatasetError(problem, at=dataset.name, fix="Rename that field: dataset.rename_sample_field(...).")
    if plan.missing or plan.embedded:
        with write_lock(dataset):
            dataset.reload()
            _declare(dataset, _Plan(_schema(dataset), types, own))


class _Plan:
    """The type of each field, and where values go that do not fit."""

    def __init__(self, schema: Mapping[str, Any], types: Mapping[str, set[type]], own: Iterable[str]) -> None:
        self.missing: dict[str, Any] = {}  # types of new fields by path
        self.cls: dict[str, Any] = {}
        self.kept_in: dict[str, str] = {}  # by path that has values which do not fit it
        for name in (*TEXT_FIELDS, *own):
            _require(name, schema.get(name))
        inside = {path.rpartition(".")[0] for path in types if not path.startswith(LABELS)}
        embedded = {name: OWN.get(name, fo.DynamicEmbeddedDocument) for name in sorted({*own, *inside} - {""})}
        self.embedded = {name: cls for name, cls in embedded.items() if name not in schema}
        for path, kinds in types.items():
            present = schema.get(path)
            cls = self.cls[path] = joined(kinds) if present is None else type(present)
            if present is None:
                self.missing[path] = cls
            if not all(fits(kind, cls) for kind in kinds):
                self.kept_in[path] = path if cls is fo.StringField else _beside(path, schema, types)
        for path in self.kept_in.values():
            if path not in schema:
                self.missing[path] = fo.StringField


def joined(kinds: set[type]) -> Any:
    """The type of a new field: that of all values, else text.

    >>> joined({int, float}).__name__, joined({bool}).__name__, joined({bool, int}).__name__
    ('FloatField', 'BooleanField', 'StringField')
    """
    classes = {documents.KINDS[kind] for kind in kinds}
    return classes.pop() if len(classes) == 1 else fo.StringField


def fits(kind: type, cls: Any) -> bool:
    """Whether values of a type can lie in a field as they are."""
    return documents.KINDS[kind] is cls or (kind is int and cls is fo.IntField)


def as_text(value: Attribute) -> str:
    """A value as text, flags and numbers as JSON writes them.

    >>> as_text(True), as_text(7), as_text("n/a")
    ('true', '7', 'n/a')
    """
    return value if isinstance(value, str) else json.dumps(value)


def _spots(document: dict[str, Any]) -> Iterator[Spot]:
    """Every value that needs a field of its own."""
    for name, value in document.items():
        if type(value) in documents.KINDS and (name not in documents.SAMPLE_KEYS or name == fields.POINT_CLOUD):
            yield name, document, name
    prefix = f"{fields.GROUND_TRUTH}.detections."
    for label in document[fields.GROUND_TRUTH]["detections"]:
        if len(label) > len(documents.PLAIN):
            for name, value in label.items():
                if name not in LABEL_KEYS and type(value) in documents.KINDS:
                    yield prefix + name, label, name
    for group in (fields.CAMERA, fields.GENERATION, fields.GENERATION_PARAMS):
        if group in document:
            yield from _nested(group, document[group])


def _nested(prefix: str, document: dict[str, Any]) -> Iterator[Spot]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _nested(f"{prefix}.{name}", value)
        elif type(value) in documents.KINDS and name != "_cls":
            yield f"{prefix}.{name}", document, name


def _fitted(added: Sequence[dict[str, Any]], plan: _Plan) -> list[Mixed]:
    mixed: dict[str, Mixed] = {}
    for document in added if plan.kept_in else ():
        misfits = [
            (path, holder, key)
            for path, holder, key in _spots(document)
            if path in plan.kept_in and not fits(type(holder[key]), plan.cls[path])
        ]
        for path, holder, key in misfits:
            kept_in = plan.kept_in[path]
            holder[kept_in.rpartition(".")[2]] = as_text(holder.pop(key))
            first = Mixed(path, _holds(plan.cls[path]), kept_in, str(document[fields.ORIGIN]))
            mixed.setdefault(path, first).values += 1
    return list(mixed.values())


def _beside(path: str, schema: Mapping[str, Any], types: Mapping[str, set[type]]) -> str:
    """A field of text beside one of another type: no other data of this batch, or of the dataset, is in it."""
    kept_in, n = f"{path}_text", 1
    while kept_in in types or not isinstance(schema.get(kept_in), fo.StringField | None):
        n += 1
        kept_in = f"{path}_text_{n}"
    return kept_in


def _schema(dataset: Dataset) -> dict[str, Any]:
    schema: dict[str, Any] = dataset.get_field_schema(flat=True)
    return schema


def _declare(dataset: Dataset, plan: _Plan) -> None:
    """Add fields, all of one document at once; FiftyOne's way takes a time that grows with the square of their number.

    The caller holds the write lock and has reloaded the dataset.
    """
    create = dataset._sample_doc_cls._create_field
    for name, cls in plan.embedded.items():  # few, and a document before those inside it
        new = create(name, fo.EmbeddedDocumentField, embedded_doc_type=cls)
        dataset._merge_sample_field_schema({name: new})
    by_parent: dict[str, list[Any]] = {}
    for path, cls in plan.missing.items():
        new = SampleFieldDocument.from_field(create(path, cls, created_at=documents.now()))
        by_parent.setdefault(path.rpartition(".")[0], []).append(new.to_mongo())
    for parent, new_fields in by_parent.items():
        names = parent.split(".") if parent else []
        inside = "".join(f".$[f{at}].fields" for at in range(len(names)))
        odm_database.get_db_conn()["datasets"].update_one(
            {"_id": dataset._doc.id},
            {"$push": {f"sample_fields{inside}": {"$each": new_fields}}},
            array_filters=[{f"f{at}.name": name} for at, name in enumerate(names)] or None,
        )
    if by_parent:
        dataset.reload()


def _require(name: str, present: Any) -> None:
    """Check a field that the workbench keeps itself."""
    if present is None or (isinstance(present, fo.StringField) and name in TEXT_FIELDS):
        return
    if name in OWN and getattr(present, "document_type", None) is OWN[name]:
        return
    raise DatasetError(
        f"The field '{name}' of this dataset holds {_holds(type(present))}, which the workbench does not use there.",
        fix=f"Rename it: dataset.rename_sample_field({name!r}, 'my_{name}'); or use another dataset.",
    )


def _holds(cls: Any) -> str:
    return WORDS.get(cls, f"values of type {cls.__name__}")
