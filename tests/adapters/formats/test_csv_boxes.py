"""CSV of boxes: dialects as their tools write them, and every row that cannot be used."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sizes import ANY_VALUE_CASES
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError

W, H = 64, 48
ROBOFLOW = """filename,width,height,class,xmin,ymin,xmax,ymax
a.jpg,64,48,cat,2,3,12,23
a.jpg,64,48,dog,20,10,64,48
b.jpg,64,48,cat,0,0,5,5
"""
SAME = {"a.jpg": [("cat", (2, 3, 12, 23)), ("dog", (20, 10, 64, 48))], "b.jpg": [("cat", (0, 0, 5, 5))]}
DIALECTS = {  # the same boxes
    "Roboflow's TensorFlow CSV": ROBOFLOW.encode(),
    "TF object detection": ROBOFLOW.replace("\n", "\r\n").encode(),
    "other order": b"image,xmin,ymin,xmax,ymax,label\na.jpg,2,3,12,23,cat\na.jpg,20,10,64,48,dog\nb.jpg,0,0,5,5,cat\n",
    "corners by number": b"x_2,y_2,X1,Y1,Category Name,Image-Path\n12,23,2,3,cat,a.jpg\n64,48,20,10,dog,a.jpg\n"
    b"5,5,0,0,cat,b.jpg\n",
    "edges in words": b"file_name,category,left,top,right,bottom\na.jpg,cat,2,3,12,23\na.jpg,dog,20,10,64,48\n"
    b"b.jpg,cat,0,0,5,5\n",
    "width and height of the box": b"image,name,x,y,width,height\na.jpg,cat,2,3,10,20\na.jpg,dog,20,10,44,38\n"
    b"b.jpg,cat,0,0,5,5\n",
    "width and height of both": b"image_name,label,bbox_x,bbox_y,bbox_width,bbox_height,width,height\n"
    b"a.jpg,cat,2,3,10,20,64,48\na.jpg,dog,20,10,44,38,64,48\nb.jpg,cat,0,0,5,5,64,48\n",
    "keras-retinanet": b"a.jpg,2,3,12,23,cat\na.jpg,20,10,64,48,dog\nb.jpg,0,0,5,5,cat\n",
    "SKU-110K": b"a.jpg,2,3,12,23,cat,64,48\na.jpg,20,10,64,48,dog,64,48\nb.jpg,0,0,5,5,cat,64,48\n",
    "Open Images": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,.03125,.1875,.0625,.4791666666666667\n"
    b"a,dog,.3125,1,.20833333333333334,1\nb,cat,0,.078125,0,.10416666666666667\n",
    "byte order mark": b"\xef\xbb\xbf" + ROBOFLOW.encode(),
    "UTF-16": ROBOFLOW.encode("utf-16"),
    "UTF-16 without a mark": ROBOFLOW.encode("utf-16-le"),
    "semicolons and decimal commas": ROBOFLOW.replace(",", ";").replace("12;23", "12,0;23").encode(),
    "tabs": ROBOFLOW.replace(",", "\t").encode(),
    "quotes, spaces and empty lines": b'"filename" , "class","xmin","ymin","xmax","ymax"\n\n"a.jpg", cat ,2, 3,12,23\n'
    b'"a.jpg","dog","20","10","64","48"\n\nb.jpg,cat,0,0,5,5\n\n',
    "absolute paths": b"/content/set/a.jpg,2,3,12,23,cat\nC:\\set\\a.jpg,20,10,64,48,dog\n../b.jpg,0,0,5,5,cat\n",
}


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def loaded(records):
    return {
        r.origin: [(label.name, tuple(round(edge, 9) for edge in label.xyxy)) for label in r.labels] for r in records
    }


@pytest.fixture
def folder(tmp_path, picture):
    for stem in "ab":
        picture(tmp_path / f"{stem}.jpg")
    return tmp_path


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_give_the_same(folder, reading, dialect):
    (folder / "_annotations.csv").write_bytes(DIALECTS[dialect])
    assert choose(Source(folder))[0] == "csv"
    records, problems = reading("csv", folder)
    assert loaded(records) == SAME
    assert set(kinds(problems)) == ({"path_outside_folder"} if dialect == "absolute paths" else set())
    assert choose(Source(folder / "_annotations.csv"))[0] == "csv"
    assert loaded(reading("csv", folder / "_annotations.csv")[0]) == SAME


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        ("x.jpg,64,48,cat,2,3,12,23", "missing_image", "There is no image 'x.jpg'; sample with 1 row left out."),
        ("a.jpg,64,48,cat,2,3,2,23", "zero_area_box", "The box is empty (xyxy 2, 3, 2, 23); label left out."),
        (
            "a.jpg,64,48,cat,60,3,70,23",
            "box_outside_image",
            "The box reaches beyond the image of 64 x 48 (xyxy 60, 3, 70, 23); clipped to 60, 3, 64, 23.",
        ),
        (
            "a.jpg,64,48,cat,70,3,80,23",
            "box_outside_image",
            "The box lies outside the image of 64 x 48 (xyxy 70, 3, 80, 23); label left out.",
        ),
        (
            "a.jpg,64,48,cat,12,3,2,23",
            "inverted_box",
            "The box has its right or bottom edge before its left or top edge (xyxy 12, 3, 2, 23); label left out.",
        ),
        (
            "a.jpg,64,48,cat,2,3,1O,23",
            "broken_annotation",
            "The box has an edge that is not a number ('1O'); label left out.",
        ),
        ("a.jpg,64,48,cat,,,,", "broken_annotation", "The box has an edge that is not a number (''); label left out."),
        (
            "a.jpg,64,48,cat,nan,3,5,9",
            "nan_box",
            "The box has an edge that is not a finite number (xyxy nan, 3, 5, 9); label left out.",
        ),
        ("a.jpg,64,48,,2,3,12,23", "broken_annotation", "The box has no class; label left out."),
        (
            ",64,48,cat,2,3,12,23",
            "broken_annotation",
            "The row names no image; row left out.",
        ),
        ("a.jpg,64,48,cat", "broken_annotation", "The row has 4 cells instead of 8; row left out."),
        (
            "a.jpg,640,480,cat,2,3,12,23",
            "size_mismatch",
            "The row says 640 x 480, the upright image is 64 x 48; boxes are loaded as pixels of the image.",
        ),
        (
            "/etc/x.jpg,64,48,cat,2,3,12,23",
            "path_outside_folder",
            "The path '/etc/x.jpg' leads out of the folder, which has no image of this name; sample with 1 row left "
            "out.",
        ),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_named(folder, reading, row, kind, message):
    """The row comes first; the next one is sound and loads."""
    (folder / "labels.csv").write_text(f"{ROBOFLOW.splitlines()[0]}\n{row}\nb.jpg,64,48,cat,0,0,5,5\n")
    records, problems = reading("csv", folder)
    found = [(problem.where, problem.message) for problem in problems if problem.kind == kind]
    assert found == [("labels.csv, row 2", message)]
    assert loaded(records)["b.jpg"] == [("cat", (0, 0, 5, 5))]
    assert problems.records_lost == ("x.jpg" in row)
    assert {record.origin for record in records} == {"a.jpg", "b.jpg"}


def test_pictures_without_rows_boxes_or_a_known_name(tmp_path, reading, picture):
    for name in ("a.jpg", "background.jpg", "empty.jpg", "p/x.jpg", "q/x.jpg", "elsewhere/lonely.jpg"):
        picture(tmp_path / name)
    (tmp_path / "annotations.csv").write_text("a.jpg,2,3,12,23,cat\nempty.jpg,,,,,\nr/x.jpg,1,2,3,4,cat\n")
    (tmp_path / "classes.csv").write_text("cat,0\n")
    records, problems = reading("csv", tmp_path)
    assert loaded(records) == {"a.jpg": [("cat", (2, 3, 12, 23))], "empty.jpg": [], "background.jpg": []}
    assert {problem.kind: (problem.where, problem.message) for problem in problems} == {
        "ambiguous_image": (
            "annotations.csv, row 3",
            "Several images match 'r/x.jpg' (p/x.jpg, q/x.jpg); sample with 1 row left out.",
        ),
        "missing_annotation_file": (
            "background.jpg", "No row of a CSV for 1 image (background.jpg); loaded without labels."
        ),
        "unlisted_image": (
            "elsewhere/lonely.jpg",
            "3 images not listed in any CSV (elsewhere/lonely.jpg, p/x.jpg, q/x.jpg); not loaded.",
        ),
        "unread_file": (
            "classes.csv", "1 .csv file in the folder itself may hold labels, splits or maps; not read."
        ),
    }  # fmt: skip


def test_splits_confidence_repeated_labels_and_columns_that_are_not_read(tmp_path, reading, picture):
    for name in ("train/a.jpg", "valid/a.jpg", "images/c.jpg"):
        picture(tmp_path / name)
    head = "filename,class,xmin,ymin,xmax,ymax,score,depth_m,pose\n"
    (tmp_path / "train" / "_annotations.csv").write_text(f"{head}a.jpg,cat,2,3,12,23,.5,1.5,left\n")
    (tmp_path / "valid" / "_annotations.csv").write_text(f"{head}a.jpg,dog,2,3,12,23,,,\na.jpg,dog,2,3,12,23,7,,\n")
    (tmp_path / "test_labels.csv").write_text("image,label,x1,y1,x2,y2\nc.jpg,cup,1,2,9,9\n")
    (tmp_path / "train_labels.csv").write_text("image,label,x1,y1,x2,y2\nc.jpg,cup,1,2,9,9\nc.jpg,pen,1,2,9,9\n")
    records, problems = reading("csv", tmp_path)
    assert {record.origin: record.split for record in records} == {
        "train/a.jpg": "train", "valid/a.jpg": "val", "images/c.jpg": "test"
    }  # fmt: skip
    confidences = {record.origin: [label.confidence for label in record.labels] for record in records}
    assert confidences == {"train/a.jpg": [0.5], "valid/a.jpg": [None, None], "images/c.jpg": [None, None]}
    messages = {problem.message for problem in problems}
    assert messages == {
        "Columns that are not read (depth_m, pose); left out.",
        "The confidence is not a number from 0 to 1 ('7'); label kept without it.",
        "1 label with the class and box of another label (valid/a.jpg, label 1); all are loaded.",
        "The same label 'cup' is also in test_labels.csv; kept once.",
        "1 image in several splits (images/c.jpg); kept in the more protected one (test, then val).",
    }


@pytest.mark.parametrize(
    "text",
    [
        "file_name,gain,note\na.jpg,1.5,dim\n",
        "file_name,class\na.jpg,cat\n",
        "filename,width,height,class\na.jpg,64,48,cat\n",
        "filename,xmin,ymin,xmax,ymax\na.jpg,1,2,3,4\n",
        "class,xmin,ymin,xmax,ymax\ncat,1,2,3,4\n",
        "a.jpg,1,2,3,4\n",
        "a.jpg,1,2,x,4,cat\n",
        "",
        "\n\n",
    ],
)
def test_a_table_without_boxes_is_left_to_others(folder, text):
    (folder / "metadata_of_all.csv").write_text(text)
    assert choose(Source(folder))[0] == "folder"
    with pytest.raises(InputError, match="No CSV has columns of an image, a class and a box"):
        choose(Source(folder), name="csv")[1].read()


def test_beside_another_format_it_is_a_copy(folder, reading):
    """Tools write CSVs beside the labels that they have in YOLO's or COCO's way; those are loaded, as without it."""
    (folder / "labels.csv").write_text(ROBOFLOW)
    for stem in "ab":
        (folder / f"{stem}.txt").write_text("0 .5 .5 .2 .2\n")
    (folder / "classes.txt").write_text("cat\n")
    assert choose(Source(folder))[0] == "yolo"


numbers = st.floats(0, 1).map(lambda share: round(share, 3))
boxes = st.tuples(st.sampled_from("ab"), st.text("xyz,;\t\"' é", min_size=1).map(str.strip).filter(bool),
                  numbers, numbers)  # fmt: skip


@settings(max_examples=ANY_VALUE_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(boxes, min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    columns=st.permutations(["filename", "class", "xmin", "ymin", "xmax", "ymax"]),
)
def test_what_the_csv_module_writes_is_read_back(folder: Path, reading, rows, delimiter, encoding, columns):
    wanted: dict[str, list[object]] = {"a.jpg": [], "b.jpg": []}
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, delimiter=delimiter)
    writer.writeheader()
    for stem, name, across, down in rows:
        edges = (round(2 + across * 50, 3), round(down * 30, 3), W, H)
        writer.writerow(
            dict(zip(("filename", "class", "xmin", "ymin", "xmax", "ymax"), (f"{stem}.jpg", name, *edges), strict=True))
        )
        wanted[f"{stem}.jpg"].append((name, edges))
    (folder / "annotations.csv").write_bytes(stream.getvalue().encode(encoding))
    records, problems = reading("csv", folder)
    assert loaded(records) == wanted
    assert set(kinds(problems)) <= {"missing_annotation_file", "duplicate_box"}
