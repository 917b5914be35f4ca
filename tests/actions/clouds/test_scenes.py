"""Boxes in the frame of the cloud, against corners computed by hand; scenes that the viewer can show."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.actions.clouds.street import T_CAM_VELO, THINGS, corners, write_street
from workbench.adapters.formats.registry import FORMATS
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.store.scenes import boxes_in_cloud, cloud_up, euler_xyz, scenes_of
from workbench.base.errors import InputError
from workbench.core.schema.labels import Label, Record


def turn(axis, angle):
    c, s = np.cos(angle), np.sin(angle)
    about = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(about[axis])


def shown_corners(location, dimensions, rotation):
    """Where the viewer draws a box: three.js turns by Rx Ry Rz."""
    R = turn("x", rotation[0]) @ turn("y", rotation[1]) @ turn("z", rotation[2])
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    return (signs * dimensions) @ R.T + location


def test_the_boxes_of_a_kitti_frame_stand_where_the_scanner_saw_the_things(tmp_path):
    record = next(iter(FORMATS["kitti"].read(Source(write_street(tmp_path)))))
    boxes = {label.name: box for _, label, box in boxes_in_cloud(record)}
    assert set(boxes) == {"Car", "Pedestrian"}
    for kind, centre, size, yaw in THINGS:
        box = boxes[kind]
        shown = shown_corners(box.location, box.dimensions, box.rotation)
        wanted = corners(np.array(centre), size, yaw)
        apart = np.linalg.norm(shown[:, None] - wanted[None], axis=2).min(axis=1)
        assert apart.max() < 1e-4, kind
        assert box.dimensions == pytest.approx(size)
        assert box.rotation == pytest.approx((0, 0, yaw), abs=1e-6)  # upright, and heading where the thing heads


poses = st.tuples(*[st.floats(-3.2, 3.2)] * 3, *[st.floats(-50, 50)] * 3)


@settings(max_examples=200, deadline=None)
@given(pose=poses, place=poses, size=st.tuples(*[st.floats(0.01, 20)] * 3))
def test_any_box_keeps_its_corners_in_any_frame(pose, place, size):
    T_cam_obj, T_cam_cloud = np.eye(4), np.eye(4)
    for T, values in ((T_cam_obj, pose), (T_cam_cloud, place)):
        T[:3, :3] = turn("z", values[0]) @ turn("y", values[1]) @ turn("x", values[2])
        T[:3, 3] = values[3:]
    record = Record(
        None, "a", 0, 0, (Label("x", (0, 0, 1, 1), T_cam_obj=T_cam_obj, size_m=size),), cloud=__file__,
        T_cam_cloud=T_cam_cloud,
    )  # fmt: skip
    ((_, _, box),) = boxes_in_cloud(record)
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    in_camera = (signs * size) @ T_cam_obj[:3, :3].T + T_cam_obj[:3, 3]
    wanted = (in_camera - T_cam_cloud[:3, 3]) @ T_cam_cloud[:3, :3]  # a rotation's inverse is its transpose
    shown = shown_corners(box.location, box.dimensions, box.rotation)
    assert np.linalg.norm(shown[:, None] - wanted[None], axis=2).min(axis=1).max() < 1e-6


@settings(max_examples=200, deadline=None)
@given(angles=st.tuples(*[st.floats(-3.2, 3.2)] * 3) | st.sampled_from([(1, np.pi / 2, 2), (1, -np.pi / 2, 2)]))
def test_angles_make_the_rotation_they_came_from(angles):
    R = turn("x", angles[0]) @ turn("y", angles[1]) @ turn("z", angles[2])
    a, b, c = euler_xyz(R)
    assert np.allclose(turn("x", a) @ turn("y", b) @ turn("z", c), R, atol=1e-6)


@pytest.mark.parametrize("T", [None, np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_cloud_without_a_known_place_shows_no_boxes(T):
    label = Label("x", (0, 0, 1, 1), T_cam_obj=np.eye(4), size_m=(1, 1, 1))
    assert list(boxes_in_cloud(Record(None, "a", 0, 0, (label,), cloud=__file__, T_cam_cloud=T))) == []


def test_up_is_where_an_upright_camera_has_it():
    assert cloud_up(T_CAM_VELO) == "Z"
    assert cloud_up(np.eye(4)) == "-Y"
    assert cloud_up(np.diag([1.0, -1, -1, 1])) == "Y"


PCD = "FIELDS x y z{more}\nSIZE 4 4 4{sizes}\nTYPE F F F{types}\nWIDTH 2\nHEIGHT 1\nDATA ascii\n{rows}"


@pytest.mark.parametrize(
    ("name", "content", "direct"),
    [
        ("a.pcd", PCD.format(more="", sizes="", types="", rows="1 2 3\n4 5 6\n"), True),
        ("nan.pcd", PCD.format(more="", sizes="", types="", rows="1 2 3\nnan 5 6\n"), False),
        ("rgba.pcd", PCD.format(more=" rgba", sizes=" 4", types=" U", rows="1 2 3 255\n4 5 6 0\n"), False),
        ("double.pcd", PCD.format(more="", sizes="", types="", rows="1 2 3\n4 5 6\n").replace("4 4 4", "8 8 8"), False),
        ("a.xyz", "1 2 3\n4 5 6\n", False),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
            "end_header\n1 2 3\n4 5 6\n", True),
    ],
)  # fmt: skip
def test_a_scene_points_to_a_cloud_that_the_viewer_can_read(tmp_path, name, content, direct):
    (tmp_path / name).write_text(content)
    record = Record(None, name, 0, 0, cloud=tmp_path / name, T_cam_cloud=T_CAM_VELO)
    scene, again = scenes_of([record, record])
    assert scene == again
    said = json.loads(scene.path.read_text())
    (node,) = said["children"]
    shown = node.get("pcdPath") or node["plyPath"]
    assert (shown == str(tmp_path / name)) == direct
    assert (node["centerGeometry"], said["camera"]["up"]) == (False, "Z")
    assert node["_type"] == ("PlyMesh" if name == "a.ply" else "PointCloud") and node.get("isPointCloud", True)
    before = scene.path.stat().st_mtime_ns
    assert scenes_of([record])[0].path.stat().st_mtime_ns == before, "made once"


def test_cameras_that_share_a_cloud_share_its_conversion(tmp_path):
    (tmp_path / "a.xyz").write_text("9 1 2\n12 5 6\n")
    aside = T_CAM_VELO.copy()
    aside[0, 3] += 0.54
    one, two = scenes_of(
        [Record(None, "a", 0, 0, cloud=tmp_path / "a.xyz", T_cam_cloud=T) for T in (T_CAM_VELO, aside)]
    )
    said = [json.loads(scene.path.read_text()) for scene in (one, two)]
    assert said[0]["children"][0]["pcdPath"] == said[1]["children"][0]["pcdPath"]
    eyes = np.array([scene["camera"]["position"] for scene in said])
    assert eyes[1] - eyes[0] == pytest.approx([0, 0.54, 0], abs=1e-9)
    assert eyes[0][0] < 0.27 and eyes[0][2] > 0  # behind the camera and above it
    assert said[0]["camera"]["lookAt"][0] > 9


def test_a_cloud_that_vanished_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.pcd"):
        scenes_of([Record(None, "gone", 0, 0, cloud=tmp_path / "gone.pcd")])
