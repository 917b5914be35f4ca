"""Every type of image through every writer and every place that opens images."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from workbench.actions.export import export
from workbench.actions.load import load
from workbench.actions.train.examples import read_picture
from workbench.adapters import store
from workbench.adapters.formats.registry import WRITERS
from workbench.adapters.formats.toolkit.headers import Fault, header_of
from workbench.adapters.formats.toolkit.tree import PICTURE_TYPES
from workbench.core.duplicates.reading import read_all
from workbench.core.embeddings.extract import prepared
from workbench.core.measures import decode
from workbench.core.pictures import gray, rgb
from workbench.core.report.thumbnails import thumbnail
from workbench.core.schema.labels import Record
from workbench.ui.board.thumbnails import _encode

W, H = 64, 48
WRITTEN = {".mpo": "MPO", ".jp2": "JPEG2000", ".j2k": "JPEG2000", ".jpx": "JPEG2000", ".jpf": "JPEG2000",
           ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM"}  # fmt: skip
NOT_WRITTEN = {".heic", ".heif", ".jxl"}  # by plug-ins
SUFFIXES = sorted(set(PICTURE_TYPES) - NOT_WRITTEN)
ORIENTED = {".jpg", ".jfif", ".mpo", ".png", ".webp", ".tif", ".avif"}


def make(path: Path, orientation: int = 1) -> Path:
    """Dark, with the upper left quarter of the upright image bright."""
    values = np.zeros((H, W, 3), np.uint8)
    values[: H // 2, : W // 2] = (250, 240, 230)
    image = Image.fromarray(values)
    suffix = path.suffix
    mode = {".pgm": "L", ".pbm": "1"}.get(suffix, "RGB")
    kind = WRITTEN.get(suffix, PICTURE_TYPES[suffix])
    path.parent.mkdir(parents=True, exist_ok=True)
    if orientation == 1:
        image.convert(mode).save(path, kind)
        return path
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    image.transpose(turn).save(path, kind, exif=exif)
    return path


def is_upright(pixels: np.ndarray) -> bool:
    height, width = pixels.shape[:2]
    quarters = [
        pixels[y : y + height // 2, x : x + width // 2].mean() for y in (0, height // 2) for x in (0, width // 2)
    ]
    return bool(quarters[0] > 180 and max(quarters[1:]) < 90)


@pytest.mark.parametrize(
    ("suffix", "orientation"),
    [*((suffix, 1) for suffix in SUFFIXES), *((suffix, turn) for suffix in sorted(ORIENTED) for turn in (3, 6, 8))],
)
def test_every_place_that_opens_an_image_sees_it_upright(tmp_path, suffix, orientation):
    path = make(tmp_path / f"a{suffix}", orientation)
    data = path.read_bytes()
    header = header_of(data)
    assert not isinstance(header, Fault), header
    assert (header.width, header.height) == (W, H)
    assert header.type == PICTURE_TYPES[suffix] or suffix == ".dib"
    for pixels in (rgb(data), gray(data), read_picture(path)):
        assert pixels.shape[:2] == (H, W)
        assert is_upright(pixels)
    assert is_upright(prepared(data))
    assert is_upright(np.asarray(decode(data).small))
    assert isinstance(read_all([str(path)])[0], bytes)
    assert "cannot be read" not in thumbnail(path, "a")
    shown = _encode(Record(path, "a", W, H), 256)
    assert is_upright(cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR))


def dataset_of(name, folder, paths):
    box = {"category_id": 1, "bbox": [0, 0, W // 2, H // 2], "iscrowd": 0, "area": 1}
    images = [{"id": n, "file_name": path.name, "width": W, "height": H} for n, path in enumerate(paths, 1)]
    content = {"images": images, "categories": [{"id": 1, "name": "nut"}],
               "annotations": [{"id": n, "image_id": n, **box} for n in range(1, len(paths) + 1)]}  # fmt: skip
    (folder / "a.json").write_text(json.dumps(content))
    report = load(name, folder, source="real")
    assert report.samples == len(paths), report.problems
    return store.open_dataset(name)


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_every_type_is_exported_and_read_back(dataset_name, tmp_path, form):
    folder = tmp_path / "in"
    paths = [make(folder / f"i{n:02d}{suffix}") for n, suffix in enumerate(SUFFIXES)]
    paths += [make(folder / f"o{n:02d}{s}", 6) for n, s in enumerate(sorted(ORIENTED))]
    dataset = dataset_of(dataset_name, folder, paths)
    report = export(dataset, tmp_path / "out", format=form, near_duplicates=False, splits={"train": 1.0})
    assert report.splits["train"]["samples"] == len(paths)
    manifest = json.loads(Path(report.manifest).read_text())
    converted = {
        sample["origin"]: sample["converted_from"] for sample in manifest["samples"] if "converted_from" in sample
    }
    takes = WRITERS[form].takes
    wanted = {p.name: p.suffix for p in paths if takes is not None and p.suffix not in takes
              and PICTURE_TYPES[p.suffix] not in ("JPEG", "PNG")}  # fmt: skip
    assert converted == wanted
    notes = [note for note in report.notes if "converted to PNG" in note]
    assert len(notes) == bool(wanted)
    if WRITERS[form].embeds:
        return
    for sample in manifest["samples"]:
        written = tmp_path / "out" / WRITERS[form].picture_path(str(sample["split"]), sample["picture"])
        assert takes is None or written.suffix in takes
        with Image.open(folder / sample["origin"]) as before, Image.open(written) as after:
            given, come_out = (np.asarray(ImageOps.exif_transpose(image).convert("RGB")) for image in (before, after))
        assert np.array_equal(given, come_out), sample


@pytest.mark.parametrize(
    ("mode", "suffix", "after"),
    [("I;16", ".tif", "I;16"), ("L", ".tif", "L"), ("RGBA", ".webp", "RGBA"), ("CMYK", ".tif", "RGB"),
     ("P", ".gif", "P"), ("1", ".tif", "1")],
)  # fmt: skip
def test_kinds_of_pixels_survive(dataset_name, tmp_path, mode, suffix, after):
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / f"a{suffix}"
    Image.new(mode, (W, H), 1).save(path, lossless=True)
    dataset = dataset_of(dataset_name, folder, [path])
    export(dataset, tmp_path / "out", format="kitti", near_duplicates=False, splits={"train": 1.0})
    with Image.open(tmp_path / "out" / "train" / "image_2" / "000000.png") as image:
        assert image.mode == after


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a\0\0", "JPEG XL"),
    ],
)
def test_a_type_that_needs_a_plug_in_says_what_to_do(head, name):
    fault = header_of(head + bytes(100))
    assert isinstance(fault, Fault)
    assert fault.reason.startswith(f"{name} is not read by the installed Pillow; convert the image, or pip install")


def test_16_bits_are_shown_as_they_are_not_cut(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.full((H, W), 1 << 15, np.uint16)).save(path)
    assert abs(int(rgb(path.read_bytes()).mean()) - 127) <= 1
