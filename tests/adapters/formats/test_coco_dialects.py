"""COCO as LVIS, camera traps, Label Studio, CVAT, datumaro, Roboflow and panoptic tools write it; what is not COCO."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from PIL import Image

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError

SIZE = {"width": 64, "height": 48}
CATEGORIES = [{"id": 1, "name": "nut"}, {"id": 2, "name": "bolt"}]
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 5, 20, 10]}
BOLT = {**BOX, "category_id": 2}


@pytest.fixture
def load(tmp_path, picture, reading):
    """Reads a COCO file beside images; kinds of problems beside the records."""

    def loaded(pictures, images, annotations=(BOX,), categories=CATEGORIES, file="labels.json"):
        for path in pictures:
            picture(tmp_path / path)
        content = {"images": images, "annotations": list(annotations), "categories": categories}
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(json.dumps(content))
        assert choose(Source(tmp_path))[0] == "coco"
        records, problems = reading("coco", tmp_path)
        return records, [problem.kind for problem in problems]

    return loaded


@pytest.mark.parametrize(
    ("file", "image"),
    [
        ("val2017/01.jpg", {"coco_url": "http://images.example.org/val2017/01.jpg"}),
        ("images/01.jpg", {"coco_url": "http://images.example.org/val2017/01.jpg"}),
        ("images/a b.jpg", {"file_name": "https://x.org/data/a%20b.jpg?token=1"}),
        ("images/ab-1.jpg", {"file_name": "images/3/ab-1.jpg"}),
        ("images/ab-1.jpg", {"file_name": "images\\3\\ab-1.jpg"}),
        ("images/ab-1.jpg", {"file_name": "/data/upload/3/ab-1.jpg"}),
        ("images/3/ab-1.jpg", {"file_name": "images/3/ab-1.jpg"}),
        ("left/a.jpg", {"file_name": "left\\a.jpg"}),
        ("left/a.jpg", {"path": "left/a.jpg"}),
        ("images/a.jpg", {"path": "C:\\data\\images\\a.jpg"}),
        ("images/a.jpg", {"filename": "a.jpg"}),
    ],
)
def test_names_of_images(load, file, image):
    records, kinds = load([file], [{"id": 1, **image, **SIZE}])
    assert [record.origin for record in records] == [file]
    assert [label.name for label in records[0].labels] == ["nut"]
    assert set(kinds) <= {"path_outside_folder"}


def test_two_uploads_of_one_name_are_not_one_image(load):
    images = [{"id": n, "file_name": f"images/{n}/a.jpg"} for n in (1, 2)]
    records, kinds = load(["images/a.jpg"], images, [BOX, {**BOX, "id": 2, "image_id": 2, "category_id": 2}])
    assert [[label.name for label in record.labels] for record in records] == [["nut"]]
    assert kinds == ["missing_image"]


@pytest.mark.parametrize("bbox", [{}, {"bbox": None}, {"bbox": [], "segmentation": []}])
def test_an_annotation_without_a_box_is_a_class_of_the_image(load, bbox):
    records, kinds = load(
        ["a.jpg", "b.jpg"],
        [{"id": "u1", "file_name": "a.jpg"}, {"id": "u2", "file_name": "b.jpg"}],
        [
            {"id": "x", "image_id": "u1", "category_id": 1, **bbox},
            {"id": "y", "image_id": "u2", "category_id": 2, **bbox},
        ],
    )
    assert [(record.classification, len(record.labels)) for record in records] == [("nut", 0), ("bolt", 0)]
    assert kinds == []


def test_several_classes_of_an_image_are_kept_and_named(load):
    rows = [{"id": n, "image_id": 1, "category_id": n} for n in (1, 2)]
    (record,), kinds = load(["a.jpg"], [{"id": 1, "file_name": "a.jpg"}], rows)
    assert (record.classification, record.attributes) == ("nut", {"classes": '["nut","bolt"]'})
    assert kinds == ["several_classes"]


@pytest.mark.parametrize("with_map", [True, False])
def test_panoptic_segments(load, tmp_path, with_map):
    ids = {7: (slice(0, 10), slice(0, 20)), 70_000: (slice(10, 48), slice(0, 64))}
    pixels = np.zeros((48, 64, 3), np.uint8)
    for number, area in ids.items():
        pixels[area] = (number % 256, number // 256 % 256, number // 65536)
    if with_map:
        (tmp_path / "annotations" / "panoptic_val2017").mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "annotations" / "panoptic_val2017" / "a.png")
    boxes = {7: [0, 0, 20, 10], 70_000: [0, 10, 64, 38]}
    segments = [
        {"id": number, "category_id": at, "bbox": boxes[number], "iscrowd": 0, "area": 9}
        for at, number in enumerate(ids, 1)
    ]
    categories = [{**CATEGORIES[0], "isthing": 1}, {**CATEGORIES[1], "isthing": 0}]
    annotation = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    file = "annotations/panoptic_val2017.json"
    (record,), kinds = load(
        ["val2017/a.jpg"], [{"id": 1, "file_name": "a.jpg", **SIZE}], [annotation], categories, file
    )
    assert [(label.name, label.xyxy) for label in record.labels] == [("nut", (0, 0, 20, 10)), ("bolt", (0, 10, 64, 48))]
    assert [label.attributes for label in record.labels] == [{"isthing": True}, {"isthing": False}]
    assert [None if label.mask is None else int(label.mask.sum()) for label in record.labels] == (
        [200, 2432] if with_map else [None, None]
    )
    assert kinds == ([] if with_map else ["missing_map"])


def test_a_panoptic_map_of_the_name_of_its_image(load, tmp_path):
    (tmp_path / "panoptic").mkdir()
    Image.new("RGB", (64, 48), (7, 7, 7)).save(tmp_path / "panoptic" / "a.png")
    segment = {"id": 460551, "category_id": 1, "bbox": [0, 0, 64, 48]}
    annotation = {"image_id": 1, "file_name": "a.png", "segments_info": [segment]}
    (record,), kinds = load(["rgb/a.png"], [{"id": 1, "file_name": "a.png"}], [annotation], file="panoptic.json")
    assert record.origin == "rgb/a.png"
    assert record.labels[0].mask is not None
    assert record.labels[0].mask.sum() == 64 * 48
    assert kinds == []


@pytest.mark.parametrize(
    ("change", "categories"),
    [
        pytest.param({"category_id": "1"}, CATEGORIES, id="class as text"),
        pytest.param({"category_id": 1.0}, CATEGORIES, id="class as float"),
        pytest.param({"image_id": "1"}, CATEGORIES, id="image as text"),
        pytest.param({"image_id": 1.0}, CATEGORIES, id="image as float"),
        pytest.param({}, [{"id": "1", "name": "nut"}], id="declared as text"),
        pytest.param({}, {"1": "nut"}, id="names by id"),
        pytest.param({}, {"1": {"name": "nut"}}, id="objects by id"),
        pytest.param({}, [{"id": 0, "name": "parts", "supercategory": "none"}, *CATEGORIES], id="Roboflow's class 0"),
        pytest.param({"category_id": None, "category_name": "nut"}, CATEGORIES, id="class name"),
        pytest.param({"bbox": ["4", "5", "20", "10.0"]}, CATEGORIES, id="box of texts"),
        pytest.param({"bbox": "[4, 5, 20, 10]"}, CATEGORIES, id="box as text"),
        pytest.param({"bbox": None, "segmentation": [[4, 5, 24, 5, 24, 15]]}, CATEGORIES, id="outline alone"),
        pytest.param({"bbox": [], "segmentation": [4, 5, 24, 5, 24, 15]}, CATEGORIES, id="flat outline"),
        pytest.param(
            {"bbox": None, "iscrowd": 1, "segmentation": {"counts": [197, *[10, 38] * 19, 10, 1953], "size": [48, 64]}},
            CATEGORIES,
            id="crowd",
        ),
    ],
)
def test_ways_to_write_a_label(load, change, categories):
    (record,), kinds = load(["a.jpg"], [{"id": 1, "file_name": "a.jpg"}], [{**BOX, **change}], categories)
    assert [(label.name, label.xyxy) for label in record.labels] == [("nut", (4, 5, 24, 15))]
    assert kinds == []


def test_ids_that_differ_in_type_alone_stay_apart(load):
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": "1", "file_name": "b.jpg"}]
    records, kinds = load(["a.jpg", "b.jpg"], images, [BOX, {**BOLT, "id": 2, "image_id": "1"}])
    assert [[label.name for label in record.labels] for record in records] == [["nut"], ["bolt"]]
    assert kinds == []


def test_box_of_keypoints(load):
    points = {"id": 1, "image_id": 1, "category_id": 1, "keypoints": [4, 5, 2, 24, 15, 1, 0, 0, 0]}
    (record,), kinds = load(["a.jpg"], [{"id": 1, "file_name": "a.jpg"}], [points])
    assert (record.labels[0].xyxy, record.labels[0].attributes) == ((4, 5, 24, 15), {"box_from": "keypoints"})
    assert kinds == []


def test_attributes_of_cvat_and_extra_of_roboflow(load):
    row = {**BOX, "attributes": {"occluded": False, "rotation": 12.5}}
    (record,), _ = load(["a.jpg"], [{"id": 1, "file_name": "a.jpg", "extra": {"name": "x.jpg"}}], [row])
    assert record.labels[0].attributes == {"occluded": False, "rotation": 12.5}
    assert record.attributes == {"extra": '{"name":"x.jpg"}'}


def test_annotations_before_images_and_long_lists_of_categories(tmp_path, picture, reading):
    picture(tmp_path / "a.jpg")
    long = [{"id": n, "name": f"class {n}", "def": "x" * 100} for n in range(3, 2000)]
    content = {
        "categories": CATEGORIES + long, "annotations": [BOX], "images": [{"id": 1, "file_name": "a.jpg"}], "info": {}
    }  # fmt: skip
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert choose(Source(tmp_path))[0] == "coco"
    records, problems = reading("coco", tmp_path)
    assert [len(record.labels) for record in records] == [1]
    assert len(problems) == 0


def test_packed_json_is_read_and_broken_packing_is_one_clear_error(tmp_path, picture, reading):
    picture(tmp_path / "a.jpg")
    content = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [BOX], "categories": CATEGORIES}
    packed = gzip.compress(json.dumps(content).encode())
    (tmp_path / "labels.json.gz").write_bytes(packed)
    assert choose(Source(tmp_path))[0] == "coco"
    records, _ = reading("coco", tmp_path)
    assert len(records[0].labels) == 1
    (tmp_path / "labels.json.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match="gzip"):
        reading("coco", tmp_path / "labels.json.gz")


@pytest.mark.parametrize(
    "content",
    [
        {"categories": CATEGORIES, "info": {"contributor": "Label Studio"}},
        {"info": {}, "categories": CATEGORIES},
        {"categories": [{**CATEGORIES[0], "supercategory": "part"}]},
        {"categories": []},
    ],
)
def test_a_file_of_categories_alone_is_no_coco(tmp_path, picture, content):
    picture(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    (tmp_path / "notes.json").write_text(json.dumps(content))
    source = Source(tmp_path)
    name, match = choose(source)
    assert name == "yolo"
    expected = "nut" if content["categories"] else "1"  # the numbers of notes.json are those of the rows
    assert [label.name for record in match.read() for label in record.labels] == [expected]
