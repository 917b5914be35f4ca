"""Changes and their intervals: by hand, on planted effects, and on none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.actions.rounds.planted import drawn, planted
from workbench.actions.rounds.verdict import Verdict, decide, gate
from workbench.core.metrics.compare import Change, Level, Part, apart, change, level
from workbench.core.metrics.counts import RoundCounts, from_bytes, to_bytes


def whole(one: RoundCounts) -> Part:
    return Part(np.ones(len(one), np.bool_))


def test_values_by_hand() -> None:
    before = planted([[True, False], [False, False], [True, True]], [1, 0, 1])
    after = planted([[True, True], [True, False], [True, True]], [0, 0, 1])
    part = whole(before)
    assert level(before, part, "recall").value == 0.5
    assert level(before, part, "precision").value == 3 / 5
    found = change(before, after, part, "recall")
    assert found.value == pytest.approx(2 / 6)
    assert found.p_value == 0.5, "two pictures differ; of their four exchanges two are as far apart"
    assert found.low is not None and found.low <= 0, "three pictures prove nothing"
    assert change(before, after, part, "precision").value == pytest.approx(5 / 6 - 3 / 5)
    labels = Part(np.array([True, False, False]), np.array([False, True, *[False] * 4]))
    assert (level(before, labels, "recall").value, level(after, labels, "recall").value) == (0.0, 1.0)
    assert level(before, labels, "precision").value is None and level(before, labels, "ap50").value is None


@pytest.mark.parametrize("metric", ["recall", "precision", "ap50"])
def test_three_pictures_never_prove_anything(metric: str) -> None:
    before, after = planted([[False] * 20] * 3, [9] * 3), planted([[True] * 20] * 3, [0] * 3)
    found = change(before, after, whole(before), metric)
    assert not found.rose and not found.fell
    assert found.value is None or metric == "precision" or found.value == pytest.approx(1.0)


def test_no_change_at_all_still_has_a_width() -> None:
    same = planted([[True, False]] * 8)
    found = change(same, same, whole(same), "recall")
    assert found.value == 0 and found.low is not None and found.high is not None
    assert found.low < -0.05 and found.high > 0.05 and found.p_value == 1


@pytest.mark.parametrize("metric", ["recall", "precision", "ap50"])
@pytest.mark.parametrize(("pictures", "labels", "spread"), [(8, 5, 0.4), (30, 3, 0.0)])
def test_chance_is_seldom_taken_for_a_change(metric: str, pictures: int, labels: int, spread: float) -> None:
    rng, said, n = np.random.default_rng(7), 0, 120
    for _ in range(n):
        before, after = (drawn(rng, pictures, labels, 0.55, spread) for _ in range(2))
        found = change(before, after, whole(before), metric)
        said += found.rose or found.fell
    assert said <= 0.05 * n + 3 * np.sqrt(0.05 * 0.95 * n), f"{said} of {n}"


@pytest.mark.parametrize(("metric", "least"), [("recall", 0.95), ("ap50", 0.9)])
def test_a_planted_gain_is_seen_and_its_interval_holds_it(metric: str, least: float) -> None:
    rng, seen, held, n = np.random.default_rng(3), 0, 0, 40
    for _ in range(n):
        before, after = drawn(rng, 60, 4, 0.5), drawn(rng, 60, 4, 0.75)
        found = change(before, after, whole(before), metric)
        assert found.low is not None and found.high is not None
        seen += found.rose
        held += found.low <= 0.25 <= found.high
    assert seen >= least * n
    assert metric != "recall" or held >= 0.9 * n


def test_the_rest() -> None:
    one, other = Level(0.5, 0.4, 0.6), Level(0.9, 0.88, 0.92)
    found = apart(one, other)
    assert found.value == pytest.approx(-0.4) and found.fell
    assert found.low == pytest.approx(-0.4 - np.hypot(0.1, 0.02)) and found.p_value is None
    assert apart(Level(None), other) == Change(None) and apart(Level(0.5), other) == Change(pytest.approx(-0.4))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.booleans(), max_size=4), min_size=1, max_size=9), st.data())
def test_bytes_and_parts(found: list[list[bool]], data: st.DataObject) -> None:
    one = planted(found, [i % 3 for i in range(len(found))])
    again, trained = from_bytes(to_bytes(one, ["a" * 24]))
    assert trained == {"a" * 24}
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found))))
    part, kept = Part(rows), again.subset(again.ids[rows])
    assert len(kept) == rows.sum()
    for metric in ("recall", "precision", "ap50"):
        expected = level(one, part, metric)
        assert level(again, part, metric) == expected
        assert level(kept, whole(kept), metric).value == pytest.approx(expected.value)
        step = change(one, again, part, metric)
        assert step.value is None or (step.value == 0 and not step.fell and not step.rose)
        if step.low is not None and step.high is not None:
            assert step.low <= 0 <= step.high


GOOD, NONE, BAD = Change(0.3, 0.2, 0.4), Change(0.1, -0.1, 0.3), Change(-0.2, -0.3, -0.1)


@pytest.mark.parametrize(
    ("case", "now", "to_rest", "before", "first", "state"),
    [
        ("nothing judged", Level(None), Change(None), GOOD, GOOD, "failing"),
        ("one round", Level(0.9, 0.8, 1), Change(0.1, 0, 0.2), None, None, "failing"),
        ("better, like the rest", Level(0.9, 0.8, 1), Change(-0.02, -0.1, 0.1), NONE, GOOD, "closed"),
        ("better, surely below the rest", Level(0.7, 0.6, 0.8), Change(-0.2, -0.3, -0.1), GOOD, GOOD, "failing"),
        (
            "better, so few that the rest may be alike",
            Level(0.6, 0.2, 1),
            Change(-0.3, -0.7, 0.1),
            GOOD,
            GOOD,
            "failing",
        ),
        ("like the rest all along", Level(0.9, 0.8, 1), Change(0, -0.1, 0.1), NONE, NONE, "failing"),
        ("like the rest, but all is bad", Level(0.1, 0, 0.2), Change(0, -0.1, 0.1), GOOD, GOOD, "failing"),
        ("fell since the round before", Level(0.9, 0.8, 1), Change(0, -0.1, 0.1), BAD, GOOD, "worse"),
        ("fell since the first", Level(0.5, 0.4, 0.6), Change(0, -0.1, 0.1), NONE, BAD, "worse"),
    ],
)
def test_states(case: str, now: Level, to_rest: Change, before: Change, first: Change, state: str) -> None:
    found = decide(now, to_rest, before, first)
    assert (found.state, bool(found.note)) == (state, True) and isinstance(found, Verdict), case


@pytest.mark.parametrize(
    ("added", "gained", "expected"),
    [
        (40, Change(0.0, -0.04, 0.04), "not a failure of coverage"),
        (40, Change(0.1, -0.1, 0.3), "effect is not clear yet"),
        (40, Change(0.3, 0.2, 0.4), ""),
        (3, Change(0.0, -0.01, 0.01), ""),
        (None, Change(0.0, -0.01, 0.01), ""),
        (40, Change(None), ""),
    ],
)
def test_real_images_are_the_gate(added: int | None, gained: Change, expected: str) -> None:
    assert expected in gate(added, gained) and bool(expected) == bool(gate(added, gained))
