"""Labels of moved photos, against pixels that are moved one by one."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.photos import Donor, Move, move_of, moved_camera, moved_labels, moved_light
from workbench.core.photos.outline import area, clipped
from workbench.core.schema.labels import Camera, Label

WIDTH, HEIGHT = 48, 36
VALUES = {
    "photo.max_side": None,
    "photo.mirror": False,
    "photo.crop": 1.0,
    "photo.shift.x": 0.0,
    "photo.shift.y": 0.0,
    "photo.rotation": 0.0,
}
SHARE = st.floats(-1, 1)
moves = st.fixed_dictionaries(
    {
        "photo.max_side": st.none() | st.integers(20, 48),
        "photo.mirror": st.booleans(),
        "photo.crop": st.floats(0.3, 1),
        "photo.shift.x": SHARE,
        "photo.shift.y": SHARE,
        "photo.rotation": st.just(0.0) | st.floats(-30, 30),
    }
)


def _label(x: int, y: int, width: int, height: int, seed: int, **more: Any) -> Label:
    mask = np.random.default_rng(seed).random((height, width)) < 0.7
    mask[0, :] = mask[-1, :] = mask[:, 0] = mask[:, -1] = True  # its box is tight
    return Label("part", (float(x), float(y), float(x + width), float(y + height)), mask=mask, **more)


def _slowly(label: Label, move: Move) -> tuple[np.ndarray, np.ndarray]:
    """The mask of the whole picture, pixel by pixel in plain Python, and where rounding decides."""
    assert label.mask is not None
    matrix = np.vstack([move.matrix, [0, 0, 1]])
    back = np.linalg.inv(matrix)
    left, top = int(label.xyxy[0]), int(label.xyxy[1])
    full, close = np.zeros((move.height, move.width), bool), np.zeros((move.height, move.width), bool)
    for row in range(move.height):
        for column in range(move.width):
            x, y, _ = back @ (column + 0.5, row + 0.5, 1.0)
            close[row, column] = abs(x - round(x)) < 1e-6 or abs(y - round(y)) < 1e-6
            i, j = math.floor(y) - top, math.floor(x) - left
            if 0 <= i < label.mask.shape[0] and 0 <= j < label.mask.shape[1]:
                full[row, column] = label.mask[i, j]
    return full, close


def _full(label: Label, move: Move) -> np.ndarray:
    assert label.mask is not None
    full = np.zeros((move.height + 1, move.width + 1), bool)
    left, top = math.floor(label.xyxy[0]), math.floor(label.xyxy[1])
    rows, columns = label.mask.shape
    full[top : top + rows, left : left + columns] = label.mask[: full.shape[0] - top, : full.shape[1] - left]
    return full[: move.height, : move.width]


@settings(max_examples=40)
@given(moves, st.integers(0, 30), st.integers(0, 20), st.integers(3, 17), st.integers(3, 15), st.integers(0, 9))
def test_masks_are_those_of_single_pixels(values: Any, x: int, y: int, width: int, height: int, seed: int) -> None:
    move = move_of(VALUES | values, WIDTH, HEIGHT)
    label = _label(x, y, width, height, seed)
    moved, cut = moved_labels([label], move, 0.0)
    wanted, close = _slowly(label, move)
    if not moved:
        assert cut == 1 and not wanted[~close].any()
        return
    full = _full(moved[0], move)
    assert np.array_equal(full[~close], wanted[~close])
    left, top, right, bottom = moved[0].xyxy
    rows, columns = np.nonzero(full)
    assert left <= columns.min() + 1 and right >= columns.max() and top <= rows.min() + 1 and bottom >= rows.max()


@settings(max_examples=60)
@given(moves)
def test_nothing_beyond_the_photo_is_shown(values: Any) -> None:
    move = move_of(VALUES | values, WIDTH, HEIGHT)
    corners = np.array([[0, 0], [move.width, 0], [0, move.height], [move.width, move.height]], float)
    inverse = move.inverse()
    back = corners @ inverse[:, :2].T + inverse[:, 2]
    assert (back >= -1e-6).all() and (back <= np.array([WIDTH, HEIGHT]) + 1e-6).all()
    assert move.is_mirrored == (VALUES | values)["photo.mirror"]


@settings(max_examples=60)
@given(moves, st.tuples(SHARE, SHARE, SHARE, SHARE))
def test_boxes_outlines_and_points_move_alike(values: Any, shares: Any) -> None:
    move = move_of(VALUES | values, WIDTH, HEIGHT)
    x0, x1 = sorted(24 + 24 * share for share in shares[:2])
    y0, y1 = sorted(18 + 18 * share for share in shares[2:])
    outline = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    points = np.column_stack([outline, np.full(4, 2.0)])
    label = Label("part", (x0, y0, x1, y1), polygons=(outline,), keypoints=points, keypoint_names=tuple("abcd"))
    moved, _ = moved_labels([label], move, 0.0)
    if not moved:
        return
    polygon, keypoints = moved[0].polygons, moved[0].keypoints
    inside = clipped(move.points(outline), move)
    assert np.allclose(polygon[0], inside) if polygon else area(inside) == 0
    assert keypoints is not None
    for before, after in zip(move.points(outline), keypoints, strict=True):
        there = 0 <= before[0] <= move.width and 0 <= before[1] <= move.height
        assert np.allclose(after, [*before, 2.0] if there else [0.0, 0.0, 0.0])
    if polygon and area(inside) > 0:
        assert np.allclose(moved[0].xyxy, [*inside.min(axis=0), *inside.max(axis=0)])


def test_an_object_that_leaves_the_picture_is_counted() -> None:
    move = move_of(VALUES | {"photo.crop": 0.5, "photo.shift.x": 1.0, "photo.shift.y": 1.0}, WIDTH, HEIGHT)
    out, half = Label("part", (0, 0, 5, 5)), Label("part", (19, 20, 29, 30), attributes={"color": "red"})
    labels, cut = moved_labels([out, half], move, 0.25)
    assert (len(labels), cut) == (1, 1)
    assert labels[0].attributes == {"color": "red", "visible_fraction": 0.5} and labels[0].xyxy == (0, 4, 5, 14)
    assert moved_labels([out, half], move, 0.6) == ((), 2)


def test_the_picture_moves_with_its_labels() -> None:
    light = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    light[10:20, 12:30] = 1.0
    label = Label("part", (12.0, 10.0, 30.0, 20.0))
    for values in ({"photo.crop": 0.8}, {"photo.mirror": True}, {"photo.rotation": 20.0}, {"photo.max_side": 24}):
        move = move_of(VALUES | values, WIDTH, HEIGHT)
        shown = moved_light(light, move)[..., 0] > 0.5
        rows, columns = np.nonzero(shown)
        labels, _ = moved_labels([label], move, 0.0)
        tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert np.abs(np.subtract(labels[0].xyxy, tight)).max() <= 1.0, values
        assert shown.shape == (move.height, move.width)


def test_a_photo_that_is_not_moved_stays_as_it_is() -> None:
    light = np.random.default_rng(0).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    assert np.array_equal(moved_light(light, move_of(VALUES, WIDTH, HEIGHT)), light)


def test_a_part_keeps_its_pixels() -> None:
    light = np.random.default_rng(0).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    part = {"photo.crop": 0.6, "photo.shift.x": 0.9, "photo.shift.y": 0.2}
    shown = moved_light(light, move_of(VALUES | part, WIDTH, HEIGHT))
    assert np.array_equal(shown, light[8 : 8 + 21, 16 : 16 + 28])
    mirrored = moved_light(light, move_of(VALUES | part | {"photo.mirror": True}, WIDTH, HEIGHT))
    assert np.array_equal(mirrored, shown[:, ::-1])


def test_a_camera_sees_its_points_where_they_move_to() -> None:
    camera = Camera(WIDTH, HEIGHT, 40.0, 41.0, 23.0, 18.5, T_world_cam=np.eye(4))
    move = move_of(VALUES | {"photo.crop": 0.7, "photo.shift.x": -0.4, "photo.max_side": 30}, WIDTH, HEIGHT)
    moved = moved_camera(camera, move)
    point = np.array([[0.1, -0.05, 1.3]])
    assert moved is not None and (moved.width, moved.height) == (move.width, move.height)
    before, after = (
        cv2.projectPoints(point, np.zeros(3), np.zeros(3), one.matrix, np.zeros(4))[0].ravel() + 0.5
        for one in (camera, moved)
    )
    assert move.points(before[None])[0] == pytest.approx(after)
    for values in ({"photo.mirror": True}, {"photo.rotation": 3.0}):
        assert moved_camera(camera, move_of(VALUES | values, WIDTH, HEIGHT)) is None
    assert Donor("a", __import__("pathlib").Path("a.png"), WIDTH, HEIGHT).camera is None
