"""Predictions out of fold: no model judges a scene that it learned from, and the same data gives the same file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tools.out_of_fold import dealt, predict_out_of_fold, results_text
from workbench.base.errors import Cancelled, InputError
from workbench.base.progress import Cancel, Work
from workbench.core.schema.labels import Label

SCENES, SPLITS = 10, ("train", "test")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twenty pictures, two of each scene, one in each split."""
    (tmp_path / "annotations").mkdir()
    for at, split in enumerate(SPLITS):
        images = [{"id": 10 * at + n, "file_name": f"{split}{n}.jpg", "scene_id": f"s{n}"} for n in range(SCENES)]
        boxes = [{"id": one["id"], "image_id": one["id"], "category_id": 7, "bbox": [0, 0, 9, 9]} for one in images]
        content = {"images": images, "annotations": boxes, "categories": [{"id": 7, "name": "nut"}]}
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
        (tmp_path / "images" / split).mkdir(parents=True)
        for one in images:
            (tmp_path / "images" / split / str(one["file_name"])).write_bytes(b"a picture")
    return tmp_path


@dataclass
class Watchful:
    """Remembers what it was taught, and finds one box, as sure as it has seen pictures."""

    seen: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def fit(self, split_dir: Path) -> None:
        said = json.loads((split_dir / "annotations" / "instances_train.json").read_text())
        self.seen = {one["scene_id"] for one in said["images"]}
        assert {one["image_id"] for one in said["annotations"]} == {one["id"] for one in said["images"]}
        for one in said["images"]:
            assert (split_dir / "images" / "train" / one["file_name"]).read_bytes() == b"a picture"

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        self.asked = [path.name for path in images]
        unsure, flat = Label("nut", (0, 0, 5, 5), confidence=0.04), Label("nut", (3, 3, 3.04, 9), confidence=0.9)
        return [[Label("nut", (1.04, 2, 5.06, 9), confidence=0.6666), unsure, flat] for _ in images]


def test_no_scene_is_judged_by_a_model_that_saw_it(data: Path) -> None:
    models: list[Watchful] = []

    def make() -> Watchful:
        models.append(Watchful())
        return models[-1]

    results = predict_out_of_fold(data, make, folds=3, work=Work(lambda tick: None))
    assert len(models) == 3
    for one in models:
        judged = {f"s{name[-5]}" for name in one.asked}
        assert judged and judged & one.seen == set() and len(judged | one.seen) == SCENES
    assert sorted(name for one in models for name in one.asked) == sorted(
        f"{s}{n}.jpg" for s in SPLITS for n in range(10)
    )
    expected = {"category_id": 7, "bbox": [1.0, 2.0, 4.1, 7.0], "score": 0.667}
    assert results == [{"image_id": i, **expected} for i in range(20)], "neither unsure ones nor ones without area"
    assert json.loads(results_text(results)) == results and results_text(results).count("\n") == 22


def test_folds_are_even_and_stay(data: Path) -> None:
    names = [f"scene {n}" for n in range(103)]
    folds = dealt(names, 4)
    assert folds == dealt(names[::-1], 4)
    assert sorted(list(folds.values()).count(k) for k in range(4)) == [25, 26, 26, 26]


@pytest.mark.parametrize("folds", [0, 1, 11])
def test_wrong_numbers_of_folds(data: Path, folds: int) -> None:
    with pytest.raises(InputError, match="from 2 to 10 folds"):
        predict_out_of_fold(data, Watchful, folds=folds, work=Work(lambda tick: None))


def test_no_data_and_a_stop(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match="instances_"):
        predict_out_of_fold(tmp_path / "nowhere", Watchful, work=Work(lambda tick: None))
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        predict_out_of_fold(data, Watchful, work=Work(lambda tick: None, cancel))
