"""Hostile and broken inputs through ``load``: refused or named, nothing outside is touched, memory stays small."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.adapters.formats.seeds import HOME, SEEDS, H, W, blenderproc, fiftyone, npy, png, text
from workbench.actions.load import load
from workbench.adapters import store
from workbench.base.errors import InputError

PICTURE = png(np.full((H, W, 3), 90, np.uint8))
MB = 1 << 20
HUGE_BYTES = 1 << 30
COCO_HEAD = b'{"categories": [], "annotations": [], "images": [{"id": 1, "file_name": "a.png"}'
BOMB = b"[" * 300_000


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for file, data in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
    return folder


def seeded(name: str, **changed: bytes) -> dict[str, bytes]:
    home = HOME[name].replace("a.jpg", "a.png")
    return {**SEEDS[name], home: PICTURE, **changed}


def coco(*images: str) -> bytes:
    listed = [{"id": at, "file_name": name} for at, name in enumerate(images)]
    return json.dumps({"images": listed, "annotations": [], "categories": []}).encode()


def solo(picture: str) -> bytes:
    file = "sequence.0/step0.frame_data.json"
    frame = json.loads(SEEDS["solo"][file])
    frame["captures"].append({**frame["captures"][0], "id": "second", "filename": picture})
    return json.dumps(frame).encode()


def second(**changed: object) -> bytes:
    """FiftyOne's samples: one that is good, one with something else in it."""
    samples = json.loads(fiftyone(filepath="data/a.png")["samples.json"])["samples"]
    return json.dumps({"samples": [*samples, {**samples[0], **changed}]}).encode()


def voc(file_name: str) -> bytes:
    return b"<annotation><filename>%s</filename></annotation>" % file_name.encode()


OUT = ["../secret.png", "../../secret.png", "/etc/secret.png", "C:\\x\\secret.png", "..\\secret.png", "{secret}"]
TRAVERSAL = {
    "coco file_name": ("coco", lambda out: {"a.png": PICTURE, "labels.json": coco("a.png", out)}),
    "voc filename": ("voc", lambda out: {**seeded("voc"), "Annotations/other.xml": voc(out)}),
    "yolo list": ("yolo", lambda out: {"data.yaml": b"train: train.txt\nnames: [cat]\n", "images/a.png": PICTURE,
                                       "train.txt": f"images/a.png\n{out}\n".encode()}),
    "solo filename": ("solo", lambda out: {**seeded("solo"), "sequence.0/step0.frame_data.json": solo(out)}),
    "table file_name": ("folder", lambda out: {"a.png": PICTURE,
                                               "metadata.csv": f"file_name,gain\na.png,1\n{out},2\n".encode()}),
    "fiftyone filepath": ("fiftyone", lambda out: {**seeded("fiftyone"), "samples.json": second(filepath=out)}),
}  # fmt: skip


