"""COCO: the same image or annotation in several entries and files is merged field by field, contradictions named."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source

IMAGE = {"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}
CAT, DOG = {"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}
POSED = {**CAT, "keypoints": ["nose", "tail"], "skeleton": [[1, 2]], "supercategory": "animal"}
BOX = {"id": 7, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 20]}
POINTS = {**BOX, "keypoints": [4, 5, 2, 6, 7, 1], "num_keypoints": 2}
OUTLINE = {"id": 7, "image_id": 1, "category_id": 1, "segmentation": [[2, 3, 12, 3, 12, 23, 2, 23]]}
RUNS = {"counts": [48 * 2 + 3, *[20, 28] * 9, 20, 48 * 52 + 25], "size": [48, 64]}


def without_id(annotation):
    return {key: value for key, value in annotation.items() if key != "id"}


def read(folder: Path, *files, names=("instances_val2017.json", "person_keypoints_val2017.json", "z.json")):
    """Records and problems of files; each is its annotations, or the whole content."""
    for path in ("a.jpg", "b.jpg"):
        (folder / "val2017").mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), (9, 90, 40)).save(folder / "val2017" / path)
    (folder / "annotations").mkdir(exist_ok=True)
    for name, content in zip(names, files, strict=False):
        usual = {"images": [IMAGE, {"id": 2, "file_name": "b.jpg"}], "categories": [POSED, DOG]}
        whole = content if isinstance(content, dict) else {**usual, "annotations": content}
        (folder / "annotations" / name).write_text(json.dumps(whole))
    source = Source(folder)
    name, match = choose(source)
    assert name == "coco"
    return list(match.read()), [(problem.kind, problem.message) for problem in source.problems]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("ids", [True, False])
def test_boxes_and_keypoints_of_two_files_are_one_label(tmp_path, ids, turned):
    files = [[BOX], [POINTS]] if ids else [[without_id(BOX)], [without_id(POINTS)]]
    (record, _), problems = read(tmp_path, *(reversed(files) if turned else files))
    (label,) = record.labels
    assert label.keypoints is not None
    assert label.keypoints.tolist() == [[4, 5, 2], [6, 7, 1]]
    assert label.keypoint_names == ("nose", "tail")
    assert record.class_facts["cat"].skeleton == ((0, 1),)
    assert problems == []


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(OUTLINE, "outline", id="outline, same id"),
        pytest.param(without_id(OUTLINE), "outline", id="outline, same place"),
        pytest.param({**OUTLINE, "segmentation": RUNS}, "mask", id="mask, same id"),
        pytest.param({**without_id(OUTLINE), "segmentation": RUNS}, "mask", id="mask, same place"),
        pytest.param({**BOX, "iscrowd": 1}, {"iscrowd": True}, id="crowd"),
        pytest.param({**BOX, "attributes": {"occluded": True, "n": 3}}, {"occluded": True, "n": 3}, id="attributes"),
        pytest.param({**BOX, "score": 0.5}, 0.5, id="score"),
        pytest.param({**BOX, "id": "7", "score": 1}, 1.0, id="id as text"),
        pytest.param({**BOX, "bbox": [2.001, 3, 10, 20], "lighting": "dim"}, {"lighting": "dim"}, id="rounded box"),
    ],
)
def test_what_only_the_second_file_says_is_kept(tmp_path, second, expected):
    (record, _), problems = read(tmp_path, [BOX], [second])
    (label,) = record.labels
    seen = {"outline": len(label.polygons) == 1, "mask": label.mask is not None and label.mask.all()}
    assert seen[expected] if isinstance(expected, str) else expected in (dict(label.attributes), label.confidence)
    assert label.xyxy == (2, 3, 12, 23)
    assert problems == []


@pytest.mark.parametrize(
    ("second", "boxes", "message"),
    [
        pytest.param(
            {**BOX, "bbox": [2, 3, 10, 18]}, 1,
            "The box is xyxy 2, 3, 12, 21 here and 2, 3, 12, 23 in annotations/instances_val2017.json, annotation 0; "
            "the latter is kept.", id="box changed",
        ),
        pytest.param(
            {**BOX, "bbox": [40, 3, 10, 18]}, 2,
            "The annotation 7 has the box xyxy 40, 3, 50, 21 here and 2, 3, 12, 23 in "
            "annotations/instances_val2017.json, annotation 0; loaded as two labels.", id="box elsewhere",
        ),
        pytest.param(
            {**BOX, "category_id": 2}, 2,
            "The annotation 7 is 'dog' here and 'cat' in annotations/instances_val2017.json, annotation 0; "
            "loaded as two labels.", id="other class",
        ),
        pytest.param(
            {**BOX, "colour": "red"}, 1,
            "'colour' is 'red' here and 'blue' in annotations/instances_val2017.json, annotation 0; "
            "the latter is kept.",
            id="attribute",
        ),
    ],
)  # fmt: skip
def test_contradictions_are_named_with_both_values(tmp_path, second, boxes, message):
    (record, _), problems = read(tmp_path, [{**BOX, "colour": "blue"}], [second])
    assert len(record.labels) == boxes
    assert record.labels[0].attributes == {"colour": "blue"}
    assert problems == [("annotation_conflict", message)]


@pytest.mark.parametrize(
    ("first", "second", "n"),
    [
        pytest.param([BOX], [{**BOX, "id": 9, "bbox": [30, 3, 10, 20]}], 2, id="other id, other box"),
        pytest.param([BOX], [{**BOX, "id": 9}], 1, id="other id, same box"),
        pytest.param([BOX], [{**BOX, "category_id": 2, "bbox": [30, 3, 10, 20]}], 2, id="each file counts from 1"),
        pytest.param([BOX, {**BOX, "id": 8}], [BOX, {**BOX, "id": 8}], 2, id="two in one place, in both files"),
        pytest.param([BOX], [BOX, {**BOX, "id": 8}], 2, id="twice in the second"),
    ],
)
def test_labels_are_counted_once(tmp_path, first, second, n):
    (record, _), problems = read(tmp_path, first, second)
    assert len(record.labels) == n
    assert {kind for kind, _ in problems} <= {"duplicate_box"}


def test_three_files_and_captions(tmp_path):
    captions = {"images": [IMAGE], "annotations": [{"id": 7, "image_id": 1, "caption": "a cat"}]}
    names = ("captions_val2017.json", "instances_val2017.json", "stuff_val2017.json")
    stuff = [{**BOX, "id": 8, "category_id": 2, "bbox": [0, 0, 64, 48], "segmentation": RUNS}]
    (record, *_), problems = read(tmp_path, captions, [POINTS], stuff, names=names)
    assert [label.name for label in record.labels] == ["cat", "dog"]
    assert [kind for kind, _ in problems] == ["unsupported_annotation"]


def test_one_file_name_under_two_ids_keeps_the_labels_of_both(tmp_path):
    images = [IMAGE, {**IMAGE, "id": 2, "lighting": "dim"}, {**IMAGE, "id": 3, "file_name": "b.jpg"}]
    rows = [BOX, {**BOX, "id": 8, "image_id": 2, "bbox": [30, 3, 10, 20]}, {**BOX, "id": 9, "image_id": 3}]
    records, problems = read(tmp_path, {"images": images, "annotations": rows, "categories": [CAT]})
    assert [len(record.labels) for record in records] == [2, 1]
    assert records[0].attributes == {"lighting": "dim"}
    assert [kind for kind, _ in problems] == ["duplicate_image"]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"width": 60}, ["annotation_conflict"]),
        ({"lighting": "dim"}, ["annotation_conflict"]),
        ({"split": "train"}, ["split_conflict"]),
        ({"note": "x", "scene_id": "s"}, []),
    ],
)
def test_an_image_of_two_files_that_disagree(tmp_path, changes, kinds):
    files = [{"images": [{**IMAGE, "lighting": "bright", **more}], "annotations": [], "categories": [CAT]}
             for more in ({}, changes)]  # fmt: skip
    (record,), problems = read(tmp_path, *files)
    assert [kind for kind, _ in problems if kind != "unlisted_image"] == kinds
    assert record.attributes["lighting"] == "bright"
    assert record.split == "val"


def test_equal_names_in_the_folders_of_two_splits_are_two_images(tmp_path):
    (tmp_path / "train2017").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "train2017" / "a.jpg")
    names = ("instances_train2017.json", "instances_val2017.json")
    content = {"images": [IMAGE], "annotations": [BOX], "categories": [CAT]}
    records, problems = read(tmp_path, content, content, names=names)
    assert [(record.origin, record.split, len(record.labels)) for record in records] == [
        ("train2017/a.jpg", "train", 1),
        ("val2017/a.jpg", "val", 1),
    ]
    assert [kind for kind, _ in problems] == ["unlisted_image"]


CLASSES = st.sampled_from([1, 2])
FIELDS = {
    "segmentation": st.sampled_from([OUTLINE["segmentation"], RUNS]),
    "keypoints": st.just([4, 5, 2, 6, 7, 1]),
    "iscrowd": st.just(1),
    "score": st.floats(0, 1),
    "index": st.integers(1, 9),
    "attributes": st.dictionaries(st.sampled_from(["a", "b"]), st.booleans(), min_size=1),
    "note": st.text("abc", min_size=1),
}
wholes = st.lists(st.fixed_dictionaries({"category_id": CLASSES}, optional=FIELDS), min_size=1, max_size=3)


@settings(max_examples=80, deadline=None)
@given(wholes=wholes, data=st.data(), n=st.integers(2, 3))
def test_any_partition_of_the_fields_reads_as_the_whole(wholes, data, n):
    wholes = [
        {**each, "id": at, "image_id": 1, "bbox": [2, 3, 10, 20] if at == 0 else [20 * at, 3, 10, 20]}
        for at, each in enumerate(wholes)
    ]
    for each in wholes[1:]:
        each.pop("segmentation", None)  # lies in the first box
    files: list[list[dict]] = [[] for _ in range(n)]
    for whole in wholes:
        pieces: list[dict] = [{} for _ in range(n)]
        for key in whole.keys() - {"id", "image_id"}:
            for at in data.draw(st.sets(st.sampled_from(range(n)), min_size=1), label=key):
                pieces[at][key] = whole[key]
        for file, piece in zip(files, pieces, strict=True):
            if piece:
                file.append({"id": whole["id"], "image_id": 1, **piece})
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        expected, no_problems = read(Path(one), wholes)
        records, problems = read(Path(other), *files)
    assert (no_problems, problems) == ([], [])
    for record, meant in zip(records, expected, strict=True):
        found, wanted = (sorted(map(repr, each.labels)) for each in (record, meant))
        assert found == wanted
        assert record.class_facts == meant.class_facts
