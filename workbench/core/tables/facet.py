"""A facet: where the database holds its values, as a query and as an expression of MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Facet:
    """Where the database holds a facet's values.

    Attributes:
        paths: paths in the database (a value, a list of values, or a value in each item of a list);
            the facet has what any of them holds.
        kind: ``category`` (one word), ``flag`` (true or false), ``number``, ``set`` (several words), ``sets``
            (several words in each item of a list) or ``count`` (a number: the length of the list at the path).
        items: where not all that the first path holds counts, what does: an expression of a list.
        variables: expressions that ``items`` names with ``$$``, so that several facets of a query share them.
    """

    paths: tuple[str, ...]
    kind: Literal["category", "flag", "number", "set", "sets", "count"]
    items: Any = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def numeric(self) -> bool:
        """Whether values are numbers, so that ``<`` and ``>`` apply."""
        return self.kind in ("number", "count")

    def stored(self, values: tuple[Scalar, ...]) -> list[Scalar]:
        """The values as the database holds them."""
        if self.numeric:
            return [value for value in values if not isinstance(value, str)]
        if self.kind == "flag":
            return [str(value) == "True" for value in values if str(value) in ("True", "False")]
        return [str(value) for value in values]

    def where(self, condition: dict[str, Any]) -> dict[str, Any]:
        """Query document: one of the paths meets the condition (one operator and its operand)."""
        ((operator, operand),) = condition.items()
        if self.kind == "count":
            return {"$expr": True if operator == "$type" else {operator: [self.whole_value(), operand]}}
        queries: list[dict[str, Any]] = [{path: condition} for path in self.paths]
        if self.items is not None:  # the plain query first: it is quick, and leaves few to look at
            common = {"$setIntersection": [self.items, {"$literal": operand}]} if operator == "$in" else self.items
            queries[0] = {"$and": [queries[0], {"$expr": self._let({"$gt": [{"$size": common}, 0]})}]}
        return queries[0] if len(queries) == 1 else {"$or": queries}

    def whole_value(self) -> Any:
        """The values as an expression that stands alone; what is missing comes as ``None``."""
        return self._let(self.value())

    def value(self) -> Any:
        """The same, for where ``variables`` are set.

        >>> Facet(("split",), "category").value()
        '$split'
        """
        first: Any = f"${self.paths[0]}" if self.items is None else self.items
        others = [f"${path}" for path in self.paths[1:]]
        if self.kind == "set":
            return {"$concatArrays": [_words(value) for value in (first, *others)]}
        if self.kind == "sets":
            return {"$concatArrays": [_all_words(value) for value in (first, *others)]}
        value = {"$ifNull": [first, *others, None]} if others else first
        return {"$size": {"$cond": [{"$isArray": [value]}, value, []]}} if self.kind == "count" else value

    def _let(self, value: Any) -> Any:
        return {"$let": {"vars": dict(self.variables), "in": value}} if self.variables else value


def _words(value: Any) -> Any:
    lacking = {"$in": [{"$type": value}, ["missing", "null"]]}
    return {"$cond": [{"$isArray": [value]}, value, {"$cond": [lacking, [], [value]]}]}


def _all_words(value: Any) -> Any:
    """The words of a list of lists."""
    each = {"$cond": [{"$isArray": "$$this"}, "$$this", []]}
    joined = {"$setUnion": ["$$value", each]}
    return {"$reduce": {"input": _words(value), "initialValue": [], "in": joined}}
