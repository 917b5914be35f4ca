"""COCO: labels, run-length masks, further keys, several files, and every kind of problem."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError


def annotation(**changes):
    return {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 20], **changes}


@pytest.mark.parametrize(
    ("changes", "kind", "kept"),
    [
        pytest.param({"bbox": [2, 3, 0, 20]}, "zero_area_box", 0, id="zero width"),
        pytest.param({"bbox": [12, 3, -5, 20]}, "inverted_box", 0, id="negative width"),
        pytest.param({"bbox": [60, 3, 10, 20]}, "box_outside_image", 1, id="partly outside"),
        pytest.param({"bbox": [90, 3, 10, 20]}, "box_outside_image", 0, id="wholly outside"),
        pytest.param({"bbox": [math.nan, 3, 10, 20]}, "nan_box", 0, id="NaN"),
        pytest.param({"bbox": [2, 3, math.inf, 20]}, "nan_box", 0, id="infinite"),
        pytest.param({"bbox": [2, 3, 10]}, "broken_annotation", 0, id="three numbers"),
        pytest.param({"bbox": ["2", "x", 10, 20]}, "broken_annotation", 0, id="text"),
        pytest.param({"bbox": [10**400, 3, 10, 20]}, "broken_annotation", 0, id="beyond floats"),
        pytest.param({"bbox": None}, "missing_box", 0, id="nothing"),
        pytest.param({"bbox": "?", "segmentation": [[1, 2, 9, 2, 9, 30]]}, "broken_annotation", 1, id="outline only"),
        pytest.param({"category_id": 7}, "unknown_category", 0, id="undeclared category"),
        pytest.param({"category_id": [1]}, "unknown_category", 0, id="category is a list"),
        pytest.param({"image_id": 7}, "broken_annotation", 0, id="unlisted image"),
        pytest.param({"segmentation": [[1, 2, 3, 4]]}, "two_point_polygon", 1, id="two points"),
        pytest.param({"segmentation": [[1, 2, 3, 4, 5]]}, "broken_annotation", 1, id="odd coordinates"),
        pytest.param({"segmentation": [[1, 2, math.nan, 4, 5, 6]]}, "nan_box", 1, id="NaN point"),
        pytest.param(
            {"segmentation": {"counts": "!!", "size": [48, 64]}}, "broken_annotation", 1, id="broken run length"
        ),
        pytest.param({"segmentation": {"counts": [5], "size": [48, 64]}}, "broken_annotation", 1, id="too few counts"),
        pytest.param(
            {"segmentation": {"counts": [5], "size": [10**9, 10**9]}}, "broken_annotation", 1, id="memory bomb"
        ),
        pytest.param({"keypoints": [1, 2, 2, 5]}, "broken_annotation", 1, id="keypoints in fours"),
        pytest.param({"keypoints": [1, 2, 7]}, "broken_annotation", 1, id="visibility 7"),
        pytest.param({"T_cam_obj": [1, 2]}, "broken_annotation", 1, id="broken pose"),
        pytest.param({"instance_id": 2**70}, "broken_annotation", 1, id="instance_id too large"),
        pytest.param({"instance_id": "3"}, "broken_annotation", 1, id="instance_id is a text"),
        pytest.param({"category_id": None, "caption": "a cat"}, "unsupported_annotation", 0, id="caption"),
    ],
)
def test_bad_annotation_is_named_and_the_record_loads(coco, reading, changes, kind, kept):
    records, problems = reading("coco", coco(annotation(**changes), annotation(id=2, image_id=2)))
    assert [p.kind for p in problems] == [kind]
    assert "annotation 0" in next(iter(problems)).where
    assert [len(record.labels) for record in records] == [kept, 1]
    assert problems.records_lost == 0


def test_box_partly_outside_is_clipped(coco, reading):
    records, _ = reading("coco", coco(annotation(bbox=[60, -5, 10, 20])))
    assert records[0].labels[0].xyxy == (60, 0, 64, 15)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ({"id": 3, "file_name": "absent.jpg"}, "missing_image"),
        ({"id": 3, "file_name": "../../secret.jpg"}, "path_outside_folder"),
        ({"id": 3, "file_name": "/etc/secret.jpg"}, "path_outside_folder"),
        ({"id": 1, "file_name": "b.jpg"}, "duplicate_id"),
        ({"file_name": "b.jpg"}, "broken_annotation"),
        ({"id": 3}, "broken_annotation"),
        ("b.jpg", "broken_annotation"),
    ],
)
def test_bad_image_loses_one_record_and_is_named(coco, reading, image, kind):
    images = [{"id": 1, "file_name": "a.jpg"}, image, {"id": 2, "file_name": "b.jpg"}]
    records, problems = reading("coco", coco(annotation(), images=images))
    assert [p.kind for p in problems] == [kind]
    assert len(records) == 2
    assert len(records) + problems.records_lost == len(images)


def test_path_that_leads_out_is_found_inside_when_it_is_there(coco, reading):
    images = [{"id": 1, "file_name": "/home/somebody/data/images/a.jpg"}]
    records, problems = reading("coco", coco(images=images))
    assert [record.origin for record in records] == ["images/a.jpg"]
    assert "path_outside_folder" in [p.kind for p in problems]


def test_link_that_leads_out_is_not_followed(coco, reading, picture, tmp_path_factory):
    outside = picture(tmp_path_factory.mktemp("outside") / "secret.jpg")
    folder = coco(images=[{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "secret.jpg"}])
    (folder / "images" / "secret.jpg").symlink_to(outside)
    records, problems = reading("coco", folder)
    assert [record.origin for record in records] == ["images/a.jpg"]
    assert {p.kind for p in problems} == {"path_outside_folder", "missing_image", "unlisted_image"}


def test_equal_names_of_two_cameras_are_not_mixed_up(tmp_path, reading, picture):
    picture(tmp_path / "left" / "1.jpg")
    content = {"images": [{"id": 1, "file_name": "right/1.jpg"}], "annotations": [], "categories": []}
    (tmp_path / "a.json").write_text(json.dumps(content))
    records, problems = reading("coco", tmp_path)
    assert records == []
    assert "missing_image" in [p.kind for p in problems]


def test_further_keys_become_attributes(coco, reading):
    image = {
        "id": 1, "file_name": "a.jpg", "lighting": "dim", "surface": "metal", "gain_db": 3.5, "note": "", "lens": None,
        "scene_id": "s7", "split": "valid", "tags": ["night"], "classification": "bin", "list": [1, 2],
        "generation": {"seed": 7, "params": {"exposure.ev": -1.5}},
    }  # fmt: skip
    records, problems = reading("coco", coco(annotation(occlusion=0.4, iscrowd=1), images=[image]))
    record = records[0]
    assert record.attributes == {"lighting": "dim", "surface": "metal", "gain_db": 3.5, "list": "[1,2]"}
    assert (record.scene_id, record.split, record.tags, record.classification) == ("s7", "val", ("night",), "bin")
    assert record.generation == {"seed": 7, "params": {"exposure.ev": -1.5}}
    assert record.labels[0].attributes == {"occlusion": 0.4, "iscrowd": True}
    assert [p.kind for p in problems] == ["unlisted_image"]


def test_box_comes_from_the_outline_when_there_is_none(coco, reading):
    records, _ = reading("coco", coco(annotation(bbox=None, segmentation=[[1, 2, 9, 2, 9, 30]])))
    assert records[0].labels[0].xyxy == (1, 2, 9, 30)


def test_run_length_mask_gives_mask_and_box(coco, reading):
    mask = np.zeros((48, 64), bool)
    mask[5:9, 10:30] = True
    segmentation = {"counts": rle.encode(mask), "size": [48, 64]}
    records, problems = reading("coco", coco(annotation(bbox=None, segmentation=segmentation)))
    label = records[0].labels[0]
    assert label.xyxy == (10, 5, 30, 9)
    assert label.mask is not None
    assert label.mask.shape == (4, 20)
    assert label.mask.all()
    assert len(problems) == 0


@pytest.mark.parametrize(
    ("text", "shape", "area"),
    [
        # made with pycocotools 2.0 from masks of one block and some single pixels
        ("0141N0003", (4, 5), 7),
        ("01V15PO00000009", (12, 9), 31),
        ("09", (3, 3), 9),
    ],
)
def test_compressed_run_length_is_read_as_pycocotools_writes_it(text, shape, area):
    mask = rle.decode(rle.unpack(text), *shape)
    assert mask.shape == shape
    assert mask.sum() == area
    assert mask[0, 0]


def test_compressed_block_lies_where_it_was_drawn():
    expected = np.zeros((12, 9), bool)
    expected[3:9, 3:8] = True
    expected[0, 0] = True
    assert (rle.decode(rle.unpack("01V15PO00000009"), 12, 9) == expected).all()


def test_several_files_speak_of_the_same_pictures(coco, reading):
    folder = coco(annotation(), annotation(id=2, image_id=2))
    content = json.loads((folder / "labels.json").read_text())
    content["categories"] = [{"id": 9, "name": "dog"}, {"id": 1, "name": "cat"}]
    content["annotations"] = [annotation(category_id=9), annotation(id=2)]
    content["images"][0]["lighting"] = "dim"
    (folder / "more_train.json").write_text(json.dumps(content))
    records, problems = reading("coco", folder)
    assert [[label.name for label in record.labels] for record in records] == [["cat", "dog"], ["cat"]]
    assert [record.split for record in records] == ["train", "train"]
    assert records[0].attributes["lighting"] == "dim"
    assert [(p.kind, p.where) for p in problems] == [("annotation_conflict", "more_train.json, annotation 0")]


def test_splits_come_from_file_and_folder_names(tmp_path, reading, picture):
    for split in ("train", "valid"):
        picture(tmp_path / split / "1.jpg")
        content = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [], "categories": []}
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(content))
    records, problems = reading("coco", tmp_path)
    assert [(record.origin, record.split) for record in records] == [("train/1.jpg", "train"), ("valid/1.jpg", "val")]
    assert len(problems) == 0


def test_json_apart_from_the_pictures(tmp_path, reading, picture):
    picture(tmp_path / "val2017" / "1.jpg")
    picture(tmp_path / "train2017" / "1.jpg")
    (tmp_path / "annotations").mkdir()
    content = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [], "categories": []}
    file = tmp_path / "annotations" / "instances_val2017.json"
    file.write_text(json.dumps(content))
    for path in (tmp_path, file):
        records, _ = reading("coco", path)
        assert [(record.origin, record.split) for record in records] == [("val2017/1.jpg", "val")]


def test_size_that_differs_is_named(coco, reading):
    images = [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 64}, {"id": 2, "file_name": "b.jpg"}]
    records, problems = reading("coco", coco(images=images))
    assert [p.kind for p in problems] == ["size_mismatch"]
    assert (records[0].width, records[0].height) == (64, 48)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"images": [\n{"id": 1,, }]}', "line 2, column 10"),
        ('{"images": [{"id": 1', "line 1, column 21"),
        ('{"annotations": [], "images": 3}', "no list 'images'"),
        ("[" * 100_000, "Expecting '{' at line 1, column 1"),
        ('{"images": ' + "[" * 100_000, "nested too deeply at line 1, column 13"),
        ('{"images": [{"a": ' + "9" * 5_000 + "}]}", "digits"),
        ('{"images": []} x', "Extra data at line 1, column 16"),
        ('{"images": []', "Expecting ',' delimiter"),
        ('{"images": [] "a": 1}', "Expecting ',' delimiter"),
        ("", "Expecting '{'"),
    ],
)
def test_broken_json_is_one_clear_error(tmp_path, reading, text, found):
    file = tmp_path / "labels.json"
    file.write_text(text)
    with pytest.raises(InputError, match=found):
        reading("coco", file)


def test_broken_coco_beside_pictures_is_not_taken_for_a_plain_folder(coco):
    folder = coco(annotation())
    file = folder / "labels.json"
    file.write_text(file.read_text()[:40])
    assert choose(Source(folder))[0] == "coco"


@pytest.mark.parametrize(("mode", "bbox"), [(1, [1, 2, 3, 4]), (0, [1, 2, 4, 6])])
def test_replicators_coco_writer_with_its_misspellings(coco, reading, mode, bbox):
    annotation = {"id": 0, "image_id": 1, "category_id": 1, "bbox": bbox, "bbox_mode": mode, "segmentation": []}
    image = {"id": 1, "file_name": "a.jpg", "flicker_url": "", "coco_url": "", "date_captured": ""}
    folder = coco({**annotation, "area": 12, "iscrowd": 0}, images=[image])
    records, problems = reading("coco", folder)
    assert records[0].labels[0].xyxy == (1, 2, 4, 6)
    assert records[0].labels[0].attributes == {}
    assert [problem.kind for problem in problems] == ["unlisted_image"]


@pytest.mark.parametrize("bomb", [b"[" * 200_000, b'{"a":' * 200_000])
def test_deep_nesting_is_one_clear_error(tmp_path, picture, reading, bomb):
    picture(tmp_path / "a.jpg")
    (tmp_path / "labels.json").write_bytes(b'{"images": [{"file_name": ' + bomb)
    with pytest.raises(InputError, match=r"labels\.json: The file is not valid JSON"):
        reading("coco", tmp_path)
