"""The filter: conditions on facets, the same as JSON, table mask, database query and words.

A condition on a missing value is false, and ``not`` flips it: ``lighting != 'dim'`` holds for a
sample without lighting. Facets with several values per sample (``class``, ``tags``) meet
``==`` when any of their values does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.base.errors import FilterError, one_of
from workbench.core.tables.facet import Facet, Scalar

Order = Literal["<", "<=", ">", ">="]
MONGO_ORDER: dict[str, str] = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
ORDERS: tuple[Order, ...] = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Filter:
    """Base of all conditions; build them with ``slicing.parse`` or combine them with ``&``, ``|``, ``~``.

    >>> str(OneOf("lighting", ("dim",)) & ~OneOf("surface", ("metal",)))
    "lighting == 'dim' and not surface == 'metal'"
    """

    def __and__(self, other: Filter) -> Filter:
        return all_of(self, other)

    def __or__(self, other: Filter) -> Filter:
        return Or((self, other))

    def __invert__(self) -> Filter:
        return Not(self)

    @property
    def facets(self) -> frozenset[str]:
        """Names of all facets that the filter looks at."""
        return frozenset()


@dataclass(frozen=True)
class Everything(Filter):
    """Selects all samples."""

    def __str__(self) -> str:
        return "True"


EVERYTHING = Everything()


@dataclass(frozen=True)
class OneOf(Filter):
    """The facet has one of these values."""

    facet: str
    values: tuple[Scalar, ...]

    @property
    def facets(self) -> frozenset[str]:
        return frozenset({self.facet})

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{self.facet} == {self.values[0]!r}"
        return f"{self.facet} in {list(self.values)!r}"


@dataclass(frozen=True)
class Range(Filter):
    """The facet's number is below or above a limit."""

    facet: str
    order: Order
    limit: float

    @property
    def facets(self) -> frozenset[str]:
        return frozenset({self.facet})

    def __str__(self) -> str:
        return f"{self.facet} {self.order} {self.limit!r}"


@dataclass(frozen=True)
class Missing(Filter):
    """The facet has no value."""

    facet: str

    @property
    def facets(self) -> frozenset[str]:
        return frozenset({self.facet})

    def __str__(self) -> str:
        return f"{self.facet} == None"


@dataclass(frozen=True)
class And(Filter):
    """All parts hold."""

    parts: tuple[Filter, ...]

    @property
    def facets(self) -> frozenset[str]:
        return frozenset().union(*(part.facets for part in self.parts))

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True)
class Or(Filter):
    """At least one part holds."""

    parts: tuple[Filter, ...]

    @property
    def facets(self) -> frozenset[str]:
        return frozenset().union(*(part.facets for part in self.parts))

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True)
class Not(Filter):
    """The part does not hold."""

    part: Filter

    @property
    def facets(self) -> frozenset[str]:
        return self.part.facets

    def __str__(self) -> str:
        return f"not ({self.part})" if isinstance(self.part, And | Or) else f"not {self.part}"


def all_of(*parts: Filter) -> Filter:
    """The parts joined by ``and``, without needless nesting.

    >>> all_of(EVERYTHING, Missing("split"))
    Missing(facet='split')
    """
    flat: list[Filter] = []
    for part in parts:
        if isinstance(part, And):
            flat.extend(part.parts)
        elif not isinstance(part, Everything):
            flat.append(part)
    if not flat:
        return EVERYTHING
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def to_json(condition: Filter) -> dict[str, Any]:
    """The filter as plain JSON values; ``from_json`` gives it back."""
    match condition:
        case OneOf(facet, values):
            return {"kind": "one_of", "facet": facet, "values": list(values)}
        case Range(facet, order, limit):
            return {"kind": "range", "facet": facet, "order": order, "limit": limit}
        case Missing(facet):
            return {"kind": "missing", "facet": facet}
        case And(parts):
            return {"kind": "and", "parts": [to_json(part) for part in parts]}
        case Or(parts):
            return {"kind": "or", "parts": [to_json(part) for part in parts]}
        case Not(part):
            return {"kind": "not", "part": to_json(part)}
    return {"kind": "everything"}


