"""Labels that another tool wrote into the dataset: every action that reads labels leaves out the same, and says so."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.builders import record
from workbench.adapters import store
from workbench.adapters.store import odd_samples
from workbench.adapters.store import predictions as stored
from workbench.adapters.store.odd_labels import sorted_out
from workbench.adapters.store.usable_labels import odd_count, usable_labels
from workbench.base.errors import FilterWarning, LabelWarning
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
    "facets of the board": lambda ds: Board(Selection(ds))._state["notes"],
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


def counted(dataset: Any) -> list[tuple[int, list[str]]]:
    """Labels and classes of each sample that every way of counting gives, as the table of facets has them."""
    table = store.table(dataset)
    labels = [int(n) for n in table.columns["labels"].to_series()]
    classes = [[name for name, has in zip(("mug", "nut"), row, strict=True) if has] for row in _masks(table)]
    kept = Selection(dataset).table
    assert kept.to_frame().astype(str).equals(table.to_frame().astype(str))
    for n in range(3):
        matching = [i for i, here in zip(table.ids.tolist(), labels, strict=True) if here > n]
        assert store.select(dataset, f"labels > {n}") == store.view(dataset, f"labels > {n}").values("id") == matching
    for name in ("mug", "nut"):
        matching = [i for i, here in zip(table.ids.tolist(), classes, strict=True) if name in here]
        assert store.select(dataset, f"class == '{name}'") == matching
        others = [i for i in table.ids.tolist() if i not in matching]
        assert store.select(dataset, f"class != '{name}'") == others
    names = table.columns["class"].names  # a label in space may have another one
    assert store.select(dataset, "class == None") == table.ids[~table.columns["class"].mask_of(names)].tolist()
    return list(zip(labels, classes, strict=True))


def _masks(table: Any) -> Any:
    return zip(*(table.columns["class"].mask_of([name]) for name in ("mug", "nut")), strict=True)


@pytest.mark.parametrize(("change", "reason"), ODD, ids=str)
def test_facets_and_filters_do_not_count_odd_labels(dataset_of_two: Any, change: Any, reason: str) -> None:
    assert counted(dataset_of_two) == [(2, ["mug", "nut"]), (2, ["mug", "nut"])]
    selection = Selection(dataset_of_two)
    sample_id = spoil(dataset_of_two, GROUND_TRUTH, change)
    assert counted(dataset_of_two) == [(1, ["nut"]), (2, ["mug", "nut"])]
    selection.follow()
    [bars] = [facet["bars"] for facet in selection.facet_states() if facet["name"] == "class"]
    assert {bar["value"]: bar["count"] for bar in bars} == {"nut": 2, "mug": 1}
    assert store.info(dataset_of_two)["labels_per_class"] == {"mug": 1, "nut": 2}
    expected = (
        f"1 label of 1 sample cannot be used (first: sample {sample_id}, label 1: {reason}); left out. [{GROUND_TRUTH}]"
    )
    assert selection.facet_notes() == [expected]
    query = {"_id": store.samples.object_id(sample_id)}
    dataset_of_two._sample_collection.update_one(query, {"$pop": {f"{GROUND_TRUTH}.detections": 1}})
    selection.refresh()
    assert (selection.facet_notes(), counted(dataset_of_two)[0]) == ([], (1, ["nut"]))


def test_a_class_of_odd_labels_alone_is_not_offered(dataset_of_two: Any) -> None:
    for sample_id in store.select(dataset_of_two):
        change = {"$set": {f"{GROUND_TRUTH}.detections.1.bounding_box": None}}
        dataset_of_two._sample_collection.update_one({"_id": store.samples.object_id(sample_id)}, change)
    with pytest.warns(FilterWarning, match="nut") as caught:
        store.asked(dataset_of_two, "class == 'mug'")
    assert "'mug'" not in str(caught[0].message).replace("class == 'mug'", "").replace("'mug'", "", 1)


NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 0.1, 0.5, 1.0, -0.1, -0.2, 0.2, 1e6, -1e6, 1e-320, math.nan, math.inf, -math.inf, -0.0]),
    st.floats(-2, 2),
)
ANYTHING = st.one_of(st.none(), NUMBERS, st.booleans(), st.sampled_from(["", "a", " \u2003", "$label"]), st.just({}))
LABELS = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {},
        optional={
            "_id": st.just(1),
            "label": st.one_of(st.sampled_from(["nut", "mug", " ", "\t\u00a0", "\x00"]), ANYTHING),
            "bounding_box": st.one_of(st.lists(NUMBERS, min_size=4, max_size=4), st.lists(ANYTHING), ANYTHING),
            "confidence": ANYTHING,
            "location": ANYTHING,
        },
    ),
)


@given(labels=st.one_of(st.lists(LABELS, max_size=30), ANYTHING))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_server_counts_as_python_does(dataset_of_two: Any, labels: Any) -> None:
    sample_id = store.samples.object_id(store.select(dataset_of_two)[0])
    collection = dataset_of_two._sample_collection
    collection.update_one({"_id": sample_id}, {"$set": {f"{GROUND_TRUTH}.detections": labels}})
    stored_labels = collection.find_one({"_id": sample_id})[GROUND_TRUTH]["detections"]
    odd = sorted_out({"detections": stored_labels}, by_id=True)[1]
    left_out = {label.at for label in odd}
    listed = stored_labels if isinstance(stored_labels, list) else []
    usable = [label for at, label in enumerate(listed) if at not in left_out]
    words = sorted({label["label"] for label in usable if isinstance(label.get("label"), str)} & {"nut", "mug"})
    assert counted(dataset_of_two)[0] == (len(usable), words)
    found = collection.aggregate(
        [
            {"$match": {"_id": sample_id}},
            {"$project": {"odd": odd_count(GROUND_TRUTH, usable_labels(GROUND_TRUTH))}},
        ]
    )
    assert next(found)["odd"] == len(odd)


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
