"""TUM's RGB-D sequences: association by time, poses, intrinsics, and every kind of problem."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.adapters.formats.reading import read_all
from tests.sizes import FUZZ_CASES
from tests.strategies import mutations
from workbench.adapters.formats.images.tum import nearest
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source

W, H = 64, 48
RGB = "# color images\n# timestamp filename\n1.00 rgb/a.png\n1.10 rgb/b.png\n1.20 rgb/c.png\n"
DEPTH = "# depth maps\n1.01 depth/x.png\n1.115 depth/y.png\n1.25 depth/z.png\n"
POSES = (
    "# timestamp tx ty tz qx qy qz qw\n0.99 1 2 3 0 0 0 1\n1.005 4 5 6 0 0 0.70710678 0.70710678\n1.2 7 8 9 1 0 0 0\n"
)


def kinds(problems):
    return Counter(problem.kind for problem in problems)


@pytest.fixture
def sequence(tmp_path, picture):
    def make(folder="", **texts):
        home = tmp_path / folder
        for name in "abc":
            picture(home / "rgb" / f"{name}.png")
        (home / "depth").mkdir(parents=True)
        for at, name in enumerate("xyz", 1):
            Image.fromarray(np.full((H, W), 5000 * at, np.uint16)).save(home / "depth" / f"{name}.png")
        for name, text in {"rgb": RGB, "depth": DEPTH, "groundtruth": POSES, **texts}.items():
            if text is not None:
                (home / f"{name}.txt").write_text(text)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("times", "time_s", "found"),
    [([1.0, 2.0], 1.98, 1), ([1.0, 2.0], 1.021, None), ([1.0], 0.98, 0), ([], 1.0, None), ([1.0, 1.01], 1.006, 1)],
)
def test_the_nearest_time_within_20_ms_belongs(times, time_s, found):
    assert nearest(times, time_s) == found


@pytest.mark.parametrize("folder", ["", "freiburg/desk"])
def test_depth_and_poses_come_by_time(sequence, reading, folder):
    root = sequence(folder, calibration="525 526 319.5 239.5 0.1 0.2 0.3 0.4 0\n")
    name, found = choose(Source(root))
    assert (name, "3 images" in found.why, "3 in RGB-D sequences" in found.why) == ("folder", True, True)
    records, problems = reading("folder", root)
    assert kinds(problems) == {"missing_map": 1, "missing_annotation_file": 1, "unlisted_image": 1}
    depths = [np.asarray(Image.open(r.maps["depth"])).max() if r.maps else None for r in records]
    assert depths == [1000, 2000, None]
    poses = [record.camera.T_world_cam for record in records]
    assert [None if pose is None else pose[:3, 3].tolist() for pose in poses] == [[4, 5, 6], None, [7, 8, 9]]
    assert poses[0][:3, :3] == pytest.approx(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), abs=1e-6)
    assert (records[0].camera.fx, records[0].camera.cy) == (525, 239.5)
    assert records[0].camera.distortion == (0.1, 0.2, 0.3, 0.4)
    assert [record.attributes for record in records] == [{"time_s": 1.0}, {"time_s": 1.1}, {"time_s": 1.2}]
    assert {record.scene_id for record in records} == {f"{root.name}/{folder}".rstrip("/")}


def test_a_pose_without_intrinsics_is_kept_as_a_fact(sequence, reading):
    records, _ = reading("folder", sequence())
    assert [record.camera for record in records] == [None, None, None]
    assert json.loads(records[0].attributes["T_world_cam"])[0][3] == 4
    assert "T_world_cam" not in records[1].attributes


@pytest.mark.parametrize(
    ("texts", "kind", "message", "loaded", "lost"),
    [
        ({"rgb": RGB + "1.3 rgb/absent.png\n"}, "missing_image",
         "There is no image 'rgb/absent.png'; sample left out.", 3, 1),
        ({"rgb": RGB + "1.3 ../../out.png\n"}, "path_outside_folder",
         "The path '../../out.png' leads out of the folder; sample left out.", 3, 1),
        ({"rgb": RGB + "later rgb/a.png\n"}, "broken_annotation",
         "The line 'later rgb/a.png' is not a time and 1 value; line left out.", 3, 0),
        ({"depth": DEPTH + "1.3 depth/absent.png\n"}, "missing_map",
         "There is no image 'depth/absent.png'; depth map left out.", 3, 0),
        ({"groundtruth": POSES + "1.1 1 2 3 0 0 0 0\n"}, "broken_annotation",
         "'1 2 3 0 0 0 0' is not a pose tx ty tz qx qy qz qw; pose left out.", 3, 0),
        ({"groundtruth": POSES + "1.1 1 2 3\n"}, "broken_annotation",
         "The line '1.1 1 2 3' is not a time and 7 values; line left out.", 3, 0),
        ({"groundtruth": POSES + "1.1 nan 2 3 0 0 0 1\n"}, "broken_annotation",
         "'nan 2 3 0 0 0 1' is not a pose tx ty tz qx qy qz qw; pose left out.", 3, 0),
        ({"calibration": "1 2 3\n"}, "unsupported_camera",
         "'1 2 3' is not fx fy cx cy, alone or with k1 k2 p1 p2; loaded without intrinsics.", 3, 0),
        ({"calibration": "5 5 3 3 0.1 0.1 0 0 1.1\n"}, "unsupported_camera",
         "'5 5 3 3 0.1 0.1 0 0 1.1' is not fx fy cx cy, alone or with k1 k2 p1 p2; loaded without intrinsics.", 3, 0),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(sequence, reading, texts, kind, message, loaded, lost):
    records, problems = reading("folder", sequence(**texts))
    usual = {"missing_map": 1, "missing_annotation_file": 1, "unlisted_image": 1}
    assert kinds(problems) == Counter(usual) + Counter([kind])
    assert message in [problem.message for problem in problems]
    assert (len(records), problems.records_lost) == (loaded, lost)


def test_a_text_of_that_name_that_lists_nothing_is_no_sequence(sequence, reading):
    records, problems = reading("folder", sequence(rgb="notes about the colours\n", depth=None, groundtruth=None))
    assert [record.attributes for record in records] == [{}] * 6  # maps of other names belong to no picture
    assert kinds(problems) == {"unread_file": 1}


TEXTS = {"rgb": RGB, "depth": DEPTH, "groundtruth": POSES, "calibration": "525 526 319.5 239.5 0.1 0.2 0.3 0.4 0\n"}


@pytest.fixture
def spoiled(sequence):
    folder = sequence(**TEXTS)

    def read(spoil, name):
        path = folder / f"{name}.txt"
        path.write_bytes(spoil(TEXTS[name].encode()))
        read_all("folder", folder)
        path.write_text(TEXTS[name])

    return read


@settings(max_examples=FUZZ_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), name=st.sampled_from(sorted(TEXTS)))
def test_mutated_lists_raise_nothing_of_their_own(spoiled, spoil, name):
    spoiled(spoil, name)
