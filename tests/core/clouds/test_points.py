"""Points of every type of file: against made ones, and every way to be broken."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.core.clouds import pcd_bytes, picture_of, read_cloud
from workbench.core.clouds.points import decompress

XYZ = np.array([[1.5, -2, 3], [4, 5.25, -6], [1e3, 0, 0.125]])
HEAD = "FIELDS x y z {more}\nSIZE {sizes}\nTYPE {types}\nCOUNT {counts}\nWIDTH 3\nHEIGHT 1\nPOINTS 3\nDATA {data}\n"


def pcd(data, body, *, more="", sizes="4 4 4", types="F F F", counts="1 1 1"):
    return HEAD.format(more=more, sizes=sizes, types=types, counts=counts, data=data).encode() + body


def ply(kind, body, head="", extra=""):
    properties = "".join(f"property float {axis}\n" for axis in "xyz")
    return f"ply\nformat {kind} 1.0\n{head}element vertex 3\n{properties}{extra}end_header\n".encode() + body


def compress(data):
    """LZF as simple as it can be: literals, and repeats where the last 3 bytes were seen before."""
    out, literal, at, seen = bytearray(), bytearray(), 0, {}

    def flush():
        for start in range(0, len(literal), 32):
            piece = literal[start : start + 32]
            out.extend([len(piece) - 1, *piece])
        literal.clear()

    while at < len(data):
        before = seen.get(data[at : at + 3])
        seen[data[at : at + 3]] = at
        length = 0
        if before is not None and at - before <= 8192 and at + 3 <= len(data):
            while at + length < len(data) and length < 264 and data[before + length] == data[at + length]:
                length += 1
        if length < 3:
            literal.append(data[at])
            at += 1
            continue
        flush()
        back = at - before - 1
        out.append((min(length - 2, 7) << 5) | back >> 8)
        if length - 2 >= 7:
            out.append(length - 2 - 7)
        out.append(back & 255)
        at += length
    flush()
    return bytes(out)


def compressed(columns):
    whole = b"".join(np.ascontiguousarray(column).tobytes() for column in columns)
    packed = compress(whole)
    return struct.pack("<II", len(packed), len(whole)) + packed


F4 = XYZ.astype("<f4")
TEXT = b"1.5 -2 3\n4 5.25 -6\n1e3 0 0.125\n"
MIXED = np.array([(7, *row, 9.5) for row in XYZ], [("n", "<u2"), *((a, "<f8") for a in "xyz"), ("i", "<f4")])
BIG = np.array([tuple(row) for row in XYZ], [(a, ">f4") for a in "xyz"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ascii.pcd", pcd("ascii", TEXT)),
        ("blank_rows.pcd", pcd("ascii", TEXT.replace(b"\n", b"\n\n"))),
        ("binary.pcd", pcd("binary", F4.tobytes())),
        ("packed.pcd", pcd("binary_compressed", compressed(F4.T))),
        ("double.pcd", HEAD.replace("x y z {more}", "n x y z i")
            .format(sizes="2 8 8 8 4", types="U F F F F", counts="1 1 1 1 1", data="binary").encode()
            + MIXED.tobytes()),
        ("padded.pcd", HEAD.replace("x y z {more}", "_ x y z _").format(sizes="1 4 4 4 1", types="U F F F U",
            counts="3 1 1 1 2", data="binary").encode()
            + b"".join(b"abc" + row.tobytes() + b"de" for row in F4)),
        ("ascii.ply", ply("ascii", TEXT)),
        ("little.ply", ply("binary_little_endian", F4.tobytes())),
        ("big.ply", ply("binary_big_endian", BIG.tobytes())),
        ("behind.ply", ply("ascii", b"9 9\n" + TEXT, "element camera 1\nproperty int a\nproperty int b\n")),
        ("behind_binary.ply", ply("binary_little_endian", bytes(8) + F4.tobytes(),
            "element camera 1\nproperty int a\nproperty int b\n")),
        ("a.bin", np.column_stack([XYZ, [0, 0.5, 1]]).astype("<f4").tobytes()),
        ("a.xyz", b"# by hand\n" + TEXT),
        ("commas.xyz", b"// by hand\n\n" + TEXT.replace(b" ", b",")),
        ("coloured.xyz", b"1.5 -2 3 255 0 0\n4 5.25 -6 0 0 0\n1e3 0 0.125 1 1 1\n"),
    ],
)  # fmt: skip
def test_points_of_every_type(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    cloud = read_cloud(tmp_path / name)
    assert np.array_equal(cloud.xyz, XYZ)
    (tmp_path / "again.pcd").write_bytes(pcd_bytes(cloud))
    again = read_cloud(tmp_path / "again.pcd")
    assert np.array_equal(again.xyz, XYZ)
    assert (again.intensity is None) == (cloud.intensity is None)


def test_points_without_a_place_are_dropped_with_what_belongs_to_them(tmp_path):
    rows = [(1, 2, 3, 0.1), (np.nan, 0, 0, 0.2), (np.inf, 0, 0, 0.3), (4, 5, 6, 0.4)]
    (tmp_path / "a.bin").write_bytes(np.array(rows, "<f4").tobytes())
    cloud = read_cloud(tmp_path / "a.bin")
    assert cloud.xyz.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert cloud.intensity == pytest.approx([0.1, 0.4])


@pytest.mark.parametrize("as_number", [True, False])
def test_colours_of_pcd_and_ply_are_the_same(tmp_path, as_number):
    colours = np.array([0xFF0000, 0x00FF00, 0x010203], "<u4")
    points = np.empty(3, [("xyz", "<f4", 3), ("rgb", "<u4")])
    points["xyz"], points["rgb"] = F4, colours
    kind = "U" if as_number else "F"  # PCL calls the four bytes a float
    (tmp_path / "a.pcd").write_bytes(
        pcd("binary", points.tobytes(), more="rgb", sizes="4 4 4 4", types=f"F F F {kind}", counts="1 1 1 1")
    )
    body = b"".join(
        row.tobytes() + bytes(colour) for row, colour in zip(F4, [(255, 0, 0), (0, 255, 0), (1, 2, 3)], strict=True)
    )
    extra = "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    (tmp_path / "a.ply").write_bytes(ply("binary_little_endian", body, extra=extra))
    for name in ("a.pcd", "a.ply"):
        assert read_cloud(tmp_path / name).rgb.tolist() == colours.tolist(), name


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.pcd", pcd("ascii", b"1 2 3\n1 2\n1 2 3\n"), "column"),
        ("a.pcd", pcd("ascii", b"1 2 3\n\n\n"), "1 row of points"),
        ("a.pcd", pcd("ascii", b"1 2 x\n1 2 3\n1 2 3\n"), "could not convert"),
        ("a.pcd", pcd("binary_compressed", struct.pack("<II", 2, 36) + b"\x05a"), "1 uncompressed bytes where 36"),
        ("a.pcd", pcd("binary_compressed", struct.pack("<II", 3, 36) + b"\x20\x09\x09"), "what is not there"),
        ("a.pcd", pcd("binary_compressed", struct.pack("<II", 1, 36) + b"\xff"), "too early"),
        ("a.pcd", pcd("binary", bytes(36), types="F F Q"), "TYPE Q"),
        ("a.pcd", pcd("binary", bytes(36), counts="1 1 0"), "COUNT 0"),
        ("a.ply", ply("ascii", TEXT, extra="property list uchar int n\n"), "lists"),
        ("a.ply", ply("ascii", TEXT, extra="property quad w\n"), "no known type"),
        ("a.ply", ply("binary_little_endian", bytes(99), "element face 1\nproperty list uchar int n\n"), "lists"),
        ("a.bin", np.random.default_rng(0).bytes(16_000), "no coordinates"),
        ("a.xyz", b"1 2 3\nO 1 2\n", "could not convert"),
    ],
)
def test_a_broken_body_is_an_error_with_words(tmp_path, name, content, text):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=text):
        read_cloud(tmp_path / name)


def test_what_does_not_fit_into_memory_is_refused_at_once(tmp_path):
    for name, size, text in (("a.bin", 1 << 30, "67,108,864 points"), ("b.xyz", 9_000_000_000, "9,000,000,000 bytes")):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(size)  # a hole: takes no room on disk
        with pytest.raises(ValueError, match=text):
            read_cloud(tmp_path / name)
    claim = pcd("binary_compressed", struct.pack("<II", 4, 4_000_000_000) + bytes(4)).replace(b" 3\n", b" 40000000\n")
    (tmp_path / "c.pcd").write_bytes(claim.replace(b"WIDTH 40000000", b"WIDTH 3"))
    with pytest.raises(ValueError, match="where 4,000,000,000 were promised"):
        read_cloud(tmp_path / "c.pcd")


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.tuples(st.binary(max_size=40), st.integers(1, 30)), max_size=8))
def test_what_was_compressed_comes_back(pieces):
    data = b"".join(piece * times for piece, times in pieces)
    assert decompress(compress(data), len(data)) == data


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=60), size=st.integers(0, 500))
def test_any_bytes_are_an_error_or_as_long_as_promised(data, size):
    try:
        assert len(decompress(data, size)) == size
    except ValueError as error:
        assert "compressed" in str(error)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 3), min_size=1, max_size=20))
def test_any_points_survive_a_round_trip(tmp_path, rows):
    np.savetxt(tmp_path / "a.xyz", np.array(rows), fmt="%.17g")
    cloud = read_cloud(tmp_path / "a.xyz")
    assert np.array_equal(cloud.xyz, np.array(rows))
    (tmp_path / "a.pcd").write_bytes(pcd_bytes(cloud))
    assert np.array_equal(read_cloud(tmp_path / "a.pcd").xyz, np.array(rows))


def test_a_picture_shows_what_is_higher_brighter_and_what_is_nearer_in_front():
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(-5, 5, (4000, 2)), np.zeros(4000)])
    pole = np.column_stack([np.zeros((400, 2)), np.linspace(0, 4, 400)])
    shown = picture_of(np.vstack([floor, pole]), 128).astype(int)
    rows = np.flatnonzero((shown.sum(axis=2) > 400).any(axis=1))  # yellow
    assert shown.shape == (128, 128, 3)
    assert rows.max() < 64, "the top of the pole is in the upper half"
    behind, before = (0.0, 0, 0), (-1.0, 0, np.tan(np.deg2rad(35)))  # on one line of sight
    for points, colours in (([behind, before], [0xFF0000, 0x00FF00]), ([before, behind], [0x00FF00, 0xFF0000])):
        front = picture_of(np.array(points), 64, np.array(colours, "u4"))
        assert (front == (0, 255, 0)).all(axis=2).any()
        assert not (front == (255, 0, 0)).all(axis=2).any()


@pytest.mark.parametrize("xyz", [np.empty((0, 3)), np.zeros((5, 3)), np.full((3, 3), 1e7), np.eye(3) * 1e-12])
def test_strange_clouds_are_drawn(xyz):
    assert picture_of(xyz, 32).shape == (32, 32, 3)
