"""AP of a slice looks at the classes of the slice alone, with the numbers that looking at all of them gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.metrics import average_precision
from workbench.core.metrics.average_precision import RESAMPLES, ClassResults, estimate, mean_ap

SAMPLES = 6


@st.composite
def results(draw: Any) -> list[ClassResults]:
    made = []
    for _ in range(draw(st.integers(0, 4))):
        rows = draw(st.lists(st.integers(0, SAMPLES - 1), max_size=8))
        hits = [draw(st.booleans()) for _ in rows]
        truths = draw(st.lists(st.integers(0, 2), min_size=SAMPLES, max_size=SAMPLES))
        made.append(ClassResults(np.array(rows, np.int64), np.array(hits, bool), np.array(truths, np.int64)))
    return made


def of_all_classes(given_results: list[ClassResults], rows: Any) -> Any:
    value, chosen = mean_ap(given_results, rows.astype(float)), np.flatnonzero(rows)
    if value is None or len(chosen) < 2:
        return value, None, None
    rng = np.random.default_rng(0)
    drawn = (np.bincount(rng.choice(chosen, len(chosen)), minlength=SAMPLES).astype(float) for _ in range(RESAMPLES))
    known = [ap for weights in drawn if (ap := mean_ap(given_results, weights)) is not None]
    return value, *map(float, np.quantile(known, [0.025, 0.975]))


@given(results(), st.lists(st.booleans(), min_size=SAMPLES, max_size=SAMPLES))
def test_the_numbers_are_those_of_all_classes(given_results: list[ClassResults], chosen: list[bool]) -> None:
    rows = np.array(chosen)
    found, expected = estimate(given_results, rows), of_all_classes(given_results, rows)
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_slice_of_one_of_many_classes_resamples_that_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    n, asked = 300, []
    own = average_precision.average_precision
    monkeypatch.setattr(average_precision, "average_precision", lambda *args: asked.append(1) or own(*args))
    each = [
        ClassResults(np.array([2 * k, 2 * k + 1]), np.ones(2, bool), np.isin(np.arange(2 * n), (2 * k, 2 * k + 1)) * 1)
        for k in range(n)
    ]
    rows = np.zeros(2 * n, bool)
    rows[:2] = True
    assert estimate(each, rows) == (1.0, 1.0, 1.0)
    assert len(asked) == RESAMPLES + 1
