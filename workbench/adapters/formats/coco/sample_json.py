"""A whole record as one JSON object: what Parquet rows and WebDataset samples carry beside the image.

It has COCO's words: ``image`` is an entry of its images, ``annotations`` are entries that name their ``category``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.adapters.formats.coco.categories import Category
from workbench.adapters.formats.coco.entries import annotation_entry, image_entry
from workbench.adapters.formats.coco.labels import ImageLabels, label_of
from workbench.adapters.formats.coco.read import record_of
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.adapters.formats.toolkit.json_files import dicts_in
from workbench.adapters.formats.toolkit.pictures import Draft, Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.core.schema.classes import classes_from, of_classes
from workbench.core.schema.labels import Labels, Record

MARK = "workbench"
_VERSION = 1


def document(item: NamedRecord, image_id: int) -> dict[str, Any]:
    """The object of one record."""
    shape = (item.record.height, item.record.width)
    labels = [{"category": label.name, **annotation_entry(label, shape, ())} for label in item.record.labels]
    facts = of_classes(item.record.class_facts)
    whole = {MARK: _VERSION, "image": image_entry(item, image_id), "annotations": labels}
    return {**whole, "classes": facts} if facts else whole


def is_document(content: Any) -> bool:
    """Whether an object is one that ``document`` made."""
    return isinstance(content, dict) and content.get(MARK) == _VERSION and isinstance(content.get("image"), dict)


def record(
    content: Mapping[str, Any], draft: Draft, split: str | None, header: Header, where: str, problems: Problems
) -> Record:
    """The record that such an object stands for; what is wrong is reported."""
    frame = Frame(header.width, header.height, problems)
    entries = dicts_in(content.get("annotations"))
    parsed = (
        label_of(
            {key: value for key, value in entry.items() if key != "category"},
            Category(str(entry.get("category"))),
            f"{where}, label {at}",
            frame,
        )
        for at, entry in enumerate(entries)
    )
    image = content["image"]
    own = image.get("split")
    labels = Labels.of(label for label in parsed if label is not None)
    content_of = ImageLabels(labels, (), classes_from(content.get("classes")))
    return record_of(image, draft, own if isinstance(own, str) and own else split, content_of, header, where, problems)
