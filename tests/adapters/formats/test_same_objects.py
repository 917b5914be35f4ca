"""The same image in several files of labels: merged field by field, each object once, contradictions named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.formats.seeds import npy, png, replicator, solo, text
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.same_objects import merged
from workbench.core.schema.labels import Label

W, H = 64, 48
Content = Mapping[str, bytes]
Reading = Callable[[str, Path], Any]


@pytest.fixture
def read(reading: Reading, tmp_path: Path) -> Callable[[str, Content], Any]:
    def make(name: str, files: Content) -> Any:
        for file, content in files.items():
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        records, problems = reading(name, tmp_path)
        return records[0] if len(records) == 1 else records, [f"{p.kind}: {p.message}" for p in problems]

    return make


PICTURE = png(np.zeros((H, W, 3), np.uint8))
BOX, OUTLINE = b"0 0.5 0.5 0.5 0.5\n", b"0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n"
YAML = b"names: [nut, bolt]\ntrain: images\n"
SECOND_LABEL = "1 label in one file of an image and not in another"


@pytest.mark.parametrize(
    "folder", ["labels-seg", "labels_seg", "labels-segment", "labels_obb", "labels-obb", "annotations", "labelTxt"]
)
@pytest.mark.parametrize("with_yaml", [True, False])
def test_boxes_and_outlines_of_yolo_are_one_label(read: Any, folder: str, with_yaml: bool) -> None:
    files = {"images/a.png": PICTURE, "labels/a.txt": BOX, f"{folder}/a.txt": OUTLINE}
    found, problems = read("yolo", {**files, **({"data.yaml": YAML} if with_yaml else {})})
    [label] = found.labels
    assert (label.xyxy, len(label.polygons)) == ((16.0, 12.0, 48.0, 36.0), 1)
    assert problems == []


@pytest.mark.parametrize(
    ("first", "second", "names", "problem"),
    [
        (BOX, OUTLINE + b"1 0.1 0.1 0.1 0.1\n", ["nut", "bolt"], SECOND_LABEL),
        (b"", OUTLINE, ["nut"], SECOND_LABEL),
        (BOX, b"1" + OUTLINE[1:], ["nut", "bolt"], "The label is 'bolt' here and 'nut' in labels/a.txt"),
        (BOX, b"0 0.5 0.5 0.45 0.42\n", ["nut"], "The box is xyxy"),
        (BOX + b"1 0.1 0.1 0.1 0.1\n", OUTLINE, ["nut", "bolt"], None),
        (BOX, BOX, ["nut"], None),
        (BOX + BOX, BOX + OUTLINE, ["nut", "nut"], None),
    ],
    ids=["one more", "background", "class", "box", "one fewer", "the same", "twice"],
)
def test_files_of_yolo_that_differ(read: Any, first: Any, second: Any, names: Any, problem: Any) -> None:
    files = {"images/a.png": PICTURE, "labels/a.txt": first, "labels-seg/a.txt": second, "data.yaml": YAML}
    found, problems = read("yolo", files)
    assert list(found.labels.names) == names
    conflicts = [each for each in problems if each.startswith("annotation_conflict")]
    assert [problem in each for each in conflicts] == ([True] if problem else [])


def xml(*objects: tuple[str, tuple[int, int, int, int], str]) -> bytes:
    parts = [
        f"<object><name>{name}</name>{more}<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax>"
        f"<ymax>{box[3]}</ymax></bndbox></object>"
        for name, box, more in objects
    ]
    return f"<annotation><filename>a.png</filename>{''.join(parts)}</annotation>".encode()


def test_two_xml_files_of_one_image(read: Any) -> None:
    first = xml(("nut", (5, 5, 20, 20), "<pose>Left</pose>"))
    second = xml(("nut", (5, 5, 20, 20), "<difficult>1</difficult>"), ("bolt", (30, 5, 40, 20), ""))
    files = {"JPEGImages/a.png": PICTURE, "Annotations/a.xml": first, "Corrected/a.xml": second}
    found, problems = read("voc", files)
    assert list(found.labels.names) == ["nut", "bolt"]
    assert dict(found.labels[0].attributes).keys() >= {"pose", "difficult"}
    assert [SECOND_LABEL in problem for problem in problems] == [True]


def test_masks_of_voc_without_an_xml_file_are_named(read: Any) -> None:
    ids = np.zeros((H, W), np.uint8)
    ids[5:20, 5:20] = 1
    files = {"JPEGImages/a.png": PICTURE, "JPEGImages/b.png": PICTURE, "Annotations/a.xml": xml()}
    _, problems = read("voc", {**files, "SegmentationObject/b.png": png(ids)})
    assert any("1 mask that fit no label" in problem or "masks that fit no label" in problem for problem in problems)


def box_rows(*rows: tuple[int, int, int, int, int]) -> bytes:
    kinds = [("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4")]
    return npy(np.array(list(rows), kinds))


def replicator_files(**changed: bytes) -> dict[str, bytes]:
    files = {file: content for file, content in replicator().items() if not file.startswith("pose/")}
    return {**files, "rgb_0000.png": PICTURE, **{name.replace("JSON", ".json"): v for name, v in changed.items()}}


LOOSE = {
    "bounding_box_2d_loose_0000.npy": box_rows((0, 1, 2, 9, 12)),
    "bounding_box_2d_loose_prim_paths_0000.json": text(["/World/Cone"]),
    "bounding_box_2d_loose_labels_0000.json": text({"0": {"class": "cone"}}),
}


def test_loose_boxes_of_replicator_are_kept_beside_tight_ones(read: Any) -> None:
    found, problems = read("replicator", {**replicator_files(), **LOOSE})
    [label] = found.labels
    assert (label.xyxy, label.xyxy_loose) == ((2.0, 3.0, 8.0, 9.0), (1.0, 2.0, 10.0, 13.0))
    assert label.mask is not None
    assert label.T_cam_obj is not None
    assert problems == []


def test_classes_of_replicator_that_differ_are_named(read: Any) -> None:
    loose = {**LOOSE, "bounding_box_2d_loose_labels_0000.json": text({"0": {"class": "cube"}})}
    found, problems = read("replicator", {**replicator_files(), **loose})
    assert list(found.labels.names) == ["cone"]
    assert [problem.startswith("annotation_conflict: The object is 'cube' here and 'cone' in") for problem in problems]


def test_objects_of_the_instance_map_that_have_no_box(read: Any) -> None:
    """Each annotator has its own filter of classes."""
    ids = np.zeros((H, W), np.uint8)
    ids[3:9, 2:8], ids[20:30, 20:40] = 3, 4
    maps = {
        "instance_segmentation_0000.png": png(ids),
        "instance_segmentation_mapping_0000.json": text({"3": "/World/Cone", "4": "/World/Cube"}),
        "instance_segmentation_semantics_mapping_0000.json": text({"3": {"class": "cone"}, "4": {"class": "cube"}}),
    }
    found, problems = read("replicator", {**replicator_files(), **maps})
    assert [(label.name, label.xyxy) for label in found.labels] == [
        ("cone", (2.0, 3.0, 8.0, 9.0)),
        ("cube", (20.0, 20.0, 40.0, 30.0)),
    ]
    assert problems == []


def solo_files(change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    files = {**solo(), "sequence.0/step0.camera.png": PICTURE}
    frame = json.loads(files["sequence.0/step0.frame_data.json"])
    change(frame)
    return {**files, "sequence.0/step0.frame_data.json": text(frame)}


def another(kind: str, **change: Any) -> Callable[[dict[str, Any]], None]:
    def add(frame: dict[str, Any]) -> None:
        annotations = frame["captures"][0]["annotations"]
        first = next(annotation for annotation in annotations if annotation["@type"].endswith(kind))
        annotations.append({**first, "values": [{**first["values"][0], **change}]})

    return add


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (another("BoundingBox2DAnnotation", origin=[9, 9]), "The box of the instance is another"),
        (another("BoundingBox3DAnnotation", translation=[1, 0, 4]), "The 3D box of the instance is another"),
        (another("KeypointAnnotation", keypoints=[{"index": 0, "location": [9, 9], "state": 2}]), "The keypoints of"),
        (another("BoundingBox2DAnnotation", labelName="bin"), "The instance is 'bin' here and 'crate' in"),
        (another("BoundingBox2DAnnotation"), None),
    ],
    ids=["box", "3D box", "keypoints", "class", "the same"],
)
def test_annotations_of_solo_that_contradict_each_other(read: Any, change: Any, message: Any) -> None:
    found, problems = read("solo", solo_files(change))
    [label] = found.labels
    assert (label.name, label.xyxy) == ("crate", (3.0, 2.0, 9.0, 9.0))
    assert [message in problem for problem in problems] == ([True] if message else [])


def test_several_cameras_of_solo_in_a_frame(read: Any) -> None:
    def add(frame: dict[str, Any]) -> None:
        frame["captures"].append({**frame["captures"][0], "id": "other", "filename": "step0.other.png"})

    found, _ = read("solo", {**solo_files(add), "sequence.0/step0.other.png": PICTURE})
    assert [each.origin for each in found] == ["sequence.0/step0.camera.png", "sequence.0/step0.other.png"]
    assert len({each.scene_id for each in found}) == 1
    assert [len(each.labels) for each in found] == [1, 1]


@pytest.mark.parametrize(("semantic", "instance"), [("semantic", "instance"), ("semantics", "instances")])
def test_maps_of_kitti_beside_its_rows(read: Any, semantic: str, instance: str) -> None:
    row = b"Car 0 0 0 5 6 20 30 1.5 1.6 3.9 1 1 8 0\n"
    ids = png(np.full((H, W), 6657, np.uint16))
    files = {"training/image_2/000000.png": PICTURE, "training/label_2/000000.txt": row}
    maps = {f"training/{semantic}/000000.png": ids, f"training/{instance}/000000.png": ids}
    found, problems = read("kitti", {**files, **maps})
    assert sorted(found.maps) == ["instances", "semantic"]
    assert len(found.labels) == 1
    assert not any(problem.startswith("unlisted_image") for problem in problems)


labels = st.lists(
    st.builds(
        lambda name, x, y: Label(name, (float(x), float(y), x + 10.0, y + 10.0)),
        st.sampled_from("ab"),
        st.integers(0, 3).map(lambda n: 20 * n),
        st.integers(0, 3).map(lambda n: 20 * n),
    ),
    max_size=8,
)


@given(labels)
def test_a_file_that_says_the_same_changes_nothing(own: list[Label]) -> None:
    problems = Problems()
    assert merged([("a", own), ("b", own[::-1])], problems) == own
    assert len(problems) == 0


@given(labels, labels)
def test_no_label_is_lost(first: list[Label], second: list[Label]) -> None:
    """Of each object as many as the file with most of them has."""
    whole = [(label.name, label.xyxy) for label in merged([("a", first), ("b", second)], Problems())]
    sides = [[(label.name, label.xyxy) for label in side] for side in (first, second)]
    assert {each: whole.count(each) for each in whole} == {
        each: max(side.count(each) for side in sides) for each in (*sides[0], *sides[1])
    }
