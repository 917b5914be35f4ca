"""The loop by the board's commands: rows of a scenario, rounds, retraining, the scoreboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ui.board.conftest import Browser
from workbench.actions.tag import tag
from workbench.adapters import store
from workbench.adapters.store import predictions as stored
from workbench.core.schema.labels import Label
from workbench.ui.board import Board, Selection

TAG = "failure:<i>dim</i>"


@pytest.fixture
def predicted(selection: Selection) -> Selection:
    """In the field ``model`` the dim mugs are missed, in ``better`` nothing is; the dim ones are tagged."""
    dataset = selection.dataset
    tag(dataset, TAG, where="lighting == 'dim'")
    for field, least in (("model", 3), ("better", 0)):
        labels = {
            one.id: [Label(label.name, label.xyxy, confidence=0.9) for label in one.record.labels if i >= least]
            for i, one in enumerate(store.read(dataset))
        }
        stored.set_predictions(dataset, field, labels)
    selection.refresh()
    return selection


def test_rounds_are_recorded_and_judged(predicted: Selection) -> None:
    browser = Browser(Board(predicted))
    empty, _ = browser.ask("scoreboard")
    assert (empty["result"]["rounds"], empty["result"]["waiting"]) == ([], [TAG])
    assert browser.ask("options", panels=["scoreboard"])[0]["result"]["scoreboard"]["trainers"][0][0] == "small"
    for field, name in (("model", "first"), ("better", "second")):
        number = browser.ask("record", predictions=field, name=f" {name} ")[0]["result"]
        state = browser.job(number)
        assert state["state"] == "done" and f"{name}: 6 real images (all real)" in state["message"]
    answer, _ = browser.ask("scoreboard", metric="recall", by_user=True)
    found = answer["result"]
    assert (found["compared"], found["samples"], found["waiting"]) == (["first", "second"], 6, [])
    (row,) = found["scenarios"]
    assert (row["name"], row["state"]) == (TAG, "failing"), "three pictures close nothing"
    assert [one["value"] for one in row["levels"]] == [0.0, 1.0] and row["since_first"]["value"] == 1.0
    assert found["others"][0]["name"] == "all" and found["worse"] == []
    assert browser.board.code.splitlines()[-3:] == [
        "wb.record_round(ds, 'model', name='first')",
        "wb.record_round(ds, 'better', name='second')",
        "wb.rounds(ds)",
    ]
    worse = browser.ask("record", predictions="model", name="third")[0]["result"]
    assert browser.job(worse)["state"] == "done"
    again = browser.ask("scoreboard", metric="ap50", by_user=True)[0]["result"]
    assert again["compared"] == ["first", "second", "third"] and again["metric"] == "ap50"
    assert browser.board.code.splitlines()[-1] == "wb.rounds(ds, metric='ap50')"
    failed = browser.ask("record", predictions="nothing", name="x")[0]["result"]
    assert browser.job(failed)["state"] == "failed"


class Fixed:
    """Finds the mugs that are there."""

    def fit(self, split_dir: Path) -> None:
        self.learned = split_dir

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        return [[Label("mug", (1, 2, 30, 40), confidence=0.8)] for _ in images]


@pytest.mark.slow
def test_retrain_with_a_trainer_of_ones_own(predicted: Selection, tmp_path: Path) -> None:
    trainer = Fixed()
    browser = Browser(Board(predicted, trainer=trainer))
    assert [one[0] for one in browser.ask("options", panels=["scoreboard"])[0]["result"]["scoreboard"]["trainers"]] == [
        "yours",
        "small",
    ]
    asked = {"name": "second", "folder": str(tmp_path / "second"), "trainer": "yours"}
    state = browser.job(browser.ask("retrain", **asked)[0]["result"])
    assert state["state"] == "done", state
    assert trainer.learned == tmp_path / "second" / "data" and (trainer.learned / "manifest.json").is_file()
    assert "predictions_second" in store.info(predicted.dataset)["fields"]
    assert browser.ask("scoreboard")[0]["result"]["rounds"][0]["name"] == "second"
    assert browser.board.code.splitlines()[-1] == (
        f"wb.retrain(ds, trainer, name='second', folder={str(tmp_path / 'second')!r})"
    )
    state = browser.job(browser.ask("retrain", **asked)[0]["result"])
    assert state["state"] == "failed" and "The folder is not empty" in state["message"]


def test_rows_of_a_scenario_can_be_changed(browser: Browser) -> None:
    text = "scenario: 1\nname: x\nsensor:\n  exposure.ev: {uniform: [-2, -1]}\n"
    changed, _ = browser.ask("revise", text=text, path="sensor.exposure.ev", value=" {uniform: [0, 1.5]} ")
    assert changed["result"]["value"] == "{uniform: [0, 1.5]}"
    assert "uniform: [0, 1.5]" in changed["result"]["yaml"] and "sensor.exposure.ev: free" in changed["result"]["yaml"]
    back, _ = browser.ask(
        "revise", text=changed["result"]["yaml"], path="sensor.exposure.ev", value="{uniform: [-2, -1]}", mode="jitter"
    )
    assert "sensor.exposure.ev: jitter" in back["result"]["yaml"]
    word, _ = browser.ask("revise", text=text, path="scene.surface.label", value="metal")
    assert word["result"]["value"] == "metal"
    assert browser.board.code.splitlines()[-1] == (
        "recreation.scenario = recreation.scenario.replace({'scene.surface.label': 'metal'})"
    )


def test_pictures_that_judge_are_not_recreated_from(predicted: Selection) -> None:
    browser = Browser(Board(predicted))
    dim = store.select(predicted.dataset, "lighting == 'dim'")
    store.set_values(predicted.dataset, {i: {"split": "test" if i != dim[0] else "train"} for i in dim})
    predicted.refresh()
    predicted.select(dim)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"source": TAG}, 1, f'where="tags == {TAG!r}"'),
        ({"source": TAG, "spare_test": False}, 3, f'where="tags == {TAG!r}"'),
        ({"source": "filtered"}, 4, "where=selection.filter"),
        ({"source": "filtered", "spare_test": False}, 6, "where=selection.filter"),
        ({"source": "selected"}, 1, "ids=selection.ids"),
        ({"source": "selected", "spare_test": False}, 3, "ids=selection.ids"),
    ]
    for asked, samples, said in cases:
        state = browser.job(browser.ask("recreate", probes=False, **asked)[0]["result"])
        assert state["state"] == "done", state
        found = browser.ask("job_result", number=state["number"])[0]["result"]
        assert found["samples"] == samples
        more = "" if asked.get("spare_test", True) else ", spare_test=False"
        assert browser.board.code.splitlines()[-1] == f"recreation = wb.recreate(ds, {said}, probes=False{more})"
    assert all(row["value"] and row["wide"] for row in found["rows"])
    store.set_values(predicted.dataset, {dim[0]: {"split": "test"}})
    predicted.refresh()
    alone = browser.job(browser.ask("recreate", source=TAG, probes=False)[0]["result"])
    assert "All 3 samples belong to test: fitted to, no round is judged by them any more." in alone["message"]
