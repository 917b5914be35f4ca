"""The classes that a COCO file declares, and which of them an annotation means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.adapters.formats.coco.ids import ById, as_id
from workbench.adapters.formats.toolkit.names import attributes_of
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.core.schema.classes import ClassFacts, pairs_of

_USED = frozenset({"id", "name", "supercategory", "keypoints", "skeleton"})
_NAMES = ("category_name", "category")  # of annotations that name their class


@dataclass(frozen=True, slots=True)
class Category:
    """A declared class.

    Attributes:
        name: of the class.
        facts: what the file says of it.
    """

    name: str
    facts: ClassFacts = field(default_factory=ClassFacts)


class Categories:
    """The classes of one file, by id.

    Attributes:
        facts: what it says of them, by name.
    """

    def __init__(self, file: str, problems: Problems) -> None:
        self._file, self._problems = file, problems
        self._by_id: ById[Category] = ById()
        self._by_name: dict[str, Category] = {}
        self.facts: dict[str, ClassFacts] = {}

    def add(self, at: int, given: Any) -> None:
        """Take an entry of the list."""
        where = f"{self._file}, category {at}"
        id = as_id(given.get("id")) if isinstance(given, dict) else None
        if id is None or "name" not in given:
            message = "The category is not an object with 'id' and 'name'; ignored."
            self._problems.add("broken_annotation", where, message)
        elif self._by_id.has_exactly(id):
            message = f"The category id {id!r:.60} is already used; the first category is kept."
            self._problems.add("duplicate_id", where, message)
        else:
            category = self._category(given, where)
            self._by_id[id] = category
            if category.facts:
                self.facts[category.name] = category.facts
            self._by_name.setdefault(category.name, category)

    def add_mapping(self, given: Mapping[str, Any]) -> None:
        """Take names or entries by id: some tools write an object for the list."""
        for at, (id, value) in enumerate(given.items()):
            entry = value if isinstance(value, dict) else {"name": value}
            self.add(at, {"id": id, **entry})

    def _category(self, given: Mapping[str, Any], where: str) -> Category:
        points, above = given.get("keypoints"), given.get("supercategory")
        names = tuple(map(str, points)) if isinstance(points, list) else ()
        skeleton = pairs_of(given.get("skeleton"), first=1)  # counts from 1
        if given.get("skeleton") and (not skeleton or max(map(max, skeleton)) >= len(names)):
            message = (
                "The skeleton is not pairs of numbers of keypoints, counted from 1; the category is kept without it."
            )
            self._problems.add("broken_annotation", where, message)
            skeleton = ()
        facts = ClassFacts(
            supercategory=above if isinstance(above, str) and above else None,
            keypoints=names,
            skeleton=skeleton,
            attributes=attributes_of(given, known=_USED),
        )
        return Category(str(given["name"]), facts)

    def of(self, entry: Mapping[str, Any]) -> Category | None:
        """The class of an annotation, by its id or else by its name; ``None`` for one that is not declared."""
        given = entry.get("category_id")
        if given is not None:
            return self.of_id(given)
        name = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str) and entry[key]), None)
        return None if name is None else self._by_name.get(name, Category(name))

    def of_id(self, given: Any) -> Category | None:
        """The class of a category's id."""
        id = as_id(given)
        return None if id is None else self._by_id.get(id)
