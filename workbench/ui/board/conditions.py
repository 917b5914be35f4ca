"""Conditions as the slicer has them: chosen words, a range, and the way back from a filter to those."""

from __future__ import annotations

from workbench.core.tables import EVERYTHING, Filter
from workbench.core.tables.filter import And, Missing, OneOf, Or, Range, all_of

REST = "where"  # key of conditions that belong to no single facet


def by_facet(condition: Filter) -> dict[str, Filter]:
    """The parts of a filter by the facet that shows them; what no facet can show is under ``REST``."""
    by_name: dict[str, Filter] = {}
    for part in condition.parts if isinstance(condition, And) else (condition,):
        if part != EVERYTHING:
            key = next(iter(part.facets)) if _is_simple(part) else REST
            key = REST if key in by_name and not isinstance(part, Range) else key  # a facet shows one choice of words
            by_name[key] = all_of(by_name.get(key, EVERYTHING), part)
    return by_name


def _is_simple(part: Filter) -> bool:
    if isinstance(part, OneOf | Range | Missing):
        return True
    return isinstance(part, Or) and len(part.facets) == 1 and all(isinstance(p, OneOf | Missing) for p in part.parts)


def chosen_words(condition: Filter | None) -> tuple[tuple[str, ...], bool]:
    """Words that a facet's condition allows, and whether it allows missing."""
    match condition:
        case OneOf(_, values):
            return tuple(map(str, values)), False
        case Missing():
            return (), True
        case Or(parts):
            choices = [chosen_words(part) for part in parts]
            return tuple(v for values, _ in choices for v in values), any(missing for _, missing in choices)
    return (), False


def either(facet: str, values: tuple[str, ...], missing: bool) -> Filter:
    """The condition for some words, or missing, or both; everything for neither."""
    parts: list[Filter] = [OneOf(facet, values)] if values else []
    if missing:
        parts.append(Missing(facet))
    if not parts:
        return EVERYTHING
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def between(facet: str, low: float | None, high: float | None) -> Filter:
    """``low <= facet <= high``; ``None`` leaves an end open."""
    ends = [Range(facet, ">=", float(low))] if low is not None else []
    ends += [Range(facet, "<=", float(high))] if high is not None else []
    return all_of(*ends)


def range_of(condition: Filter | None) -> tuple[float | None, float | None]:
    """The ends of a facet's range, ``None`` for an open one."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    low = next((p.limit for p in parts if isinstance(p, Range) and p.order in (">", ">=")), None)
    high = next((p.limit for p in parts if isinstance(p, Range) and p.order in ("<", "<=")), None)
    return low, high
