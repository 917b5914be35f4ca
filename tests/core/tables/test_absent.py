"""Words that no sample has, and filters that select nothing, are said, with the words there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.base.errors import FilterError
from workbench.core.tables import CategoryColumn, NumberColumn, SetColumn, Table, parse
from workbench.core.tables.absent import absent, asked_values

WORDS = ("bright", "dark", "dim", "normal")
TABLE = Table(
    np.array([f"{i:024x}" for i in range(5)]),
    {
        "lighting": CategoryColumn.of([*WORDS, None]),
        "tags": SetColumn.of([["a", "glare"], [], ["a"], None, []]),
        "measures.noise": NumberColumn.of([1, 2.5, 3, None, 1]),
        "flag": CategoryColumn.of([True, False, True, None, None]),
        "empty": NumberColumn.of([None] * 5),
    },
)
THERE = "there are bright, dark, dim and normal."


@pytest.mark.parametrize(
    ("where", "notes"),
    [
        ("lighting == 'dimm'", [f"No sample has lighting 'dimm'; {THERE} Did you mean 'dim'?"]),
        ("lighting in ['dim', 'zzz']", [f"No sample has lighting 'zzz'; {THERE}"]),
        ("lighting != 'Dim'", [f"No sample has lighting 'Dim'; {THERE} Did you mean 'dim'?"]),
        ("tags == 'glar'", ["No sample has tags 'glar'; there are a and glare. Did you mean 'glare'?"]),
        ("noise == 7", ["No sample has noise 7; it goes from 1 to 3."]),
        ("noise == 'high'", ["'noise' holds numbers, not 'high'; it goes from 1 to 3."]),
        ("flag == 'yes'", ["No sample has flag 'yes'; there are False and True."]),
        ("empty == 1", ["No sample has empty 1; no sample has any empty."]),
        ("lighting == 'dim' and noise == 1", ["No sample matches the filter lighting == 'dim' and noise == 1."]),
        ("noise > 100", ["No sample matches the filter noise > 100.0."]),
        ("lighting == 'dim' or noise > 100", []),
        ("lighting == None and flag != True", []),
        ("flag == True", []),
        ("True", []),
    ],
)  # fmt: skip
def test_what_nobody_has_is_said(where: str, notes: list[str]) -> None:
    assert absent(parse(where), TABLE) == notes


def test_many_words_are_cut_short() -> None:
    table = Table(
        np.array([f"{i:024x}" for i in range(30)]), {"scene": CategoryColumn.of([f"s{i}" for i in range(30)])}
    )
    (note,) = absent(parse("scene == 'q'"), table)
    assert note.endswith("and 10 more.")


def test_an_unknown_facet_stays_an_error() -> None:
    with pytest.raises(FilterError, match="Did you mean 'lighting'"):
        absent(parse("lightning == 'dim'"), TABLE)


@given(
    values=st.lists(st.sampled_from([*WORDS, "dimm", "x"]), min_size=1, max_size=4),
    form=st.sampled_from(["lighting in {}", "not lighting in {}", "noise > 0 or lighting in {}"]),
)
def test_a_silent_filter_selects_something(values: list[str], form: str) -> None:
    condition = parse(form.format(values))
    notes = absent(condition, TABLE)
    unknown = [word for _, word in asked_values(condition) if word not in WORDS]
    assert len(notes) == len(unknown)
    assert notes or TABLE.mask(condition).any()
