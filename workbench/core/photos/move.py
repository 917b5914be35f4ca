"""Crops, zooms, mirrors and rotations of a photo, with its labels: each moved exactly.

Coordinates are pixel edges: the picture is ``[0, W] x [0, H]``, the centre of its first pixel ``(0.5, 0.5)``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.outline import area, clipped, rounded_out
from workbench.core.schema.labels import Camera, Label, Labels

Points = NDArray[np.float64]
WHOLE = 1.0 - 1e-9  # share of an object in the picture that counts as all of it
BLOCK_PX = 8  # of a JPEG
HALF_AS_SMALL = 1.5  # from this reduction on, pixels are averaged before they are placed


@dataclass(frozen=True, eq=False)
class Move:
    """Where the points of a photo come to lie.

    Attributes:
        matrix: ``(2, 3)``, from the photo to the picture, pixel edges.
        width, height: of the picture, pixels.
    """

    matrix: Points
    width: int
    height: int

    def points(self, xy: Points) -> Points:
        """Points ``(n, 2)`` of the photo, in the picture."""
        return np.asarray(xy @ self.matrix[:, :2].T + self.matrix[:, 2])

    def inverse(self) -> Points:
        """``(2, 3)``, from the picture to the photo."""
        return np.asarray(cv2.invertAffineTransform(self.matrix))

    @property
    def is_upright(self) -> bool:
        """Whether horizontal edges stay horizontal."""
        return bool(self.matrix[0, 1] == 0.0 and self.matrix[1, 0] == 0.0)

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)


def move_of(values: Mapping[str, Any], width: int, height: int) -> Move:
    """The move that a frame asks for, of a photo of this size; it shows nothing beyond the photo's edges.

    The picture has the pixels of the part that is shown: without a rotation they are not interpolated, and blocks of a
    JPEG stay blocks. A rotation cuts away what it must, so that the corners stay filled.
    """
    angle = math.radians(values["photo.rotation"])
    cos, sin = math.cos(angle), abs(math.sin(angle))
    crop = min(values["photo.crop"], 1 / (cos + height / width * sin), 1 / (cos + width / height * sin))
    shown = np.maximum(np.floor(np.array([width, height]) * crop + 1e-9), 1.0)
    margin = np.maximum([width - shown[0] * cos - shown[1] * sin, height - shown[0] * sin - shown[1] * cos], 0.0)
    share = np.array([values["photo.shift.x"] + 1.0, values["photo.shift.y"] + 1.0]) / 2
    if angle:
        turn = np.array([[cos, -math.sin(angle)], [math.sin(angle), cos]])
        center = (np.array([width, height]) - margin) / 2 + margin * share
    else:
        turn, corner = np.eye(2), np.minimum(np.rint(margin * share / BLOCK_PX), margin // BLOCK_PX) * BLOCK_PX
        center = corner + shown / 2
    longest = values["photo.max_side"]
    scale = 1.0 if longest is None else min(1.0, longest / shown.max())
    out = np.maximum(np.rint(shown * scale), 1.0)
    linear = np.diag(out / shown) @ turn
    if values["photo.mirror"]:
        linear = np.diag([-1.0, 1.0]) @ linear
    return Move(np.column_stack([linear, out / 2 - linear @ center]), int(out[0]), int(out[1]))


def moved_light(light: NDArray[np.float32], move: Move, *, empty_beyond: bool = False) -> NDArray[np.float32]:
    """The picture ``(H, W, 3)`` that a move makes of a photo: its own pixels, or interpolated by cubic splines.

    Beyond its edges a photo is mirrored, or 0 with ``empty_beyond``.
    """
    matrix = move.matrix.copy()
    if np.array_equal(np.abs(matrix[:, :2]), np.eye(2)):
        ends = np.array([[0, 0, 1], [move.width, move.height, 1]]) @ move.inverse().T
        left, top = np.rint(ends.min(axis=0)).astype(int)
        part = light[max(top, 0) : top + move.height, max(left, 0) : left + move.width]
        is_whole = bool((np.abs(ends.min(axis=0) - (left, top)) < 1e-6).all())
        if is_whole and part.shape[:2] == (move.height, move.width):
            return np.ascontiguousarray(part[:, ::-1]) if move.is_mirrored else part
    reduction = 1.0 / math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if reduction >= HALF_AS_SMALL:
        height, width = light.shape[:2]
        small = (max(1, round(width / reduction)), max(1, round(height / reduction)))
        light = np.asarray(cv2.resize(light, small, interpolation=cv2.INTER_AREA), np.float32)
        matrix[:, :2] = matrix[:, :2] @ np.diag([width / small[0], height / small[1]])
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from the centre of the first pixel
    border = cv2.BORDER_CONSTANT if empty_beyond else cv2.BORDER_REFLECT_101
    moved = cv2.warpAffine(light, matrix, (move.width, move.height), flags=cv2.INTER_CUBIC, borderMode=border)
    return np.maximum(np.asarray(moved, np.float32), 0.0)


def moved_labels(labels: Iterable[Label], move: Move, least_visible: float) -> tuple[Labels, int]:
    """The labels of the picture, and how many are left out because less of them is in it than asked for."""
    given = list(labels)
    kept = seen_labels(given, move, least_visible)
    return Labels.of([label for label, _ in kept]), len(given) - len(kept)


def seen_labels(labels: Iterable[Label], move: Move, least_visible: float) -> list[tuple[Label, float]]:
    """The labels of which enough is in the picture, each with the share of it that is."""
    moved = [moved_label(label, move) for label in labels]
    return [(label, share) for label, share in moved if label is not None and share >= least_visible]


def moved_camera(camera: Camera | None, move: Move) -> Camera | None:
    """The camera that would have taken the picture; ``None`` where none can: mirrored or rotated."""
    if camera is None or move.is_mirrored or not move.is_upright:
        return None
    (sx, _, tx), (_, sy, ty) = move.matrix
    cx, cy = sx * (camera.cx + 0.5) + tx - 0.5, sy * (camera.cy + 0.5) + ty - 0.5
    return dataclasses.replace(
        camera, width=move.width, height=move.height, fx=sx * camera.fx, fy=sy * camera.fy, cx=cx, cy=cy
    )


def moved_label(label: Label, move: Move) -> tuple[Label | None, float]:
    """A label in the picture, ``None`` when nothing of it is there, and the share of it that is."""
    polygons = tuple(part for outline in label.polygons if len(part := clipped(move.points(outline), move)) >= 3)
    mask, mask_corner, visible = _moved_mask(label, move)
    corners = move.points(_corners(label.xyxy))
    if label.mask is None:
        whole = sum(area(move.points(outline)) for outline in label.polygons) if label.polygons else area(corners)
        seen = sum(map(area, polygons)) if label.polygons else area(clipped(corners, move))
        visible = seen / whole if whole > 0 else float(_is_inside(corners.mean(axis=0), move))
    if visible <= 0:
        return None, 0.0
    xyxy = _box(label, move, corners, polygons, mask, mask_corner)
    if xyxy is None:
        return None, 0.0
    if mask is not None:
        mask = _over(mask, mask_corner, xyxy)
    loose = None if label.xyxy_loose is None else _bounds(move.points(_corners(label.xyxy_loose)), move)
    posed = move.is_upright and not move.is_mirrored
    moved = dataclasses.replace(
        label,
        xyxy=xyxy,
        polygons=polygons,
        mask=mask,
        keypoints=None if label.keypoints is None else _moved_keypoints(label.keypoints, move),
        xyxy_loose=loose,
        T_cam_obj=label.T_cam_obj if posed else None,
        size_m=label.size_m if posed else None,
        attributes=label.attributes
        if visible >= WHOLE
        else {**label.attributes, "visible_fraction": round(visible, 4)},
    )
    return moved, min(visible, 1.0)


def _box(
    label: Label,
    move: Move,
    corners: Points,
    polygons: tuple[Points, ...],
    mask: NDArray[np.bool_] | None,
    mask_corner: tuple[int, int],
) -> tuple[float, float, float, float] | None:
    """The given box moved; after a rotation the tight box of the outline, else that of the box's corners."""
    if not move.is_upright:
        if polygons:
            return _bounds(np.concatenate(polygons), move)
        if mask is not None:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            left, top = mask_corner
            return (
                float(left + columns[0]), float(top + rows[0]),
                float(left + columns[-1] + 1), float(top + rows[-1] + 1),
            )  # fmt: skip
    return _bounds(corners, move)


