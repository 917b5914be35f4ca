"""The zoom: the sample beside another, and changes of the one that is shown and of no other."""

from __future__ import annotations

import pytest

from tests.ui.board.conftest import Browser
from workbench.adapters import store


def shown(browser: Browser, **args: object) -> tuple[str, object]:
    answer, _ = browser.ask("zoom", **args)
    assert answer["ok"], answer
    return answer["result"]["id"], answer["result"]["place"]


@pytest.mark.parametrize(("start", "step", "at"), [(0, 0, 0), (0, 2, 2), (2, -1, 1), (0, -1, 0), (2, 5, 2), (1, -9, 0)])
def test_steps_go_along_what_is_shown(browser: Browser, start: int, step: int, at: int) -> None:
    state = browser.board.state
    state.filter = "lighting == 'dim'"
    state.sort("measures.noise", descending=True)
    ids = state.filtered_ids
    assert shown(browser, sample_id=ids[start], step=step) == (ids[at], {"at": at, "all": 3})


def test_a_sample_outside_the_filter_has_no_neighbours(browser: Browser) -> None:
    state = browser.board.state
    dim, *_ = state.filtered_ids
    state.pin("lighting == 'dim'")
    state.filter = "lighting == 'bright'"
    assert shown(browser, sample_id=dim, step=1) == (dim, None)
    pinned = state.page(0, 9, side="pinned")
    assert shown(browser, sample_id=dim, step=1, side="pinned") == (pinned[1], {"at": 1, "all": 3})


def test_the_sample_shown_is_tagged_and_no_selected_one(browser: Browser) -> None:
    state = browser.board.state
    first, second, third, *_ = state.filtered_ids
    state.select([second])
    answer, _ = browser.ask("tag_sample", name="failure:glare", sample_id=first)
    assert answer["result"]["text"] == 'Tagged 1 sample as "glare".'
    change = answer["result"]["change_id"]
    assert store.select(state.dataset, "'failure:glare' in tags") == [first]
    assert state.code[-1] == f"wb.tag(ds, 'failure:glare', ids=['{first}'])"
    assert browser.ask("tag_sample", name="failure:glare", sample_id=first)[0]["result"]["change_id"] == ""
    browser.ask("tag_sample", name="failure:glare", sample_id=third)
    browser.ask("undo", change_id=change)  # of the sample shown, though another was tagged after it
    assert store.select(state.dataset, "'failure:glare' in tags") == [third]
    browser.ask("redo", change_id=change)
    assert store.select(state.dataset, "'failure:glare' in tags") == [first, third]
    assert not browser.ask("redo", change_id=change)[0]["ok"]
    assert state.ids == [second]


def test_the_zoom_says_whether_its_sample_is_selected(browser: Browser) -> None:
    first, second, *_ = browser.board.state.filtered_ids
    browser.ask("select", ids=[second])
    assert [browser.ask("zoom", sample_id=i)[0]["result"]["chosen"] for i in (first, second)] == [False, True]


@pytest.mark.parametrize(("target", "change"), [("selected", "select"), ("filtered", "where")])
def test_others_than_those_shown_are_not_tagged(browser: Browser, target: str, change: str) -> None:
    """As many as shown, but not the same: another output of the board was at work."""
    board = browser.board
    browser.ask("where", text="lighting == 'dim'")
    browser.ask("select", ids=board.state.filtered_ids)
    version = board._state["marks" if target == "selected" else "arrangement"]
    if change == "select":
        browser.ask("select", ids=store.select(board.state.dataset, "lighting == 'bright'"), only=True)
    else:
        browser.ask("where", text="lighting == 'bright'")
    answer, _ = browser.ask("tag", name="failure:x", target=target, expected=3, version=version)
    assert not answer["ok"] and "others now than those shown" in answer["error"]
    version = board._state["marks" if target == "selected" else "arrangement"]
    for _ in range(2):  # a tag of one's own changes neither
        answer, _ = browser.ask("tag", name="failure:x", target=target, expected=3, version=version)
        assert answer["ok"], answer
