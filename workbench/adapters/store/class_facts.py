"""What data says of classes as a whole (supercategories, skeletons), as a note of the dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping

from workbench.adapters.store.database import Dataset, translated
from workbench.adapters.store.notes import NOTES, note, set_note
from workbench.base.errors import DatasetError
from workbench.base.files import canonical_json
from workbench.core.schema.classes import ClassFacts, classes_from, of_classes

_KEY = "classes"


@translated
def class_facts(dataset: Dataset) -> dict[str, ClassFacts]:
    """Facts by class; only of classes that have any."""
    text = note(dataset, _KEY, str)
    try:
        return classes_from(json.loads(text)) if text else {}
    except (ValueError, RecursionError) as cause:
        problem = f"The facts about classes are damaged (dataset.info['{NOTES}']['{_KEY}']): {cause}."
        fix = f"Take them away and load the data again: del dataset.info['{NOTES}']['{_KEY}']; dataset.save()."
        raise DatasetError(problem, at=dataset.name, fix=fix) from cause


@translated
def set_class_facts(dataset: Dataset, facts: Mapping[str, ClassFacts]) -> None:
    """Store the facts of all classes; as text, because names of classes are no keys that a database accepts."""
    set_note(dataset, _KEY, canonical_json(of_classes(facts)))