def from_json(value: Any) -> Filter:
    """Read what ``to_json`` wrote; anything else is refused, whoever sent it.

    Raises:
        FilterError: not the JSON of a filter.

    >>> from_json({"kind": "one_of", "facet": "lighting", "values": ["dim"]})
    OneOf(facet='lighting', values=('dim',))
    """
    try:
        return _READERS[value["kind"]](value)
    except (KeyError, TypeError, ValueError, RecursionError) as cause:
        problem = f"This is not a filter in JSON: {repr(value)[:200]}."
        raise FilterError(problem, fix=f"Its kind: {one_of(_kind(value), _READERS)}") from cause


def _kind(value: Any) -> str:
    return str(value.get("kind")) if isinstance(value, Mapping) else type(value).__name__


def _read_values(value: Any) -> tuple[Scalar, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str | int | float | bool) for item in value):
        raise TypeError("values")
    return tuple(value)


def _read_facet(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("facet")
    return value


def _read_order(value: Any) -> Order:
    if value not in ORDERS:
        raise ValueError("order")
    order: Order = value
    return order


_READERS: dict[str, Callable[[Any], Filter]] = {
    "everything": lambda v: EVERYTHING,
    "one_of": lambda v: OneOf(_read_facet(v["facet"]), _read_values(v["values"])),
    "range": lambda v: Range(_read_facet(v["facet"]), _read_order(v["order"]), float(v["limit"])),
    "missing": lambda v: Missing(_read_facet(v["facet"])),
    "and": lambda v: And(tuple(from_json(part) for part in v["parts"])),
    "or": lambda v: Or(tuple(from_json(part) for part in v["parts"])),
    "not": lambda v: Not(from_json(v["part"])),
}


def resolve(facet: str, valid: Mapping[str, Any]) -> str:
    """The full name of a facet: ``exposure`` means ``measures.exposure`` when nothing else ends so.

    Raises:
        FilterError: no such facet, or several.

    >>> resolve("blur", {"measures.blur": 0, "split": 0})
    'measures.blur'
    """
    if facet in valid:
        return facet
    near = [name for name in valid if name.endswith(f".{facet}")]
    if len(near) == 1:
        return near[0]
    if near:
        raise FilterError(f"Several facets end with {facet!r}.", fix=f"Use one of {', '.join(near)}.")
    raise FilterError(f"Unknown facet {facet!r}.", fix=one_of(facet, valid))


def to_query(condition: Filter, facets: Mapping[str, Facet]) -> dict[str, Any]:
    """The filter as a MongoDB query document.

    Raises:
        FilterError: the filter names a facet that ``facets`` lacks, or orders words.

    >>> to_query(Range("blur", ">", 2.0), {"blur": Facet(("measures.blur",), "number")})
    {'measures.blur': {'$gt': 2.0}}
    """
    match condition:
        case OneOf(name, values):
            facet = facets[resolve(name, facets)]
            return facet.where({"$in": facet.stored(values)})
        case Range(name, order, limit):
            facet = facets[resolve(name, facets)]
            if not facet.numeric:
                raise not_a_number(name)
            return facet.where({MONGO_ORDER[order]: limit})
        case Missing(name):
            # $type also looks into lists, so an empty list and an absent field are both "no value"
            return {"$nor": [facets[resolve(name, facets)].where({"$type": ["string", "bool", "number"]})]}
        case And(parts):
            return {"$and": [to_query(part, facets) for part in parts]}
        case Or(parts):
            return {"$or": [to_query(part, facets) for part in parts]}
        case Not(part):
            return {"$nor": [to_query(part, facets)]}
    return {}


def not_a_number(facet: str) -> FilterError:
    """The error for ``<`` or ``>`` on words."""
    return FilterError(f"Facet {facet!r} holds words, not numbers.", fix="Use == or in instead of < and >.")


def words(condition: Filter) -> str:
    """The filter in words for people.

    >>> words(OneOf("lighting", ("dim", "dark")) & Range("blur", ">", 2))
    'lighting is dim or dark, and blur > 2'
    """
    match condition:
        case OneOf(facet, values):
            return f"{facet} is {' or '.join(map(str, values))}"
        case Range(facet, order, limit):
            return f"{facet} {order} {limit:g}"
        case Missing(facet):
            return f"{facet} is missing"
        case And(parts):
            return ", and ".join(words(part) for part in parts)
        case Or(parts):
            return "(" + ", or ".join(words(part) for part in parts) + ")"
        case Not(part):
            return f"not ({words(part)})"
    return "all samples"
