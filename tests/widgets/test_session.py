"""The board without a browser: session, commands, jobs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.store.test_store import record
from workbench import store
from workbench.errors import DatasetError, FilterError, InputError
from workbench.progress import Cancel, Listener, Progress
from workbench.schema.labels import Label
from workbench.widgets import Board, Session
from workbench.widgets.board import FRONT, PARTS
from workbench.widgets.commands import COMMANDS
from workbench.widgets.jobs import Jobs

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def session(dataset: Any, picture: Callable[..., Path]) -> Session:
    records = [
        record(
            picture(f"{i}.png", seed=i),
            attributes={"lighting": "dim" if i < 3 else "bright"} | ({"surface": "metal"} if i % 2 else {}),
            labels=(Label("mug" if i else HOSTILE, (1, 2, 30, 40)),),
        )
        for i in range(6)
    ]
    store.add(dataset, records, source="real")
    return Session(dataset)


def bars(session: Session, facet: str) -> dict[str, int]:
    state = next(state for state in session.facet_states() if state["name"] == facet)
    return {bar["value"]: bar["count"] for bar in state["bars"]}


def test_counts_follow_the_other_facets(session: Session) -> None:
    session.toggle("lighting", "dim")
    assert session.counts() == {"selected": 0, "filtered": 3, "all": 6}
    assert bars(session, "lighting") == {"dim": 3, "bright": 3}
    assert bars(session, "surface") == {"metal": 1}
    session.toggle("surface", None)
    assert session.counts()["filtered"] == 2
    session.toggle("lighting", "dim")
    session.clear("surface")
    assert session.counts()["filtered"] == 6


def test_filter_as_text_becomes_chips(session: Session) -> None:
    session.filter = "lighting in ['dim', 'bright'] and surface == 'metal'"
    assert [chip["facet"] for chip in session.chips()] == ["lighting", "surface"]
    assert len(session.view) == 3
    with pytest.raises(FilterError, match="name of a facet"):
        session.filter = "nothing == 1"
    assert session.counts()["filtered"] == 3


def test_code_gives_the_same_ids_when_run_again(session: Session) -> None:
    session.toggle("lighting", "dim")
    session.tag("failure:glare", target="filtered", reason="it's shiny")
    session.select(session.filtered_ids[:1])
    session.tag("failure:blur")
    session.undo()
    expected = {tag: store.select(session.dataset, f"{tag!r} in tags") for tag in ("failure:glare", "failure:blur")}
    for tag in expected:
        session.dataset.untag_samples(tag)
    exec("\n".join(line for line in session.code if not line.startswith("board.")), {})
    for tag, ids in expected.items():
        assert store.select(session.dataset, f"{tag!r} in tags") == ids


def test_tagging_nothing_says_what_to_do(session: Session) -> None:
    with pytest.raises(InputError, match="Ctrl\\+A"):
        session.tag("failure:glare")


def test_foreign_ids_are_refused(session: Session) -> None:
    with pytest.raises(DatasetError, match="ids of samples"):
        session.select(["0" * 24])


def test_other_curators_tags_show_up_after_refresh(session: Session) -> None:
    session.dataset.limit(2).tag_samples("failure:glare")
    session.refresh()
    assert session.scenarios() == [{"tag": "failure:glare", "count": 2, "key": "1"}]


class Browser:
    """What the browser would get."""

    def __init__(self, board: Board) -> None:
        self.answers: list[tuple[dict[str, Any], list[bytes]]] = []
        self.board = board
        board.send = lambda content, buffers=(): self.answers.append((content, list(buffers)))

    def ask(self, command: str, **args: Any) -> tuple[dict[str, Any], list[bytes]]:
        self.board._handle_custom_msg({"id": "1-1", "command": command, "args": args}, [])
        return self.answers[-1]


@pytest.fixture
def browser(session: Session) -> Browser:
    return Browser(Board(session.dataset))


def test_a_page_has_labels_and_thumbnails(browser: Browser) -> None:
    answer, buffers = browser.ask("page", start=0, count=4)
    assert answer["ok"] and len(answer["result"]) == 4
    assert all(data.startswith(b"\xff\xd8") for data in buffers)
    name, left, *_ = answer["result"][0]["boxes"][0]
    assert (name, left) == (HOSTILE, pytest.approx(1 / 64))


def test_zoom_tells_everything(browser: Browser) -> None:
    first = browser.board.session.filtered_ids[0]
    answer, buffers = browser.ask("zoom", sample_id=first)
    assert dict(answer["result"]["facts"])["lighting"] == "dim"
    assert len(buffers) == 1


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
        ("tag", {"name": "x", "target": "everything"}),
        ("where", {"text": "__import__('os')"}),
        ("generate", {"scenario": "/etc/passwd", "n": 1, "seed": 0}),
        ("generate", {"scenario": "dim_metal", "n": 0, "seed": 0}),
        ("preview", {"scenario": "no_such_preset", "seed": 0}),
    ],
)
def test_what_the_browser_may_not_ask_is_refused_in_words(browser: Browser, command: str, args: dict[str, Any]) -> None:
    answer, _ = browser.ask(command, **args)
    assert answer["ok"] is False and answer["error"]
    assert browser.board.session.counts()["filtered"] == 6


@pytest.mark.parametrize("content", [None, [], "x", {}, {"command": 3}, {"id": "1", "command": "page", "args": []}])
def test_garbage_from_the_browser_gets_an_answer(browser: Browser, content: Any) -> None:
    browser.board._handle_custom_msg(content, [])
    assert browser.answers[-1][0]["ok"] is False


def test_commands_are_the_same_in_both_languages() -> None:
    text = (FRONT / "protocol.js").read_text()
    listed = re.search(r"const COMMANDS = \[(.*?)\];", text, re.S)
    assert listed is not None
    assert re.findall(r'"(\w+)"', listed[1]) == list(COMMANDS)
    asked = set(re.findall(r'ask\("(\w+)"', "".join((FRONT / part).read_text() for part in PARTS)))
    assert asked <= set(COMMANDS)


def test_all_front_end_files_are_used_and_load_nothing_from_outside() -> None:
    assert {path.name for path in FRONT.glob("*.js")} == set(PARTS)
    for path in FRONT.iterdir():
        text = path.read_text()
        assert "innerHTML" not in text and "import(" not in text and "@import" not in text, path
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_jobs_show_progress_and_can_be_cancelled() -> None:
    ended: list[bool] = []
    jobs = Jobs(ended.append)
    go = threading.Event()

    def work(listener: Listener, cancel: Cancel) -> str:
        with Progress("w", total=100, unit="frame", listener=listener, cancel=cancel) as progress:
            progress.advance(3)
            go.set()
            for _ in range(1000):
                time.sleep(0.01)
                progress.advance(0)
        return "never"

    number = jobs.start("work", work)
    go.wait(5)
    jobs.cancel(number)
    wait_until(lambda: jobs.states()[0]["state"] == "cancelled")
    assert jobs.states()[0]["done"] == 3
    wait_until(lambda: ended[-1])


def test_a_failed_job_says_why() -> None:
    jobs = Jobs(lambda finished: None)

    def work(listener: Listener, cancel: Cancel) -> str:
        raise InputError("a folder", found="none", fix="Make one.")

    jobs.start("work", work)
    wait_until(lambda: jobs.states()[0]["state"] == "failed")
    assert jobs.states()[0]["message"] == "Wanted a folder, found none. Make one."


def test_only_what_looks_different_is_asked_for_again(browser: Browser) -> None:
    board = browser.board

    def after(command: str, **args: Any) -> tuple[int, int]:
        browser.ask(command, **args)
        return board._state["revision"], board._state["order"]

    revision, order = board._state["revision"], board._state["order"]
    assert after("select_filtered") == (revision, order)
    assert after("tag", name="failure:glare", target="selected") == (revision + 1, order)
    assert after("toggle", facet="lighting", value="dim") == (revision + 2, order + 1)
    assert after("deselect") == (revision + 2, order + 1)


def test_changes_from_elsewhere_are_followed(browser: Browser) -> None:
    board = browser.board
    assert not board.session.is_stale()
    board.session.dataset.limit(2).tag_samples("failure:glare")
    assert board.session.is_stale()
    board.filter = "'failure:glare' in tags"
    assert board.session.counts()["filtered"] == 2
    board.session.dataset.limit(1).untag_samples("failure:glare")
    browser.ask("follow")
    assert board._state["counts"]["filtered"] == 1
