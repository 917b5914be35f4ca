"""What the browser may ask a board for, and what it gets."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from tests.ui.board.conftest import HOSTILE, Browser
from workbench.actions.evaluate import evaluate
from workbench.adapters import store
from workbench.adapters.store import predictions
from workbench.core.schema.labels import Label
from workbench.ui.board.registry import PANELS, all_commands
from workbench.ui.board.scripts import FRONT, module_text


def test_a_page_has_labels_and_thumbnails(browser: Browser) -> None:
    answer, buffers = browser.ask("page", start=0, count=4)
    tiles = answer["result"]["tiles"]
    assert answer["ok"] and len(tiles) == 4
    assert all(data.startswith(b"\xff\xd8") for data in buffers)
    box = tiles[0]["boxes"][0]
    assert (box["name"], box["xyxy"][0]) == (HOSTILE, pytest.approx(1 / 64, abs=1e-5))


def test_zoom_tells_everything(browser: Browser) -> None:
    first = browser.board.state.filtered_ids[0]
    answer, buffers = browser.ask("zoom", sample_id=first)
    groups = {one["group"]: dict(one["facts"]) for one in answer["result"]["groups"]}
    assert (groups["sample"]["lighting"], groups["measures"]["noise"]) == ("dim", "0")
    assert [(one["title"], one["count"]) for one in answer["result"]["related"]] == [("same scene", 1)]
    assert len(buffers) == 2  # the picture, and a thumbnail of the scene's other sample


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("no_such_command", {}),
        ("__init__", {}),
        ("toggle", {"facet": "nothing", "value": "x"}),
        ("toggle", {"wrong": 1}),
        ("brush", {"facet": "lighting", "low": 0, "high": 1}),
        ("page", {"start": "x", "count": 1}),
        ("zoom", {"sample_id": "../../etc/passwd"}),
        ("select", {"ids": ["0" * 24]}),
        ("tag", {"name": "x", "target": "everything", "expected": 6}),
        ("tag", {"name": "x", "target": "filtered", "expected": 5}),
        ("tag", {"name": "x", "target": "filtered", "expected": 6, "action": "drop"}),
        ("tag", {"name": "", "target": "filtered", "expected": 6}),
        ("toggle", {"facet": 7, "value": "x"}),
        ("brush", {"facet": "measures.noise", "low": "a", "high": None}),
        ("sort", {"facet": "nothing"}),
        ("find", {"facet": "nothing", "text": "x"}),
        ("show_facet", {"facet": "nothing"}),
        ("page", {"start": 0, "count": 1, "side": "left"}),
        ("page", {"start": 0, "count": 1, "cancel": None}),
        ("zoom", {"sample_id": "0" * 24}),
        ("select", {"ids": "abc"}),
        ("select", {"ids": [7]}),
        ("select_range", {"start": 0, "end": 1, "arrangement": -5}),
        ("heat", {"by": ["lighting", "nothing"], "metric": "count"}),
        ("heat", {"by": ["lighting", "lighting"], "metric": "count"}),
        ("heat", {"by": ["lighting"], "metric": "__import__"}),
        ("heat", {"by": ["lighting"], "metric": "recall"}),
        ("cell", {"by": ["lighting"], "words": ["<script>"]}),
        ("cell", {"by": ["lighting", "surface"], "words": ["dim"]}),
        ("undo", {}),
        ("undo", {"change_id": "x"}),
        ("tag_labels", {"name": "failure:x", "labels": []}),
        ("tag_labels", {"name": "failure:x", "labels": ["0" * 24]}),
        ("tag_labels", {"name": "failure:x", "labels": "abc"}),
        ("describe", {"tag": "no prefix"}),
        ("describe", {"tag": "failure:x", "color": "url(http://x)"}),
        ("evaluate", {"predictions": " ", "iou": 0.5, "confidence": 0}),
        ("gap", {"sides": "left and right"}),
        ("gap", {"sides": "pinned and current"}),
        ("discover", {"metric": "recall"}),
        ("recreate", {"source": "selected"}),
        ("scenario", {"name": "/etc/passwd"}),
        ("export", {"folder": " ", "format": "coco", "splits": None, "scope": "all"}),
        ("app_take", {}),
        ("where", {"text": "__import__('os')"}),
        ("generate", {"scenario": "/etc/passwd", "n": 1, "seed": 0}),
        ("generate", {"scenario": "dim_metal", "n": 0, "seed": 0}),
        ("generate", {"scenario": "dim_metal", "n": 1, "seed": 0, "backend": "cuda"}),
        ("generate", {"scenario": "", "n": 1, "seed": 0, "text": "scenario: 1\nname: x\nos.system: 1"}),
        ("preview", {"scenario": "no_such_preset", "seed": 0}),
        ("revise", {"text": "scenario: 1\nname: x", "path": "os.system", "value": "1"}),
        ("revise", {"text": "scenario: 1\nname: x", "path": "sensor.exposure.ev", "value": "[1, 2"}),
        ("revise", {"text": "scenario: 1\nname: x", "path": "sensor.exposure.ev", "value": "{uniform: [2, 1]}"}),
        ("revise", {"text": "scenario: 1\nname: x", "path": "sensor.exposure.ev", "value": "!!python/name:os.system"}),
        ("revise", {"text": "scenario: 1\nname: x", "path": "sensor.exposure.ev", "value": "1", "mode": "x"}),
        ("record", {"predictions": " ", "name": "a"}),
        ("record", {"predictions": "predictions", "name": " "}),
        ("retrain", {"name": " ", "folder": "x"}),
        ("retrain", {"name": "a", "folder": " "}),
        ("retrain", {"name": "a", "folder": "x", "trainer": "yours"}),
        ("retrain", {"name": "a", "folder": "x", "trainer": "os.system"}),
        ("scoreboard", {"metric": "accuracy"}),
        ("preview", {"scenario": "", "seed": 0, "text": "!!python/object/apply:os.system [ls]"}),
    ],
)
def test_what_the_browser_may_not_ask_is_refused_in_words(browser: Browser, command: str, args: dict[str, Any]) -> None:
    answer, _ = browser.ask(command, **args)
    assert answer["ok"] is False and answer["error"]
    assert "Traceback" not in answer["error"]
    assert browser.board.state.counts()["filtered"] == 6
    assert browser.board.jobs.states() == []


@pytest.mark.parametrize("content", [None, [], "x", {}, {"command": 3}, {"id": "1", "command": "page", "args": []}])
def test_garbage_from_the_browser_gets_an_answer(browser: Browser, content: Any) -> None:
    answer, _ = browser.send(content)
    assert answer["ok"] is False


def test_scripts_ask_for_the_commands_that_there_are() -> None:
    asked = set(re.findall(r'(?:ask|send)\("(\w+)"', module_text(PANELS)))
    assert asked == set(all_commands()), "no command unknown, none unused"


def test_scripts_are_all_linked_and_load_nothing_from_outside() -> None:
    linked = module_text(PANELS)
    for path in FRONT.iterdir():
        text = path.read_text()
        assert path.suffix == ".css" or f"const ${path.stem} = " in linked, path
        assert "innerHTML" not in text and "import(" not in text and "@import url" not in text, path
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path


def test_only_what_looks_different_is_asked_for_again(browser: Browser) -> None:
    board = browser.board

    def after(command: str, **args: Any) -> tuple[int, int]:
        browser.ask(command, **args)
        return board._state["revision"], board._state["arrangement"]

    revision, order = board._state["revision"], board._state["arrangement"]
    assert after("select_filtered") == (revision, order)
    assert after("tag", name="failure:glare", target="selected", expected=6) == (revision + 1, order)
    assert after("toggle", facet="lighting", value="dim") == (revision + 2, order + 1)
    assert after("deselect") == (revision + 2, order + 1)


def test_changes_from_elsewhere_are_followed(browser: Browser) -> None:
    board = browser.board
    assert not board.state.is_stale()
    board.state.dataset.limit(2).tag_samples("failure:glare")
    assert board.state.is_stale()
    board.filter = "'failure:glare' in tags"
    assert board.state.counts()["filtered"] == 2
    board.state.dataset.limit(1).untag_samples("failure:glare")
    browser.ask("follow")
    assert board._state["counts"]["filtered"] == 1


def test_pages_that_nobody_waits_for_are_not_read(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.ui.board.panels import gallery

    started: list[int] = []

    def slow(samples: Any, cancel: Any) -> list[bytes]:
        started.append(len(samples))
        while not cancel.is_set():
            time.sleep(0.01)
        cancel.check()
        return []

    monkeypatch.setattr(gallery, "thumbnails", slow)
    board = browser.board
    board._handle_custom_msg({"id": "1-7", "command": "page", "args": {"start": 0, "count": 6}}, [])
    while not started:
        time.sleep(0.01)
    answer, _ = browser.send({"drop": "1-7"})
    assert answer == {"id": "1-7", "ok": False, "dropped": True, "error": "dropped"}
    assert board.running == {}
    board._handle_custom_msg({"drop": "unknown"}, [])


def test_marks_say_what_is_chosen(browser: Browser) -> None:
    browser.ask("select_range", start=1, end=2, arrangement=browser.board._state["arrangement"])
    answer, _ = browser.ask("marks", start=0, count=4)
    assert answer["result"] == [False, True, True, False]
    browser.ask("sort", facet="lighting")
    answer, _ = browser.ask("page", start=0, count=6)
    assert answer["result"]["marks"] == [False, False, False, False, True, True]
    assert answer["result"]["tiles"][0]["sorted"] == "bright"


def test_a_mark_is_turned_over_by_what_is_chosen_now(browser: Browser) -> None:
    board = browser.board
    first, second, *_ = board.state.filtered_ids
    for ids, expected in (([first], [first]), ([first], []), ([second, first], [second, first]), ([first], [second])):
        answer, _ = browser.ask("select", ids=ids, on=None)
        assert answer["ok"] and board.selected_ids == expected
    browser.ask("deselect")
    browser.ask("select", ids=[second], on=None)  # the browser may still show it as chosen
    assert board.selected_ids == [second]
    answer, _ = browser.ask("select", ids=["0" * 24], on=None)
    assert not answer["ok"] and board.selected_ids == [second]


def test_any_change_of_the_history_can_be_taken_back(browser: Browser) -> None:
    for tag in ("failure:a", "failure:b", "failure:c"):
        browser.ask("tag", name=tag, target="filtered", expected=6)
    answer, _ = browser.ask("history")
    changes = answer["result"]["changes"]
    assert [(c["tag"], c["stands"]) for c in changes] == [("failure:c", True), ("failure:b", True), ("failure:a", True)]
    answer, _ = browser.ask("undo", change_id=changes[1]["change_id"])
    assert answer["result"]["text"] == 'Undid "b" on 6 samples.'
    assert [one["tag"] for one in browser.board.state.scenarios()] == ["failure:a", "failure:c"]
    answer, _ = browser.ask("undo", change_id=changes[1]["change_id"])
    assert not answer["ok"]
    answer, _ = browser.ask("history")
    assert [c["stands"] for c in answer["result"]["changes"]] == [False, True, False, True]


def test_single_labels_are_tagged(browser: Browser) -> None:
    first = browser.board.state.filtered_ids[0]
    answer, _ = browser.ask("zoom", sample_id=first)
    (box,) = answer["result"]["boxes"]
    answer, _ = browser.ask("tag_labels", name="failure:glare", labels=[box["id"]])
    assert answer["result"]["text"] == 'Tagged 1 label as "glare".'
    answer, _ = browser.ask("zoom", sample_id=first)
    assert answer["result"]["boxes"][0]["tags"] == ["failure:glare"]
    assert browser.board.state.facet_states()[-1]["name"] == "label_tags"
    assert browser.board.code.splitlines()[-1] == f"wb.tag(ds, 'failure:glare', labels=['{box['id']}'])"


def test_outcomes_reach_the_boxes(browser: Browser) -> None:
    dataset = browser.board.state.dataset
    right, wrong = Label("mug", (1, 2, 30, 40), confidence=0.9), Label("mug", (40, 2, 60, 20), confidence=0.8)
    labels = {i: [right, wrong] for i in store.select(dataset)}
    predictions.set_predictions(dataset, "predictions", labels)
    evaluate(dataset, "predictions")
    browser.ask("follow")
    answer, _ = browser.ask("page", start=0, count=2)
    found = [[(b["of"], b["name"], b.get("outcome")) for b in one["boxes"]] for one in answer["result"]["tiles"]]
    assert found[1] == [("truth", "mug", "hit"), ("predicted", "mug", "false_alarm")]
    assert found[0] == [
        ("truth", HOSTILE, "miss"),
        ("predicted", "mug", "wrong_class"),
        ("predicted", "mug", "false_alarm"),
    ]
    answer, _ = browser.ask("heat", by=["class"], metric="recall")
    assert {c["words"][0]: c["value"] for c in answer["result"]["cells"]} == {"mug": 1.0, HOSTILE: 0.0}
    assert answer["result"]["share"]


def test_outlines_lie_on_the_mask(browser: Browser) -> None:
    import numpy as np

    from workbench.core.schema.labels import Record
    from workbench.ui.board.overlays import outlines_of

    mask = np.zeros((40, 20), np.bool_)
    mask[10:30, 5:15] = True
    record = Record(Path("a.png"), "a.png", 100, 100, (Label("mug", (10, 20, 30, 60), mask=mask),))
    (one,) = outlines_of(record, {"mug": 7.0})
    xs, ys = one["rings"][0][::2], one["rings"][0][1::2]
    assert (min(xs), max(xs), min(ys), max(ys)) == (155, 245, 305, 495)
    assert outlines_of(Record(Path("a.png"), "a.png", 0, 0, record.labels), {}) == []


def test_an_edited_scenario_is_saved_beside_the_notebook(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.ui.board.panels import generator

    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {}

    class Ended:
        def result(self) -> str:
            return "0 generated"

    @functools.wraps(generator.generate_samples)  # the line of code is written from its signature
    def generate(scenario: Any, **given: Any) -> Ended:
        asked.update(given, scenario=scenario)
        return Ended()

    monkeypatch.setattr(generator, "generate_samples", generate)
    text, _ = browser.ask("scenario", name="dim_metal")
    edited = text["result"].replace("name: dim_metal", "name: my own")
    answer, _ = browser.ask("generate", scenario="dim_metal", text=edited, n=2, seed=3, workers=1)
    assert browser.job(answer["result"])["state"] == "done"
    assert (asked["scenario"].name, asked["n"], asked["seed"], asked["workers"]) == ("my own", 2, 3, 1)
    (saved,) = (tmp_path / "out").rglob("*.yaml")
    assert saved.read_text() == edited
    assert browser.board.code.splitlines()[-1] == (
        f"wb.generate({str(saved)!r}, into=ds, n=2, seed=3, workers=1).result()"
    )


@pytest.mark.slow
def test_the_app_follows_the_filter_and_gives_its_selection(browser: Browser) -> None:
    from workbench.adapters.store import app

    board = browser.board
    answer, _ = browser.ask("app")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]+/\?proxy=/[\w-]+/", answer["result"])
    board.filter = "lighting == 'dim'"
    (session,) = app._sessions
    # left open, its thread prints into the output of later tests once the App's server has ended
    with contextlib.closing(session._client):
        deadline = time.monotonic() + 60
        while len(session.view) != 3 or not session._client._connected:  # it may be lost for a moment under load
            assert time.monotonic() < deadline
            time.sleep(0.1)
        second = board.state.filtered_ids[1]
        session.select_samples(ids=[second])
        answer, _ = browser.ask("app_take")
        assert answer["result"]["text"] == "Took over 1 sample from the App."
        assert board.selected_ids == [second]
        app._sessions.clear()


@pytest.mark.parametrize(
    ("splits", "expected", "said"),
    [
        (
            {"splits": {"train": 1}, "stages": True},
            {"pretrain": (0, 2), "finetune": (6, 0)},
            ", splits=wb.SplitSpec(splits={'train': 1}, stages=True))",
        ),
        (
            {"splits": {"train": 1}, "folds": 2, "max_synthetic": 0},
            {"fold1": (0,), "fold2": (0,)},
            "folds=2, max_synthetic=0))",
        ),
        ({"splits": {"test": 1}}, {"test": (6, 0)}, "splits={'test': 1})"),
        ({"splits": {"test": 1}, "real_only": []}, {"test": (6, 2)}, ", real_only=()))"),
    ],
    ids=["stages", "folds without synthetic", "test is real", "test is anything"],
)
def test_the_form_exports_what_was_asked_for(
    browser: Browser,
    tmp_path: Path,
    picture: Callable[..., Path],
    splits: dict[str, Any],
    expected: dict[str, tuple[int, ...]],
    said: str,
) -> None:
    chosen = browser.board.state
    more = [record(picture(f"made-{i}.png", seed=20 + i), scene_id=f"made {i}") for i in range(2)]
    store.add(chosen.dataset, more, source="synthetic")
    chosen.refresh()
    answer, _ = browser.ask("export", folder=str(tmp_path / "out"), format="coco", scope="all", splits=splits)
    assert browser.job(answer["result"])["state"] == "done"
    result = browser.board.jobs.result(answer["result"])
    found = {name: (n["real"], n["synthetic"]) for name, n in result["splits"].items()}
    assert {name: pair[-len(expected[name]) :] for name, pair in found.items()} == expected
    assert said in chosen.code[-1]


def test_splits_that_cannot_be_had_are_told_by_the_job(browser: Browser, tmp_path: Path) -> None:
    browser.ask(
        "export",
        folder=str(tmp_path / "out"),
        format="coco",
        scope="all",
        splits={"splits": {"train": 0.5, "test": 0.2}},
    )
    state = browser.job(1)
    assert state["state"] == "failed" and browser.board.jobs.result(1) is None
    assert "Shares add up to 0.7, not to 1" in state["message"]
    assert not (tmp_path / "out").exists()
