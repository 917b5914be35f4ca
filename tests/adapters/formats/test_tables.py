"""Labels in the columns of tables: Hugging Face's Parquet and metadata files, and Roboflow's table of classes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.formats.seeds import H, W, png
from workbench.adapters.formats.parquet.features import names_of
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.box_format import BoxFormat, Sized, box_format_of
from workbench.adapters.formats.toolkit.names import attribute_value
from workbench.adapters.formats.toolkit.source import Source

PICTURE = png(np.full((H, W, 3), 90, np.uint8))
CELL = {"bytes": PICTURE, "path": None}
LABEL = {"names": ["nut", "bolt"], "_type": "ClassLabel"}
OLD = {"names": ["nut", "bolt"], "num_classes": 2, "id": None, "_type": "ClassLabel"}
BOX = [4.0, 5.0, 20.0, 10.0]
NUT, BOLT = ("nut", (4, 5, 24, 15)), ("bolt", (4, 5, 24, 15))


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def write_parquet(path: Path, rows: list[dict[str, Any]], features: Any = None) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


@pytest.fixture
def parquet(tmp_path, reading):
    def read(rows, features=None, *, name="train-00000-of-00001.parquet", picture="image"):
        rows = [{picture: CELL, **row} if picture else row for row in rows]
        write_parquet(tmp_path / "data" / name, rows, features)
        assert choose(Source(tmp_path))[0] == "parquet"
        return reading("parquet", tmp_path)

    return read


def of(record):
    return [(label.name, tuple(round(edge, 3) for edge in label.xyxy)) for label in record.labels]


@pytest.mark.parametrize("features", [
    {"objects": {"bbox": {}, "KEY": {"feature": LABEL, "_type": "List"}}},
    {"objects": {"feature": {"bbox": {}, "KEY": LABEL}, "_type": "Sequence"}},
    {"objects": {"feature": {"bbox": {}, "KEY": OLD}, "length": -1, "_type": "Sequence"}},
    {"objects": [{"bbox": {}, "KEY": LABEL}]},
    {"objects": {"bbox": {}, "KEY": [OLD]}},
    {"objects": {"feature": {"KEY": {"names": ["nut", "bolt"]}}, "_type": "LargeList"}},
])  # fmt: skip
@pytest.mark.parametrize("key", ["category", "categories", "label", "labels", "class_id", "classes", "category_id"])
@pytest.mark.parametrize("structs", [False, True])
def test_classes_of_objects_get_their_names(parquet, key, features, structs):
    objects = [{"bbox": BOX, key: 1}, {"bbox": BOX, key: 0}] if structs else {"bbox": [BOX, BOX], key: [1, 0]}
    (record,), problems = parquet([{"objects": objects}], json.loads(json.dumps(features).replace("KEY", key)))
    assert of(record) == [BOLT, NUT]
    assert record.attributes == {}
    assert record.classification is None
    assert len(problems) == 0


@pytest.mark.parametrize(
    ("objects", "wanted", "expected"),
    [
        pytest.param({"bbox": [BOX], "label": ["bolt"]}, [BOLT], {}, id="names as text"),
        pytest.param({"bbox": [BOX], "category_id": [7], "category_name": ["bolt"]}, [BOLT], {}, id="names too"),
        pytest.param({"bbox": [BOX], "category": [7]}, [("7", BOLT[1])], {"unnamed_class": 1}, id="no names"),
        pytest.param({"bbox": [BOX]}, [("object", BOLT[1])], {"unnamed_class": 1}, id="classless"),
        pytest.param({"bbox": [BOX] * 3, "label": ["bolt"] * 2}, [BOLT] * 2,
                     {"broken_annotation": 1, "duplicate_box": 1}, id="lists of different lengths"),
        pytest.param({"bbox": [BOX], "label": ["bolt"] * 2}, [BOLT], {"broken_annotation": 1}, id="more classes"),
        pytest.param({"bbox": [BOX, None], "label": ["bolt", "nut"]}, [BOLT], {"broken_annotation": 1}, id="no box"),
        pytest.param({"bbox": [BOX], "label": [None]}, [], {"broken_annotation": 1}, id="a class of null"),
        pytest.param({"bbox": [], "label": []}, [], {}, id="nothing"),
        pytest.param({"bbox": BOX, "label": "bolt"}, [BOLT], {}, id="one object alone"),
        pytest.param({"boxes": [[4.0, 5.0, 24.0, 15.0]], "label": ["bolt"], "bbox_format": "xyxy"}, [BOLT], {},
                     id="a word"),
        pytest.param({"bbox": [[14.0, 10.0, 20.0, 10.0]], "label": ["bolt"], "bbox_format": "cxcywh"}, [BOLT], {},
                     id="centres"),
        pytest.param({"xmin": [4.0], "ymin": [5.0], "xmax": [24.0], "ymax": [15.0], "label": ["bolt"]}, [BOLT], {},
                     id="edges by name"),
        pytest.param({"x": [4.0], "y": [5.0], "w": [20.0], "h": [10.0], "label": ["bolt"]}, [BOLT], {}, id="sides"),
        pytest.param({"bbox": [[40.0, 5.0, 60.0, 15.0]], "label": ["bolt"]}, [("bolt", (40, 5, 60, 15))],
                     {"box_format": 1}, id="left top right bottom"),
        pytest.param({"bbox": [[0.5, 0.5, 0.8, 1.0]], "label": ["bolt"]}, [("bolt", (32, 24, 51.2, 48))],
                     {"box_format": 1}, id="shares"),
    ],
)  # fmt: skip
def test_boxes_in_any_columns(parquet, tmp_path, reading, picture, objects, wanted, expected):
    (record,), problems = parquet([{"objects": objects}])
    assert of(record) == wanted
    assert kinds(problems) == expected
    assert "objects" not in record.attributes
    folder = tmp_path / "folder"  # the same beside images
    for split in ("train", "validation"):
        picture(folder / split / "a.png")
        line = json.dumps({"file_name": "a.png", "objects": objects})
        (folder / split / "metadata.jsonl").write_text(line + "\n")
    records, problems = reading("folder", folder)
    assert [of(record) for record in records] == [wanted] * 2
    assert [record.split for record in records] == ["train", "val"]
    assert set(kinds(problems)) == set(expected)


@pytest.mark.parametrize("rows", [
    [{"bboxes": [BOX], "labels": ["bolt"]}],
    [{"bbox": BOX, "label": "bolt"}],
    [{"annotations": [{"bbox": BOX, "category": "bolt", "area": 200.0, "id": 3}]}],
    [{"objects": json.dumps({"bbox": [BOX], "label": ["bolt"]})}],
])  # fmt: skip
def test_boxes_in_columns_of_other_names(parquet, rows):
    (record,), problems = parquet(rows)
    assert of(record) == [BOLT]
    assert (record.classification, record.attributes) == (None, {})
    assert len(problems) == 0


def test_what_else_objects_say_is_kept(parquet):
    objects = {"bbox": [BOX], "label": [1], "iscrowd": [1], "score": [0.5], "pose": ["left"], "view": [0],
               "segmentation": [[[4.0, 5.0, 24.0, 5.0, 24.0, 15.0]]]}  # fmt: skip
    features = {"objects": {"feature": {"label": LABEL, "view": {**LABEL, "names": ["front"]}}, "_type": "Sequence"}}
    (record,), problems = parquet([{"objects": objects}], features)
    (label,) = record.labels
    assert (label.name, label.confidence, len(label.polygons)) == ("bolt", 0.5, 1)
    assert label.attributes == {"iscrowd": 1, "pose": "left", "view": "front"}
    assert len(problems) == 0


@pytest.mark.parametrize(
    ("row", "features", "whole", "facts", "expected"),
    [
        pytest.param({"label": 1}, {"label": LABEL}, "bolt", {}, {}, id="ClassLabel"),
        pytest.param({"label": 0, "lux": 3}, {"label": OLD}, "nut", {"lux": 3}, {}, id="the first class"),
        pytest.param({"labels": "bolt"}, None, "bolt", {}, {}, id="text"),
        pytest.param({"label": -1}, {"label": LABEL}, None, {}, {}, id="unlabelled"),
        pytest.param({"label": None}, {"label": LABEL}, None, {}, {}, id="null"),
        pytest.param({"label": 9}, {"label": LABEL}, None, {}, {"unknown_category": 1}, id="not declared"),
        pytest.param({"label": 3}, None, "3", {}, {"unnamed_class": 1}, id="a number"),
        pytest.param({"label": 0.5}, None, None, {"label": 0.5}, {}, id="a measure"),
        pytest.param({"scene": 1}, {"scene": LABEL}, "bolt", {}, {}, id="the only ClassLabel"),
        pytest.param({"label": 1, "view": 0}, {"label": LABEL, "view": LABEL}, "bolt", {"view": "nut"}, {}, id="two"),
        pytest.param({"labels": [1, 0]}, {"labels": {"feature": LABEL, "_type": "Sequence"}}, "bolt",
                     {"classes": '["bolt","nut"]'}, {"several_classes": 1}, id="several"),
        pytest.param({"text": "a nut"}, None, None, {"text": "a nut"}, {}, id="a caption"),
    ],
)  # fmt: skip
def test_the_class_of_the_whole_image(parquet, row, features, whole, facts, expected):
    (record,), problems = parquet([row], features)
    assert record.classification == whole
    assert record.attributes == facts
    assert len(record.labels) == 0
    assert kinds(problems) == expected


def test_names_in_the_card(parquet, tmp_path):
    card = """---
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': nut
          '1': bolt
  - name: objects
    sequence:
    - name: bbox
      sequence: float32
      length: 4
    - name: category
      dtype:
        class_label:
          names:
            '0': cone
