"""What lies beside the usual path is read where it is common, and named where it is not."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.adapters.formats.seeds import H, W, png
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.accounting import MAY_HOLD_LABELS
from workbench.adapters.formats.toolkit.class_folders import class_names
from workbench.adapters.formats.toolkit.source import Source
from workbench.core.schema.report import LoadReport, Problem

PICTURE = png(np.arange(W * H * 3, dtype=np.uint32).reshape(H, W, 3).astype(np.uint8))
ROW = b"0 0.5 0.5 0.25 0.5\n"
CORNERS = b"imagesource:GoogleEarth\ngsd:0.1\n16 12 48 12 48 36 16 36 nut 1\n"
XML = "<annotation><filename>{name}</filename><object><name>nut</name>{rest}</object></annotation>"
BOX = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20</xmax><ymax>30</ymax></bndbox>"
MASK = np.zeros((H, W), np.uint8)
MASK[4:20, 3:30] = 1


def write(folder: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((H, W, 3), 90, np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def read(folder: Path):
    source = Source(folder)
    name, match = choose(source)
    return name, list(match.read()), source.problems


def named(problems) -> dict[str, str]:
    return {problem.where: problem.kind for problem in problems}


@pytest.mark.parametrize("suffix", sorted(MAY_HOLD_LABELS - {".xml", ".pcd", ".ply", ".bin", ".xyz"}))
def test_every_file_that_may_hold_labels_is_named(tmp_path, suffix):
    stray = f"other/thing{suffix}"
    folder = write(tmp_path, {"a.png": PICTURE, "a.xml": XML.format(name="a.png", rest=BOX), stray: b"1 2 3 4 5\n"})
    name, records, problems = read(folder)
    assert (name, len(records[0].labels)) == ("voc", 1)
    assert named(problems) == {stray: "unread_file"}


@pytest.mark.parametrize(
    "name", ["README", "README.md", "LICENSE.txt", "CITATION.cff", "report.pdf", "README.roboflow.txt"]
)
def test_prose_is_no_data(tmp_path, name):
    *_, problems = read(write(tmp_path, {"a.png": PICTURE, name: b"about this data"}))
    assert len(problems) == 0


def test_images_of_no_sample_are_named_by_folder(tmp_path):
    files = {f"maps.{n}/x{n}.png": PICTURE for n in range(5)}
    *_, problems = read(write(tmp_path, {"a.png": PICTURE, "a.xml": XML.format(name="a.png", rest=BOX), **files}))
    (problem,) = problems
    assert problem.message.startswith("5 images in maps.0 that no label file names (first: maps.0/x0.png")


def test_a_load_without_labels_says_so_in_its_first_line():
    unread = Problem("labels/a.txt", "unread_file", "1 .txt file in labels may hold labels, splits or maps; not read.")
    first = str(LoadReport("folder", samples=2, problems=[unread])).splitlines()[0]
    assert first == "folder: 2 samples added, 0 already there, 0 labels; files that may hold labels were not read"
    assert "not read" not in str(LoadReport("folder", samples=2, labels=3, problems=[unread])).splitlines()[0]


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("images/a.png", "labels/a.txt"),
        ("images/train/a.png", "labels/train/a.txt"),
        ("train/images/a.png", "train/labels/a.txt"),
        ("train/images/a.png", "train/labelTxt/a.txt"),
        ("train/images/a.png", "train/Labels/a.txt"),
        ("train/images/a.png", "train/annotations/a.txt"),
        ("images/a.png", "Annotations/a.txt"),
        ("images/train/a.png", "label/train/a.txt"),
        ("photos/a.png", "labels/a.txt"),
        ("train/a.png", "train/labels/a.txt"),
        ("images/A.PNG", "labels/a.TXT"),
        ("a.png", "a.txt"),
    ],
)
@pytest.mark.parametrize("rows", [ROW, CORNERS])
def test_rows_of_yolo_in_any_usual_folder(tmp_path, image, labels, rows):
    name, records, problems = read(write(tmp_path, {image: PICTURE, labels: rows, "classes.txt": b"nut\n"}))
    assert (name, [label.name for label in records[0].labels]) == ("yolo", ["nut"])
    assert len(problems) == 0
    if rows is CORNERS:
        assert records[0].labels[0].xyxy == (16, 12, 48, 36)
        assert records[0].labels[0].attributes == {"difficult": True}


@pytest.mark.parametrize("data", [b"train = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n", None])
def test_lists_of_darknet_are_splits(tmp_path, data):
    files = {
        f"obj_train_data/{stem}.{end}": PICTURE if end == "png" else ROW for stem in "ab" for end in ("png", "txt")
    }
    lists = {
        "train.txt": "data/obj_train_data/a.png\n",
        "valid.txt": "data/obj_train_data/b.png\n",
        "obj.names": "nut\n",
    }
    _, records, problems = read(write(tmp_path, files | lists | ({"obj.data": data} if data else {})))
    assert [record.split for record in records] == ["train", "val"]
    assert len(problems) == 0


MASKS = [
    ("a.png", "a_mask.png"),
    ("images/a.png", "masks/a.png"),
    ("images/a.png", "labels/a.png"),
    ("image/a.png", "label/a.png"),
    ("Images/a.png", "Masks/A.png"),
    ("train/images/a.jpg", "train/annotations/a.png"),
    ("rgb/a.png", "gt/a.png"),
    ("test/scratch/000.png", "ground_truth/scratch/000_mask.png"),
    ("leftImg8bit/train/ulm/u_1_leftImg8bit.png", "gtFine/train/ulm/u_1_gtFine_instanceIds.png"),
    ("a.jpg", "a.png"),
    ("photos/a.jpg", "photos/a.png"),
    ("imgs/a.jpg", "SegmentationObject/a.png"),
]


@pytest.mark.parametrize(("image", "mask"), MASKS)
def test_masks_of_any_usual_name_are_no_photos(tmp_path, image, mask):
    picture = jpeg() if image.endswith("jpg") else PICTURE
    name, records, problems = read(write(tmp_path, {image: picture, mask: png(MASK)}))
    assert (name, [record.origin for record in records]) == ("folder", [image])
    (label,) = records[0].labels
    assert label.xyxy == (3, 4, 30, 20)
    assert label.mask is not None and label.mask.all()
    assert records[0].classification is None
    assert len(problems) == 0


SOUND = [  # a picture with a mask, its mask, and pictures whose folder says that there is nothing to mask
    ("test/scratch/0.png", "ground_truth/scratch/0_mask.png", ["train/good/0.png", "test/good/0.png"]),
    ("b/test/ko/0.png", "b/ground_truth/ko/0.png", ["b/train/ok/0.png", "b/test/ok/0.png"]),  # BTAD
    ("Images/Anomaly/0.png", "Masks/Anomaly/0.png", ["Images/Normal/0.png"]),  # VisA
    ("images/defect/a.png", "masks/defect/a.png", ["images/Defect-Free/a.png"]),
    ("images/crack/a.png", "masks/crack/a.png", ["images/no crack/a.png"]),
    ("test/dent/rgb/0.png", "test/dent/gt/0.png", ["test/good/rgb/0.png"]),
]


@pytest.mark.parametrize(("image", "mask", "sound"), SOUND)
def test_pictures_without_a_defect_lack_no_mask(tmp_path, image, mask, sound):
    files = {image: PICTURE, mask: png(MASK), **dict.fromkeys(sound, PICTURE)}
    _, records, problems = read(write(tmp_path, files))
    assert sorted(record.origin for record in records) == sorted([image, *sound])
    assert [record.origin for record in records if record.labels] == [image]
    assert list(problems) == []


@pytest.mark.parametrize(
    ("image", "mask", "others"),
    [
        ("test/scratch/0.png", "ground_truth/scratch/0_mask.png", ["test/scratch/1.png"]),
        ("test/good/0.png", "ground_truth/good/0_mask.png", ["test/good/1.png"]),  # where others have an empty one
        ("images/a.png", "masks/a.png", ["images/good.png"]),
    ],
)
def test_masks_that_are_missing_are_named(tmp_path, image, mask, others):
    files = {image: PICTURE, mask: png(MASK), **dict.fromkeys(others, PICTURE)}
    _, _, problems = read(write(tmp_path, files))
    [problem] = problems
    assert problem.kind == "missing_map" and others[0] in problem.message


@pytest.mark.parametrize("other", ["b.png", "a.jpg", "other/a.png"])
def test_two_photos_stay_two_photos(tmp_path, other):
    content = jpeg() if other.endswith("jpg") else PICTURE
    _, records, _ = read(write(tmp_path, {"a.png": PICTURE, other: content}))
    assert len(records) == 2
    assert not any(record.labels for record in records)


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (["cat", "dog"], ["cat", "dog"]),
        (["train/cat", "val/dog"], ["cat", "dog"]),
        (["pets/train/cat", "pets/train/dog"], ["cat", "dog"]),
        (["0", "1"], ["0", "1"]),
        (["left", "right"], [None, None]),
        (["image", "label"], [None, None]),
        (["images", "annotations"], [None, None]),
        (["cam0", "cam1"], [None, None]),
        (["cam_front", "cat"], ["cam_front", "cat"]),
        (["000001", "000002"], [None, None]),
        (["2024-05-01", "2024-05-02"], [None, None]),
        (["batch_1", "batch_2"], [None, None]),
        (["100CANON", "101CANON"], [None, None]),
        (["cat", "left"], [None, None]),
        (["cat"], [None]),
        (["train", "val"], [None, None]),
        (["cat/a", "dog"], [None, None]),
    ],
)
def test_classes_from_folders(folders, classes):
    files = [f"{folder}/{n}.png" for n, folder in enumerate(folders)]
    assert list(class_names(files).values()) == classes


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
TEXTS = {
    "class file": ({"a.png": PICTURE, "a.txt": ROW}, "classes.txt", "Mütter\nSchraube\n"),
    "rows": ({"a.png": PICTURE, "classes.txt": "Mütter".encode()}, "a.txt", ROW.decode()),
    "csv": ({"a.png": PICTURE}, "boxes.csv", "filename,class,xmin,ymin,xmax,ymax\na.png,Mütter,1,2,30,40\n"),
    "xml": ({"a.png": PICTURE}, "a.xml", XML.format(name="a.png", rest=BOX).replace("nut", "Mütter")),
    "coco": ({"a.png": PICTURE}, "labels.json",
             '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"id": 1, "image_id": 1, "category_id": 1,'
             ' "bbox": [1, 2, 30, 40]}], "categories": [{"id": 1, "name": "Mütter"}]}'),
    "yaml": ({"images/a.png": PICTURE, "labels/a.txt": ROW}, "data.yaml", "names: [Mütter]\ntrain: images\n"),
}  # fmt: skip


# YAML and XML need a mark for UTF-16, and YAML knows no UTF-32
UNKNOWN = {"yaml": {"utf-16-le", "utf-16-be", "utf-32"}, "xml": {"utf-16-le", "utf-16-be"}}


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [(kind, encoding) for kind in TEXTS for encoding in ENCODINGS if encoding not in UNKNOWN.get(kind, ())],
)
def test_text_is_read_in_any_encoding(tmp_path, kind, encoding):
    files, name, text = TEXTS[kind]
    data = text.encode(encoding)
    _, records, problems = read(write(tmp_path, {**files, name: data}))
    assert [label.name for label in records[0].labels] == ["Mütter"]
    assert len(problems) == 0


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("kind", ["coco", "xml", "csv", "rows", "list", "mask"])
def test_names_in_two_unicode_forms_are_one(tmp_path, kind, form):
    on_disk = unicodedata.normalize("NFC" if form == "NFD" else "NFD", "Prüfstück")
    written = unicodedata.normalize(form, "Prüfstück")
    files: dict[str, dict[str, bytes | str]] = {
        "coco": {"c.json": TEXTS["coco"][2].replace("a.png", f"{written}.png")},
        "xml": {"x.xml": XML.format(name=f"{written}.png", rest=BOX)},
        "csv": {"boxes.csv": TEXTS["csv"][2].replace("a.png", f"{written}.png")},
        "rows": {f"{written}.txt": ROW},
        "list": {f"{on_disk}.txt": ROW, "train.txt": f"{written}.png\n"},
        "mask": {f"{written}_mask.png": png(MASK)},
    }
    _, records, problems = read(write(tmp_path, {f"{on_disk}.png": PICTURE, **files[kind]}))
    assert (len(records), len(records[0].labels), len(problems)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("rest", "box", "points", "attributes"),
    [
        (BOX, (2, 3, 20, 30), 0, {}),
        (BOX + "<polygon><x1>3</x1><y1>4</y1><x2>20</x2><y2>4</y2><x3>20</x3><y3>30</y3></polygon>",
         (2, 3, 20, 30), 3, {}),
        ("<polygon><pt><x>3</x><y>4</y></pt><pt><x>20</x><y>4</y></pt><pt><x>20</x><y>30</y></pt></polygon>",
         (2.5, 3.5, 19.5, 29.5), 3, {}),
        ("<robndbox><cx>20.5</cx><cy>20.5</cy><w>10</w><h>4</h><angle>1.5707963267948966</angle></robndbox>",
         (18, 15, 22, 25), 4, {}),
        (BOX + "<occluded>1</occluded>"
         "<attributes><attribute><name>rusty</name><value>true</value></attribute></attributes>",
         (2, 3, 20, 30), 0, {"occluded": True, "rusty": True}),
        (BOX + "<actions><jumping>1</jumping><running>0</running></actions>",
         (2, 3, 20, 30), 0, {"action.jumping": True}),
        (BOX + "<id>7</id><shade>dark</shade>", (2, 3, 20, 30), 0, {"id": 7, "shade": "dark"}),
    ],
)  # fmt: skip
def test_dialects_of_voc_objects(tmp_path, rest, box, points, attributes):
    _, records, problems = read(write(tmp_path, {"a.png": PICTURE, "a.xml": XML.format(name="a.png", rest=rest)}))
    (label,) = records[0].labels
    assert label.xyxy == pytest.approx(box)
    assert sum(len(polygon) for polygon in label.polygons) == points
    assert (label.attributes, len(problems)) == (attributes, 0)


def test_masks_of_voc_objects(tmp_path):
    objects = BOX + "</object><object><name>bolt</name>" + BOX.replace(">20<", ">60<").replace(">3<", ">40<")
    values = np.zeros((H, W), np.uint8)
    values[5:28, 4:18], values[5:28, 42:58] = 2, 1  # not in the order of the file: the boxes decide
    files = {"JPEGImages/a.png": PICTURE, "Annotations/a.xml": XML.format(name="a.png", rest=objects),
             "SegmentationObject/a.png": png(values)}  # fmt: skip
    _, records, problems = read(write(tmp_path, files))
    assert [(label.name, int(label.mask.sum())) for label in records[0].labels] == [("nut", 23 * 14), ("bolt", 23 * 16)]
    assert len(problems) == 0


def test_a_snapshot_of_the_hub_is_made_of_links(tmp_path):
    write(tmp_path, {"hub/blobs/11": PICTURE, "hub/blobs/22": ROW, "secret": PICTURE})
    folder = tmp_path / "hub" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    for name, target in (("a.png", "../../blobs/11"), ("a.txt", "../../blobs/22"), ("b.png", "../../../secret")):
        (folder / name).symlink_to(target)
    _, records, problems = read(folder)
    assert [(record.origin, len(record.labels)) for record in records] == [("a.png", 1)]
    assert named(problems) == {"b.png": "path_outside_folder"}
