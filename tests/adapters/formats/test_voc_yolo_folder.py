"""VOC, YOLO and plain folders: dialects and every kind of problem."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from workbench.adapters.formats.registry import FORMATS, choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError

BOX = "<xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax>"
OBJECT = f"<object><name>{{name}}</name>{{more}}<bndbox>{BOX}</bndbox></object>"


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def voc(
    folder: Path, stem: str, *boxes, file_name=None, more="<difficult>1</difficult><pose>Left</pose>", size=(64, 48)
):
    (folder / "Annotations").mkdir(exist_ok=True)
    objects = "".join(OBJECT.format(name="cat", box=box, more=more) for box in boxes)
    sizes = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    name = f"<filename>{file_name or stem + '.jpg'}</filename>"
    (folder / "Annotations" / f"{stem}.xml").write_text(f"<annotation>{name}{sizes}{objects}</annotation>")


def test_voc_counts_from_one_and_includes_the_far_edge(tmp_path, reading, picture):
    picture(tmp_path / "JPEGImages" / "a.jpg")
    voc(tmp_path, "a", (1, 1, 64, 48), (5, 6, 5, 6))
    records, problems = reading("voc", tmp_path)
    assert [label.xyxy for label in records[0].labels] == [(0, 0, 64, 48), (4, 5, 5, 6)]
    assert records[0].labels[0].attributes == {"difficult": True, "pose": "Left"}
    assert kinds(problems) == {"zero_area_box": 1}


def test_voc_with_a_zero_anywhere_holds_edges_as_written(tmp_path, reading, picture):
    for stem in "ab":
        picture(tmp_path / "JPEGImages" / f"{stem}.jpg")
    voc(tmp_path, "a", (0, 5, 64, 48))
    voc(tmp_path, "b", (10, 10, 20, 20), (7, 7, 7, 9))
    records, problems = reading("voc", tmp_path)
    assert [label.xyxy for record in records for label in record.labels] == [(0, 5, 64, 48), (10, 10, 20, 20)]
    assert kinds(problems) == {"zero_area_box": 1}


def test_voc_problems_are_named_and_the_rest_loads(tmp_path, reading, picture):
    for stem in ("good", "lonely", "bad", "bomb"):
        picture(tmp_path / "JPEGImages" / f"{stem}.jpg")
    voc(tmp_path, "good", (2, 2, 9, 9), (9, 9, 2, 2), ("x", 1, 2, 3), ("nan", 1, 2, 3), (60, 40, 90, 90), size=(1, 1))
    voc(tmp_path, "absent", (1, 1, 9, 9))
    voc(tmp_path, "away", (1, 1, 9, 9), file_name="../../away.jpg")
    (tmp_path / "Annotations" / "bad.xml").write_text("<annotation><object>")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><annotation><filename>&a;</filename></annotation>'
    (tmp_path / "Annotations" / "bomb.xml").write_text(bomb)
    records, problems = reading("voc", tmp_path)
    assert {record.origin.split("/")[-1]: len(record.labels) for record in records} == {
        "good.jpg": 2, "lonely.jpg": 0, "bad.jpg": 0, "bomb.jpg": 0,
    }  # fmt: skip
    assert kinds(problems) == {
        "inverted_box": 1, "broken_annotation": 3, "nan_box": 1, "box_outside_image": 1, "size_mismatch": 1,
        "missing_image": 1, "path_outside_folder": 1, "missing_annotation_file": 3,
    }  # fmt: skip
    assert problems.records_lost == 2


def test_voc_splits_come_from_image_sets(tmp_path, reading, picture):
    for stem in "abc":
        picture(tmp_path / "JPEGImages" / f"{stem}.jpg")
        voc(tmp_path, stem, (1, 1, 9, 9))
    sets = tmp_path / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    for name, stems in {"train": "ab", "val": "b", "trainval": "abc", "test": "cd"}.items():
        (sets / f"{name}.txt").write_text("\n".join(stems))
    records, problems = reading("voc", tmp_path)
    assert [record.split for record in records] == ["train", "val", "test"]
    assert kinds(problems) == {"split_conflict": 1, "missing_image": 1}


def yolo(folder: Path, picture, stem: str, text: str | None, *, split="train"):
    picture(folder / "images" / split / f"{stem}.jpg")
    (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    if text is not None:
        (folder / "labels" / split / f"{stem}.txt").write_text(text)


@pytest.mark.parametrize(
    "yaml",
    [
        "path: .\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n",
        "train: images/train/\nval: [images/val]\nnames: {0: cat, 1: dog}\nnc: 2\n",
        "path: /home/me/datasets/pets\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n",
        "train: ./images/train\nvalid: val.txt\nnames: ['cat', 'dog']\n",
        "train: train.txt\nval: val.txt\nnames: ['cat', 'dog']\n",
        "path: ../datasets/pets\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n",
        None,
    ],
)
def test_yolo_dialects_give_the_same(tmp_path, reading, picture, yaml):
    yolo(tmp_path, picture, "a", "0 0.5 0.5 0.25 0.5\n")
    yolo(tmp_path, picture, "b", "1 0.1 0.1 0.5 0.1 0.5 0.6\n", split="val")
    yolo(tmp_path, picture, "background", None, split="val")
    (tmp_path / "train.txt").write_text("./images/train/a.jpg\n")
    (tmp_path / "val.txt").write_text("images/val/b.jpg\n/mnt/pets/images/val/background.jpg\n")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    if yaml:
        (tmp_path / "data.yaml").write_text(yaml)
    assert choose(Source(tmp_path))[0] == "yolo"
    records, problems = reading("yolo", tmp_path)
    assert [record.split for record in records] == ["train", "val", "val"]
    labels = [label for record in records for label in record.labels]
    assert [label.name for label in labels] == ["cat", "dog"]
    assert labels[0].xyxy == (24, 12, 40, 36)
    assert labels[1].xyxy == pytest.approx((6.4, 4.8, 32, 28.8))
    assert len(labels[1].polygons[0]) == 3
    assert set(kinds(problems)) <= {"path_outside_folder", "unread_file"}  # lists that the yaml does not name


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("0 0.5 0.5 0.25", "broken_annotation"),
        ("0 0.5 0.5 0.25 0.5 0.9", "broken_annotation"),
        ("0 a b c d", "broken_annotation"),
        ("7 0.5 0.5 0.25 0.5", "unknown_category"),
        ("-1 0.5 0.5 0.25 0.5", "unknown_category"),
        ("cat 0.5 0.5 0.25 0.5", "unknown_category"),
        ("0 nan 0.5 0.25 0.5", "nan_box"),
        ("0 0.5 0.5 0 0.5", "zero_area_box"),
        ("0 0.5 0.5 -0.2 0.5", "inverted_box"),
        ("0 320 240 50 60", "box_outside_image"),
        ("0 0.1 0.1 0.1 0.1 0.1 0.1", "zero_area_box"),
    ],
)
def test_yolo_bad_row_is_named_and_the_rest_loads(tmp_path, reading, picture, row, kind):
    yolo(tmp_path, picture, "a", f"0 0.5 0.5 0.5 0.5\n{row}\n1.0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "data.yaml").write_text("train: images/train\nnames: [cat, dog]\n")
    records, problems = reading("yolo", tmp_path)
    assert [label.name for label in records[0].labels] == ["cat", "dog"]
    assert [(p.kind, p.where) for p in problems] == [(kind, "labels/train/a.txt, line 2")]


def test_yolo_label_without_picture_and_split_twice(tmp_path, reading, picture):
    yolo(tmp_path, picture, "a", "0 0.5 0.5 0.5 0.5")
    (tmp_path / "labels" / "train" / "gone.txt").write_text("0 0.5 0.5 0.5 0.5")
    (tmp_path / "data.yaml").write_text("train: images/train\ntest: images/train\nnames: [cat]\n")
    records, problems = reading("yolo", tmp_path)
    assert [record.split for record in records] == ["test"]
    assert kinds(problems) == {"missing_image": 1, "split_conflict": 1}
    assert problems.records_lost == 1


def test_yolo_pose_keeps_the_box(tmp_path, reading, picture):
    yolo(tmp_path, picture, "a", "0 0.5 0.5 0.5 0.5 0.1 0.1 2")
    (tmp_path / "data.yaml").write_text("train: images/train\nnames: [cat]\nkpt_shape: [1, 3]\n")
    records, problems = reading("yolo", tmp_path)
    assert records[0].labels[0].xyxy == (16, 12, 48, 36)
    assert records[0].labels[0].keypoints.tolist() == [[pytest.approx(6.4), pytest.approx(4.8), 2]]
    assert len(problems) == 0


@pytest.mark.parametrize(
    ("shape", "row", "points", "kind"),
    [
        ("[2, 2]", "0.5 0.5 0 0", [[32, 24, 2], [0, 0, 0]], None),
        ("[2, 3]", "0.5 0.5 1 0 0 0", [[32, 24, 1], [0, 0, 0]], None),
        ("[1, 3]", "0.5 0.5 9", None, "broken_annotation"),
        ("[1, 3]", "nan 0.5 1", None, "broken_annotation"),
        ("[3, 3]", "0.5 0.5 1", None, "broken_annotation"),
        ("[-1, 3]", "0.5 0.5 1", None, "broken_annotation"),
    ],
)
def test_yolo_pose_dialects(tmp_path, reading, picture, shape, row, points, kind):
    yolo(tmp_path, picture, "a", f"0 0.5 0.5 0.5 0.5 {row}")
    text = f"train: images/train\nnames: [cat]\nkpt_shape: {shape}\nkpt_names: {{0: [nose, tail]}}\n"
    (tmp_path / "data.yaml").write_text(text)
    (record,), problems = reading("yolo", tmp_path)
    assert kinds(problems) == ({kind: 1} if kind else {})
    if points:
        assert record.labels[0].keypoints.tolist() == points
        assert record.labels[0].keypoint_names == ("nose", "tail")


def test_yolo_oriented_boxes_are_outlines_with_their_box(tmp_path, reading, picture):
    yolo(tmp_path, picture, "a", "0 0.5 0.25 0.75 0.5 0.5 0.75 0.25 0.5")
    (record,), problems = reading("yolo", tmp_path)
    (label,) = record.labels
    assert label.polygons[0].tolist() == [[32, 12], [48, 24], [32, 36], [16, 24]]
    assert label.xyxy == (16, 12, 48, 36)
    assert len(problems) == 0


@pytest.mark.parametrize("text", ["names: [a\ntrain: x", "names: 3\ntrain: images", "names: [a]\ntrain: x: y"])
def test_yolo_broken_yaml_is_one_clear_error(tmp_path, reading, text):
    file = tmp_path / "data.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=r"data\.yaml"):
        list(reading("yolo", file))


def test_class_folders(tmp_path, reading, picture):
    for name in ("train/cat/1.jpg", "train/dog/1.jpg", "test/cat/2.jpg"):
        picture(tmp_path / name)
    records, problems = reading("folder", tmp_path)
    assert [(r.split, r.classification) for r in records] == [("test", "cat"), ("train", "cat"), ("train", "dog")]
    assert len(problems) == 0


CSV = "file_name,lighting,gain,ok,scene_id,split,code\na.jpg,dim,2,true,s1,val,007\nsub/b.jpg,,3.5,false,,,008\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", CSV),
        ("facts.csv", CSV.replace(",", ";")),
        ("facts.tsv", CSV.replace(",", "\t")),
        ("metadata.csv", "\ufeff" + CSV),
        ("any.csv", CSV.replace("file_name", "whatever")),
    ],
)
def test_table_columns_become_attributes(tmp_path, reading, picture, name, text):
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "sub" / "b.jpg")
    (tmp_path / name).write_text(text, encoding="utf-8")
    records, problems = reading("folder", tmp_path)
    assert records[0].attributes == {"lighting": "dim", "gain": 2.0, "ok": True, "code": "007"}
    assert (records[0].scene_id, records[0].split) == ("s1", "val")
    assert records[1].attributes == {"gain": 3.5, "ok": False, "code": "008"}
    assert len(problems) == 0


def test_parquet_table(tmp_path, reading, picture):
    import pyarrow as pa
    import pyarrow.parquet as pq

    picture(tmp_path / "a.jpg")
    pq.write_table(pa.table({"image": ["a.jpg"], "gain": [1.5], "lux": [None], "n": [3]}), tmp_path / "facts.parquet")
    for path in (tmp_path, tmp_path / "facts.parquet"):
        records, _ = reading("folder", path)
        assert records[0].attributes == {"gain": 1.5, "n": 3}


def test_table_problems_are_named(tmp_path, reading, picture):
    for stem in "abc":
        picture(tmp_path / f"{stem}.jpg")
    rows = ["file_name,gain", "a.jpg,1", "a.jpg,2", "b.jpg", "gone.jpg,3", "a.jpg,1"]
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    records, problems = reading("folder", tmp_path)
    assert [record.attributes for record in records] == [{"gain": 1}, {}, {}]
    assert kinds(problems) == {
        "duplicate_id": 1, "broken_annotation": 1, "missing_image": 1, "missing_annotation_file": 1,
    }  # fmt: skip


def test_table_without_file_names_is_a_clear_error(tmp_path, reading, picture):
    picture(tmp_path / "a.jpg")
    (tmp_path / "facts.csv").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match=r"facts\.csv: No column of the table names images"):
        reading("folder", tmp_path / "facts.csv")


def test_two_equal_formats_ask_for_a_choice(tmp_path, picture):
    yolo(tmp_path, picture, "a", "0 0.5 0.5 0.5 0.5")
    (tmp_path / "data.yaml").write_text("train: images/train\nnames: [cat]\n")
    voc(tmp_path, "a", (1, 1, 9, 9))
    with pytest.raises(InputError, match="--format voc or yolo"):
        choose(Source(tmp_path))
    assert choose(Source(tmp_path), name="yolo")[0] == "yolo"


def test_unknown_format_names_the_valid_ones(tmp_path):
    with pytest.raises(InputError, match=rf"Did you mean 'coco'\? Valid: {', '.join(sorted(FORMATS))}"):
        choose(Source(tmp_path), name="cocoo")


def test_empty_folder(tmp_path):
    with pytest.raises(InputError, match="The folder is empty"):
        choose(Source(tmp_path))
