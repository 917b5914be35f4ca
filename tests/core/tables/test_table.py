"""Columns and tables that grow and change, against plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.tables import CategoryColumn, NumberColumn, SetColumn, Table, table_file

WORDS = st.none() | st.sampled_from(["dim", "bright", "x"])
NUMBERS = st.none() | st.integers(-3, 3)
SETS = st.none() | st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4)
KINDS = [(CategoryColumn, WORDS), (NumberColumn, NUMBERS), (SetColumn, SETS)]


def values(column: Any) -> list[Any]:
    """What a column says, row by row."""
    if isinstance(column, NumberColumn):
        return [None if np.isnan(v) else v for v in column.values]
    if isinstance(column, CategoryColumn):
        return [None if code < 0 else column.names[code] for code in column.codes]
    bounds = zip(column.starts, column.starts[1:], strict=False)
    return [tuple(column.names[code] for code in column.codes[a:b]) for a, b in bounds]


def plain(kind: type, given: list[Any]) -> list[Any]:
    return [tuple(sorted(set(v or ()))) for v in given] if kind is SetColumn else given


@pytest.mark.parametrize(("kind", "one"), KINDS)
@given(data=st.data())
def test_columns_join_change_and_pick(kind: Any, one: Any, data: st.DataObject) -> None:
    first, second = data.draw(st.lists(one, max_size=8)), data.draw(st.lists(one, max_size=8))
    column, other = kind.of(first), kind.of(second)
    assert values(column) == plain(kind, first)
    assert values(column.joined(other)) == plain(kind, first + second)
    rows = data.draw(st.lists(st.integers(0, 7).filter(lambda r: r < len(first)), unique=True, max_size=len(second)))
    rows = rows if first else []
    expected = list(first)
    for row, value in zip(rows, second, strict=False):
        expected[row] = value
    picked = other.taken(np.arange(len(rows)))
    assert values(column.replaced(np.array(rows, np.int64), picked)) == plain(kind, expected)
    assert values(column.taken(np.array(rows, np.int64))) == plain(kind, [first[row] for row in rows])
    assert values(kind.missing_rows(2)) == plain(kind, [None, None])


@pytest.mark.parametrize("kind", [CategoryColumn, SetColumn])
@given(data=st.data())
def test_counts_and_masks_agree_with_counting(kind: Any, data: st.DataObject) -> None:
    given = data.draw(st.lists(WORDS if kind is CategoryColumn else SETS, min_size=1, max_size=12))
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=len(given), max_size=len(given))))
    column = kind.of(given)
    words = [{v} - {None} if kind is CategoryColumn else set(v or ()) for v in given]
    for name, n in column.counts(rows).items():
        assert n == sum(name in has for has, on in zip(words, rows, strict=True) if on)
        assert column.mask_of([name]).tolist() == [name in has for has in words]
    assert column.missing().tolist() == [not has for has in words]


def table(rows: dict[str, tuple[Any, Any, Any]]) -> Table:
    """A table of ``{id: (word, number, set)}``, in order of ids."""
    order = sorted(rows)
    columns = {
        "lighting": CategoryColumn.of([rows[i][0] for i in order]),
        "noise": NumberColumn.of([rows[i][1] for i in order]),
        "tags": SetColumn.of([rows[i][2] for i in order]),
    }
    return Table(np.array(order, dtype="U24"), columns)


ROWS = st.dictionaries(st.sampled_from([f"{i:024x}" for i in range(9)]), st.tuples(WORDS, NUMBERS, SETS))


def said(table: Table) -> dict[str, Any]:
    return {"ids": table.ids.tolist(), **{name: values(column) for name, column in table.columns.items()}}


@given(first=ROWS, second=ROWS)
def test_a_patched_table_is_the_table_of_all(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert said(table(first).patched(table(second))) == said(table(first | second))


def test_a_new_facet_is_missing_in_the_rows_that_stay() -> None:
    old = table({f"{i:024x}": ("dim", 1, ["a"]) for i in range(3)})
    new = table({f"{2:024x}": ("bright", 2, ["b"])})
    new = Table(new.ids, {**new.columns, "sensor": CategoryColumn.of(["noisy"])})
    assert said(old.patched(new))["sensor"] == [None, None, "noisy"]
    assert "noise" not in old.patched(Table(new.ids, {"lighting": new.columns["lighting"]})).columns


@given(rows=ROWS)
def test_a_table_comes_back_from_disk(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("tables") / "t.npz"
    table_file.write(path, table(rows), {"at": "now"})
    back = table_file.read(path)
    assert back is not None and said(back[0]) == said(table(rows)) and back[1] == {"at": "now"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.npz").write_bytes(content)
    assert table_file.read(tmp_path / "t.npz") is None and table_file.read(tmp_path / "none.npz") is None
