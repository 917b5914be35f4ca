"""A class that is predicted and nowhere true has a precision of 0, and is in every table by class that counts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.builders import record
from workbench.adapters import store
from workbench.adapters.store import predictions
from workbench.base.errors import InputError
from workbench.core.schema.labels import Label
from workbench.ui.board import Selection
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panels import map as failure_map

NUT, FAR = (1.0, 2.0, 30.0, 40.0), (40.0, 2.0, 60.0, 40.0)


@pytest.fixture
def judged(dataset: Any, picture: Callable[..., Path]) -> Any:
    records = [
        record(picture(f"{at}.png", seed=at), labels=(Label("nut", NUT),), attributes={"lighting": light})
        for at, light in enumerate(("dim", "bright"))
    ]
    store.add(dataset, records, source="real")
    guesses = [Label("nut", NUT, confidence=0.9), Label("ghost", FAR, confidence=0.8)]
    first, second = store.select(dataset)
    predictions.set_predictions(dataset, "predictions", {first: guesses, second: guesses[:1]})
    wb.evaluate(dataset, "predictions")
    return dataset


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("precision", {"nut": 1.0, "ghost": 0.0}),
        ("jaccard", {"nut": 1.0, "ghost": 0.0}),
        ("recall", {"nut": 1.0}),
        ("count", {"nut": 2.0}),
    ],
)
def test_classes_that_are_only_predicted(judged: Any, metric: str, expected: dict[str, float]) -> None:
    frame = wb.slices(judged, "class", metric=metric).set_index("class")
    assert frame["value"].to_dict() == expected
    if "ghost" in expected:
        assert frame.loc["ghost", ["samples", "labels"]].tolist() == [1, 0]


def test_by_two_facets_and_for_some_samples(judged: Any) -> None:
    frame = wb.slices(judged, ["lighting", "class"], metric="precision").set_index(["lighting", "class"])
    assert frame.loc[("dim", "ghost"), "value"] == 0
    assert frame.loc[("bright", "ghost"), "samples"] == 0
    bright = wb.slices(judged, "class", metric="precision", where="lighting == 'bright'")
    assert bright["class"].tolist() == ["nut"]


def test_the_map_of_the_board_shows_them(judged: Any) -> None:
    state = Selection(judged)
    jobs = Jobs(lambda ended: None)
    answer = failure_map.heat(state, jobs, None, ["class"], "precision")  # type: ignore[arg-type]
    assert {cell["words"][0]: cell["value"] for cell in answer["cells"]} == {"nut": 1.0, "ghost": 0.0}
    with pytest.raises(InputError, match="it is only predicted"):
        failure_map.toggle_cell(state, jobs, ["class"], ["ghost"])
