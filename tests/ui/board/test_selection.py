"""What a curator sees and chooses, without a browser."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ui.board.conftest import HOSTILE
from workbench.actions.tag import history
from workbench.adapters import store
from workbench.base.errors import DatasetError, FilterError, InputError
from workbench.base.progress import Cancel
from workbench.core.tables.filter import OneOf
from workbench.ui.board import Board, Selection
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panels.map import heat, toggle_cell

JOBS = Jobs(lambda finished: None)


def state(selection: Selection, facet: str) -> dict[str, Any]:
    return next(state for state in selection.facet_states() if state["name"] == facet)


def bars(selection: Selection, facet: str) -> dict[str, int]:
    return {bar["value"]: bar["count"] for bar in state(selection, facet)["bars"]}


def test_counts_follow_the_other_facets(selection: Selection) -> None:
    selection.toggle("lighting", "dim")
    assert selection.counts() == {"selected": 0, "hidden": 0, "filtered": 3, "pinned": 0, "all": 6}
    assert bars(selection, "lighting") == {"dim": 3, "bright": 3}
    assert bars(selection, "surface") == {"metal": 1}
    assert state(selection, "surface")["missing"] == {"count": 2, "on": False}
    selection.toggle("surface", None)
    assert selection.counts()["filtered"] == 2
    selection.toggle("lighting", "dim")
    selection.clear("surface")
    assert selection.counts()["filtered"] == 6


def test_filter_as_text_becomes_chips(selection: Selection) -> None:
    selection.filter = "lighting in ['dim', 'bright'] and surface == 'metal'"
    assert [chip["facet"] for chip in selection.chips()] == ["lighting", "surface"]
    assert len(selection.view) == 3
    with pytest.raises(FilterError, match="Unknown facet "):
        selection.filter = "nothing == 1"
    assert selection.counts()["filtered"] == 3


def test_a_short_name_stands_at_its_own_facet(selection: Selection) -> None:
    selection.filter = "noise >= 1 and noise <= 2"
    assert state(selection, "measures.noise")["range"] == [1.0, 2.0]


def test_many_words_are_found_by_a_search(dataset: Any, picture: Callable[..., Path]) -> None:
    from tests.builders import record

    records = [record(picture(f"{i}.png", seed=i), scene_id=f"Scene-{i:03}") for i in range(70)]
    store.add(dataset, records, source="real")
    selection = Selection(dataset, facets=["scene_id"])
    shown = state(selection, "scene_id")
    assert (len(shown["bars"]), shown["other"]) == (60, {"values": 10, "count": 10})
    selection.toggle("scene_id", "Scene-069")
    assert [bar["value"] for bar in state(selection, "scene_id")["bars"] if bar["on"]] == ["Scene-069"]
    assert [bar["value"] for bar in selection.find_words("scene_id", "ene-06")] == [f"Scene-06{i}" for i in range(10)]


@pytest.mark.parametrize(
    ("facet", "descending", "expected"),
    [
        ("measures.noise", False, [0, 4, 1, 2, 3, 5]),  # 0 1 2 3 0 and missing; ties in the order of loading
        ("measures.noise", True, [3, 2, 1, 0, 4, 5]),
        ("lighting", False, [3, 4, 5, 0, 1, 2]),
        ("lighting", True, [0, 1, 2, 3, 4, 5]),
        ("surface", True, [1, 3, 5, 0, 2, 4]),
        ("class", False, [0, 1, 2, 3, 4, 5]),
        (None, False, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_order(selection: Selection, facet: str | None, descending: bool, expected: list[int]) -> None:
    loaded = selection.filtered_ids
    selection.sort(facet, descending=descending)
    assert selection.filtered_ids == [loaded[i] for i in expected]
    selection.filter = "lighting == 'dim'"
    assert selection.filtered_ids == [loaded[i] for i in expected if i < 3]


def test_chosen_samples_keep_their_order_and_may_be_hidden(selection: Selection) -> None:
    a, b, c, *_ = selection.filtered_ids
    selection.select([c])
    selection.select([a, b])
    selection.select([a], on=False)
    assert selection.ids == [c, b]
    selection.filter = "lighting == 'bright'"
    assert selection.counts()["hidden"] == 2
    selection.select([a], only=True)
    assert selection.ids == [a]
    selection.select_filtered()
    assert selection.ids == selection.filtered_ids
    selection.deselect()
    assert selection.ids == []


def test_two_filters_side_by_side(selection: Selection) -> None:
    selection.filter = "lighting == 'dim'"
    selection.pin()
    selection.filter = "lighting == 'bright'"
    assert (selection.counts()["pinned"], selection.counts()["filtered"]) == (3, 3)
    assert not set(selection.page(0, 9, side="pinned")) & set(selection.page(0, 9))
    selection.unpin()
    assert selection.page(0, 9, side="pinned") == []


def test_tagging_nothing_says_what_to_do(selection: Selection) -> None:
    with pytest.raises(InputError, match="Ctrl\\+A"):
        selection.tag("failure:glare")


def test_a_double_click_selects_nothing(selection: Selection) -> None:
    first, second, third, *_ = selection.filtered_ids
    selection.select([first])
    code, marks = list(selection.code), selection.marks
    for choice in (
        lambda: selection.select([third], only=True),
        lambda: selection.select([first], on=False),
        lambda: selection.select([first], only=True),
        lambda: selection.select_range(1, 4),
    ):
        choice()
        selection.select_back()
        assert selection.ids == [first] and selection.code == code
    assert selection.marks > marks
    selection.select_back()  # nothing to take back any more
    selection.select([second])
    selection.filter = "lighting == 'dim'"
    selection.select_back()
    assert selection.ids == [first] and selection.code[-1] == f"selection.select(['{first}'], only=True)"


def test_foreign_ids_are_refused(selection: Selection) -> None:
    with pytest.raises(DatasetError, match="has no sample"):
        selection.select(["0" * 24])


def test_other_curators_tags_show_up_after_refresh(selection: Selection) -> None:
    selection.dataset.limit(2).tag_samples("failure:glare")
    selection.refresh()
    found = selection.scenarios()
    assert [(one["tag"], one["count"], one["key"]) for one in found] == [("failure:glare", 2, "1")]


def test_scenarios_have_words_colours_and_keys(selection: Selection) -> None:
    selection.describe(f"failure:{HOSTILE}", description="a <b> & 'c'", color="#112233", key="7")
    selection.describe("failure:$set.x", key="7")
    found = {one["tag"]: one for one in Selection(selection.dataset).scenarios()}
    assert found[f"failure:{HOSTILE}"]["description"] == "a <b> & 'c'"
    assert (found["failure:$set.x"]["key"], found[f"failure:{HOSTILE}"]["key"]) == ("7", "1")
    for wrong in ({"color": "red"}, {"key": "0"}, {"key": "12"}, {"description": "x" * 2001}):
        with pytest.raises(InputError):
            selection.describe("failure:x", **wrong)
    with pytest.raises(InputError, match="failure:glare"):
        selection.describe("glare")


def test_failure_map_leaves_its_own_axes_to_compare(selection: Selection) -> None:
    selection.filter = "lighting == 'dim' and class == 'mug'"
    found = heat(selection, JOBS, Cancel(), ["lighting", "surface"], "count", by_user=True)
    assert {tuple(cell["words"]): cell["samples"] for cell in found["cells"]} == {
        ("bright", "metal"): 2,
        ("bright", None): 1,
        ("dim", "metal"): 1,
        ("dim", None): 1,
    }
    assert selection.code[-1] == "wb.heatmap(ds, ['lighting', 'surface'], where=\"class == 'mug'\")"
    toggle_cell(selection, JOBS, ["lighting", "surface"], ["bright", None])
    assert selection.counts()["filtered"] == 1
    again = heat(selection, JOBS, Cancel(), ["lighting", "surface"], "mean:measures.noise")
    assert [cell["words"] for cell in again["cells"] if cell["on"]] == [["bright", None]]
    toggle_cell(selection, JOBS, ["lighting", "surface"], ["bright", None])
    assert str(selection.filter) == "class == 'mug'"


def test_cells_of_numbers_filter_to_their_samples(selection: Selection) -> None:
    found = heat(selection, JOBS, Cancel(), ["measures.noise"], "count")
    for cell in found["cells"]:
        toggle_cell(selection, JOBS, ["measures.noise"], cell["words"])
        assert selection.counts()["filtered"] == cell["samples"]
        toggle_cell(selection, JOBS, ["measures.noise"], cell["words"])


def test_boards_share_one_selection(selection: Selection) -> None:
    slicer, gallery = Board(selection, parts=["slicer"]), Board(selection, parts=["gallery"])
    slicer.filter = "lighting == 'dim'"
    assert gallery._state["counts"]["filtered"] == 3
    assert slicer._state["facets"] and not gallery._state["facets"]
    with pytest.raises(InputError, match="The board has no part"):
        Board(selection, parts=["galery"])


def test_a_board_that_is_gone_is_forgotten(selection: Selection) -> None:
    board = Board(selection, parts=["gallery"])
    board.close()
    del board
    import gc

    gc.collect()
    selection.filter = "lighting == 'dim'"
    assert selection._observers == []


# -- the session as Python ---------------------------------------------------------------------------------------------

FACET_WORDS = {
    "lighting": ["dim", "bright", None],
    "surface": ["metal", None],
    "class": ["mug", HOSTILE],
    "tags": ["failure:a", None],
}
WHERE = ["True", "lighting == 'dim' or surface == None", "noise > 0.5", "not class == 'mug'"]
TAGS = st.sampled_from(["failure:a", 'failure:it\'s "b"', "plain"])
PLACES = st.integers(0, 7)
ACTIONS = st.one_of(
    st.tuples(st.just("toggle"), st.sampled_from([(f, w) for f, words in FACET_WORDS.items() for w in words])),
    st.tuples(st.just("brush"), st.tuples(st.floats(0, 4, width=32), st.floats(0, 4, width=32))),
    st.tuples(st.just("where"), st.sampled_from(WHERE)),
    st.tuples(st.just("clear"), st.sampled_from([None, "lighting"])),
    st.tuples(st.just("cell"), st.tuples(st.sampled_from(["dim", "bright"]), st.sampled_from(["metal", None]))),
    st.tuples(st.just("sort"), st.tuples(st.sampled_from(["measures.noise", "class", None]), st.booleans())),
    st.tuples(st.just("select"), st.tuples(PLACES, st.booleans(), st.booleans())),
    st.tuples(st.just("range"), st.tuples(PLACES, PLACES)),
    st.tuples(st.just("all"), st.none()),
    st.tuples(st.just("back"), st.none()),
    st.tuples(st.just("none"), st.none()),
    st.tuples(st.just("pin"), st.none()),
    st.tuples(
        st.just("tag"), st.tuples(TAGS, st.sampled_from(["selected", "filtered"]), st.sampled_from(["tag", "untag"]))
    ),
    st.tuples(st.just("undo"), st.none()),
    st.tuples(st.just("redo"), st.none()),
)


def act(selection: Selection, action: tuple[str, Any]) -> None:
    """Carry out one action as the board would."""
    name, given_ = action
    actions: dict[str, Callable[[], object]] = {
        "toggle": lambda: selection.toggle(*given_),
        "brush": lambda: selection.brush("measures.noise", *given_),
        "where": lambda: setattr(selection, "filter", given_),
        "clear": lambda: selection.clear(given_),
        "cell": lambda: toggle_cell(selection, JOBS, ["lighting", "surface"], list(given_)),
        "sort": lambda: selection.sort(given_[0], descending=given_[1]),
        "select": lambda: selection.select(selection.page(given_[0], given_[0] + 1), on=given_[1], only=given_[2]),
        "range": lambda: selection.select_range(*given_),
        "all": selection.select_filtered,
        "back": selection.select_back,
        "none": selection.deselect,
        "pin": selection.pin,
        "tag": lambda: selection.tag(given_[0], target=given_[1], action=given_[2], reason="it's so"),
        "undo": selection.undo,
        "redo": selection.redo,
    }
    actions[name]()


def told(selection: Selection) -> tuple[Any, ...]:
    tags = [sorted(sample.tags) for sample in store.read(selection.dataset)]
    return selection.ids, selection.filtered_ids, selection.page(0, 9, side="pinned"), tags


@pytest.fixture
def copy_of() -> Iterator[Callable[[Any], Any]]:
    """Copies of a dataset with the same ids, removed afterwards."""
    made = []

    def copy(dataset: Any) -> Any:
        made.append(f"test-{uuid.uuid4().hex[:12]}")
        dataset.clone(made[-1], persistent=True)
        return store.open_dataset(made[-1])

    yield copy
    for name in made:
        store.delete_dataset(name)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, max_size=12))
def test_code_gives_the_same_samples_when_run_elsewhere(
    selection: Selection, copy_of: Callable[[Any], Any], actions: list[tuple[str, Any]]
) -> None:
    """Random sessions: the code, run on a copy of the data as it was, ends with the same samples and tags."""
    mine, other = copy_of(selection.dataset), copy_of(selection.dataset)
    board = Selection(mine)
    for action in actions:
        # nothing to tag, to undo, or no such cell: the user is told, and no line is written
        with contextlib.suppress(InputError, DatasetError):
            act(board, action)
    names: dict[str, Any] = {}
    exec("\n".join(board.code).replace(repr(mine.name), repr(other.name)), names)
    assert told(names["selection"]) == told(board)
    done = [(e.action, e.tag, e.changed) for e in history(mine).itertuples()]
    assert done == [(e.action, e.tag, e.changed) for e in history(other).itertuples()]


def test_hostile_words_survive_the_way_through_code(selection: Selection) -> None:
    selection.filter = OneOf("class", (HOSTILE, "a'b\"c\\d\n\u202e🦊"))
    names: dict[str, Any] = {}
    exec("\n".join(selection.code), names)
    assert names["selection"].filter == selection.filter
