"""What data says of classes as a whole (supercategories, skeletons), as a note of the dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.notes import note, set_note
from workbench.base.files import canonical_json
from workbench.core.schema.classes import ClassFacts, classes_from, of_classes

_KEY = "classes"


@translated
def class_facts(dataset: Dataset) -> dict[str, ClassFacts]:
    """Facts by class; only of classes that have any."""
    text = note(dataset, _KEY)
    return classes_from(json.loads(text)) if text else {}


@translated
def set_class_facts(dataset: Dataset, facts: Mapping[str, ClassFacts]) -> None:
    """Store the facts of all classes; as text, because names of classes are no keys that a database accepts."""
    set_note(dataset, _KEY, canonical_json(of_classes(facts)))
