"""BOP's single images: everything is read as in scenes, and every kind of problem is named."""

from __future__ import annotations

import json
import tarfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.adapters.formats.reading import read_all
from tests.adapters.formats.seeds import H, W, bop, png, text
from tests.sizes import FUZZ_CASES
from tests.strategies import mutations
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.archive import opened
from workbench.adapters.formats.toolkit.source import Source

KEY = "train_pbr/000007_000003"
SCENE = "train_pbr/000000"


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def scene(name):
    return json.loads(bop()[f"{SCENE}/scene_{name}.json"])["3"]


def runs(value=True):
    mask = np.zeros((H, W), bool)
    mask[4:10, 3:9] = value
    return {"counts": rle.encode(mask), "size": [H, W]}


@pytest.fixture
def images(tmp_path, picture):
    def make(key=KEY, ending="rgb.jpg", **changed):
        picture(tmp_path / f"{key}.{ending}")
        files = {
            "camera.json": text(scene("camera")), "gt.json": text(scene("gt")), "gt_info.json": text(scene("gt_info")),
            "mask_visib.json": text({"0": runs()}), "depth.png": png(np.full((H, W), 4000, np.uint16)),
        }  # fmt: skip
        for name, data in {**files, **{key.replace("__", "."): data for key, data in changed.items()}}.items():
            if data is not None:
                (tmp_path / f"{key}.{name}").write_bytes(data)
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / "models_info.json").write_bytes(bop()["models/models_info.json"])
        return tmp_path

    return make


@pytest.mark.parametrize("ending", ["rgb.jpg", "rgb.png", "gray.png"])
def test_everything_is_read_as_in_a_scene(images, reading, ending):
    folder = images(ending=ending)
    name, found = choose(Source(folder))
    assert (name, found.why) == ("bop", f"{KEY}.{ending} has BOP files beside it")
    (record,), problems = reading("bop", folder)
    assert len(problems) == 0
    assert (record.origin, record.split) == (f"{KEY}.{ending}", "train")
    assert record.scene_id == f"{folder.name}/train_pbr/000007"
    (label,) = record.labels
    assert (label.name, label.xyxy) == ("obj_000001", (3, 4, 9, 10))
    assert label.mask.shape == (6, 6)
    assert label.mask.all()
    assert label.attributes == {"visible_fraction": 0.75, "visible_px": 36}
    assert label.T_cam_obj[:3, 3] == pytest.approx([-0.025, -0.018, 0.4])
    assert label.size_m == (0.04, 0.04, 0.04)
    assert record.camera.T_world_cam[:3, 3] == pytest.approx([0, 0, -0.009])
    assert set(np.unique(np.asarray(Image.open(record.maps["depth"])))) == {400}


def test_a_shard_is_an_archive(images, reading, tmp_path_factory):
    folder = images()
    path = tmp_path_factory.mktemp("shards") / "shard-000000.tar"
    with tarfile.open(path, "w") as archive:
        for file in sorted((folder / "train_pbr").iterdir()):
            archive.add(file, file.name)
    (record,), _ = reading("bop", opened(path))
    assert record.origin == "000007_000003.rgb.jpg"
    assert len(record.labels) == 1


@pytest.mark.parametrize(
    ("changed", "kind", "message", "labels"),
    [
        ({"mask_visib__json": text({"0": {"counts": [5], "size": [H, W]}})}, "unreadable_map", "mask left out", 1),
        ({"mask_visib__json": text({"0": {"counts": [5], "size": [10**9, 10**9]}})}, "unreadable_map", "10000", 1),
        ({"mask_visib__json": text({"0": {"counts": "!!", "size": [H, W]}})}, "unreadable_map", "run-length", 1),
        ({"mask_visib__json": text([1])}, "missing_map", "No mask for 1 object", 1),
        ({"mask_visib__json": b"{"}, "broken_annotation", "not valid JSON", 1),
        ({"mask_visib__json": None}, "missing_map", "No mask for 1 object", 1),
        ({"gt__json": b"[" * 100_000}, "broken_annotation", "RecursionError", 0),
        (
            {"gt__json": text([{"obj_id": "x"}])},
            "broken_annotation",
            "obj_id is missing or not a whole number ({'obj_id': 'x'})",
            0,
        ),
        ({"gt__json": None}, "missing_annotation_file", "No poses for 1 image", 0),
        ({"camera__json": text({"cam_K": [1]})}, "broken_annotation", "camera left out", 1),
        (
            {"gt_info__json": text([{"bbox_visib": [-1] * 4, "px_count_visib": 0}])},
            "hidden_object",
            "1 object without",
            0,
        ),
        ({"depth__png": b"no depth"}, "unreadable_map", "not an image of a known type; map left out", 1),
    ],
)
def test_problems_are_named(images, reading, changed, kind, message, labels):
    (record,), problems = reading("bop", images(**changed))
    assert message in next(problem.message for problem in problems if problem.kind == kind)
    assert len(record.labels) == labels


def test_every_picture_and_every_pose_ends_in_an_outcome(images, reading, picture):
    folder = images()
    images(key="train_pbr/000007_000004")
    (folder / "train_pbr" / "000007_000004.rgb.jpg").unlink()
    picture(folder / "train_pbr" / "000007_000005.rgb.jpg")
    records, problems = reading("bop", folder)
    assert (len(records), problems.records_lost) == (1, 1)
    assert kinds(problems) == {"missing_image": 1, "unlisted_image": 1}


def read_mutated(images, spoil, which):
    folder = images()
    path = sorted((folder / "train_pbr").glob("*.json"))[which]
    path.write_bytes(spoil(path.read_bytes()))
    read_all("bop", folder)


@settings(max_examples=FUZZ_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), which=st.integers(0, 3))
def test_mutated_files_raise_nothing_of_their_own(images, spoil, which):
    read_mutated(images, spoil, which)
