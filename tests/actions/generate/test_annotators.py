"""Every annotator against another way to know the same thing."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.actions.generate.memory_sink import MemorySink
from workbench.actions.generate import generate
from workbench.actions.generate.products import CORNERS, class_number
from workbench.base.errors import ScenarioError
from workbench.core.clouds import read_cloud
from workbench.core.scenario import ANNOTATORS, Scenario
from workbench.core.schema.labels import Record

ALL = ["semantic_segmentation", "normals", "keypoints", "point_cloud"]
CHANGES = {
    "sensor.camera.resolution": [160, 120],
    "sensor.lens.distortion.k1": -0.08,
    "sensor.camera.intrinsics.cx": 71.0,
    "assets.targets.count": 4,
    "assets.targets.labels": ["box", "mug", "gear"],
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    scenario = Scenario("all").replace(CHANGES, annotators=tuple(ALL))
    sink = MemorySink()
    generate(scenario, into=sink, n=1, backend="flat", workers=0, folder=tmp_path_factory.mktemp("all")).result()
    (found,) = sink.records.values()
    assert len(found.labels) >= 2
    return found


def picture(path: Path) -> np.ndarray:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found


def test_poses_and_sizes_agree_with_depth(record: Record) -> None:
    """Every visible point of an object lies in its 3D box, and some lie near each side that is seen."""
    camera, depth = record.camera, picture(record.maps["depth"]) / 1000.0
    instances = picture(record.maps["instances"])
    for label in record.labels:
        rows, columns = np.nonzero((instances == label.instance_id) & (depth > 0))
        pixels = np.stack([columns, rows], 1).astype(float)
        rays = cv2.undistortPoints(pixels[:, None], camera.matrix, np.array(camera.distortion))[:, 0]
        z = depth[rows, columns]
        points = np.column_stack([rays * z[:, None], z])
        T = label.T_cam_obj
        assert T[:3, :3] @ T[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)
        own = (points - T[:3, 3]) @ T[:3, :3] / (np.array(label.size_m) / 2)
        assert np.abs(own).max() < 1.06
        assert np.abs(own).max() > 0.9


def test_boxes_and_shares(record: Record) -> None:
    for label in record.labels:
        assert label.xyxy_loose[0] <= label.xyxy[0] and label.xyxy_loose[3] >= label.xyxy[3]
        assert label.attributes["visible_fraction"] + label.attributes["occlusion"] == pytest.approx(1.0)


def test_semantic_map_is_the_instance_map_by_class(record: Record) -> None:
    semantic, instances = picture(record.maps["semantic"]), picture(record.maps["instances"])
    classes = record.generation["semantic_classes"]
    for label in record.labels:
        numbers = set(np.unique(semantic[instances == label.instance_id]).tolist())
        assert numbers == {class_number(label.name)} and classes[str(numbers.pop())] == label.name
    assert not semantic[instances == 0].any()


def test_normals_agree_with_the_slope_of_depth(record: Record) -> None:
    """On the support, where the depth is smooth, neighbours span the surface."""
    coded = picture(record.maps["normals"])[..., ::-1].astype(float)
    normals = coded / 127.5 - 1
    instances, depth = picture(record.maps["instances"]), picture(record.maps["depth"])
    seen = (coded.any(axis=2)) & (instances == 0) & (depth > 0)
    assert np.linalg.norm(normals[seen], axis=1) == pytest.approx(1.0, abs=0.02)
    rows, columns = np.nonzero(seen)
    pixels = np.stack([columns, rows], 1).astype(float)
    camera = record.camera
    rays = cv2.undistortPoints(pixels[:, None], camera.matrix, np.array(camera.distortion))[:, 0]
    assert (np.einsum("ij,ij->i", normals[seen], np.column_stack([rays, np.ones(len(rays))])) < 0.02).all()
    up = record.camera.T_world_cam[2, :3]  # the world's vertical in the camera
    flat = (normals[seen] @ up) > 0.99
    assert flat.mean() > 0.5


def test_keypoints_are_projected_corners(record: Record) -> None:
    camera = record.camera
    unit = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    for label in record.labels:
        assert label.keypoint_names == CORNERS
        points = (unit * label.size_m) @ label.T_cam_obj[:3, :3].T + label.T_cam_obj[:3, 3]
        at, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion))
        seen = label.keypoints[:, 2] > 0
        assert seen.sum() >= 4 and (label.keypoints[:, 2] == 2).any()
        assert label.keypoints[seen, :2] == pytest.approx(at[seen, 0] + 0.5, abs=1e-6)
        left, top, right, bottom = label.xyxy_loose
        if seen.all():  # the corners enclose the silhouette
            assert label.keypoints[:, 0].min() <= left + 1 and label.keypoints[:, 0].max() >= right - 1
            assert label.keypoints[:, 1].min() <= top + 1 and label.keypoints[:, 1].max() >= bottom - 1


def test_a_box_hides_its_own_far_corners(sink: MemorySink, tmp_path: Path) -> None:
    changes = {**CHANGES, "assets.targets.count": 1, "assets.targets.labels": "box", "sensor.camera.pose.elevation": 35}
    scenario = Scenario("box").replace(changes, annotators=("keypoints",))
    generate(scenario, into=sink, n=1, backend="flat", workers=0, folder=tmp_path).result()
    (found,) = sink.records.values()
    visibility = found.labels[0].keypoints[:, 2].tolist()
    assert 1 <= visibility.count(1) <= 2 and visibility.count(2) >= 6  # the far lower one, and one that it may graze


def test_the_cloud_projects_back_onto_its_pixels(record: Record) -> None:
    cloud, camera = read_cloud(record.cloud), record.camera
    depth = picture(record.maps["depth"])
    assert len(cloud.xyz) >= (depth > 0).sum()
    at, _ = cv2.projectPoints(cloud.xyz, np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion))
    columns, rows = np.rint(at[:, 0]).astype(int).T
    assert np.abs(at[:, 0] - np.rint(at[:, 0])).max() < 0.01
    near = depth[rows, columns] > 0
    assert cloud.xyz[near, 2] * 1000 == pytest.approx(depth[rows, columns][near], abs=0.51)
    assert cloud.rgb is not None and record.T_cam_cloud == pytest.approx(np.eye(4))


def test_what_is_not_asked_for_is_not_there(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    generate(small, into=sink, n=1, backend="flat", workers=0, folder=tmp_path).result()
    assert {path.name for path in tmp_path.iterdir()} == {"images", "instances", "depth", "frames"}
    (found,) = sink.records.values()
    assert found.cloud is None and set(found.maps) == {"depth", "instances"}
    assert all(label.keypoints is None and label.T_cam_obj is not None for label in found.labels)


def test_the_document_keeps_them_and_names_the_wrong_ones(tmp_path: Path) -> None:
    scenario = Scenario.load({"scenario": 1, "name": "x", "annotators": [*ANNOTATORS]})
    assert scenario.annotators == tuple(ALL)
    assert Scenario.load(json.loads(json.dumps(scenario.document()))) == scenario
    assert scenario.sha256 != Scenario("x").sha256
    with pytest.raises(ScenarioError, match="Did you mean 'normals'"):
        Scenario.load({"scenario": 1, "name": "x", "annotators": ["normal"]})


def test_all_of_it_reaches_the_dataset_and_comes_back(dataset, tmp_path: Path) -> None:
    from workbench.adapters import store

    scenario = Scenario("all").replace(CHANGES, annotators=tuple(ALL))
    (sample_id,) = generate(scenario, into=dataset, n=1, backend="flat", workers=0, folder=tmp_path).result().sample_ids
    found = store.require_sample(dataset, sample_id).record
    assert set(found.maps) == {"depth", "instances", "semantic", "normals"} and found.cloud is not None
    for label in found.labels:
        assert label.T_cam_obj is not None and label.size_m is not None and label.xyxy_loose is not None
        assert label.keypoints is not None and len(label.keypoints) == 8
    assert dataset.media_type == "group" and store.info(dataset)["samples"] == 1
