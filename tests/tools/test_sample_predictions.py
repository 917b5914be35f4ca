"""The predictions that come with the sample data: usable, no data themselves, and a true failure map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.sample_data_command import PREDICTIONS
from workbench.actions.evaluate import evaluate
from workbench.actions.load import load
from workbench.base.progress import Work
from workbench.ui.cli.demo import CONFIDENCE

DIM = "lighting in ['dim', 'dark']"
LABELS = 1007  # true boxes of the 240 pictures


@pytest.fixture(scope="module")
def coco(sample_data_folder: Path) -> dict[int, Any]:
    """The pictures of the real sample data by id."""
    files = sorted((sample_data_folder / "real" / "annotations").glob("*.json"))
    return {one["id"]: one for file in files for one in json.loads(file.read_text())["images"]}


@pytest.fixture(scope="module")
def sample_data_folder() -> Path:
    return Path(__file__).resolve().parents[2] / "sample_data"


def test_the_file_is_small_and_names_pictures_and_places_that_are_there(
    coco: dict[int, Any], sample_data_folder: Path
) -> None:
    file = sample_data_folder / PREDICTIONS
    results = json.loads(file.read_text())
    assert file.stat().st_size < 300_000 and len(results) > LABELS
    assert {one["image_id"] for one in results} == set(coco), "every picture was judged"
    assert all(0.05 <= one["score"] <= 1 and 1 <= one["category_id"] <= 11 for one in results)
    for one in results:
        left, top, width, height = one["bbox"]
        assert left >= 0 and top >= 0 and width > 0 and height > 0
        assert left + width <= 640.1 and top + height <= 480.1  # rounded to tenths


def test_they_are_no_data_and_show_where_the_detector_fails(dataset: Any, sample_data: Path) -> None:
    loaded = load(dataset, sample_data / "real", source="real", work=Work(lambda tick: None))
    assert (loaded.samples, loaded.labels, loaded.problems) == (240, LABELS, [])
    whole = evaluate(dataset, sample_data / PREDICTIONS, confidence=CONFIDENCE)
    assert (whole.samples, whole.tp + whole.fn, whole.problems) == (240, LABELS, [])
    part, others = (evaluate(dataset, whole.predictions, where=w, confidence=CONFIDENCE) for w in (DIM, f"not ({DIM})"))
    assert part.recall is not None and others.recall is not None
    assert part.recall < 0.85 * others.recall, f"{part}\n{others}"
