"""Labelled objects cut out of their photos, with what is needed to put them into other light."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.grabcut import Mask, Rgb8, segmented
from workbench.core.photos.outline import filled, rounded_out
from workbench.core.photos.surround import Surround, surround_of
from workbench.core.schema.labels import Label

PAD = 4  # pixels around the box in a patch
LEAST_SIDE_PX = 8.0  # of the box of an object that is cut out
LARGEST = 0.8  # of the area of the photo
EDGE = 0.002  # of the photo's side, within which a box touches its edge
MUCH = 0.3  # of a box in others, from which on it cannot be told what of it is the object
HIDDEN = ("truncated", "occluded", "iscrowd", "crowd", "difficult")


@dataclass(frozen=True, eq=False)
class Cutout:
    """An object without its photo.

    Attributes:
        label: in pixels of the patch; its mask is the object.
        pixels: ``(h, w, 3)`` sRGB; beyond the object's edge its own colours go on.
        confidence: of the outline, 0..1; 1 where it was given.
        corner: left and top of the patch in the photo, pixels.
        centre: of its box in the photo, shares of width and height.
        photo_px: longer side of the photo.
        surround: light around it and in the photo.
    """

    label: Label
    pixels: Rgb8
    confidence: float
    corner: tuple[int, int]
    centre: tuple[float, float]
    photo_px: int
    surround: Surround


def unfit(labels: Sequence[Label], width: int, height: int) -> list[str | None]:
    """Why each label of a photo cannot be cut out; ``None`` where it can be tried."""
    boxes = np.array([label.xyxy for label in labels], np.float64).reshape(-1, 4)
    return [_unfit(label, boxes, i, width, height) for i, label in enumerate(labels)]


def _unfit(label: Label, boxes: NDArray[np.float64], own: int, width: int, height: int) -> str | None:
    left, top, right, bottom = label.xyxy
    if any(label.attributes.get(name) in (True, 1, "1", "true", "True") for name in HIDDEN):
        return "hidden in part, or a crowd"
    if min(right - left, bottom - top) < LEAST_SIDE_PX:
        return "too small"
    if (right - left) * (bottom - top) > LARGEST * width * height:
        return "nearly as large as the photo"
    edge_x, edge_y = max(1.0, EDGE * width), max(1.0, EDGE * height)
    if left < edge_x or top < edge_y or right > width - edge_x or bottom > height - edge_y:
        return "at the photo's edge"
    if label.mask is not None or label.polygons:
        return None
    shared = np.minimum(boxes[:, 2:], (right, bottom)) - np.maximum(boxes[:, :2], (left, top))
    areas = np.prod(np.maximum(shared, 0.0), axis=1)
    areas[own] = 0.0
    return "among others, without an outline" if areas.sum() > MUCH * (right - left) * (bottom - top) else None


def outline_of(label: Label, pixels: Rgb8) -> tuple[Mask, float]:
    """The mask of a label over its box rounded outwards, and its confidence: given, or found by GrabCut."""
    left, top, right, bottom = rounded_out(label.xyxy)
    if label.mask is not None:
        return label.mask, 1.0
    if label.polygons:
        return filled(label.polygons, (left, top), (right - left, bottom - top)), 1.0
    return segmented(pixels, label.xyxy)


def cut_out(label: Label, pixels: Rgb8, mask: Mask, confidence: float) -> Cutout:
    """An object out of the pixels ``(H, W, 3)`` of its photo, by its mask over the box rounded outwards."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = rounded_out(label.xyxy)
    x0, y0 = left - PAD, top - PAD
    x, y = np.arange(x0, right + PAD).clip(0, width - 1), np.arange(y0, bottom + PAD).clip(0, height - 1)
    patch = pixels[np.ix_(y, x)]
    own = np.zeros(patch.shape[:2], np.bool_)
    own[PAD : PAD + mask.shape[0], PAD : PAD + mask.shape[1]] = mask[: own.shape[0] - PAD, : own.shape[1] - PAD]
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else (PAD, PAD, PAD + 1, PAD + 1)
    tight = own[box[1] : box[3], box[0] : box[2]]
    left_f, top_f, right_f, bottom_f = (float(edge) for edge in box)
    keypoints = None if label.keypoints is None else label.keypoints - (x0, y0, 0.0)
    of_patch = dataclasses.replace(
        label,
        xyxy=(left_f, top_f, right_f, bottom_f),
        polygons=(),
        mask=tight,
        instance_id=None,
        keypoints=keypoints,
        T_cam_obj=None,
        size_m=None,
        xyxy_loose=None,
    )
    centre = ((x0 + (left_f + right_f) / 2) / width, (y0 + (top_f + bottom_f) / 2) / height)
    surround = surround_of(pixels, (left, top, right, bottom))
    return Cutout(of_patch, _continued(patch, own), confidence, (x0, y0), centre, max(width, height), surround)


def _continued(patch: Rgb8, own: Mask) -> Rgb8:
    """The patch with the object's colours beyond its edge, where its photo's background was mixed in."""
    inner = cv2.erode(own.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    if inner.sum() < max(4, 0.2 * own.sum()):
        inner = own.astype(np.uint8)
    if not inner.any():
        return patch
    sigma = max(1.5, 0.03 * math.hypot(*patch.shape[:2]))
    near = _spread(patch, inner, 1.2)
    far = _spread(patch, inner, sigma)
    weight = near[1]
    filling = np.where(weight[..., None] > 0.02, near[0], np.where(far[1][..., None] > 1e-4, far[0], patch))
    return np.where(inner[..., None] > 0, patch, filling).clip(0, 255).astype(np.uint8)


def _spread(patch: Rgb8, inner: NDArray[np.uint8], sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means of the inner pixels, weighed by a Gaussian, and the sums of the weights."""
    weights = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    colours = cv2.GaussianBlur(
        patch.astype(np.float32) * inner[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT
    )
    return np.asarray(colours / np.maximum(weights, 1e-6)[..., None], np.float32), np.asarray(weights, np.float32)
