"""The tab of classes: numbers by hand, the order, what the filter does, and what a click asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from tests.ui.board.conftest import HOSTILE, Browser
from workbench.actions.evaluate import evaluate
from workbench.adapters import store
from workbench.adapters.store import predictions
from workbench.core.metrics.intervals import wilson
from workbench.core.schema.labels import Label
from workbench.ui.board import Board, Selection

PLACES = [(1.0, 2.0, 11.0, 12.0), (20.0, 2.0, 30.0, 12.0), (40.0, 2.0, 50.0, 12.0)]
SHOWN = [  # class and whether it is found, of each place in six pictures of scenes of their own
    [("nut", True), ("bolt", True), (HOSTILE, False)],
    [("nut", True), ("bolt", False)],
    [("nut", False), ("nut", True)],
    [("bolt", True)],
    [("bolt", True)],
    [],
]
ROWS = {  # labels, samples, hits, misses
    HOSTILE: (1, 1, 0, 1),
    "nut": (4, 3, 3, 1),
    "bolt": (4, 4, 3, 1),
}


@pytest.fixture
def board(dataset: Any, picture: Callable[..., Path]) -> Browser:
    records = []
    for i, shown in enumerate(SHOWN):
        labels = tuple(Label(name, PLACES[k]) for k, (name, _) in enumerate(shown))
        light = {"lighting": "dim" if i < 3 else "bright"}
        records.append(record(picture(f"{i}.png", seed=i), labels=labels, attributes=light, scene_id=f"scene {i}"))
    store.add(dataset, records, source="real")
    return Browser(Board(Selection(dataset)))


def judge(dataset: Any) -> None:
    found = {
        i: [Label(name, PLACES[k], confidence=0.9) for k, (name, hit) in enumerate(shown) if hit]
        for i, shown in zip(store.select(dataset), SHOWN, strict=True)
    }
    predictions.set_predictions(dataset, "predictions", found)
    evaluate(dataset, "predictions")


def table(browser: Browser) -> dict[str, Any]:
    answer, _ = browser.ask("classes")
    assert answer["ok"]
    return answer["result"]


def test_before_an_evaluation_there_are_labels_and_samples(board: Browser) -> None:
    found = table(board)
    assert (found["all"], found["evaluated"]) == (3, False)
    assert [(row["name"], row["labels"], row["samples"]) for row in found["rows"]] == [
        ("bolt", 4, 4), ("nut", 4, 3), (HOSTILE, 1, 1)
    ]  # fmt: skip
    assert all(row[key] is None for row in found["rows"] for key in ("hits", "misses", "value", "low", "high"))


def test_recall_is_of_the_labels_of_the_class_and_the_worst_is_first(board: Browser) -> None:
    judge(board.board.state.dataset)
    board.ask("follow")
    found = table(board)
    assert found["evaluated"]
    numbers = {row["name"]: (row["labels"], row["samples"], row["hits"], row["misses"]) for row in found["rows"]}
    assert numbers == ROWS and list(numbers) == [HOSTILE, "bolt", "nut"]  # of two alike by name
    by_name = {row["name"]: (row["value"], row["low"], row["high"]) for row in found["rows"]}
    assert by_name["bolt"] == pytest.approx((3 / 4, *wilson(3, 4)))
    value, low, high = by_name["nut"]
    assert value == 3 / 4 and low <= wilson(3, 4)[0] and high >= wilson(3, 4)[1]
    assert by_name[HOSTILE] == (0.0, None, None), "of one scene nothing can be said of others"


def test_the_filter_counts_but_for_the_classes_themselves(board: Browser) -> None:
    judge(board.board.state.dataset)
    board.ask("follow")
    board.ask("toggle", facet="lighting", value="bright")
    found = table(board)
    assert [(row["name"], row["labels"], row["hits"], row["on"]) for row in found["rows"]] == [("bolt", 2, 2, False)]
    board.ask("clear")
    board.ask("toggle", facet="class", value="nut")
    assert board.board.state.counts()["filtered"] == 3
    found = table(board)
    assert {row["name"]: row["on"] for row in found["rows"]} == {HOSTILE: False, "bolt": False, "nut": True}
    assert {row["name"]: row["labels"] for row in found["rows"]} == {name: n for name, (n, *_) in ROWS.items()}
    board.board.state.filter = "lighting == 'night'"
    assert table(board) == {"rows": [], "all": 0, "evaluated": True}


def test_it_is_a_tab_between_those_that_find_out_and_those_that_make(board: Browser) -> None:
    titles = [title for _, title in board.board._parts if title]
    assert titles.index("Analyse") < titles.index("Classes") < titles.index("Explore")


def test_the_form_says_which_samples_are_evaluated(board: Browser) -> None:
    dataset = board.board.state.dataset
    judge(dataset)
    bright = store.select(dataset, "lighting == 'bright'")
    predictions.set_predictions(dataset, "predictions", dict.fromkeys(bright[1:]))
    assert board.ask("options", panels=["analysis"])[0]["result"]["analysis"]["scopes"] == [
        "covered",
        "filtered",
        "all",
    ]
    board.ask("toggle", facet="lighting", value="bright")
    for scope, samples, line in (
        ("covered", 4, "wb.evaluate(ds, 'predictions')"),
        ("filtered", 1, "wb.evaluate(ds, 'predictions', where=\"lighting == 'bright'\")"),
        ("all", 6, "wb.evaluate(ds, 'predictions', scope='all')"),
    ):
        number = board.ask("evaluate", predictions="predictions", iou=0.5, confidence=0.0, scope=scope)[0]["result"]
        assert board.job(number)["state"] == "done" and board.board.code.splitlines()[-1] == line
        board.ask("follow")
        evaluation = board.board.state.evaluation
        assert evaluation is not None and evaluation["samples"] == samples
        assert len(store.select(dataset, "evaluation.hits >= 0")) == samples
    assert not board.ask("evaluate", predictions="predictions", iou=0.5, confidence=0.0, scope="some")[0]["ok"]
