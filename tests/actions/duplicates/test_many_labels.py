"""Copies of an image with thousands of labels are compared kind by kind, not label by label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.actions.duplicates.label_conflicts import conflict
from workbench.core.metrics import overlap
from workbench.core.schema.labels import Labels, Record

MANY = 20_000


def copy(n: int, names: tuple[str, ...] = ("nut",)) -> Record:
    labels = Labels((names * n)[:n], [1.0, 2.0, 30.0, 40.0] * n)
    return Record(Path("a.png"), "a.png", 64, 48, labels)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (copy(MANY), copy(MANY), None),
        (copy(MANY), copy(MANY - 3), "3 and 0 boxes have no match in the other"),
        (copy(MANY), copy(MANY, ("nut", "bolt")), "other class: nut / bolt"),
        (copy(MANY), copy(0), "20,000 boxes in one, none in the other"),
    ],
    ids=["equal", "three fewer", "half of another class", "none"],
)
def test_conflicts_of_thousands_of_equal_boxes(
    first: Record, second: Record, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, iou = [], overlap.iou

    def counting(a: Any, b: Any) -> Any:
        compared.append((a.size // 4) * (b.size // 4))
        return iou(a, b)

    monkeypatch.setattr(overlap, "iou", counting)
    assert conflict(first, second) == message
    assert sum(compared) <= 6 * MANY