---
# Parts
"""
    (tmp_path / "README.md").write_text(card)
    (record,), problems = parquet([{"label": 1, "objects": {"bbox": [BOX], "category": [0]}}])
    assert record.classification == "bolt"
    assert of(record) == [("cone", BOLT[1])]
    assert len(problems) == 0


def test_names_of_nothing_useful():
    for features in (None, [], {}, {"label": None}, {"label": {"names": {}}}, {"label": {"names": {"a": 1}}}, "x", [1]):
        assert names_of(features) == {}


MASK = np.pad(np.full((9, 9), 3, np.uint8), ((0, H - 9), (0, W - 9)))


@pytest.mark.parametrize("key", ["label", "mask", "annotation", "segmentation"])
@pytest.mark.parametrize("first", [True, False])
def test_a_column_with_a_mask_becomes_labels(parquet, key, first):
    mask = {key: {"bytes": png(MASK), "path": "m.png"}}
    row = {**mask, "image": CELL} if first else {"image": CELL, **mask}
    (record,), problems = parquet([row], picture=None)
    (label,) = record.labels
    assert (label.name, label.xyxy) == ("object", (0, 0, 9, 9))
    assert label.mask.all()
    assert record.attributes == {}
    assert len(problems) == 0


NOISE = np.random.default_rng(0).integers(0, 256, (H, W, 3), np.uint8)


@pytest.mark.parametrize(
    ("row", "features", "expected"),
    [
        pytest.param({"depth": {"bytes": png(MASK), "path": "d.png"}}, None, "unsupported_annotation", id="depth"),
        pytest.param({"image_right": CELL}, None, "unsupported_annotation", id="another picture"),
        pytest.param({"mask": {"bytes": png(MASK[:9]), "path": None}}, None, "unreadable_map", id="another size"),
        pytest.param({"mask": {"bytes": png(NOISE), "path": None}}, None, "unreadable_map", id="no mask"),
        pytest.param({"features": b"\0\1"}, None, "unsupported_annotation", id="bytes"),
        pytest.param({"sound": {"bytes": b"RIFF", "path": None}}, {"sound": {"_type": "Audio"}},
                     "unsupported_annotation", id="sound"),
        pytest.param({"info": {"thumb": b"x", "n": 3}}, None, "unsupported_annotation", id="bytes inside"),
        pytest.param({"frames": [CELL, CELL]}, None, "unsupported_annotation", id="a list of pictures"),
    ],
)  # fmt: skip
def test_further_columns_of_bytes_are_named_and_never_facts(parquet, row, features, expected):
    (record,), problems = parquet([row], features)
    assert kinds(problems) == {expected: 1}
    assert record.attributes == {}
    (key,) = row
    assert key in next(iter(problems)).message or expected == "unreadable_map"


def test_pictures_of_other_shapes_of_columns(parquet, tmp_path, picture):
    (record,), problems = parquet([{"img": [CELL, CELL]}], picture=None)
    assert (record.width, record.height) == (W, H)
    assert kinds(problems) == {"unlisted_image": 1}
    (record,), problems = parquet([{"image": PICTURE}], picture=None)
    assert len(problems) == 0
    picture(tmp_path / "data" / "images" / "a.png")
    rows = [{"image": {"bytes": None, "path": path}} for path in ("images/a.png", "../../etc/a.png", "gone.png")]
    records, problems = parquet([*rows, {"image": CELL}], picture=None)
    assert len(records) == 3  # by name, wherever the path leads
    assert kinds(problems) == {"missing_image": 1}
    assert all(record.image_path.is_relative_to(tmp_path) for record in records[:2])


def test_objects_that_come_late_are_not_lost(parquet):
    empty = {"objects": [], "label": None}
    rows = [empty] * 200 + [{"objects": [{"bbox": BOX, "category": "bolt"}], "label": "wet"}]
    records, problems = parquet(rows)
    assert of(records[-1]) == [BOLT]
    assert records[-1].classification == "wet"
    assert len(problems) == 0


@given(st.recursive(st.binary() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.text(), inner)))  # fmt: skip
def test_no_bytes_become_a_fact(value):
    def holds(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return isinstance(value, bytes) or any(map(holds, inner))

    fact = attribute_value(value)
    assert fact is None or isinstance(fact, str | int)
    if holds(value) and isinstance(fact, str):
        json.loads(fact)  # plain values, no text of bytes


sides = st.floats(0.05, 0.45)


@settings(max_examples=200)
@given(
    boxes=st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), sides, sides), min_size=12, max_size=40),
    form=st.sampled_from([BoxFormat(), BoxFormat("xywh", shares=True), BoxFormat("xyxy", shares=True)]),
)
def test_boxes_all_lie_in_their_images_in_the_format_that_is_guessed(boxes, form):
    width, height = 640, 480

    def written(box):
        x, y, w, h = box
        numbers = (x, y, w, h) if form.corners == "xywh" else (x, y, x + w, y + h)
        return numbers if form.shares else tuple(n * s for n, s in zip(numbers, (width, height) * 2, strict=True))

    sized = [Sized(written(box), width, height) for box in boxes]
    guessed = box_format_of(sized)
    assert guessed.shares == form.shares
    if form.corners == "xywh":
        assert guessed == form
    for box in sized:
        left, top, right, bottom = guessed.xyxy(box.numbers, width, height)
        assert -width * 0.03 <= left < right <= width * 1.03
        assert -height * 0.03 <= top < bottom <= height * 1.03


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("folders", [False, True])
def test_metadata_beside_images(tmp_path, reading, picture, suffix, folders):
    objects = {"bbox": [BOX], "categories": ["bolt"]}
    for split in ("train", "test") if folders else ("",):
        folder = tmp_path / split
        picture(folder / "a.png")
        row = {"file_name": "a.png", "objects": objects, "label": "wet", "lux": 3}
        if suffix == "parquet":
            write_parquet(folder / "metadata.parquet", [row])
        elif suffix == "jsonl":
            (folder / "metadata.jsonl").write_text(json.dumps(row) + "\n\n")
        else:
            cell = json.dumps(objects).replace('"', '""')
            (folder / "metadata.csv").write_text(f'file_name,objects,label,lux\na.png,"{cell}",wet,3\n')
    name, _ = choose(Source(tmp_path))
    assert name == "folder"
    records, problems = reading("folder", tmp_path)
    assert len(records) == 1 + folders
    for record in records:
        assert of(record) == [BOLT]
        assert (record.classification, record.attributes) == ("wet", {"lux": 3})
    assert len(problems) == 0


def test_a_broken_line_is_named(tmp_path, reading, picture):
    picture(tmp_path / "a.png")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "lux": 3}\n{"file_name": \n[1]\n')
    (record,), problems = reading("folder", tmp_path)
    assert record.attributes == {"lux": 3}
    assert kinds(problems) == {"broken_annotation": 2}


def test_a_class_folder_counts_before_the_table(tmp_path, reading, picture):
    for name in ("cat/a.png", "dog/b.png"):
        picture(tmp_path / name)
    (tmp_path / "metadata.csv").write_text("file_name,label\ncat/a.png,cat\ndog/b.png,wolf\n")
    records, problems = reading("folder", tmp_path)
    assert [record.classification for record in records] == ["cat", "dog"]
    assert records[1].attributes == {"classes": '["dog","wolf"]'}
    assert kinds(problems) == {"several_classes": 1}


def test_roboflows_table_of_classes(tmp_path, reading, picture):
    for split in ("train", "valid"):
        for stem in "abc":
            picture(tmp_path / split / f"{stem}.jpg")
        (tmp_path / split / "_classes.csv").write_text("filename, wet, dry\na.jpg, 1, 0\nb.jpg, 1, 1\nc.jpg, 0, 0\n")
    records, problems = reading("folder", tmp_path)
    assert [record.split for record in records] == ["train"] * 3 + ["val"] * 3
    assert [record.classification for record in records] == ["wet", "wet", None] * 2
    assert [dict(record.attributes) for record in records] == [{}, {"classes": '["wet","dry"]'}, {}] * 2
    assert kinds(problems) == {"several_classes": 2}
