"""Words of a filter that no sample has: most are slips, and an empty result must not be silent."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

import numpy as np

from workbench.core.tables.column import NumberColumn
from workbench.core.tables.facet import Scalar
from workbench.core.tables.filter import And, Filter, Not, OneOf, Or, resolve
from workbench.core.tables.table import Table

SHOWN = 20


def asked_values(condition: Filter) -> Iterator[tuple[str, Scalar]]:
    """Each facet with a value that the filter asks for.

    >>> from workbench.core.tables import parse
    >>> list(asked_values(parse("lighting in ['dim', 'dark'] and not class == 'mug'")))
    [('lighting', 'dim'), ('lighting', 'dark'), ('class', 'mug')]
    """
    match condition:
        case OneOf(facet, values):
            yield from ((facet, value) for value in dict.fromkeys(values))
        case And(parts) | Or(parts):
            for part in parts:
                yield from asked_values(part)
        case Not(part):
            yield from asked_values(part)


def no_such_word(facet: str, value: Scalar, there: Sequence[str]) -> str:
    """What to say of a word that no sample has.

    >>> no_such_word("lighting", "dimm", ["dim", "bright"])
    "No sample has lighting 'dimm'; there are bright and dim. Did you mean 'dim'?"
    """
    words = sorted(there)
    if not words:
        return f"No sample has {facet} {str(value)!r}; no sample has any {facet}."
    near = difflib.get_close_matches(str(value), words, n=1)
    rest = len(words) - SHOWN
    shown = words[:SHOWN] + ([f"{rest:,} more"] if rest > 0 else [])
    listed = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"No sample has {facet} {str(value)!r}; there {'is' if len(words) == 1 else 'are'} {listed}.{hint}"


def no_such_number(facet: str, value: Scalar, least: float | None, most: float | None) -> str:
    """What to say of a number that no sample has.

    >>> no_such_number("seed", 7, 0, 3), no_such_number("seed", "x", 0, 3)
    ('No sample has seed 7; it goes from 0 to 3.', "'seed' holds numbers, not 'x'; it goes from 0 to 3.")
    """
    text = isinstance(value, str)
    problem = f"'{facet}' holds numbers, not {value!r}" if text else f"No sample has {facet} {value}"
    return f"{problem}; " + (f"no sample has any {facet}." if least is None else f"it goes from {least:g} to {most:g}.")


def nothing_selected(condition: Filter) -> str:
    """What to say of a filter that selects no sample, each of whose words some sample has."""
    return f"No sample matches the filter {str(condition)[:300]}."


def absent(condition: Filter, table: Table) -> list[str]:
    """What the user has to know of a filter: its words that no sample has, or that nothing matches; else nothing.

    Raises:
        FilterError: as of ``Table.mask``.
    """
    empty = not table.mask(condition).any()
    notes = []
    for asked, value in asked_values(condition):
        facet = resolve(asked, table.columns)
        column = table.columns[facet]
        if column.mask_of((value,)).any():
            continue
        if isinstance(column, NumberColumn):
            numbers = column.values[~column.missing()]
            ends = (float(numbers.min()), float(numbers.max())) if numbers.size else (None, None)
            notes.append(no_such_number(asked, value, *ends))
        else:
            counts = column.counts(np.ones(len(table), np.bool_))
            notes.append(no_such_word(asked, value, [word for word, n in counts.items() if n]))
    return notes or ([nothing_selected(condition)] if empty else [])
