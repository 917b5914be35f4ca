"""Values of thousands of labels of one sample are set in one pass, with the result of setting each by its id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from workbench.adapters import store
from workbench.adapters.store import samples
from workbench.core.schema.labels import Label

N = 5
FIELD = "ground_truth"


def labels_of(dataset: Any) -> list[dict[str, Any]]:
    [document] = dataset._sample_collection.find()
    return list(document[FIELD]["detections"])


@pytest.fixture
def sample(dataset: Any, picture: Callable[..., Path]) -> Any:
    own = [Label("nut", (1.0, 2.0, 30.0, 40.0), attributes={"at": at}) for at in range(N)]
    store.add(dataset, [record(picture("a.png"), labels=tuple(own))], source="real")
    return dataset


@pytest.mark.parametrize("many", [0, 100])
@pytest.mark.parametrize("chosen", [range(N), [1, 3], [4]])
def test_as_one_list_or_label_by_label(
    sample: Any, monkeypatch: pytest.MonkeyPatch, many: int, chosen: list[int]
) -> None:
    monkeypatch.setattr(samples, "MANY_LABELS", many)
    before = labels_of(sample)
    values = {str(before[at]["_id"]): {"gloss": at / 10, "outcome": "hit"} for at in chosen}
    values["0" * 24] = {"gloss": 1.0}  # removed meanwhile: stays removed
    store.set_label_values(sample, FIELD, {store.select(sample)[0]: values})
    expected = [
        {**label, **({"gloss": at / 10, "outcome": "hit"} if at in chosen else {})} for at, label in enumerate(before)
    ]
    assert labels_of(sample) == expected


@pytest.mark.parametrize("change", ["another order", "one without id", "not a label", "all removed"])
def test_labels_that_another_program_changed(sample: Any, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """In between or before: a value goes to the label of its id, or nowhere."""
    before = labels_of(sample)
    lists: dict[str, list[Any]] = {
        "another order": before[::-1],
        "one without id": [{"label": "bolt"}, *before],
        "not a label": ["bolt", *before],
        "all removed": [],
    }
    monkeypatch.setattr(samples, "MANY_LABELS", 0)
    sample._sample_collection.update_one({}, {"$set": {f"{FIELD}.detections": lists[change]}})
    values = {str(label["_id"]): {"gloss": label["at"] / 10} for label in before}
    store.set_label_values(sample, FIELD, {store.select(sample)[0]: values})
    labels = [label for label in labels_of(sample) if isinstance(label, dict) and "_id" in label]
    assert [label["gloss"] for label in labels] == [label["at"] / 10 for label in labels]
    assert len(labels_of(sample)) == len(lists[change])


def test_the_server_looks_at_each_label_once(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MANY_LABELS", 0)
    monkeypatch.setattr(samples, "_set_labels", lambda *_: pytest.fail("a filter for each label"))
    values = {str(label["_id"]): {"gloss": 0.5} for label in labels_of(sample)}
    store.set_label_values(sample, FIELD, {store.select(sample)[0]: values})