@pytest.mark.parametrize("out", OUT)
@pytest.mark.parametrize("case", sorted(TRAVERSAL))
def test_a_path_in_an_annotation_leads_nowhere_outside(dataset, tmp_path, case, out):
    name, make = TRAVERSAL[case]
    secret = write(tmp_path, {"secret.png": PICTURE}) / "secret.png"
    folder = write(tmp_path / "data", make(out.format(secret=secret)))
    report = load(dataset, folder, source="real", format=name)
    assert report.samples == 1
    wanted = "missing_image" if case == "table file_name" else "path_outside_folder"
    assert Counter(p.kind for p in report.problems)[wanted] == 1, report.problems
    for stored in store.read(dataset):
        assert stored.record.image_path.resolve().is_relative_to(folder.resolve())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ground_truth", {"_cls": "Detections", "detections": [
            {"_cls": "Detection", "label": "x", "bounding_box": [0, 0, 1, 1], "mask_path": "{out}"}]}),
        ("depth", {"_cls": "Heatmap", "map_path": "{out}"}),
        ("instances", {"_cls": "Segmentation", "mask_path": "{out}"}),
        ("point_cloud", "{out}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("out", ["../secret.png", "{folder}/secret.png"])
def test_a_map_outside_is_left_out(dataset, tmp_path, field, value, out):
    write(tmp_path, {"secret.png": png(np.full((H, W), 900, np.uint16))})
    given = json.loads(json.dumps(value).replace("{out}", out.format(folder=tmp_path)))
    folder = write(tmp_path / "data", {**seeded("fiftyone"), **fiftyone(filepath="data/a.png", **{field: given})})
    report = load(dataset, folder, source="real")
    unused = ("unread_file", "unlisted_image")  # files that the changed field named
    assert [p.kind for p in report.problems if p.kind not in unused] == ["path_outside_folder"]
    (stored,) = store.read(dataset)
    assert field not in stored.record.maps
    assert stored.record.cloud is None or field != "point_cloud"
    assert all(label.mask is None for label in stored.record.labels) or field != "ground_truth"


def test_a_container_cannot_point_to_other_files(dataset, tmp_path):
    write(tmp_path, {"secret.bin": bytes(W * H * 3), "other.hdf5": blenderproc()})
    folder = write(tmp_path / "data", {"0.hdf5": blenderproc()})
    for at, link in enumerate((None, h5py.ExternalLink("../other.hdf5", "colors"), h5py.SoftLink("/nowhere")), 1):
        with h5py.File(folder / f"{at}.hdf5", "w") as container:
            if link is None:
                outside = [(str(tmp_path / "secret.bin"), 0, W * H * 3)]
                container.create_dataset("colors", (H, W, 3), np.uint8, external=outside)
            else:
                container["colors"] = link
    report = load(dataset, folder, source="synthetic")
    assert report.samples == 1
    assert Counter(p.kind for p in report.problems)["unreadable_image"] == 3


def zipped(folder: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("good.png", PICTURE)
        archive.writestr(name, data)
    return folder / "a.zip"


def tarred(folder: Path, name: str, *, kind: bytes = tarfile.REGTYPE, target: str = "") -> Path:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    with tarfile.open(folder / "a.tar", "w") as archive:
        archive.addfile(info, io.BytesIO(b""))
    return folder / "a.tar"


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "a.png")
    return folder / "a.png"


def listening(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder / "s"))
    return folder / "s"


