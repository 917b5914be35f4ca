"""The filter language, its forms, and masks."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import filters
from workbench.base.errors import FilterError
from workbench.core.tables import EVERYTHING, CategoryColumn, Facet, NumberColumn, SetColumn, Table, parse
from workbench.core.tables.filter import (
    Filter,
    from_json,
    to_json,
    to_query,
    words,
)

TABLE = Table(
    np.array(["a", "b", "c", "d"]),
    {
        "lighting": CategoryColumn.of(["dim", "dim", "bright", None]),
        "tags": SetColumn.of([["failure:glare"], [], ["x", "failure:glare"], ["x"]]),
        "class": SetColumn.of([["mug"], ["mug", "bolt"], [], ["bolt"]]),
        "measures.blur_px": NumberColumn(np.array([0.5, 2.0, np.nan, 3.5])),
        "n": NumberColumn(np.array([1.0, 2.0, 3.0, 4.0])),
    },
)

SELECTED = [
    ("lighting == 'dim'", "ab"),
    ("lighting != 'dim'", "cd"),
    ("'dim' == lighting", "ab"),
    ("lighting in ['dim', 'bright']", "abc"),
    ("lighting not in ['dim']", "cd"),
    ("lighting == None", "d"),
    ("lighting is not None", "abc"),
    ("failure:glare in tags", "ac"),
    ("'failure:glare' in tags and lighting == 'dim'", "a"),
    ("failure:glare not in tags", "bd"),
    ("tags == None", "b"),
    ("class == 'bolt'", "bd"),
    ("class == None", "c"),
    ("measures.blur_px > 1", "bd"),
    ("blur_px >= 2 and n < 4", "b"),
    ("1 < n <= 3", "bc"),
    ("3 > n", "ab"),
    ("not (n < 2 or lighting == 'bright')", "bd"),
    ("n == 2", "b"),
    ("n > -1", "abcd"),
    ("True", "abcd"),
    ("", "abcd"),
]


@pytest.mark.parametrize(("text", "ids"), SELECTED, ids=[text for text, _ in SELECTED])
def test_language_selects(text: str, ids: str) -> None:
    assert "".join(TABLE.ids[TABLE.mask(parse(text))]) == ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lighting =", "Cannot read the filter 'lighting =' (invalid syntax). Write for example: lighting == 'dim'"),
        ("__import__('os').system('true')", "is not a comparison; join comparisons with and, or, not. Write for"),
        ("lighting == [1, 2", "Cannot read the filter 'lighting == [1, 2' ("),
        ("lambda x: 1", "'lambda x: 1' is not a comparison"),
        ("lighting == surface", "'surface' is not a text or a number"),
        ("n < 'many'", "\"'many'\" is not a number"),
        ("f(n) > 1", "'f(n)' is not the name of a facet"),
        ("n + 1 > 2", "'n + 1' is not the name of a facet"),
        ("lighting['a'] == 1", "is not the name of a facet"),
        ("(" * 3000 + "n" + ")" * 3000, "Cannot read the filter '((("),
        ("x" * 30_000, "The filter has 30,000 characters; at most 20,000 are allowed. Make it shorter."),
        ("not " * 250 + "n == 1", "is nested too deeply"),
        ("lighting == 1j", "'1j' is not a text or a number"),
        ("lighting == b'x'", "\"b'x'\" is not a text or a number"),
        ("\x00", "Cannot read the filter '\\x00' ("),
    ],
)
def test_language_refuses(text: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert str(caught.value).startswith("where: ") and message in str(caught.value)


def test_unknown_facet_names_the_likely_one() -> None:
    with pytest.raises(FilterError, match=r"Unknown facet 'lihgting'\. Did you mean 'lighting'\? Valid: "):
        TABLE.mask(parse("lihgting == 'dim'"))


def test_order_of_words_is_refused_everywhere() -> None:
    with pytest.raises(FilterError, match="Facet 'lighting' holds words, not numbers"):
        TABLE.mask(parse("lighting > 3"))
    with pytest.raises(FilterError, match="Facet 'lighting' holds words, not numbers"):
        to_query(parse("lighting > 3"), {"lighting": Facet(("lighting",), "category")})


@given(filters)
def test_json_round_trip(condition: Filter) -> None:
    assert from_json(json.loads(json.dumps(to_json(condition)))) == condition


@given(filters)
def test_text_round_trip_selects_the_same(condition: Filter) -> None:
    again = parse(str(condition))
    assert np.array_equal(TABLE.mask(again), TABLE.mask(condition)), str(condition)
    assert words(condition)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_json_from_anywhere_is_a_filter_or_refused(value: object) -> None:
    with contextlib.suppress(FilterError):
        assert isinstance(from_json(value), Filter)


def test_linked_masks_count_the_others() -> None:
    conditions = {"lighting": parse("lighting == 'dim'"), "n": parse("n > 1")}
    rows, others = TABLE.linked_masks(conditions)
    assert "".join(TABLE.ids[rows]) == "b"
    assert "".join(TABLE.ids[others["lighting"]]) == "bcd"
    assert "".join(TABLE.ids[others["n"]]) == "ab"
    assert TABLE.linked_masks({})[0].all()


def test_columns_count() -> None:
    rows = np.array([True, True, False, True])
    assert CategoryColumn.of(["b", "a", None, "b"]).counts(rows) == {"a": 1, "b": 2}
    assert SetColumn.of([["x", "y"], ["x"], ["y"], []]).counts(rows) == {"x": 2, "y": 1}
    assert NumberColumn(np.array([0.0, 1.0, 2.0, np.nan])).counts(rows, np.array([0.0, 0.5, 3.0])).tolist() == [1, 1]


def test_empty_table() -> None:
    empty = Table(np.array([], dtype=str), {"lighting": CategoryColumn.of([]), "tags": SetColumn.of([])})
    assert not empty.mask(EVERYTHING).any()
    assert empty.to_frame().empty
    assert NumberColumn(np.array([])).bin_edges().tolist()[0] == 0.0
