"""Attributes that are or hold bytes are no facts of an image: left out of the dataset, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from workbench.adapters import store
from workbench.core.schema.labels import Label


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b"x", True),
        (bytearray(b"x"), True),
        (memoryview(b"x"), True),
        ([b"x", 1], True),
        ({"bytes": b"x", "path": "a"}, True),
        ("x", False),
        ([1], False),
        (None, False),
    ],
    ids=["bytes", "bytearray", "memoryview", "list", "mapping", "text", "numbers", "nothing"],
)
@pytest.mark.parametrize("of_label", [False, True])
def test_bytes_are_named(dataset: Any, picture: Callable[..., Path], value: Any, named: bool, of_label: bool) -> None:
    given = {"thumb": value, "ok": 1}
    labels = (Label("nut", (1.0, 2.0, 30.0, 40.0), attributes=given if of_label else {}),)
    own = record(picture("a.png"), labels=labels, attributes={} if of_label else given)
    added = store.add(dataset, [own], source="real")
    assert added.with_bytes == ({"thumb": ["a.png"]} if named else {})
    again = store.add(dataset, [own], source="real")
    assert again.with_bytes == {}