def sparse(path: Path, head: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(HUGE_BYTES)
    return path.parent


def endless(path: Path) -> Path:
    with path.open("wb") as stream:
        stream.write(COCO_HEAD + b', {"file_name": "')
        for _ in range(300):
            stream.write(b"x" * MB)
    return path


def header(folder: Path, edge: int) -> Path:
    import struct
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    end = b"\0\0\0\0IEND\xaeB`\x82"
    return write(folder, {"bomb.png": b"\x89PNG\r\n\x1a\n" + chunk + end})


REFUSED = {
    "zip, path above": (lambda f: zipped(f, "../x.png", PICTURE), "leads out"),
    "zip, absolute path": (lambda f: zipped(f, "/etc/x.png", PICTURE), "leads out"),
    "zip bomb": (lambda f: zipped(f, "x.png", bytes(1100 * MB)), "the limit is 200 times"),
    "tar, path above": (lambda f: tarred(f, "../x.png"), "leads out"),
    "tar, absolute path": (lambda f: tarred(f, "/etc/x.png"), "leads out"),
    "tar, symbolic link": (lambda f: tarred(f, "x", kind=tarfile.SYMTYPE, target="/etc"), "link or a device"),
    "tar, hard link": (lambda f: tarred(f, "x", kind=tarfile.LNKTYPE, target="/etc/passwd"), "link or a device"),
    "tar, device": (lambda f: tarred(f, "x", kind=tarfile.CHRTYPE), "link or a device"),
    "tar, pipe": (lambda f: tarred(f, "x", kind=tarfile.FIFOTYPE), "link or a device"),
    "pipe": (fifo, "a pipe, a socket or a device, which cannot be loaded"),
    "socket": (listening, "a pipe, a socket or a device, which cannot be loaded"),
    "device": (lambda _: Path("/dev/zero"), "a pipe, a socket or a device, which cannot be loaded"),
    "picture of 50,000 x 50,000": (lambda f: header(f, 50_000), "The header claims more than [0-9,]+ pixels"),
    "link to itself": (lambda f: (f / "a").symlink_to(f / "a") or f / "a", "This path does not exist"),
    "COCO, deep": (lambda f: write(f, {"a.json": COCO_HEAD + BOMB}), r"a\.json: The file is not valid JSON"),
    "FiftyOne, deep": (lambda f: write(f, seeded("fiftyone", **{"samples.json": BOMB})),
                       "cannot be read as JSON .Recursion"),
    "FiftyOne, huge": (lambda f: sparse(write(f, seeded("fiftyone")) / "samples.json", b'{"samples": ['),
                       "The file has 1,024 MB, the limit for JSON is 512 MB"),
    "COCO, huge": (lambda f: sparse(f / "a.json", COCO_HEAD), "valid JSON"),
    "COCO, a hole": (lambda f: sparse(f / "a.json", COCO_HEAD + b","), "valid JSON: Expecting value"),
    "COCO, a text without end": (lambda f: endless(f / "a.json"), "an element has more than 16 MB, or no end"),
    "table, huge": (lambda f: sparse(write(f, {"a.png": PICTURE}) / "metadata.csv", b"file_name\na.png\n"),
                    "The table has 1,024 MB, the limit is 256 MB"),
    "YOLO, aliases": (lambda f: write(f, {"images/a.png": PICTURE, "data.yaml": aliases()}) / "data.yaml",
                      "aliases stand for more than"),
}  # fmt: skip


def aliases() -> bytes:
    """Ten million names in a few lines."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join([*lines, "train: images", "names: *a8"]).encode()


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_trusted_is_refused_in_one_sentence(dataset_name, tmp_path, case):
    make, message = REFUSED[case]
    (tmp_path / "given").mkdir()
    path = make(tmp_path / "given")
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=message) as caught:
            load(dataset_name, path, source="real")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert peak < 150 * MB
    assert dataset_name not in store.list_datasets()
    assert [entry.name for entry in tmp_path.iterdir()] == ["given"]


def loops(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "b.png").symlink_to(folder / "b.png")
    (folder / "c.png").symlink_to("/etc/passwd")
    (folder / "d").symlink_to("/etc")
    (folder / "e.png").symlink_to(folder / "nowhere.png")


def no_files(folder: Path) -> None:
    os.mkfifo(folder / "b.png")
    (folder / "c.png").symlink_to("/dev/zero")


def other_names(folder: Path) -> None:
    for name in (b"b\xff.png", b"\xc3.txt"):
        (folder / os.fsdecode(name)).write_bytes(PICTURE)
    (folder / os.fsdecode(b"\xe9t\xe9")).mkdir()


def maps(folder: Path) -> None:
    write(folder, {"depth/a.npy": pickle.dumps([1]), "a_mask.png": b"", "clouds/a.pcd": b"\0" * 99})


NAMED = {
    "links": ("folder", {"a.png": PICTURE}, loops, {"not_a_file": 1, "path_outside_folder": 1}),
    "pipes and devices": ("folder", {"a.png": PICTURE}, no_files, {"not_a_file": 1, "path_outside_folder": 1}),
    "names that are no text": ("folder", {"a.png": PICTURE}, other_names, {"unusable_name": 3}),
    "pickles and junk": ("folder", {"a.png": PICTURE}, maps, {"unreadable_map": 2, "unreadable_cloud": 1}),
    "pickled objects": ("replicator", seeded("replicator", **{"distance_to_camera_0000.npy": npy(np.array([{}]))}),
                        None, {"unreadable_map": 1}),
    "BOP, deep": ("bop", seeded("bop", **{"train_pbr/000000/scene_gt.json": b'{"3": ' + BOMB}), None,
                  {"broken_annotation": 1, "missing_annotation_file": 1, "unlisted_image": 1}),
    "SOLO, deep": ("solo", seeded("solo", **{"sequence.0/step1.frame_data.json": BOMB}), None,
                   {"broken_annotation": 1, "missing_image": 1}),
    "BOP, huge": ("bop", seeded("bop"), lambda f: sparse(f / "train_pbr/000000/scene_gt_info.json", b"{"),
                  {"broken_annotation": 1}),
    "VOC, huge": ("voc", seeded("voc"), lambda f: sparse(f / "Annotations/b.xml", b"<annotation>"),
                  {"broken_annotation": 1}),
    "VOC, entities": ("voc", seeded("voc", **{"Annotations/b.xml": b'<!DOCTYPE a [<!ENTITY x "y">]><annotation/>'}),
                      None, {"broken_annotation": 1}),
    "YOLO, huge": ("yolo", seeded("yolo"), lambda f: sparse(f / "labels/a.txt", b"0 .5 .5 .2 .2\n"),
                   {"broken_annotation": 1}),
    "KITTI, huge": ("kitti", seeded("kitti"), lambda f: sparse(f / "label_2/a.txt", SEEDS["kitti"]["label_2/a.txt"]),
                    {"broken_annotation": 1}),
    "COCO, NaN and Infinity": ("coco", {"a.png": PICTURE, "a.json": text({
        "images": [{"id": 1, "file_name": "a.png", "gain": float("nan"), "camera": {"fx": float("inf")}}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, float("inf"), 1, 1]}],
        "categories": [{"id": 1, "name": "x"}]})}, None, {"broken_annotation": 1, "nan_box": 1}),
    "FiftyOne, NaN": ("fiftyone", seeded("fiftyone") | fiftyone(filepath="data/a.png", gain=float("nan"),
                      ground_truth={"_cls": "Detection", "label": "x", "bounding_box": [0, float("-inf"), 1, 1]}),
                      None, {"nan_box": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(NAMED))
def test_one_bad_thing_is_named_and_the_rest_is_loaded(dataset, tmp_path, case):
    name, files, spoil, kinds = NAMED[case]
    folder = write(tmp_path / "data", files)
    if spoil is not None:
        spoil(folder)
    tracemalloc.start()
    try:
        report = load(dataset, folder, source="real", format=name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.samples == len(list(store.read(dataset))) == (2 if name == "replicator" else 1)
    assert Counter(p.kind for p in report.problems) == kinds, report.problems
    assert peak < 150 * MB


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK", "webp"])
def test_every_kind_of_pixel_is_stored(dataset, tmp_path, mode):
    image = Image.new("RGB" if mode == "webp" else mode, (W, H))
    image.save(tmp_path / ("a.jpg" if mode in ("CMYK", "webp") else "a.png"), "WEBP" if mode == "webp" else None)
    report = load(dataset, tmp_path, source="real")
    assert [p.kind for p in report.problems] == (["content_mismatch"] if mode == "webp" else [])
    (stored,) = store.read(dataset)
    assert (stored.record.width, stored.record.height) == (W, H)


def test_orientation_turns_size_and_boxes(dataset, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (W, H)).save(tmp_path / "a.jpg", exif=exif)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, H, W]}
    content = {"images": [{"id": 1, "file_name": "a.jpg", "width": H, "height": W}], "annotations": [box]}
    write(tmp_path, {"a.json": text({**content, "categories": [{"id": 1, "name": "x"}]})})
    assert load(dataset, tmp_path, source="real").problems == []
    (stored,) = store.read(dataset)
    assert (stored.record.width, stored.record.height) == (H, W)
    assert stored.record.labels[0].xyxy == (0, 0, H, W)


def test_a_source_that_the_data_names_is_told(dataset, tmp_path):
    content = {"images": [{"id": 1, "file_name": "a.png", "source": "synthetic"}], "annotations": [], "categories": []}
    report = load(dataset, write(tmp_path, {"a.png": PICTURE, "a.json": text(content)}), source="real")
    assert [(p.kind, p.where, p.message) for p in report.problems] == [
        (
            "source_conflict",
            "a.png",
            "1 record with the source synthetic, not real (first: a.png); loaded as synthetic.",
        )
    ]


CHILD = """
import sys
from pathlib import Path
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit import archive
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError
scratch = Scratch(Path(sys.argv[2]))
try:
    source = Source(archive.opened(Path(sys.argv[1]), scratch=scratch), scratch=scratch)
    for record in choose(source)[1].read():
        print("record", record.origin)
    for problem in source.problems:
        print(problem.kind, problem.where, problem.message)
except InputError as error:
    print("refused", error)
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print("peak", int(peak) // 1024)
"""


def parquet_of(column: Any, **write: Any) -> bytes:
    """A table of a picture, and of a column whose values a dictionary repeats."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    cells = pa.array([{"bytes": PICTURE, "path": None}] * len(column))
    table = pa.table({"image": cells, "note": column})
    pq.write_table(table, stream, compression="zstd", store_schema=False, **write)
    return stream.getvalue()


def repeated(rows: int, per_row: int, chars: int) -> Any:
    """Lists of one long text, over and over."""
    import pyarrow as pa

    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows * per_row, np.int32)), pa.array(["x" * chars]))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * per_row), texts)


