"""Unity SOLO: the sample of Unity's own tools, and hand-made frames."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import numpy as np
import pytest

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import seen_box

BOX = "type.unity.com/unity.solo.BoundingBox2DAnnotation"
SOLID = "type.unity.com/unity.solo.BoundingBox3DAnnotation"
POINTS = "type.unity.com/unity.solo.KeypointAnnotation"
MASK = "type.unity.com/unity.solo.InstanceSegmentationAnnotation"


def kinds(problems):
    return Counter(problem.kind for problem in problems)


@pytest.fixture
def solo(tmp_path, picture):
    """One frame with these annotations."""

    def make(*annotations, metrics=(), **changed):
        folder = tmp_path / "sequence.0"
        picture(folder / "step0.camera.png")
        capture = {
            "@type": "type.unity.com/unity.solo.RGBCamera",
            "id": "camera",
            "filename": "step0.camera.png",
            "dimension": [64.0, 48.0],
            "projection": "Perspective",
            "matrix": [2.0, 0, 0, 0, 2.0 * 64 / 48, 0, 0, 0, -1],
            "position": [1.0, 2.0, 3.0],
            "rotation": [0, 0, 0, 1],
            "annotations": list(annotations),
            **changed,
        }
        frame = {"frame": 0, "sequence": 0, "step": 0, "captures": [capture], "metrics": list(metrics)}
        (folder / "step0.frame_data.json").write_text(json.dumps(frame))
        return tmp_path

    return make


def test_the_sample(shared_data, reading):
    folder = shared_data / "solo_unity" / "tests" / "data" / "solo"
    name, found = choose(Source(folder))
    assert (name, "captures" in found.why) == ("solo", True)
    records, problems = reading("solo", folder)
    # semantic maps, counted; two maps that the second frame does not name
    assert kinds(problems) == {"unsupported_annotation": 1, "unlisted_image": 1}
    assert len(records) == 2
    for record in records:
        assert Counter(label.name for label in record.labels) == {"Crate": 2, "Character": 1}
        assert (record.width, record.height) == (1024, 768)
        assert record.camera.fx == pytest.approx(665.22, abs=0.01)
        assert record.camera.fy == pytest.approx(665.22, abs=0.01)
        assert record.camera.T_world_cam[:3, 3] == pytest.approx([1.929, -3.057, 1.123])
        assert record.attributes["random-seed"] == 539662031
    assert len({record.scene_id for record in records}) == 2


def test_3d_boxes_of_the_sample_cover_the_2d_boxes(shared_data, reading):
    records, _ = reading("solo", shared_data / "solo_unity" / "tests" / "data" / "solo")
    crates = [(record, label) for record in records for label in record.labels if label.name == "Crate"]
    posed = [(record, crate) for record, crate in crates if crate.T_cam_obj is not None]
    assert len(posed) >= 2
    for record, crate in posed:
        projected = seen_box(record.camera, crate.T_cam_obj, crate.size_m)
        assert np.abs(np.subtract(projected, crate.xyxy)).max() < 1
    first = next(label for _, label in crates if label.xyxy == (167, 308, 395, 500))
    record = records[0]
    assert seen_box(record.camera, first.T_cam_obj, first.size_m) == pytest.approx(
        (167.06, 308.4, 394.76, 500.42), abs=0.01
    )


def test_the_crates_of_the_sample_stand_upright_in_our_world(shared_data, reading):
    """Unity's crates are not turned about x or z, so their up is the world's up (y there, z here)."""
    records, _ = reading("solo", shared_data / "solo_unity" / "tests" / "data" / "solo")
    crate = next(label for label in records[0].labels if label.instance_id == 3)
    T_world_obj = records[0].camera.T_world_cam @ crate.T_cam_obj
    assert np.linalg.det(T_world_obj[:3, :3]) == pytest.approx(1)
    assert T_world_obj[:3, 1] == pytest.approx([0, 0, -1], abs=1e-5)  # our object's y points down
    assert np.linalg.norm(T_world_obj[:3, 3]) < 2


def test_masks_keypoints_and_counts_of_the_sample(shared_data, reading):
    records, _ = reading("solo", shared_data / "solo_unity" / "tests" / "data" / "solo")
    by_id = {label.instance_id: label for label in records[0].labels}
    assert {number: label.attributes["visible_px"] for number, label in by_id.items()} == {3: 35950, 1: 16777, 2: 47768}
    for label in by_id.values():
        assert label.mask.sum() == pytest.approx(label.attributes["visible_px"], rel=0.01)
    character = by_id[1]
    assert character.keypoints.shape == (18, 3)
    assert character.keypoint_names[:3] == ("nose", "neck", "right_shoulder")
    assert character.keypoints[1].tolist() == [483.8889, 313.687439, 2]
    assert Counter(character.keypoints[:, 2]) == {0: 3, 1: 2, 2: 13}


def test_unknown_annotation_types_are_named_and_the_rest_loads(shared_data, reading):
    records, problems = reading("solo", shared_data / "solo_unity" / "tests" / "data" / "solo_custom_type")
    (record,) = records
    assert len(record.labels) == 3
    assert "CustomTestType" in next(p.message for p in problems if p.kind == "unsupported_annotation")


def test_without_definitions_of_a_run_that_was_stopped(shared_data, tmp_path, reading):
    shutil.copytree(shared_data / "solo_unity" / "tests" / "data" / "solo", tmp_path / "solo")
    (tmp_path / "solo" / "annotation_definitions.json").unlink()
    records, problems = reading("solo", tmp_path)
    assert [len(record.labels) for record in records] == [3, 3]
    assert records[0].labels[1].keypoint_names == ()
    assert "broken_annotation" in kinds(problems) or any(label.keypoints is not None for label in records[0].labels)


@pytest.mark.parametrize(
    ("annotation", "kind", "labels"),
    [
        pytest.param({"@type": BOX, "values": [{"instanceId": 1, "labelName": "a", "origin": [1], "dimension": []}]},
                     "broken_annotation", 0, id="box"),
        pytest.param({"@type": BOX, "values": [{"labelName": "a", "origin": [1, 2], "dimension": [3, 4]}]},
                     "broken_annotation", 0, id="no instance"),
        pytest.param({"@type": BOX, "values": [{"instanceId": 1, "labelName": "a", "origin": [60, 2],
                                                "dimension": [9, 4]}]},
                     "box_outside_image", 1, id="outside"),
        pytest.param({"@type": SOLID, "values": [{"instanceId": 1, "labelName": "a", "translation": [0, 0, 4],
                                                  "size": [1, 1, 1], "rotation": [0, 0, 0, 0]}]},
                     "broken_annotation", 0, id="turn"),
        pytest.param({"@type": SOLID, "values": [{"instanceId": 1, "labelName": "a", "translation": [0, 0, -4],
                                                  "size": [1, 1, 1], "rotation": [0, 0, 0, 1]}]},
                     "hidden_object", 0, id="behind"),
        pytest.param({"@type": POINTS, "values": [{"instanceId": 1, "labelName": "a",
                                                   "keypoints": [{"index": 0, "location": [1, 1], "state": 7}]}]},
                     "broken_annotation", 0, id="state"),
        pytest.param({"@type": MASK, "filename": "absent.png", "instances": []}, "missing_map", 0, id="map"),
        pytest.param({"@type": MASK, "filename": "../../etc/passwd", "instances": []}, "missing_map", 0, id="leaves"),
        pytest.param({"@type": "type.unity.com/unity.solo.DepthAnnotation"}, "unsupported_annotation", 0, id="depth"),
    ],
)  # fmt: skip
def test_problems_of_annotations_are_named(solo, reading, annotation, kind, labels):
    (record,), problems = reading("solo", solo(annotation))
    assert kind in kinds(problems)
    assert len(record.labels) == labels


@pytest.mark.parametrize(
    ("changed", "kind", "records", "has_camera"),
    [
        ({"filename": "absent.png"}, "missing_image", 0, False),
        ({"filename": "../step0.camera.png"}, "path_outside_folder", 0, False),
        ({"filename": None}, "missing_image", 0, False),
        ({"dimension": [9, 9]}, "size_mismatch", 1, True),
        ({"projection": "Orthographic"}, "unsupported_camera", 1, False),
        ({"matrix": [0] * 9}, "broken_annotation", 1, False),
        ({"@type": "x.LidarSensor"}, "unsupported_annotation", 0, False),
    ],
)
def test_problems_of_captures_are_named(solo, reading, changed, kind, records, has_camera):
    found, problems = reading("solo", solo(**changed))
    assert kind in kinds(problems)
    assert len(found) == records
    assert [record.camera is not None for record in found] == [has_camera] * records


def test_an_object_of_which_no_pixel_is_seen_is_counted(solo, reading):
    unturned = {"translation": [0, 0, 4], "size": [1, 1, 1], "rotation": [0, 0, 0, 1]}
    boxes = {"@type": BOX, "values": [{"instanceId": 1, "labelName": "a", "origin": [1, 2], "dimension": [3, 4]}]}
    solids = {"@type": SOLID, "values": [{"instanceId": n, "labelName": "a", **unturned} for n in (1, 2)]}
    (record,), problems = reading("solo", solo(boxes, solids))
    assert [label.instance_id for label in record.labels] == [1]
    assert kinds(problems) == {"hidden_object": 1}
    (record,), problems = reading("solo", solo(solids))
    assert [label.attributes for label in record.labels] == [{"box_from": "3d box"}] * 2
