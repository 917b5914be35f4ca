"""Tags with a journal: undo touches only what the change really changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.builders import record
from workbench.actions.tag.tag import stacks
from workbench.adapters import store
from workbench.adapters.store import journal
from workbench.base.errors import DatasetError, InputError

GLARE = "failure:glare"


@pytest.fixture
def ids(dataset: Any, picture: Callable[..., Path]) -> list[str]:
    records = [record(picture(f"{i}.png", seed=i), attributes={"lighting": "dim"} if i < 2 else {}) for i in range(4)]
    return store.add(dataset, records, source="real").ids


def tagged(dataset: Any, tag: str = GLARE) -> list[str]:
    return store.select(dataset, f"{tag!r} in tags")


def test_tag_undo_redo(dataset: Any, ids: list[str]) -> None:
    first = wb.tag(dataset, GLARE, where="lighting == 'dim'", reason="shiny")
    assert (first.changed, first.already, first.where) == (2, 0, "lighting == 'dim'")
    second = wb.tag(dataset, GLARE, where="True")
    assert (second.changed, second.already) == (2, 2)
    assert wb.undo(dataset).changed == 2
    assert tagged(dataset) == ids[:2]
    assert wb.undo(dataset).changed == 2
    assert tagged(dataset) == []
    assert [wb.redo(dataset).changed for _ in range(2)] == [2, 2]
    assert tagged(dataset) == ids
    with pytest.raises(DatasetError, match="to redo"):
        wb.redo(dataset)


def test_a_new_change_ends_redo(dataset: Any, ids: list[str]) -> None:
    wb.tag(dataset, GLARE, ids=ids[:1])
    wb.undo(dataset)
    wb.tag(dataset, "other", ids=ids)
    with pytest.raises(DatasetError, match="to redo"):
        wb.redo(dataset)


def test_a_change_of_nothing_is_passed_over(dataset: Any, ids: list[str]) -> None:
    """A notebook that runs again tags nothing new; undo takes the change back that the curator saw."""
    wb.tag(dataset, GLARE, ids=ids)
    assert wb.tag(dataset, GLARE, ids=ids).changed == 0
    assert wb.undo(dataset).changed == len(ids)
    wb.untag(dataset, GLARE, ids=ids)
    assert wb.redo(dataset).changed == len(ids)


def test_history_tells_who_when_why_and_how_many(dataset: Any, ids: list[str]) -> None:
    wb.tag(dataset, GLARE, ids=ids[:3], reason="shiny", who="ada")
    wb.undo(dataset, who="ben")
    found = wb.history(dataset)
    assert found["who"].tolist() == ["ada", "ben"]
    assert found["role"].tolist() == ["change", "undo"]
    assert found["changed"].tolist() == [3, 3]
    assert found["reason"][0] == "shiny"
    assert found["of"][1] == found["change_id"][0]


def test_a_change_is_named_by_the_number_that_the_history_lists(dataset: Any, ids: list[str]) -> None:
    first = wb.tag(dataset, GLARE, ids=ids[:1])
    wb.tag(dataset, "other", ids=ids)
    assert wb.undo(dataset, change_id=str(first.number)).tag == GLARE
    for number in (first.number, 3):  # undone already; an undo itself
        with pytest.raises(DatasetError, match=f"Change {number} cannot be undone"):
            wb.undo(dataset, change_id=str(number))
    with pytest.raises(DatasetError, match=r"There is no change '77'\. See"):
        wb.undo(dataset, change_id="77")
    assert wb.redo(dataset, change_id=str(first.number)).changed == 1
    with pytest.raises(DatasetError, match="Change 2 cannot be redone"):
        wb.redo(dataset, change_id="2")


def test_undo_leaves_what_somebody_else_tagged(dataset: Any, ids: list[str]) -> None:
    dataset.select(ids[0]).tag_samples(GLARE)  # in FiftyOne, past the journal
    wb.tag(dataset, GLARE, ids=ids)
    wb.undo(dataset)
    assert tagged(dataset) == ids[:1]


def test_a_change_cut_off_is_finished(dataset: Any, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*args: object) -> None:
        raise SystemExit("killed between writing ahead and carrying out")

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(journal, "_carry_out", cut)
        wb.tag(dataset, GLARE, ids=ids)
    assert tagged(dataset) == []
    assert journal.finish_pending(dataset) == 1
    assert tagged(dataset) == ids
    assert journal.finish_pending(dataset) == 0


@pytest.mark.parametrize("name", ["", " ", " a", "a\n", "\x00"])
def test_bad_tags_are_refused(dataset: Any, ids: list[str], name: str) -> None:
    with pytest.raises(InputError, match="is not a valid tag"):
        wb.tag(dataset, name, ids=ids)


@pytest.mark.parametrize("name", ["<b>bold</b>", "failure:größe", "שלום", "🤖", "x" * 10_000])
def test_strange_tags_are_kept_as_they_are(dataset: Any, ids: list[str], name: str) -> None:
    wb.tag(dataset, name, ids=ids[:1])
    assert next(iter(store.read(dataset, ids[:1]))).tags == (name,)


def test_one_of_where_and_ids_is_needed(dataset: Any, ids: list[str]) -> None:
    with pytest.raises(InputError, match="Nothing says which samples"):
        wb.tag(dataset, GLARE)
    with pytest.raises(InputError, match="where and ids cannot be given together"):
        wb.tag(dataset, GLARE, where="True", ids=ids)


@given(st.lists(st.sampled_from(["change", "undo", "redo"]), max_size=30))
def test_stacks_behave_like_an_editor(steps: list[str]) -> None:
    """Against the plain model: a list of done and a list of undone changes."""
    entries: list[Any] = []
    done: list[str] = []
    undone: list[str] = []
    for number, step in enumerate(steps, 1):
        if step == "change":
            done.append(str(number))
            undone.clear()
            of = None
        else:
            source, target = (done, undone) if step == "undo" else (undone, done)
            if not source:
                continue
            of = source.pop()
            target.append(of)
        entries.append(
            journal.Entry(str(number), number, "tag", "t", 1, 0, "", "", "me", None, step, of)  # type: ignore[arg-type]
        )
    found_done, found_undone = stacks(entries)
    assert [e.change_id for e in found_done] == done
    assert [e.change_id for e in found_undone] == undone