def _bounds(points: Points, move: Move) -> tuple[float, float, float, float] | None:
    """Edges of the box about points, cut at the picture's edges; ``None`` where nothing is left."""
    left, top = np.maximum(points.min(axis=0), 0.0)
    right, bottom = np.minimum(points.max(axis=0), (move.width, move.height))
    if right < left or bottom < top:
        return None
    return float(left), float(top), float(right), float(bottom)


def _moved_mask(label: Label, move: Move) -> tuple[NDArray[np.bool_] | None, tuple[int, int], float]:
    """The mask of the picture over the bounds of the moved box, the corner of these, and the share in the picture.

    A pixel of the picture belongs to it when the photo's pixel at its centre does.
    """
    if label.mask is None:
        return None, (0, 0), 0.0
    left, top, _, _ = rounded_out(label.xyxy)
    rows, columns = label.mask.shape
    outer = move.points(_corners((left, top, left + columns, top + rows)))
    x0, y0 = np.floor(np.maximum(outer.min(axis=0), 0.0)).astype(int)
    x1, y1 = np.ceil(np.minimum(outer.max(axis=0), (move.width, move.height))).astype(int)
    if x1 <= x0 or y1 <= y0:
        return None, (0, 0), 0.0
    (a, b, tx), (c, d, ty) = move.inverse()
    x, y = np.arange(x0, x1)[None, :] + 0.5, np.arange(y0, y1)[:, None] + 0.5
    column, row = np.floor(a * x + b * y + tx).astype(int) - left, np.floor(c * x + d * y + ty).astype(int) - top
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    mask = np.zeros((y1 - y0, x1 - x0), np.bool_)
    mask[inside] = label.mask[row[inside], column[inside]]
    if not mask.any():
        return None, (0, 0), 0.0
    whole_inside = (outer >= 0).all() and (outer <= (move.width, move.height)).all()
    whole = label.mask.sum() * abs(np.linalg.det(move.matrix[:, :2]))
    return mask, (int(x0), int(y0)), 1.0 if whole_inside else min(float(mask.sum() / whole), 1.0)


