"""Which labels count, as expressions of MongoDB: the rule of ``odd_labels`` where the server counts and filters."""

from __future__ import annotations

import sys
from typing import Any, Final

from workbench.adapters.store.odd_labels import FAR, IN_SPACE

USABLE = "usable"  # the variable by which facets name them
_NUMBER: Final = ["int", "long", "double"]
_ABSENT: Final[list[Any]] = [None, [], "", 0, False, {}]  # what is no box for Python
_SPACES: Final = "".join(filter(str.isspace, map(chr, range(0x3001))))
_LIMITS: Final = ((-FAR, 1.0), (-FAR, 1.0), (0.0, FAR), (0.0, FAR))  # of left, top, width and height


def usable_labels(field: str) -> Any:
    """The labels of a field that are not odd, a list of documents; as ``sorted_out`` with ``by_id`` has it."""
    labels = {"$cond": [{"$isArray": f"${field}.detections"}, f"${field}.detections", []]}
    in_space = {"$or": [_has(name) for name in sorted(IN_SPACE)]}
    box: Any = {"$ifNull": ["$$label.bounding_box", None]}
    good = {"$cond": [{"$in": [box, _ABSENT]}, in_space, {"$and": [*_box(), _class(), _confidence()]}]}
    condition = {"$and": [{"$eq": [{"$type": "$$label"}, "object"]}, _has("_id"), good]}
    return {"$filter": {"input": labels, "as": "label", "cond": condition}}


def words_of(labels: Any) -> Any:
    """The classes of labels, those without any left out."""
    named = {"$filter": {"input": labels, "as": "label", "cond": {"$eq": [{"$type": "$$label.label"}, "string"]}}}
    return {"$map": {"input": named, "as": "label", "in": "$$label.label"}}


def odd_count(field: str, usable: Any) -> Any:
    """How many labels of a field are odd, given those that are not; 1 where the field holds no labels at all."""
    labels = f"${field}.detections"
    kind, outer = {"$type": labels}, {"$type": f"${field}"}
    branches = [
        {"case": {"$in": [outer, ["missing", "null"]]}, "then": 0},
        {"case": {"$ne": [outer, "object"]}, "then": 1},
        {"case": {"$eq": [kind, "missing"]}, "then": 0},
        {"case": {"$eq": [kind, "array"]}, "then": {"$subtract": [{"$size": labels}, {"$size": usable}]}},
    ]
    return {"$switch": {"branches": branches, "default": 1}}


def _has(name: str) -> Any:
    return {"$ne": [{"$type": f"$$label.{name}"}, "missing"]}


def _box() -> list[Any]:
    """Whether it is four numbers within reach, that show a part of the image."""
    numbers = {"$cond": [{"$isArray": "$$label.bounding_box"}, "$$label.bounding_box", []]}
    edges = [{"$arrayElemAt": [numbers, at]} for at in range(4)]
    within: list[Any] = [{"$eq": [{"$size": numbers}, 4]}]
    for edge, (low, high) in zip(edges, _LIMITS, strict=True):
        within += [{"$in": [{"$type": edge}, _NUMBER]}, {"$gt": [edge, low]}, {"$lt": [edge, high]}]  # NaN is less
    reaches = [{"$gt": [{"$add": [edges[at], edges[at + 2]]}, 0]} for at in (0, 1)]
    return [{"$cond": [{"$and": within}, {"$and": reaches}, False]}]


def _class() -> Any:
    name = "$$label.label"
    is_text = {"$eq": [{"$type": name}, "string"]}
    return {"$cond": [is_text, {"$ne": [{"$trim": {"input": name, "chars": _SPACES}}, ""]}, False]}


def _confidence() -> Any:
    value, largest = "$$label.confidence", sys.float_info.max
    is_finite = {"$and": [{"$gte": [value, -largest]}, {"$lte": [value, largest]}]}
    is_number = {"$cond": [{"$in": [{"$type": value}, _NUMBER]}, is_finite, False]}
    return {"$or": [{"$in": [{"$type": value}, ["missing", "null"]]}, is_number]}
