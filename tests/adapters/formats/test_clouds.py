"""Headers of point clouds: real files, made files, and every way to be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.adapters.formats.toolkit.clouds import CloudHeader, is_cloud, read_cloud_header
from workbench.adapters.formats.toolkit.pictures import Fault

PCD = """VERSION 0.7
FIELDS {fields}
SIZE {sizes}
TYPE F F F
COUNT 1 1 1
WIDTH {n}
HEIGHT 1
POINTS {n}
DATA {data}
"""
REAL = {
    "bun0.pcd": 397, "bunny.pcd": 397, "colored_cloud.pcd": 1000, "curve_close.pcd": 110, "five_people.pcd": 307200,
    "lamppost.pcd": 1771, "milk.pcd": 13704, "milk_color.pcd": 13704, "octants.pcd": 8, "office1_keypoints.pcd": 1318,
    "pcl_logo.pcd": 12909, "cube.ply": 24,
}  # fmt: skip


def pcd(fields="x y z", sizes="4 4 4", n=2, data="ascii", body=b"1 2 3\n4 5 6\n"):
    return PCD.format(fields=fields, sizes=sizes, n=n, data=data).encode() + body


def ply(n=2, kind="ascii", body=b"1 2 3\n4 5 6\n", names="xyz"):
    properties = "".join(f"property float {name}\n" for name in names)
    return f"ply\nformat {kind} 1.0\nelement vertex {n}\n{properties}end_header\n".encode() + body


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_clouds(shared_data, name):
    found = read_cloud_header(shared_data / "pcd_pcl" / name)
    assert isinstance(found, CloudHeader)
    assert found.points == REAL[name]


@pytest.mark.parametrize("name", ["brisk_descriptors_gt.pcd", "stereo_left.pcd"])
def test_real_clouds_without_coordinates_are_named(shared_data, name):
    found = read_cloud_header(shared_data / "pcd_pcl" / name)
    assert isinstance(found, Fault)
    assert found.kind == "empty_cloud"
    assert "no x, y, z, but" in found.reason


@pytest.mark.parametrize(
    ("name", "content", "points"),
    [
        ("a.pcd", pcd(), 2),
        ("a.pcd", pcd(data="binary", body=bytes(24)), 2),
        ("a.pcd", pcd(body=b"1 2 3\n4 5 6"), 2),
        ("a.PCD", pcd().replace(b"POINTS 2\n", b""), 2),
        ("a.ply", ply(), 2),
        ("a.ply", ply(kind="binary_little_endian", body=bytes(24)), 2),
        ("a.bin", bytes(48), 3),
        ("a.xyz", b"# made by hand\n1 2 3\n4,5,6\n", 2),
    ],
)
def test_clouds_of_every_type_are_counted(tmp_path, name, content, points):
    (tmp_path / name).write_bytes(content)
    found = read_cloud_header(tmp_path / name)
    assert isinstance(found, CloudHeader), found
    assert found.points == points
    assert is_cloud(name)


@pytest.mark.parametrize(
    ("name", "content", "kind", "text"),
    [
        ("a.pcd", pcd(fields="r g b"), "empty_cloud", "no x, y, z, but"),
        ("a.pcd", pcd(n=0, body=b""), "empty_cloud", "no points"),
        ("a.pcd", pcd(n=9), "unreadable_cloud", "2 rows where the header claims 9"),
        ("a.pcd", pcd(n=99999999999, data="binary"), "unreadable_cloud", "claims 1,199,999,999,988"),
        ("a.pcd", pcd(data="binary_compressed", body=b"\xff\xff\0\0\x18\0\0\0"), "unreadable_cloud", "compressed"),
        ("a.pcd", pcd(data="binary_compressed", body=b"\x01\0\0\0\x01\0\0\0x"), "unreadable_cloud", "1 byte where"),
        ("a.pcd", pcd(data="zip"), "unreadable_cloud", "none of ascii"),
        ("a.pcd", pcd(sizes="4 4"), "unreadable_cloud", "3 fields, 2 sizes"),
        ("a.pcd", pcd(sizes="4 4 -4"), "unreadable_cloud", "whole number"),
        ("a.pcd", b"FIELDS x y z\n", "unreadable_cloud", "without 'DATA'"),
        ("a.pcd", b"", "unreadable_cloud", "without 'DATA'"),
        ("a.ply", ply(n=0, body=b""), "empty_cloud", "no points"),
        ("a.ply", ply(names="uvw"), "empty_cloud", "no x, y, z, but"),
        ("a.ply", ply(kind="binary_big_endian", n=9), "unreadable_cloud", "bytes where"),
        ("a.ply", ply(kind="gzip"), "unreadable_cloud", "none of ascii"),
        ("a.ply", b"solid\nend_header\n", "unreadable_cloud", "does not begin with 'ply'"),
        ("a.bin", b"", "empty_cloud", "no points"),
        ("a.bin", bytes(17), "unreadable_cloud", "no multiple"),
        ("a.xyz", b"", "empty_cloud", "no points"),
        ("a.xyz", b"x y z\n", "unreadable_cloud", "not x y z"),
        ("a.xyz", b"version https://git-lfs.github.com/spec/v1\n", "lfs_pointer", "Git LFS"),
        ("a.txt", b"", "unreadable_cloud", "another type"),
        ("absent.pcd", None, "unreadable_cloud", "No such file"),
    ],
)
def test_what_is_wrong_with_a_cloud_is_named(tmp_path, name, content, kind, text):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    found = read_cloud_header(tmp_path / name)
    assert isinstance(found, Fault)
    assert (found.kind, text in found.reason) == (kind, True), found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["a.pcd", "a.ply", "a.bin", "a.xyz"]),
    at=st.floats(0, 1),
    piece=st.binary(max_size=8) | st.sampled_from([b"-1", b"999999999999999999999", b"\n\n", b"nan", b"POINTS"]),
    cut=st.integers(0, 9),
)
def test_spoiled_clouds_have_an_answer(tmp_path, name, at, piece, cut):
    content = {"a.pcd": pcd(), "a.ply": ply(), "a.bin": np.ones((2, 4), np.float32).tobytes(), "a.xyz": b"1 2 3\n"}[
        name
    ]
    place = int(at * len(content))
    (tmp_path / name).write_bytes(content[:place] + piece + content[place + cut :])
    found = read_cloud_header(tmp_path / name)
    assert isinstance(found, (CloudHeader, Fault))
    if isinstance(found, CloudHeader):
        assert found.points > 0
