"""Ground truth by ray casting against numbers worked out by hand."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.render.render_scenes import DARK, bench, camera_above, looking, paint, slab, white_floor
from tests.builders import in_the_frustum
from workbench.adapters.render import annotate
from workbench.adapters.render._lens import directions, distort, undistort
from workbench.base.errors import InputError
from workbench.core.scenario import build
from workbench.core.schema.labels import Camera
from workbench.core.schema.scene import Scene


def one_slab(**changes) -> Scene:
    white = slab(0.1, 0.08, 0.1, paint(0.9), instance_id=7, name="slab")
    return Scene((white_floor(), white), (), DARK, camera_above(100, 80, f=100.0, **changes))


def test_box_of_a_block_seen_from_above() -> None:
    """Top face 0.1 x 0.08 m at 0.4 m with f = 100: 25 x 20 pixels about the principal point (49.5, 39.5)."""
    truth = annotate(one_slab()).objects[0]
    assert truth.xyxy == pytest.approx((37.5, 30, 62.5, 50), abs=0.51)
    assert truth.visible_px == truth.silhouette_px and truth.visible_fraction == 1.0
    assert (truth.instance_id, truth.name, truth.surface, truth.asset) == (7, "slab", "matte", "test/slab")
    assert truth.size_m == pytest.approx((0.1, 0.08, 0.1))
    np.testing.assert_allclose(truth.T_cam_obj, [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.5], [0, 0, 0, 1]])


def test_depth_is_camera_z_not_distance() -> None:
    depth = annotate(one_slab()).depth_m
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth[40, 50], 0.4, atol=1e-6)
    np.testing.assert_allclose(depth[[0, 0, -1, -1], [0, -1, 0, -1]], 0.5, atol=1e-6)


def test_nothing_hit_is_infinite_and_without_normal() -> None:
    truth = annotate(Scene((slab(0.1, 0.1, 0.1, paint(1.0)),), (), DARK, camera_above()))
    assert np.isinf(truth.depth_m[0, 0]) and not truth.normals[0, 0].any() and truth.objects == ()
    np.testing.assert_allclose(truth.normals[36, 48], [0, 0, 1], atol=1e-6)


def test_hidden_and_cut_objects() -> None:
    front = slab(0.1, 0.1, 0.02, paint(1.0), at=(0, 0, 0.2), instance_id=1, name="front")
    behind = slab(0.06, 0.06, 0.02, paint(1.0), at=(0, 0, 0.0), instance_id=2, name="behind")
    half = slab(0.06, 0.06, 0.02, paint(1.0), at=(0.07, 0, 0.0), instance_id=3, name="half")
    outside = slab(0.06, 0.06, 0.02, paint(1.0), at=(2.0, 0, 0.0), instance_id=4, name="outside")
    truth = {o.name: o for o in annotate(Scene((front, behind, half, outside), (), DARK, camera_above())).objects}
    assert set(truth) == {"front", "behind", "half"}
    assert truth["behind"].xyxy is None and truth["behind"].visible_fraction == 0 and truth["behind"].silhouette_px > 50
    assert 0 < truth["half"].visible_fraction < 1
    assert truth["half"].xyxy is not None and truth["half"].xyxy[0] > truth["half"].xyxy_loose[0]


def test_loose_box_is_cut_by_the_picture() -> None:
    wide = slab(1.5, 0.05, 0.01, paint(1.0), instance_id=1, name="wide")
    assert annotate(Scene((wide,), (), DARK, camera_above())).objects[0].xyxy_loose[::2] == (0.0, 96.0)


def test_an_object_around_the_camera_is_found() -> None:
    room = slab(3, 3, 3, paint(1.0), at=(0, 0, -1), instance_id=1, name="room")
    truth = annotate(Scene((room,), (), DARK, camera_above())).objects[0]
    assert truth.xyxy == (0.0, 0.0, 96.0, 72.0)


def test_scale_reaches_the_size() -> None:
    solid = slab(0.1, 0.2, 0.05, paint(1.0), instance_id=1, name="slab")
    T = solid.T_world_obj.copy()
    T[:3, :3] *= 1.5
    scene = Scene((dataclasses.replace(solid, T_world_obj=T),), (), DARK, camera_above())
    assert annotate(scene).objects[0].size_m == pytest.approx((0.15, 0.3, 0.075))


def test_instances_boxes_and_counts_agree_on_a_real_scene() -> None:
    truth = annotate(bench(5, camera=looking((0.1, -0.4, 0.4), distortion=(-0.1, 0.0, 0.001, 0.0))))
    assert truth.instances.dtype == np.uint16 and {o.instance_id for o in truth.objects} == {1, 2, 3}
    for o in truth.objects:
        rows, columns = np.nonzero(truth.instances == o.instance_id)
        assert o.visible_px == len(rows) <= o.silhouette_px
        assert o.xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert o.xyxy_loose[0] <= o.xyxy[0] and o.xyxy_loose[3] >= o.xyxy[3]


def test_distorted_pixels_hit_where_opencv_projects() -> None:
    """Points found through distorted rays project back to their pixel by OpenCV's model."""
    camera = looking((0.2, -0.5, 0.4), distortion=(-0.25, 0.05, 0.003, -0.002), cx=40.0)
    truth = annotate(Scene((white_floor(),), (), DARK, camera))
    rows, columns = np.mgrid[0:72:9, 0:96:8].reshape(2, -1)
    points = directions(camera)[rows, columns] * truth.depth_m[rows, columns, None]
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion))
    np.testing.assert_allclose(pixels[:, 0], np.stack([columns, rows], axis=1), atol=2e-3)


small = st.floats(-0.08, 0.08)


@settings(max_examples=60, deadline=None)
@given(k1=small, k2=small, p1=st.floats(-0.01, 0.01), p2=st.floats(-0.01, 0.01))
def test_undistort_inverts_distort(k1: float, k2: float, p1: float, p2: float) -> None:
    x, y = np.meshgrid(np.linspace(-0.6, 0.6, 7), np.linspace(-0.45, 0.45, 5))
    ideal = np.stack([x, y], axis=2)
    lens = (k1, k2, p1, p2)
    np.testing.assert_allclose(undistort(distort(ideal, lens), lens), ideal, atol=1e-9)


def test_a_lens_that_folds_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be inverted over the whole image"):
        annotate(dataclasses.replace(one_slab(), camera=camera_above(f=40.0, distortion=(-0.9, 0.0, 0.0, 0.0))))


def test_a_camera_without_pose_is_refused() -> None:
    camera = Camera(10, 10, 10.0, 10.0, 4.5, 4.5)
    with pytest.raises(InputError, match="The camera has no pose"):
        annotate(Scene((white_floor(),), (), DARK, camera))


@pytest.mark.parametrize("frame", range(3))
def test_what_is_placed_before_the_camera_is_seen(frame: int) -> None:
    truth = annotate(build(in_the_frustum().resolve(frame)))
    assert len(truth.objects) == 3 and all(thing.silhouette_px for thing in truth.objects)
