"""A history written to a file and replayed on another copy of the dataset gives the same tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.builders import record
from workbench.adapters import store
from workbench.base.errors import DatasetError, InputError
from workbench.core.schema.labels import Label

TAGS = ("failure:glare", "failure:größe", "<b>")
N = 5


@pytest.fixture
def two(dataset: Any, dataset_name: str, picture: Callable[..., Path]) -> Iterator[tuple[Any, Any]]:
    """Two copies of the same data; ids differ."""
    copy = store.open_dataset(dataset_name)
    boxes = (Label("nut", (1, 1, 4, 9)), Label("bolt", (5, 1, 9, 9)))
    records = [record(picture(f"{i}.png", seed=i), labels=boxes) for i in range(N)]
    store.add(dataset, records, source="real")
    store.add(copy, records[::-1], source="real")  # in another order
    return dataset, copy


def tags(dataset: Any) -> dict[str, Any]:
    dataset.reload()
    wanted = ["source_key", "tags", "ground_truth.detections.tags"]
    return {
        key: (sorted(own), [sorted(t) for t in inside])
        for key, own, inside in zip(*dataset.values(wanted), strict=True)
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["tag", "untag", "labels", "undo", "redo"]), st.sampled_from(TAGS), st.integers(0, 31)
        ),
        max_size=8,
    )
)
def test_replayed_history_gives_the_same_tags(
    two: tuple[Any, Any], tmp_path: Path, steps: list[tuple[str, str, int]]
) -> None:
    first, second = two
    ids, labels = store.select(first), first.values("ground_truth.detections.id", unwind=True)
    for action, tag, bits in steps:
        chosen = [i for i in range(N) if bits >> i & 1]
        try:
            if action == "labels":
                wb.tag(first, tag, labels=[labels[2 * i] for i in chosen])
            elif action in ("undo", "redo"):
                getattr(wb, action)(first)
            else:
                getattr(wb, action)(first, tag, ids=[ids[i] for i in chosen], reason="r", who="ada")
        except DatasetError:
            continue  # nothing to undo or redo
    n = wb.export_history(first, tmp_path / "h.jsonl")
    told = wb.replay_history(second, tmp_path / "h.jsonl")
    assert told.replayed + told.already == n and told.missing == 0
    assert tags(first) == tags(second)
    assert wb.replay_history(second, tmp_path / "h.jsonl").replayed == 0
    assert wb.replay_history(first, tmp_path / "h.jsonl").already == n
    wb.export_history(second, tmp_path / "again.jsonl")
    assert [json.loads(line)["change_id"] for line in (tmp_path / "again.jsonl").read_text().splitlines()] == [
        json.loads(line)["change_id"] for line in (tmp_path / "h.jsonl").read_text().splitlines()
    ]


def test_who_when_and_why_stay(two: tuple[Any, Any], tmp_path: Path) -> None:
    first, second = two
    wb.tag(first, TAGS[0], where="True", reason="shiny", who="ada")
    wb.undo(first, who="ben")
    wb.export_history(first, tmp_path / "h.jsonl")
    wb.replay_history(second, tmp_path / "h.jsonl")
    columns = ["number", "when", "who", "role", "action", "tag", "changed", "where", "reason"]
    assert wb.history(first)[columns].equals(wb.history(second)[columns])
    assert wb.redo(second).changed == N


def test_samples_that_are_not_here_are_counted(two: tuple[Any, Any], tmp_path: Path) -> None:
    first, second = two
    wb.tag(first, TAGS[0], where="True")
    second.delete_samples(second.take(2, seed=1))
    wb.export_history(first, tmp_path / "h.jsonl")
    told = wb.replay_history(second, tmp_path / "h.jsonl")
    assert (told.replayed, told.changed, told.missing) == (1, N - 2, 2)
    assert "not in this dataset: 2 (samples or labels)" in str(told)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"change_id": 1}', '{"change_id": "a", "when": "yesterday", "who": "", "tag": "t"}', "null"]
)
def test_a_bad_file_changes_nothing(two: tuple[Any, Any], tmp_path: Path, text: str) -> None:
    first, second = two
    wb.tag(first, TAGS[0], where="True")
    path = tmp_path / "h.jsonl"
    wb.export_history(first, path)
    path.write_text(path.read_text() + text + "\n")
    with pytest.raises(InputError, match=r"h.jsonl, line 2: The line is not a change of tags as JSON"):
        wb.replay_history(second, path)
    assert wb.history(second).empty


def test_no_file(two: tuple[Any, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The history of tags cannot be read"):
        wb.replay_history(two[0], tmp_path / "none.jsonl")
