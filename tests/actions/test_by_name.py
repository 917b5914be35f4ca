"""Every public function takes a dataset or its name, and a filter as text or object."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.base.errors import DatasetError, WorkbenchError

ARGUMENTS: dict[str, dict[str, Any]] = {  # what a call needs beside the dataset
    "add_embeddings": {"name": "mine", "vectors": {}},
    "describe": {"tag": "failure:x"},
    "discover": {"metric": "count"},
    "evaluate": {"predictions": "predictions"},
    "export": {"folder": "out"},
    "export_history": {"path": "history.jsonl"},
    "heatmap": {"by": "source"},
    "lineage": {"sample_id": "0" * 24},
    "load": {"path": "photos", "source": "real"},
    "predict": {"trainer": None},
    "record_round": {"name": "first"},
    "remove_descendants": {"scenario": "none"},
    "replay_history": {"path": "history.jsonl"},
    "reproduce": {"sample_id": "0" * 24},
    "retrain": {"trainer": object(), "name": "first", "folder": "out"},
    "similar": {"ids": ["0" * 24]},
    "slices": {"by": "source"},
    "tag": {"name": "failure:x", "where": "source == 'real'"},
    "teach": {"attribute": "surface"},
    "untag": {"name": "failure:x", "where": "source == 'real'"},
}
CREATES = {"load"}  # a dataset of a new name is made


def of_datasets() -> list[str]:
    functions = {name: getattr(wb, name) for name in wb.__all__ if inspect.isfunction(getattr(wb, name))}
    return [name for name, f in functions.items() if next(iter(inspect.signature(f).parameters), "") == "dataset"]


def outcome(call: Callable[..., Any], *args: Any, **more: Any) -> str:
    """What a call comes to: ``done``, or the kind and text of an error that users can act on."""
    try:
        call(*args, **more)
    except WorkbenchError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def test_there_are_many() -> None:
    assert len(of_datasets()) > 25


@pytest.mark.parametrize("name", of_datasets())
def test_by_name_as_by_object(name: str, dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    function, more = getattr(wb, name), ARGUMENTS.get(name, {})
    by_object = outcome(function, dataset, **more)
    by_name = outcome(function, dataset.name, **more)
    assert by_name.split(":")[0] == by_object.split(":")[0], (by_name, by_object)
    if name not in CREATES:
        with pytest.raises(DatasetError, match="no-such-dataset"):
            function("no-such-dataset", **more)


@pytest.mark.parametrize("name", [n for n in of_datasets() if "where" in inspect.signature(getattr(wb, n)).parameters])
def test_filters_as_text_and_as_object(name: str, dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "source == 'nobody'"
    more = ARGUMENTS.get(name, {})
    by_text = outcome(getattr(wb, name), dataset, **{**more, "where": text})
    by_object = outcome(getattr(wb, name), dataset, **{**more, "where": wb.parse(text)})
    assert by_text == by_object
