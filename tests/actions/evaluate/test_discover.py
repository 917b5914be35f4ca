"""``wb.discover`` and ``workbench discover``: facets that make sense, one set of numbers everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.actions.evaluate import discover, slices
from workbench.actions.evaluate.discover import COLUMNS, Discovery, searched_facets
from workbench.adapters import store
from workbench.base.errors import FilterError, InputError
from workbench.core.discovery.search import Search, Slice
from workbench.core.tables import CategoryColumn, NumberColumn, Table, parse

Write = Callable[..., Path]
N = 300


@pytest.fixture
def failing(dataset: Any) -> Any:
    """Samples of which dim mirrors have a large number; noise is of no matter."""
    rng = np.random.default_rng(0)
    documents = []
    for i in range(N):
        lighting, surface = ("dim", "bright")[i % 2], ("mirror", "matte", "wood")[i % 3]
        bad = rng.random() < (0.85 if (lighting, surface) == ("dim", "mirror") else 0.08)
        documents.append(store_sample(i, lighting, surface, float(bad), float(rng.normal())))
    add(dataset, documents)
    return dataset


def store_sample(i: int, lighting: str, surface: str, bad: float, noise: float) -> dict[str, Any]:
    return {"filepath": f"/nowhere/{i:04}.png", "source": "real", "lighting": lighting, "surface": surface,
            "bad": bad, "measures": {"noise": noise}, "origin": f"{i:04}.png"}  # fmt: skip


def add(dataset: Any, documents: list[dict[str, Any]]) -> None:
    """Samples without pictures, as FiftyOne writes them."""
    import fiftyone as fo

    samples = []
    for one in documents:
        measures = fo.DynamicEmbeddedDocument(**one.pop("measures"))
        samples.append(fo.Sample(**one, measures=measures))
    dataset.add_samples(samples, dynamic=True, progress=False)


def test_found_on_the_dataset(failing: Any) -> None:
    found = discover(failing, metric="mean:bad")
    assert isinstance(found, Discovery) and len(found) == 1
    one = found[0]
    assert str(one.filter) in ("lighting == 'dim' and surface == 'mirror'", "surface == 'mirror' and lighting == 'dim'")
    assert one.samples == N // 6 == len(store.select(failing, one.filter))
    cells = slices(failing, ["lighting", "surface"], metric="mean:bad").set_index(["lighting", "surface"])
    assert one.value == pytest.approx(cells.loc[("dim", "mirror"), "value"])
    assert list(found.frame.columns) == COLUMNS and found.frame.iloc[0]["value"] == one.value
    assert f"{one.value:.3g}" in found._repr_html_() and f"{one.value:.3g}" in str(found)
    assert not len(discover(failing, metric="mean:bad", by=["measures.noise"]))
    assert not len(discover(failing, metric="mean:bad", where="surface == 'wood'"))
    discover(failing, metric="mean:bad", save_views=True)
    assert len(failing.load_saved_view("slice 1: mean:bad")) == one.samples


def test_command_line(failing: Any) -> None:
    command = [sys.executable, "-m", "workbench.ui.cli", "discover", failing.name, "--json"]
    ran = subprocess.run([*command, "--metric", "mean:bad"], capture_output=True, text=True, check=True)
    answer = json.loads(ran.stdout)
    (one,) = answer["slices"]
    assert {"filter", "samples", "value", "rest", "p_value", "low", "high", "effect", "words"} <= set(one)
    assert one["samples"] == len(store.select(failing, one["filter"])) and one["p_value"] <= 0.05
    assert answer["search"]["samples"] == N
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1 and "Evaluate first" in json.loads(failed.stdout)["error"]


def test_empty_and_wrong(dataset: Any) -> None:
    with pytest.raises(FilterError, match="Evaluate first"):
        discover(dataset)
    found = discover(dataset, metric="share:failure:x")
    assert len(found) == 0 and "nothing to search" in str(found) and found.frame.empty
    with pytest.raises(InputError, match="limit must be at least 1, not 0"):
        discover(dataset, metric="share:x", limit=0)


def test_text_of_data_is_text_and_few_samples_are_said() -> None:
    word = "<img src=x>"
    one = Slice(parse(f"lighting == {word!r}"), 50, 0.4, 0.3, 0.5, 0.9, -0.5, 0.45, 0.01, "recall 0.4")
    html = Discovery("recall", Search((one,), 500, 0.8, 4, 7, 7, 1))._repr_html_()
    assert word not in html and "&lt;img" in html and "http" not in html
    assert "Too few samples to find and confirm a slice: 12, at least 40" in str(
        Discovery("recall", Search((), 12, 0.8, 4, 7, 7, 0))
    )
    assert "three attributes, the most promising" in str(Discovery("recall", Search((), 100, 0.8, 4, 7, 90, 0)))


def test_facets_searched_by_default() -> None:
    names = ["source", "lighting", "origin", "scene_id", "lighting_confidence", "measures.noise", "evaluation.hits"]
    names += ["generation.seed", "measures.light_direction_deg", "labels"]
    words, numbers = CategoryColumn.of(["a"]), NumberColumn.of([1.0])
    table = Table(np.array(["0"]), {name: words if "." not in name else numbers for name in names})
    assert searched_facets(table) == ["source", "lighting", "measures.noise", "labels"]
