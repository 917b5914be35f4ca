"""Labels that another tool wrote into the dataset: every action that reads labels leaves out the same, and says so."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.builders import record
from workbench.adapters import store
from workbench.adapters.store import odd_samples
from workbench.adapters.store import predictions as stored
from workbench.adapters.store.odd_labels import sorted_out
from workbench.base.errors import LabelWarning
from workbench.core.schema.labels import Label
from workbench.core.schema.report import Problem
from workbench.ui.board import Board, Selection
from workbench.ui.cli.main import main

GOOD = [Label("nut", (1.0, 2.0, 30.0, 40.0)), Label("mug", (5.0, 2.0, 30.0, 40.0))]
LEFT_OUT: list[tuple[dict[str, Any], str]] = [
    ({"bounding_box": None}, "it has no box"),
    ({"bounding_box": []}, "it has no box"),
    ({"bounding_box": [0.1, 0.1, 0.2]}, "its box is not four numbers"),
    ({"bounding_box": [0.1, 0.1, 0.2, 0.2, 0.9]}, "its box is not four numbers"),
    ({"bounding_box": [0.1, 0.1, math.nan, 0.2]}, "its box is not four numbers"),
    ({"bounding_box": [math.nan] * 4}, "its box is not four numbers"),
    ({"bounding_box": [0.1, 0.1, math.inf, 0.2]}, "its box is not four numbers"),
    ({"bounding_box": [0.1, 0.1, 1e300, 0.2]}, "its box is not four numbers"),
    ({"bounding_box": ["a", 0.1, 0.2, 0.3]}, "its box is not four numbers"),
    ({"bounding_box": [0.1, None, 0.2, 0.3]}, "its box is not four numbers"),
    ({"bounding_box": "0.1 0.1 0.2 0.2"}, "its box is not four numbers"),
    ({"bounding_box": {"x": 0.1}}, "its box is not four numbers"),
    ({"bounding_box": [0.5, 0.5, -0.2, 0.2]}, "its box has a negative size"),
    ({"bounding_box": [0.5, 0.5, 0.2, -0.2]}, "its box has a negative size"),
    ({"label": None}, "it has no class"),
    ({"label": ""}, "it has no class"),
    ({"label": 7}, "it has no class"),
    ({"confidence": "high"}, "its confidence is not a number"),
    ({"confidence": math.nan}, "its confidence is not a number"),
]
NOTHING_SHOWN: list[tuple[dict[str, Any], str]] = [
    ({"bounding_box": [1.2, 0.1, 0.2, 0.2]}, "its box lies outside of the image"),
    ({"bounding_box": [0.1, -0.4, 0.2, 0.2]}, "its box lies outside of the image"),
    ({"bounding_box": [100.0, 50.0, 20.0, 30.0]}, "its box lies outside of the image"),
    ({"bounding_box": [0.1, 0.1, 0.0, 0.2]}, "its box has no area"),
]
ODD = [*LEFT_OUT, *NOTHING_SHOWN]
LISTS: list[tuple[Any, str]] = [
    (None, "its labels are not a list"),
    ("nut", "its labels are not a list"),
    ([None], "it is not a label"),
    (["nut"], "it is not a label"),
]
GROUND_TRUTH = "ground_truth"


@pytest.fixture
def dataset_of_two(dataset: Any, picture: Callable[..., Path]) -> Any:
    """Two pictures, one real and one synthetic, with two labels each, all of which are predicted."""
    for at, source in enumerate(("real", "synthetic")):
        labels = tuple(GOOD)
        store.add(dataset, [record(picture(f"{at}.png", seed=at), labels=labels, split="train")], source=source)
    guesses = [Label(label.name, label.xyxy, confidence=0.9) for label in GOOD]
    stored.set_predictions(dataset, "predictions", dict.fromkeys(store.select(dataset), guesses))
    return dataset


def spoil(dataset: Any, field: str, change: dict[str, Any]) -> str:
    """Write something odd into the second label of the first sample; gives the id of that sample."""
    sample_id = store.select(dataset)[0]
    sets = {f"{field}.detections.1.{key}": value for key, value in change.items()}
    dataset._sample_collection.update_one({"_id": store.samples.object_id(sample_id)}, {"$set": sets})
    return sample_id


def warned(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught if warning.category is LabelWarning]


def texts(problems: Any) -> list[str]:
    return [problem.message if isinstance(problem, Problem) else str(problem) for problem in problems]


def slices_of(dataset: Any) -> list[str]:
    return warned(lambda: wb.slices(dataset, "source"))


ACTIONS: dict[str, Callable[[Any], Any]] = {
    "evaluate": lambda ds: wb.evaluate(ds, "predictions").problems,
    "measure": lambda ds: wb.measure(ds).problems,
    "duplicates": lambda ds: wb.duplicates(ds).problems,
    "slices": slices_of,
    "heatmap": lambda ds: wb.heatmap(ds, "source").problems,
    "discover": lambda ds: wb.discover(ds, metric="mean:labels").problems,
    "gap": lambda ds: [wb.measure(ds), wb.gap(ds)][1].problems,
    "recreate": lambda ds: [wb.measure(ds), wb.recreate(ds, "source == 'real'", probes=False)][1].problems,
    "record_round": lambda ds: wb.record_round(ds, "predictions", name="first").notes,
    "classes of the board": lambda ds: Board(Selection(ds)).state.label_notes()["notes"],
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("change", "reason"), [LEFT_OUT[2], LEFT_OUT[4], LEFT_OUT[12], LEFT_OUT[14], NOTHING_SHOWN[0]])
def test_every_action_names_an_odd_label(dataset_of_two: Any, action: str, change: Any, reason: str) -> None:
    spoil(dataset_of_two, GROUND_TRUTH, change)
    found = texts(ACTIONS[action](dataset_of_two))
    assert any("1 label of 1 sample cannot be used (first: " in text and f"label 1: {reason}" in text for text in found)


@pytest.mark.parametrize(("change", "reason"), ODD, ids=str)
def test_odd_truth_does_not_count(dataset_of_two: Any, change: Any, reason: str) -> None:
    sample_id = spoil(dataset_of_two, GROUND_TRUTH, change)
    evaluation = wb.evaluate(dataset_of_two, "predictions")
    expected = f"1 label of 1 sample cannot be used (first: sample {sample_id}, label 1: {reason}); left out."
    assert [(problem.where, problem.message) for problem in evaluation.problems] == [(GROUND_TRUTH, expected)]
    assert (evaluation.tp, evaluation.fn, evaluation.fp) == (3, 0, 1)
    by_class = wb.slices(dataset_of_two, "class", metric="recall")
    assert by_class["labels"].sum() == 3
    assert wb.slices(dataset_of_two, "source")["labels"].tolist() == [1, 2]
    [first, second] = store.read(dataset_of_two)
    assert (len(first.record.labels), len(second.record.labels)) == (1, 2)


@pytest.mark.parametrize(("change", "reason"), ODD, ids=str)
def test_odd_predictions_are_named(dataset_of_two: Any, change: Any, reason: str) -> None:
    """One of no part of the image is wrong, as COCO has it; one without box, class or confidence is nothing."""
    sample_id = spoil(dataset_of_two, "predictions", change)
    evaluation = wb.evaluate(dataset_of_two, "predictions")
    is_kept = (change, reason) in NOTHING_SHOWN
    [problem] = evaluation.problems
    assert problem.where == "predictions"
    assert f"sample {sample_id}, label 1: {reason}" in problem.message
    assert problem.message.endswith("counted as wrong." if is_kept else "left out.")
    assert (evaluation.tp, evaluation.fn, evaluation.fp) == (3, 1, int(is_kept))


@pytest.mark.parametrize(("value", "reason"), LISTS, ids=str)
@pytest.mark.parametrize("field", [GROUND_TRUTH, "predictions"])
def test_lists_that_are_none(dataset_of_two: Any, value: Any, reason: str, field: str) -> None:
    sample_id = store.select(dataset_of_two)[0]
    query = {"_id": store.samples.object_id(sample_id)}
    dataset_of_two._sample_collection.update_one(query, {"$set": {f"{field}.detections": value}})
    [problem] = wb.evaluate(dataset_of_two, "predictions").problems
    assert (problem.where, reason in problem.message) == (field, True)
    assert len(texts(wb.duplicates(dataset_of_two).problems)) == (field == GROUND_TRUTH)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mask": b"no mask"}, "its mask cannot be read"),
        ({"mask": "no mask"}, "its mask cannot be read"),
        ({"polygons": [[0.1, 0.2, 0.3]]}, "its outline cannot be read"),
        ({"polygons": "none"}, "its outline cannot be read"),
        ({"T_cam_obj": [[1.0, 2.0]]}, "its pose cannot be read"),
        ({"index": "a"}, "its index cannot be read"),
        ({"size_m": [1.0]}, "its size cannot be read"),
        ({"xyxy_loose": [1.0, math.nan, 2.0, 3.0]}, "its loose box cannot be read"),
    ],
    ids=str,
)
def test_a_part_that_cannot_be_read_is_named_and_the_label_kept(dataset_of_two: Any, change: Any, named: str) -> None:
    spoil(dataset_of_two, GROUND_TRUTH, change)
    first = next(iter(store.read(dataset_of_two)))
    assert len(first.record.labels) == 2
    assert [label.reason.startswith(named) for label in first.odd] == [True]
    assert any(named in text for text in texts(wb.duplicates(dataset_of_two).problems))


def test_the_query_finds_every_odd_label(dataset_of_two: Any) -> None:
    """The server's look and Python's are two texts of the same rule."""
    [document] = dataset_of_two._sample_collection.find().limit(1)
    good = document[GROUND_TRUTH]["detections"][0]
    for change, _ in [*ODD, ({"_id": None}, "")]:
        label = {**good, **change}
        label = label if label["_id"] else {name: value for name, value in label.items() if name != "_id"}
        update = {"$set": {f"{GROUND_TRUTH}.detections": [good, label]}}
        dataset_of_two._sample_collection.update_one({"_id": document["_id"]}, update)
        found = store.odd_labels(dataset_of_two, GROUND_TRUTH)[str(document["_id"])]
        assert found == sorted_out({"detections": [good, label]}, by_id=True)[1]
        assert found


def test_good_labels_are_not_read_to_find_none(dataset_of_two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    monkeypatch.setattr(odd_samples, "sorted_out", lambda value, **_: looked_at.append(value) or ([], ()))
    assert store.odd_labels(dataset_of_two, GROUND_TRUTH) == {}
    assert looked_at == []


COMMANDS = {
    "evaluate": ["--predictions", "predictions"],
    "measure": [],
    "duplicates": [],
    "slices": ["--by", "source"],
    "discover": ["--metric", "mean:labels"],
    "info": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_says_it(dataset_of_two: Any, command: str, capfd: Any) -> None:
    spoil(dataset_of_two, GROUND_TRUTH, {"label": None})
    assert main([command, dataset_of_two.name, *COMMANDS[command], "--json"]) == 0
    values = json.loads(capfd.readouterr().out)
    named = [*(problem["message"] for problem in values.get("problems", [])), *values.get("warnings", [])]
    assert len([text for text in named if "1 label of 1 sample cannot be used" in text]) == 1
    assert main([command, dataset_of_two.name, *COMMANDS[command]]) == 0
    shown = capfd.readouterr()
    assert "1 label of 1 sample cannot be used" in shown.out + shown.err
