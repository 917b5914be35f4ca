"""Reading exports, varying pictures with their boxes, average precision; no PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import write_export
from workbench.actions.train.examples import (
    Example,
    Found,
    average_precision,
    fitted,
    overlap,
    read_picture,
    read_splits,
    varied,
)
from workbench.base.errors import InputError


def painted(box: tuple[int, int, int, int], size_wh: tuple[int, int] = (160, 128)) -> Example:
    """A bright rectangle on dark ground, labelled."""
    picture = np.full((size_wh[1], size_wh[0], 3), 20, np.uint8)
    picture[box[1] : box[3], box[0] : box[2]] = 230
    return Example(picture, np.array([box], np.float32), np.array([1]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 90), st.integers(20, 70))
def test_boxes_follow_their_pictures(seed: int, left: int, top: int) -> None:
    one = varied(painted((left, top, left + 40, top + 30)), np.random.default_rng(seed))
    assert one.picture.shape == (128, 160, 3) and one.picture.dtype == np.uint8
    assert (one.boxes >= 0).all() and (one.boxes <= [160, 128, 160, 128]).all()
    if not len(one.boxes):
        return  # most of it left the picture
    grey = cv2.blur(one.picture.mean(axis=2).astype(np.float32), (3, 3))
    inner = grey[
        tuple(slice(int(a) + 4, int(b) - 4) for a, b in ((one.boxes[0, 1], one.boxes[0, 3]), one.boxes[0, ::2]))
    ]
    assert inner.size == 0 or inner.min() > 50, "the rectangle fills its box"


def test_fitted_keeps_the_shape_and_pads() -> None:
    picture, scale = fitted(np.full((480, 640, 3), 7, np.uint8), (320, 256))
    assert (picture.shape, scale) == ((256, 320, 3), 0.5)
    assert (picture[:240] == 7).all() and (picture[240:] == 114).all()
    tall, scale = fitted(np.zeros((100, 10, 3), np.uint8), (64, 32))
    assert (tall.shape, scale) == ((32, 64, 3), 0.32)


def test_precision_by_hand() -> None:
    truth = Example(np.zeros((8, 8, 3), np.uint8), np.array([[0, 0, 4, 4], [4, 4, 8, 8]], np.float32), np.array([0, 0]))

    def found(*boxes: tuple[float, ...], scores: list[float], number: int = 0) -> Found:
        classes = np.full(len(boxes), number)
        return Found(np.array(boxes, np.float32).reshape(-1, 4), classes, np.array(scores, np.float32))

    both = found((0, 0, 4, 4), (4, 4, 8, 8), scores=[0.9, 0.8])
    assert average_precision([truth], [both], 1) == 1.0
    twice = found((0, 0, 4, 4), (0, 0, 4, 4), scores=[0.9, 0.8])
    assert average_precision([truth], [twice], 1) == pytest.approx(51 / 101), "the second finds it again: wrong"
    assert average_precision([truth], [found((0, 0, 4, 4), scores=[0.9], number=1)], 2) == 0.0
    assert average_precision([truth], [found(scores=[])], 1) == 0.0
    assert overlap(both.boxes, truth.boxes).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("case", "n_train", "n_val", "sources", "expected"),
    [
        ("real val by the manifest", 5, 4, "real real synthetic synthetic", (5, 2, "2 images of real val")),
        ("no manifest", 5, 4, None, (5, 4, "4 images of val")),
        ("no real ones", 5, 2, "synthetic synthetic", (5, 2, "2 images of val")),
        ("no val", 20, 0, None, (18, 2, "2 images held out from train")),
        ("few and no val", 4, 0, None, (4, 4, "all 4 images of train: too few to hold any out")),
    ],
)
def test_what_training_stops_by(
    case: str, n_train: int, n_val: int, sources: str | None, expected: tuple[int, int, str], tmp_path: Path
) -> None:
    said = None
    if sources is not None:
        named = enumerate(sources.split())
        said = {"samples": [{"picture": f"val{i}.png", "split": "val", "source": source} for i, source in named]}
    found = read_splits(write_export(tmp_path / "out", n_train, n_val, said), (64, 64))
    learned = found.stages["train"]
    assert (len(learned), len(found.stopping), found.stopped_by) == expected, case
    assert (
        found.classes == ["nut"]
        and learned[0].boxes.tolist() == [[8, 8, 24, 24]]
        and learned[0].classes.tolist() == [0]
    )


def test_stages_are_learned_in_order(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "out", 12, 3)
    for kind in ("annotations/instances_{}.json", "images/{}"):
        (folder / kind.format("train")).rename(folder / kind.format("finetune"))
    pretrain = write_export(tmp_path / "other", 5)
    (pretrain / "images" / "train").rename(folder / "images" / "pretrain")
    said = (pretrain / "annotations" / "instances_train.json").read_text().replace("nut", "bolt")
    (folder / "annotations" / "instances_pretrain.json").write_text(said)
    found = read_splits(folder, (64, 64))
    assert {stage: len(some) for stage, some in found.stages.items()} == {"pretrain": 5, "finetune": 12}
    assert found.classes == ["bolt", "nut"] and list(found.stages) == ["pretrain", "finetune"]
    assert [some[0].classes.tolist() for some in found.stages.values()] == [[0], [1]]
    (folder / "annotations" / "instances_val.json").unlink()
    found = read_splits(folder, (64, 64))
    assert (len(found.stages["finetune"]), found.stopped_by) == (10, "2 images held out from finetune")
    nothing = json.dumps({"images": [], "annotations": [], "categories": []})
    (folder / "annotations" / "instances_pretrain.json").write_text(nothing)
    assert list(read_splits(folder, (64, 64)).stages) == ["finetune"], "no synthetic samples yet"


def test_broken_exports(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train split"):
        read_splits(tmp_path, (64, 64))
    folder = write_export(tmp_path / "out", 3)
    (folder / "images" / "train" / "train1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="decoded"):
        read_splits(folder, (64, 64))
    (folder / "images" / "train" / "train1.png").unlink()
    with pytest.raises(InputError, match=r"train1\.png"):
        read_splits(folder, (64, 64))
    (folder / "annotations" / "instances_train.json").write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        read_splits(folder, (64, 64))
    with pytest.raises(InputError, match="image cannot be read"):
        read_picture(tmp_path / "no.png")
