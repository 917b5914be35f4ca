"""Headers of picture files: orientation, truncation, wrong names, pointers."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workbench.adapters.formats.toolkit import headers
from workbench.adapters.formats.toolkit.pictures import Fault, Header, read_header


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (3, (64, 48)), (6, (48, 64)), (8, (48, 64))])
def test_exif_orientation_turns_width_and_height(tmp_path, picture, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.jpg", "a.png", "a.webp"):
        header = read_header(picture(tmp_path / name, exif=exif))
        assert isinstance(header, Header)
        assert (header.width, header.height) == size


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.bmp", "BMP"), ("a.tif", "TIFF"), ("a.gif", "GIF")],
)
def test_every_type_is_read_whole_and_refused_when_cut(tmp_path, name, kind):
    path = tmp_path / name
    Image.effect_noise((200, 150), 90).convert("RGB").save(path)
    assert read_header(path) == Header(200, 150, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = read_header(path)
    assert isinstance(found, Fault)
    assert found.kind in ("truncated_image", "unreadable_image")
    if kind in ("JPEG", "PNG"):
        assert found.kind == "truncated_image"


def test_a_film_behind_a_jpeg_is_no_truncation(tmp_path, picture):
    path = picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"\0" * 20_000)
    assert read_header(path) == Header(64, 48, "JPEG")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "unreadable_image"),
        (b"no picture at all", "unreadable_image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "lfs_pointer"),
        (b"\xff\xd8\xff\xe0", "unreadable_image"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, kind):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    found = read_header(path)
    assert isinstance(found, Fault)
    assert found.kind == kind


def test_wrong_name_is_named_and_loads(tmp_path, reading, picture):
    picture(tmp_path / "a.webp").rename(tmp_path / "a.jpg")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "notes.md").write_text("x")
    records, problems = reading("folder", tmp_path)
    assert len(records) == 1
    assert sorted(p.kind for p in problems) == ["content_mismatch", "ignored_junk"]  # notes.md is no data


def test_every_file_ends_in_an_outcome(tmp_path, reading, picture):
    for n in range(5):
        picture(tmp_path / f"{n}.png")
    (tmp_path / "x.jpg").write_bytes(b"junk")
    (tmp_path / "y.png").write_bytes((tmp_path / "0.png").read_bytes()[:-30])
    records, problems = reading("folder", tmp_path)
    assert len(records) + problems.records_lost == 7


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "CMYK", "F"])
def test_every_kind_of_pixel_loads(tmp_path, reading, mode):
    suffix = {"CMYK": "jpg", "F": "tif", "I": "tif"}.get(mode, "png")
    Image.new(mode, (64, 48)).save(tmp_path / f"a.{suffix}")
    records, problems = reading("folder", tmp_path)
    assert [(record.width, record.height) for record in records] == [(64, 48)]
    assert len(problems) == 0


def test_a_header_of_50000_by_50000_is_refused_without_memory(tmp_path, reading, picture):
    import struct
    import tracemalloc
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    picture(tmp_path / "good.png")
    end = b"\0\0\0\0IEND\xaeB`\x82"
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + end)
    tracemalloc.start()
    records, problems = reading("folder", tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(records) == 1
    assert [problem.kind for problem in problems] == ["unreadable_image"]
    assert "claims more than" in next(iter(problems)).message
    assert peak < 10 << 20


def test_links_out_of_the_folder_are_not_followed(tmp_path, reading, picture):
    picture(tmp_path / "outside" / "secret.png")
    picture(tmp_path / "data" / "a.png")
    (tmp_path / "data" / "b.png").symlink_to(tmp_path / "outside" / "secret.png")
    (tmp_path / "data" / "c").symlink_to(tmp_path / "outside")
    (tmp_path / "data" / "d.png").symlink_to(tmp_path / "data" / "d.png")
    records, problems = reading("folder", tmp_path / "data")
    assert [record.origin for record in records] == ["a.png"]
    (problem,) = [problem for problem in problems if problem.kind == "path_outside_folder"]
    assert problem.message.startswith("3 links that lead out of the folder or nowhere (b.png, c, d.png); not followed.")


def _pillow_says(content: bytes) -> Header | Fault:
    return headers._by_pillow(content)


@settings(max_examples=300)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    mode=st.sampled_from(["1", "L", "P", "RGB", "RGBA", "I;16", "CMYK"]),
    form=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF"]),
    progressive=st.booleans(),
    orientation=st.sampled_from([None, 1, 6]),
    cut=st.integers(-40, 0),
)
def test_usual_pictures_are_answered_as_pillow_does(size, mode, form, progressive, orientation, cut):
    if form in ("JPEG", "WEBP") and mode not in ("L", "RGB", "CMYK"):
        mode = "RGB"
    if form != "JPEG" and mode == "CMYK":
        mode = "RGB"
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    stream = io.BytesIO()
    options = {"progressive": progressive} if form == "JPEG" else {}
    Image.new(mode, size).save(stream, form, **options, **({"exif": exif} if orientation else {}))
    content = stream.getvalue()
    content = content[: len(content) + cut]
    assert headers.header_of(content) == _pillow_says(content)


@pytest.mark.parametrize(("form", "usual"), [("JPEG", "_usual_jpeg"), ("PNG", "_usual_png")])
def test_usual_pictures_do_not_need_pillow(form, usual):
    stream = io.BytesIO()
    Image.effect_noise((64, 48), 90).convert("RGB").save(stream, form)
    assert getattr(headers, usual)(stream.getvalue()) == Header(64, 48, form)


@settings(max_examples=300)
@given(at=st.integers(0, 700), value=st.integers(0, 255), form=st.sampled_from(["JPEG", "PNG"]))
def test_one_wrong_byte_is_never_answered_otherwise_than_by_pillow(at, value, form):
    stream = io.BytesIO()
    Image.effect_noise((20, 10), 90).convert("RGB").save(stream, form)
    content = bytearray(stream.getvalue())
    content[at % len(content)] = value
    found, expected = headers.header_of(bytes(content)), _pillow_says(bytes(content))
    if found != expected:
        assert isinstance(found, Header) and isinstance(expected, Fault)  # Pillow checks tables, which a load does not
