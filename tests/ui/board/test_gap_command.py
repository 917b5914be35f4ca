"""The board's gap: what the panel gets of pictures, objects and the one distance."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import record
from tests.ui.board.conftest import Browser
from workbench.adapters import store
from workbench.core.schema.labels import Label
from workbench.ui.board import Board, Selection


@pytest.mark.slow
def test_gap_of_large_boxes(dataset: Any, picture: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    for source, side in (("real", 5.0), ("synthetic", 10.0)):
        edges = side + rng.normal(0, 1, 12)
        records = [
            record(
                picture(f"{source}{i}.png", seed=i + 50 * (source == "real")),
                labels=(Label("mug", (24 - e, 24 - e, 24 + e, 24 + e)),),
            )
            for i, e in enumerate(edges.tolist())
        ]
        store.add(dataset, records, source=source)
    store.set_values(dataset, {i: {"measures.noise": float(rng.normal())} for i in store.select(dataset)})
    answer, _ = Browser(Board(Selection(dataset))).ask("gap", sides="real and synthetic")
    (row,) = json.loads(json.dumps(answer["result"]))["rows"]
    assert row["distance"] == pytest.approx(row["distance_pictures"] + row["distance_objects"])
    assert row["object"]["measures"][0]["name"] == "size" and row["object"]["auc"] > 0.9
    assert [one["name"] for one in row["measures"]] == ["noise"] and row["look"] is None
