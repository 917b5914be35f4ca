"""Folders of clouds without pictures: found by content, every file a record or a named problem."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from workbench.adapters.formats.registry import FORMATS, choose
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError

PCD = b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 1\nHEIGHT 1\nDATA ascii\n1 2 3\n"
BIN = np.arange(8, dtype="<f4").tobytes()
VERTICES = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
PLY = VERTICES + b"end_header\n1 2 3\n"
MESH = VERTICES + b"element face 1\nproperty list uchar int vertex_indices\nend_header\n1 2 3\n3 0 0 0\n"
LFS = b"version https://git-lfs.github.com/spec/v1\n"
WEIGHTS = np.random.default_rng(0).bytes(4096)


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(path, problems=None):
    return list(FORMATS["cloud"].read(Source(path) if problems is None else Source(path, problems)))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.pcd": PCD}, "cloud"),
        ({"a/b/c.bin": BIN, "notes.txt": b"x"}, "cloud"),
        ({"a.ply": PLY}, "cloud"),
        ({"a.xyz": b"1 2 3\n"}, "cloud"),
        ({"a.pcd": LFS}, "cloud"),  # what is wrong with it is reported when it is read
        ({"models/obj_1.ply": MESH}, None),
        ({"pytorch_model.bin": WEIGHTS}, None),
        ({"water.xyz": b"3\nwater\nO 0 0 0\n"}, None),
    ],
)
def test_clouds_are_found_by_their_content(tmp_path, files, expected):
    write(tmp_path, files)
    if expected is None:
        with pytest.raises(InputError, match="no images and no known data set"):
            choose(Source(tmp_path))
    else:
        assert choose(Source(tmp_path))[0] == expected


def test_a_cloud_beside_pictures_belongs_to_them(tmp_path):
    write(tmp_path, {"a.pcd": PCD, "other/b.pcd": PCD})
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert choose(Source(tmp_path))[0] == "folder"


def test_a_single_cloud_is_found(tmp_path):
    write(tmp_path, {"a.bin": BIN, "b.bin": BIN})
    assert choose(Source(tmp_path / "a.bin"))[0] == "cloud"
    assert [record.origin for record in read(tmp_path / "a.bin")] == ["a.bin"]
    with pytest.raises(InputError, match="point cloud"):
        read(write(tmp_path, {"a.txt": b""}) / "a.txt")


def test_classes_and_splits_are_those_of_the_folders(tmp_path):
    files = {
        "train/chair/1.pcd": PCD,
        "train/table/2.ply": PLY,
        "test/chair/3.bin": BIN,
        "test/table/4.xyz": b"1 2 3\n",
    }
    found = {r.origin: r for r in read(write(tmp_path, files))}
    assert {o: (r.split, r.classification) for o, r in found.items()} == {
        "train/chair/1.pcd": ("train", "chair"),
        "train/table/2.ply": ("train", "table"),
        "test/chair/3.bin": ("test", "chair"),
        "test/table/4.xyz": ("test", "table"),
    }
    one = found["train/chair/1.pcd"]
    assert (one.image_path, one.cloud, one.medium, one.width, one.labels) == (
        None, tmp_path / "train/chair/1.pcd", tmp_path / "train/chair/1.pcd", 0, ())  # fmt: skip


def test_every_bad_cloud_is_named_and_the_numbers_add_up(tmp_path):
    bad = {
        "empty.bin": (b"", "empty_cloud"),
        "all_nan.bin": (np.full(8, np.nan, "<f4").tobytes(), "unreadable_cloud"),
        "all_nan.pcd": (PCD.replace(b"1 2 3", b"nan nan nan"), "empty_cloud"),
        "no_place.pcd": (PCD.replace(b"x y z", b"r g b"), "empty_cloud"),
        "cut.pcd": (PCD.replace(b"1 2 3\n", b""), "unreadable_cloud"),
        "weights.bin": (WEIGHTS, "unreadable_cloud"),
        "mesh.ply": (MESH, "not_a_cloud"),
        "pointer.ply": (LFS, "lfs_pointer"),
        "molecule.xyz": (b"3\nwater\nO 0 0 0\n", "unreadable_cloud"),
    }
    good = {"a.pcd": PCD, "b.bin": BIN, "c.ply": PLY, "d.xyz": b"1,2,3\n"}
    write(tmp_path, good | {name: content for name, (content, _) in bad.items()} | {".DS_Store": b"", "readme.md": b""})
    problems = Problems()
    records = read(tmp_path, problems)
    assert sorted(record.origin for record in records) == sorted(good)
    named = {p.where: p.kind for p in problems if p.kind != "ignored_junk"}
    assert named == {name: kind for name, (_, kind) in bad.items()}
    assert len(records) + problems.records_lost == len(good) + len(bad)
    assert sum(p.kind == "ignored_junk" for p in problems) == 1  # a readme is no data
    assert all(p.message.endswith("sample left out.") for p in problems if p.where in bad)


def test_real_clouds_load_and_those_without_a_place_are_named(shared_data):
    problems = Problems()
    records = read(shared_data / "pcd_pcl", problems)
    assert len(records) == 11
    assert {p.where: p.kind for p in problems if p.kind != "ignored_junk"} == {
        "brisk_descriptors_gt.pcd": "empty_cloud",
        "stereo_left.pcd": "empty_cloud",
        "cube.ply": "not_a_cloud",
    }
    assert choose(Source(shared_data / "pcd_pcl"))[0] == "cloud"
