"""Colours and keys of failure scenarios: given when one is first tagged, kept whatever comes and goes after it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.builders import record
from workbench.actions.tag import scenarios
from workbench.actions.tag.scenarios import KEYS, completed
from workbench.adapters import store

NAMES = st.sampled_from([f"failure:{letter}" for letter in "mazbyckdlenf"])


@pytest.fixture
def samples(dataset: Any, picture: Callable[..., Path]) -> Any:
    store.add(dataset, [record(picture(f"{i}.png", seed=i)) for i in range(3)], source="real")
    return dataset


def looks(dataset: Any) -> dict[str, tuple[str, str]]:
    return {s["tag"]: (s["key"], s["color"]) for s in wb.Selection(dataset).scenarios()}


def test_another_scenario_changes_none(samples: Any) -> None:
    wb.tag(samples, "failure:m", where="True")
    first = looks(samples)
    assert first == {"failure:m": ("1", "#d1495b")}
    wb.tag(samples, "failure:a", where="True")
    wb.tag(samples, "failure:z", where="True")
    second = looks(samples)
    assert list(second) == ["failure:m", "failure:a", "failure:z"] and second.items() >= first.items()
    wb.untag(samples, "failure:a", where="True")
    assert looks(samples) == {tag: look for tag, look in second.items() if tag != "failure:a"}
    wb.tag(samples, "failure:b", where="True")
    assert looks(samples)["failure:b"][0] == "4", "the key of one that may come back is not given away"
    wb.tag(samples, "failure:a", where="True")
    assert looks(samples).items() >= second.items()
    wb.describe(samples, "failure:new", key="1")
    third = looks(samples)
    assert third["failure:new"][0] == "1" and third["failure:m"] == ("5", "#d1495b")
    assert {k: v for k, v in third.items() if k in ("failure:a", "failure:z")} == {
        k: v for k, v in second.items() if k != "failure:m"
    }


def test_tags_that_came_another_way_get_theirs_when_they_are_seen(samples: Any) -> None:
    samples.limit(1).tag_samples("failure:from the app")
    before = looks(samples)
    wb.tag(samples, "failure:a", where="True")
    assert looks(samples)["failure:from the app"] == before["failure:from the app"] == ("1", "#d1495b")


def test_a_tag_that_nobody_carries_gives_its_key_when_all_are_taken(samples: Any) -> None:
    for at in range(9):
        wb.tag(samples, f"failure:{at}", where="True")
    wb.untag(samples, "failure:3", where="True")
    wb.tag(samples, "failure:tenth", where="True")
    found = looks(samples)
    assert found["failure:tenth"][0] == "4" and "failure:3" not in found
    assert sorted(key for key, _ in found.values()) == list(KEYS)


PROCESS = "import sys, workbench as wb\nfor n in sys.argv[2:]: wb.tag(sys.argv[1], 'failure:' + n, where='True')"


def test_two_processes_at_once_give_no_key_twice(samples: Any) -> None:
    names = ["abcd", "zyxw"]
    started = [subprocess.Popen([sys.executable, "-c", PROCESS, samples.name, *letters]) for letters in names]
    assert [process.wait(120) for process in started] == [0, 0]
    found = looks(samples)
    assert len(found) == 8
    for which in range(2):
        assert len({look[which] for look in found.values()}) == 8


@given(steps=st.lists(st.tuples(NAMES, st.booleans()), max_size=30))
def test_what_is_given_stays(steps: list[tuple[str, bool]]) -> None:
    """Tags come and go: whoever is carried keeps key and colour, and no key is there twice."""
    known: dict[str, dict[str, str]] = {}
    carried: set[str] = set()
    for tag, comes in steps:
        before = {s["tag"]: (s["key"], s["color"]) for s in scenarios(dict.fromkeys(carried, 1), known)}
        (carried.add if comes else carried.discard)(tag)
        known = completed(completed(known, [tag] if comes else []), carried, carried)
        after = {s["tag"]: (s["key"], s["color"]) for s in scenarios(dict.fromkeys(carried, 1), known)}
        assert set(after) == carried
        assert all(after[other] == look for other, look in before.items() if other in carried and look[0])
        keys = [key for key, _ in after.values() if key]
        assert len(set(keys)) == len(keys) == min(len(carried), 9)
