"""Slices with hand-computed values and intervals."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.base.errors import FilterError, InputError
from workbench.core.metrics.intervals import wilson
from workbench.core.metrics.per_slice import cells
from workbench.core.tables import CategoryColumn, NumberColumn, SetColumn, Table

TABLE = Table(
    np.array(list("abcdef")),
    {
        "lighting": CategoryColumn.of(["dim", "dim", "dim", "bright", "bright", None]),
        "surface": CategoryColumn.of(["metal", "metal", "wood", "wood", "wood", "wood"]),
        "tags": SetColumn.of([["x"], [], ["x", "y"], [], [], []]),
        "labels": NumberColumn(np.array([2.0, 1.0, 0.0, 3.0, 1.0, 5.0])),
        "noise": NumberColumn(np.array([1.0, 3.0, np.nan, 2.0, 2.0, 7.0])),
    },
)


def cell(found: list, **words: str | None) -> tuple:
    (one,) = [s for s in found if s.words == words]
    return one.samples, one.labels, one.value, one.low, one.high


def test_counts_with_empty_and_missing_cells() -> None:
    found = cells(TABLE, ["lighting", "surface"])
    assert cell(found, lighting="dim", surface="metal") == (2, 3, 2.0, None, None)
    assert cell(found, lighting="bright", surface="metal") == (0, 0, 0.0, None, None)
    assert cell(found, lighting=None, surface="wood") == (1, 5, 1.0, None, None)
    assert len(found) == 6


def test_mean_has_a_normal_interval() -> None:
    found = cells(TABLE, ["lighting"], metric="mean:noise")
    assert cell(found, lighting="dim") == (3, 3, 2.0, pytest.approx(0.040, abs=1e-3), pytest.approx(3.960, abs=1e-3))
    assert cell(found, lighting="bright")[2:] == (2.0, 2.0, 2.0)
    assert cell(found, lighting=None)[2:] == (7.0, None, None)


def test_share_has_wilsons_interval() -> None:
    found = cells(TABLE, ["lighting"], metric="share:x")
    assert cell(found, lighting="dim")[2:] == (pytest.approx(2 / 3), *wilson(2, 3))
    low, high = wilson(0, 2)
    assert cell(found, lighting="bright")[2:] == (0.0, low, high) and low == 0.0 and 0.6 < high < 0.7


def test_numbers_are_cut_into_quartiles() -> None:
    found = cells(TABLE, ["labels"])
    assert sum(s.samples for s in found) == 6 and len(found) == 4


def test_a_sample_counts_for_each_of_its_tags_and_rows_restrict() -> None:
    rows = TABLE.columns["lighting"].mask_of(["dim"])
    found = cells(TABLE, ["tags"], rows=rows)
    assert cell(found, tags="x")[0] == 2 and cell(found, tags="y")[0] == 1 and cell(found, tags=None)[0] == 1


def test_wishes_that_cannot_be_met() -> None:
    with pytest.raises(FilterError, match=r"Unknown facet 'lightning'\. Did you mean 'lighting'"):
        cells(TABLE, ["lightning"])
    with pytest.raises(InputError, match=r"Unknown metric 'beauty'.*share:<tag>"):
        cells(TABLE, ["lighting"], metric="beauty")
    with pytest.raises(InputError, match="one or two facets, not 3"):
        cells(TABLE, ["lighting", "surface", "tags"])
    with pytest.raises(FilterError, match="Facet 'surface' holds words, not numbers"):
        cells(TABLE, ["lighting"], metric="mean:surface")


@pytest.mark.parametrize("tag", ["xx", "X", "z", "failure:x"])
def test_a_share_of_a_tag_that_no_sample_has_is_refused(tag: str) -> None:
    """A column of zeros would look like a result of a misspelt word."""
    with pytest.raises(FilterError, match=rf"No sample has the tag '{tag}'\..*Valid: x, y"):
        cells(TABLE, ["lighting"], metric=f"share:{tag}")
