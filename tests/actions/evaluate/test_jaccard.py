"""The Jaccard index in what evaluation writes: slices and search take it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.builders import record
from workbench.adapters import store
from workbench.core.metrics.intervals import wilson

COUNTS = ("hits", "misses", "false_alarms", "wrong_class", "badly_placed", "duplicates")
ROWS = [
    ("dim", 3, 1, 2, 0, 0, 0),
    ("dim", 0, 2, 0, 1, 1, 0),
    ("bright", 5, 0, 0, 0, 0, 0),
    ("bright", 1, 0, 0, 0, 0, 1),
]


def test_slices_by_the_jaccard_index(dataset: Any, picture: Callable[..., Path]) -> None:
    records = [record(picture(f"{i}.png", seed=i), attributes={"lighting": row[0]}) for i, row in enumerate(ROWS)]
    store.add(dataset, records, source="real")
    counted = zip(store.select(dataset), ROWS, strict=True)
    values = {
        i: {f"evaluation.{name}": float(n) for name, n in zip(COUNTS, row[1:], strict=True)} for i, row in counted
    }
    store.set_values(dataset, values)
    found = wb.slices(dataset, "lighting", metric="jaccard").set_index("lighting")[["value", "low", "high"]]
    assert found.loc["dim"].tolist() == pytest.approx([3 / 10, *wilson(3, 10)])
    assert found.loc["bright"].tolist() == pytest.approx([6 / 7, *wilson(6, 7)])
