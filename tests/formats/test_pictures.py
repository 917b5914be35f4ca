"""Headers of picture files: orientation, truncation, wrong names, pointers."""

from __future__ import annotations

import pytest
from PIL import Image

from workbench.formats.pictures import Fault, Header, read_header


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
    assert sorted(p.kind for p in problems) == ["content_mismatch", "ignored_junk", "ignored_junk"]


def test_every_file_ends_in_an_outcome(tmp_path, reading, picture):
    for n in range(5):
        picture(tmp_path / f"{n}.png")
    (tmp_path / "x.jpg").write_bytes(b"junk")
    (tmp_path / "y.png").write_bytes((tmp_path / "0.png").read_bytes()[:-30])
    records, problems = reading("folder", tmp_path)
    assert len(records) + problems.records_lost == 7