def _over(
    mask: NDArray[np.bool_], corner: tuple[int, int], xyxy: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """A mask over a box rounded outwards, from one over other bounds."""
    left, top, right, bottom = rounded_out(xyxy)
    full = np.zeros((bottom - top, right - left), np.bool_)
    dx, dy = corner[0] - left, corner[1] - top
    height = min(mask.shape[0] + min(dy, 0), full.shape[0] - max(dy, 0))
    width = min(mask.shape[1] + min(dx, 0), full.shape[1] - max(dx, 0))
    if height > 0 and width > 0:
        source = mask[max(-dy, 0) : max(-dy, 0) + height, max(-dx, 0) : max(-dx, 0) + width]
        full[max(dy, 0) : max(dy, 0) + height, max(dx, 0) : max(dx, 0) + width] = source
    return full


def _moved_keypoints(keypoints: Points, move: Move) -> Points:
    """Keypoints moved; those outside of the picture are not labelled any more."""
    moved = np.column_stack([move.points(keypoints[:, :2]), keypoints[:, 2]])
    inside = np.array([_is_inside(point, move) for point in moved[:, :2]], np.bool_)
    moved[~inside | (keypoints[:, 2] == 0)] = 0.0
    return moved


def _is_inside(point: Points, move: Move) -> bool:
    return bool(0 <= point[0] <= move.width and 0 <= point[1] <= move.height)


def _corners(xyxy: tuple[float, float, float, float]) -> Points:
    left, top, right, bottom = xyxy
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
