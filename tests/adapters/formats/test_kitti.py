"""KITTI: rows, calibration, clouds, and KittiWriter's dialect."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import project, seen_box
from workbench.base.errors import InputError
from workbench.core.schema.labels import Camera

CAR = "Car 0.25 1 -1.57 10 12 40 30 1.5 1.6 4.0 1.0 1.5 10.0 1.2"
DONT_CARE = "DontCare -1 -1 -10 1 1 5 5 -1 -1 -1 -1000 -1000 -1000 -10"
CALIB = """P0: 1 0 0 0 0 1 0 0 0 0 1 0
P2: 50 0 32 25 0 50 24 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: 0 -1 0 0 0 0 -1 -0.1 1 0 0 -0.3
"""


def kinds(problems):
    return Counter(problem.kind for problem in problems)


@pytest.fixture
def kitti(tmp_path, picture):
    def make(rows, *, stem="000000", calib=CALIB, cloud=None, image="image_2", label="label_2"):
        base = tmp_path / "training"
        picture(base / image / f"{stem}.png")
        for folder, suffix, content in (
            (label, "txt", None if rows is None else "\n".join(rows).encode()),
            ("calib", "txt", None if calib is None else calib.encode()),
            ("velodyne", "bin", cloud),
        ):
            if content is not None:
                (base / folder).mkdir(exist_ok=True)
                (base / folder / f"{stem}.{suffix}").write_bytes(content)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("image", "label"), [("image_2", "label_2"), ("image_02", "label_02"), ("images", "labels"), ("data", "labels")]
)
def test_everything_of_a_row_is_read(kitti, reading, image, label):
    cloud = np.ones((3, 4), np.float32).tobytes()
    folder = kitti([CAR, DONT_CARE], cloud=cloud, image=image, label=label)
    name, found = choose(Source(folder))
    assert name == "kitti"
    assert f"training/{label}/000000.txt" in found.why
    (record,), problems = reading("kitti", folder)
    assert kinds(problems) == {"not_an_object": 1}
    assert record.split == "train"
    (car,) = record.labels
    assert (car.name, car.xyxy, car.confidence) == ("Car", (10, 12, 40, 30), None)
    assert car.attributes == {"occluded": 1, "truncated": 0.25, "alpha": -1.57}
    assert car.size_m == (4.0, 1.5, 1.6)
    assert car.T_cam_obj[:3, 3] == pytest.approx([1.5, 0.75, 10.0])  # 25 / 50 m beside camera 0, half a height up
    assert car.T_cam_obj[:3, 0] == pytest.approx([np.cos(1.2), 0, -np.sin(1.2)])
    camera = record.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (50, 50, 32, 24)
    assert record.cloud.name == "000000.bin"


def test_points_of_the_cloud_land_where_the_devkit_puts_them(kitti, reading):
    folder = kitti([CAR], cloud=np.ones((3, 4), np.float32).tobytes())
    (record,), _ = reading("kitti", folder)
    velo = np.array([8.0, 1.0, -0.5, 1.0])
    rows = dict(line.split(": ") for line in CALIB.strip().splitlines())
    P2 = np.array(rows["P2"].split(), float).reshape(3, 4)
    T = np.vstack([np.array(rows["Tr_velo_to_cam"].split(), float).reshape(3, 4), [0, 0, 0, 1]])
    u, v, w = P2 @ T @ velo
    ours = project(record.camera, (record.T_cam_cloud @ velo)[None, :3])[0] - 0.5
    assert ours == pytest.approx([u / w, v / w])


def test_the_corners_of_a_3d_box_are_the_devkits(kitti, reading):
    (record,), _ = reading("kitti", kitti([CAR]))
    car = record.labels[0]
    h, w, l = 1.5, 1.6, 4.0  # noqa: E741 - the devkit's letters
    x = np.array([l, l, -l, -l, l, l, -l, -l]) / 2
    y = np.array([0, 0, 0, 0, -h, -h, -h, -h])
    z = np.array([w, -w, -w, w, w, -w, -w, w]) / 2
    c, s = np.cos(1.2), np.sin(1.2)
    points = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.stack([x, y, z]) + np.array([[1.0], [1.5], [10.0]])
    P2 = np.array(CALIB.splitlines()[1].split()[1:], float).reshape(3, 4)
    pixels = P2 @ np.vstack([points, np.ones(8)])
    pixels = pixels[:2] / pixels[2] + 0.5
    wanted = (*pixels.min(axis=1), *pixels.max(axis=1))
    assert seen_box(record.camera, car.T_cam_obj, car.size_m) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("row", "attributes", "has_pose", "score"),
    [
        pytest.param("Car -1 -1 -10 1 1 9 9 -1 -1 -1 -1000 -1000 -1000 -10 0.7", {}, False, 0.7, id="2D result"),
        pytest.param("Car 0 3 0.5 1 1 9 9 1 1 1 0 0 9 0", {"truncated": 0, "alpha": 0.5}, True, None, id="occluded 3"),
        pytest.param("car 0.00 2 0.00 1 1 9 9 0 0 0 0 0 0 0", {"occluded": 2}, False, None, id="KittiWriter zeros"),
        pytest.param(
            "\"{'class': 'car', 'colour': 'dark red'}\" 0.00 0 0.00 1 1 9 9 0.00 0.00 0.00 0.00 0.00 0.00 0.00",
            {"occluded": 0, "colour": "dark red"},
            False,
            None,
            id="KittiWriter dictionary",
        ),
    ],
)
def test_what_a_row_does_not_know_is_absent(kitti, reading, row, attributes, has_pose, score):
    (record,), problems = reading("kitti", kitti([row]))
    (label,) = record.labels
    assert label.name.lower() == "car"
    assert label.attributes == attributes
    assert (label.T_cam_obj is not None) == (label.size_m is not None) == has_pose
    assert label.confidence == score
    assert len(problems) == 0


def test_kitti_writer_folders_and_unpadded_names(tmp_path, reading, picture):
    row = "\"{'class': 'forklift'}\" 0.00 0 0.00 1 2 9 9 0 0 0 0 0 0 0"
    for frame in (7, 10):
        base = tmp_path / "rp_0" / "Camera"
        picture(base / "rgb" / f"{frame}.png")
        picture(base / "semantic_segmentation" / f"{frame}.png")
        (base / "object_detection").mkdir(exist_ok=True)
        (base / "object_detection" / f"{frame}.txt").write_text(row)
    assert choose(Source(tmp_path))[0] == "kitti"
    records, problems = reading("kitti", tmp_path)
    assert [record.labels[0].name for record in records] == ["forklift"] * 2
    assert kinds(problems) == {"unlisted_image": 1}


@pytest.mark.parametrize(
    ("rows", "kind", "labels"),
    [
        pytest.param(["Car 1 2 3"], "broken_annotation", 0, id="too few columns"),
        pytest.param(["\"{'class': [}\" " + CAR[4:]], "broken_annotation", 0, id="broken dictionary"),
        pytest.param([CAR.replace("10 12 40 30", "40 12 10 30")], "inverted_box", 0, id="inverted"),
        pytest.param([CAR.replace("10 12 40 30", "nan 12 10 30")], "nan_box", 0, id="nan"),
        pytest.param([CAR.replace("40 30", "140 30")], "box_outside_image", 1, id="outside"),
        pytest.param([CAR.replace("1.5 1.6 4.0", "1.5 0 4.0")], "broken_annotation", 1, id="flat 3D box"),
        pytest.param(None, "missing_annotation_file", 0, id="no file"),
    ],
)
def test_problems_of_rows_are_named(kitti, reading, rows, kind, labels):
    (record,), problems = reading("kitti", kitti(rows))
    assert len(record.labels) == labels
    assert kinds(problems) == {kind: 1}


@pytest.mark.parametrize(
    ("calib", "cloud", "kind", "has_camera"),
    [
        pytest.param(None, None, "missing_annotation_file", False, id="no calibration"),
        pytest.param("P2: 1 2 x\n", None, "broken_annotation", False, id="broken P2"),
        pytest.param(CALIB, b"", "empty_cloud", True, id="empty cloud"),
        pytest.param(CALIB, b"12345", "unreadable_cloud", True, id="cut cloud"),
    ],
)
def test_problems_beside_the_rows_are_named(kitti, reading, calib, cloud, kind, has_camera):
    (record,), problems = reading("kitti", kitti([CAR], calib=calib, cloud=cloud))
    assert set(kinds(problems)) == {kind}
    assert (record.camera is not None) == has_camera
    assert record.cloud is None
    assert record.T_cam_cloud is None
    assert record.labels[0].T_cam_obj is not None


def test_every_picture_and_row_file_ends_in_an_outcome(kitti, reading):
    folder = kitti([CAR])
    (folder / "training" / "label_2" / "000009.txt").write_text(CAR)
    (folder / "training" / "image_2" / "000003.png").write_bytes(b"no picture")
    records, problems = reading("kitti", folder)
    assert len(records) + problems.records_lost == 3
    with pytest.raises(InputError):
        reading("kitti", folder / "training" / "label_2" / "000000.txt")


def test_a_box_behind_the_camera_is_not_seen():
    camera = Camera(64, 48, 50, 50, 31.5, 23.5)
    ahead = np.eye(4)
    ahead[2, 3] = 2.0
    assert seen_box(camera, -ahead + 2 * np.diag([1, 1, 1, 1.0]), (1, 1, 1)) is None
    left, top, right, bottom = seen_box(camera, np.eye(4), (1, 1, 1))  # the camera is inside
    assert (left, top, right, bottom) == (0, 0, 64, 48)


NO_BOX = ["0 0 0 0", "0.00 0.00 0.00 0.00", "-1 -1 -1 -1", "-1000 -1000 -1000 -1000"]


@pytest.mark.parametrize("edges", NO_BOX)
def test_a_3d_box_alone_has_the_box_that_the_camera_sees(kitti, reading, edges):
    row = CAR.replace("10 12 40 30", edges)
    (record,), problems = reading("kitti", kitti([row]))
    (car,) = record.labels
    assert car.xyxy == pytest.approx(seen_box(record.camera, car.T_cam_obj, car.size_m))
    assert car.attributes["box_from"] == "3d box"
    assert len(problems) == 0


@pytest.mark.parametrize("edges", NO_BOX)
@pytest.mark.parametrize(
    ("changed", "calib", "kind"),
    [
        pytest.param("1.0 1.5 -10.0", CALIB, "hidden_object", id="behind the camera"),
        pytest.param("900.0 1.5 10.0", CALIB, "hidden_object", id="beside the image"),
        pytest.param("1.0 1.5 10.0", None, "broken_annotation", id="no calibration"),
        pytest.param("-1000 -1000 -1000", CALIB, "zero_area_box", id="no 3D box either"),
    ],
)
def test_a_3d_box_alone_that_cannot_be_placed_is_named(kitti, reading, edges, changed, calib, kind):
    row = CAR.replace("10 12 40 30", edges).replace("1.0 1.5 10.0", changed)
    (record,), problems = reading("kitti", kitti([row], calib=calib))
    assert len(record.labels) == 0
    assert kinds(problems) == {kind: 1}
    assert all("training/label_2/000000.txt, line 1" in problem.where for problem in problems)