def zeros(n: int) -> Any:
    import pyarrow as pa

    return pa.ListArray.from_arrays(pa.array([0, n], pa.int32()), pa.array(np.zeros(n, np.int64)))


def long_header(kind: bytes) -> bytes:
    """A packed tar file whose first header claims to be a text of a gigabyte and a half, and is."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 3 << 29
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + gzip.compress(bytes(MB)) * (info.size // MB)


def container(folder: Path) -> None:
    with h5py.File(folder / "0.hdf5", "w") as file:
        file.create_dataset("colors", (H, W, 3), np.uint8)
        for key in ("depth", "instance_segmaps", "depth_0", "depth_1"):
            file.create_dataset(key, (1 << 14, 1 << 13), np.float64, chunks=(1 << 10, 1 << 10))


def wide_map(folder: Path) -> None:
    write(folder, {"images/a.png": PICTURE})
    (folder / "masks").mkdir()
    Image.new("L", (13_000, 13_000)).save(folder / "masks" / "a.png")


def hollow(folder: Path) -> None:
    """An array of 1 GB that is a hole on disk."""
    write(folder, {"images/a.png": PICTURE})
    (folder / "depth").mkdir()
    with (folder / "depth" / "a.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f4", "fortran_order": False, "shape": (1 << 14, 1 << 14)}
        )
        stream.truncate(stream.tell() + HUGE_BYTES)


BOMBS = {
    "Parquet, a list of one long text": (lambda f: write(f, {"a.parquet": parquet_of(repeated(1, 1_500, 200_000))}),
                                         "unpacks to more than can be held in memory"),
    "Parquet, long texts in every row": (lambda f: write(f, {"a.parquet": parquet_of(repeated(100, 1, 4 * MB))}),
                                         "record"),
    "Parquet, a page of one value": (lambda f: write(f, {"a.parquet": parquet_of(
        np.array([bytes(300 * MB)], object), use_dictionary=False)}), "unpacks to more than 256 MB per page"),
    "Parquet, a list of zeros": (lambda f: write(f, {"a.parquet": parquet_of(zeros(40_000_000))}),
                                 "unpacks to more than 256 MB per page"),
    "array with a hole": (hollow, "it holds 1,024 MB, the limit is 512 MB"),
    "PNG map": (wide_map, "The map has 13,000 x 13,000 pixels, the limit is"),
    "HDF5": (container, "it unpacks to 4,096 MB, over 20 times its size on disk"),
    "tar, long name": (lambda f: write(f, {"a.tar.gz": long_header(tarfile.GNUTYPE_LONGNAME)}) / "a.tar.gz",
                       "a header of 1,536 MB, the limit is 1 MB"),
    "tar, pax": (lambda f: write(f, {"a.tar.gz": long_header(tarfile.XHDTYPE)}) / "a.tar.gz",
                 "a header of 1,536 MB, the limit is 1 MB"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BOMBS))
def test_what_unpacks_to_gigabytes_is_named_before_it_is_unpacked(tmp_path, case):
    make, message = BOMBS[case]
    (tmp_path / "given").mkdir()
    path = make(tmp_path / "given") or tmp_path / "given"
    command = [sys.executable, "-c", CHILD, str(path), str(tmp_path / "scratch")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert message in ran.stdout
    assert int(ran.stdout.split()[-1]) < 700
