"""The strict check of a pair: how well the middle of one picture is found again in the other.

A template is the middle of a picture, mirrored or not, turned by a few degrees and zoomed a little, so that crops,
shifts and small rotations are undone. A first look at half size finds the few templates that are worth a full one.
Pairs that are alike so far are aligned to parts of a pixel and compared once more, in more detail: the next frame of a
video is as alike as a shifted copy until one looks closely.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.duplicates.fingerprints import SIDE, Details, Floats, Thumbs, unit

TEMPLATE_SIDE, ROUGH_SIDE = 38, 20  # even, so that a template that is not turned falls on whole pixels
SCALES = (0.9, 0.95, 1.0, 1.05, 1.11)
ANGLES_DEG = (-3.0, 0.0, 3.0)
WORTH_A_LOOK = 0.70  # at half size; what lies below is a different picture
LOOKS = 4  # templates that are tried at full size
WORTH_DETAIL = 0.85  # at full size
STEPS, STEP_DONE = 20, 1e-5  # of an alignment
SMOOTHING_PX = 0.7  # of a detail, so that it can be moved by parts of a pixel
BLOCK = 64


@dataclass(frozen=True, slots=True)
class _Pose:
    mirror: bool
    angle_deg: float
    scale: float


_POSES = [_Pose(mirror, angle, scale) for mirror in (False, True) for angle in ANGLES_DEG for scale in SCALES]


def scores(thumbs: Thumbs, pairs: NDArray[np.int64], *, workers: int = 2) -> Floats:
    """Similarity 0..1 of each pair: the highest normalised cross-correlation over poses and positions.

    Args:
        thumbs: ``(n, 48, 48)`` fingerprints; flat ones are like nothing.
        pairs: ``(m, 2)`` indices of pictures.
        workers: threads.

    Returns:
        ``(m,)``.
    """

    def block(start: int) -> list[float]:
        part = pairs[start : start + BLOCK]
        used, inverse = np.unique(part, return_inverse=True)
        local, full = inverse.reshape(part.shape), thumbs[used].astype(np.float32)
        half = np.stack([cv2.resize(thumb, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA) for thumb in full])
        rough = _rough(half, local)
        return [_fine(full[a], full[b], row)[0] for (a, b), row in zip(local, rough, strict=True)]

    with ThreadPoolExecutor(workers) as pool:
        similarities = [score for part in pool.map(block, range(0, len(pairs), BLOCK)) for score in part]
    return np.array(similarities, np.float32)


def refined(
    thumbs: Thumbs, details: Details | Mapping[int, Details], pairs: NDArray[np.int64], *, workers: int = 2
) -> Floats:
    """Similarity 0..1 of pairs that are alike by ``scores``, in more detail and aligned to parts of a pixel.

    Args:
        thumbs: ``(n, 48, 48)`` fingerprints.
        details: larger thumbnail ``(128, 128)`` by index.
        pairs: ``(m, 2)`` indices of pictures.
        workers: threads.

    Returns:
        ``(m,)``.

    Source: Evangelidis, Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization"
    (2008), with affine motion.
    """

    def similarity(pair: NDArray[np.int64]) -> float:
        a, b = pair.tolist()
        pose, corner = _best(thumbs[a], thumbs[b])
        return _aligned(details[a].astype(np.float32), details[b].astype(np.float32), pose, corner)

    with ThreadPoolExecutor(workers) as pool:
        return np.array(list(pool.map(similarity, pairs)), np.float32)


def _best(first: Thumbs, second: Thumbs) -> tuple[_Pose, tuple[int, int]]:
    full = np.stack([first, second]).astype(np.float32)
    half = np.stack([cv2.resize(thumb, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA) for thumb in full])
    _, index, corner = _fine(full[0], full[1], _rough(half, np.array([[0, 1]]))[0])
    return _POSES[index], corner


def _aligned(first: Floats, second: Floats, pose: _Pose, corner: tuple[int, int]) -> float:
    """Correlation of the middle of one detail with the other, moved, turned and stretched to where it fits best."""
    larger = first.shape[0] / SIDE
    side = round(TEMPLATE_SIDE * larger)
    template = cv2.GaussianBlur(_template(first, pose, side), (0, 0), SMOOTHING_PX)
    picture = cv2.GaussianBlur(second, (0, 0), SMOOTHING_PX)
    left, top = ((pixel + 0.5) * larger - 0.5 for pixel in corner)  # the same place, counted in smaller pixels
    start = np.array([[1, 0, left], [0, 1, top]], np.float32)
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, STEP_DONE)
    try:
        correlation, _ = cv2.findTransformECC(template, picture, start, cv2.MOTION_AFFINE, until, None, 1)
    except cv2.error:  # no alignment: the pictures have nothing in common there
        return 0.0
    return min(max(float(correlation), 0.0), 1.0)


def alignment(first: Thumbs, second: Thumbs) -> NDArray[np.float64]:
    """Where the first picture's content lies in the second: ``(2, 3)``, from shares of the one's width and height.

    Right to about a fiftieth of a picture; exactly the identity for a picture that was not moved.
    """
    pose, (left, top) = _best(first, second)
    matrix = _matrix(pose, SIDE, TEMPLATE_SIDE)
    turn = np.linalg.inv(matrix[:, :2])
    # pixel p of the thumbnail is the share (p + 0.5) / SIDE
    offset = (turn @ (-0.5 - matrix[:, 2]) + np.array([left, top]) + 0.5) / SIDE
    return np.column_stack([turn, offset])


def _rough(half: Floats, pairs: NDArray[np.int64]) -> Floats:
    """Highest correlation of each pair and pose at half size, ``(m, poses)``."""
    side = ROUGH_SIDE
    firsts, where = np.unique(pairs[:, 0], return_inverse=True)
    templates = np.stack([[_template(half[a], pose, side).ravel() for pose in _POSES] for a in firsts])
    windows = np.lib.stride_tricks.sliding_window_view(half[pairs[:, 1]], (side, side), axis=(1, 2))
    patches = unit(windows.reshape(len(pairs), -1, side * side).astype(np.float32))
    products = np.matmul(unit(templates)[where.ravel()], patches.transpose(0, 2, 1))
    best: Floats = products.max(axis=2)
    return best


def _fine(first: Floats, second: Floats, rough: Floats) -> tuple[float, int, tuple[int, int]]:
    """Correlation at full size, pose and corner (left, top) of the best of the poses that looked best."""
    order = [int(i) for i in np.argsort(-rough, kind="stable")[:LOOKS]]
    if rough[order[0]] < WORTH_A_LOOK:
        return max(0.0, float(rough[order[0]])), order[0], (0, 0)
    candidates = [(*_correlation(second, _template(first, _POSES[i], TEMPLATE_SIDE)), i) for i in order]
    score, corner, index = max(candidates, key=lambda candidate: candidate[0])
    return score, index, corner


def _correlation(picture: Floats, template: Floats) -> tuple[float, tuple[int, int]]:
    correlations = cv2.matchTemplate(picture, template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (left, top) = cv2.minMaxLoc(correlations)
    return (min(max(best, 0.0), 1.0) if np.isfinite(best) else 0.0), (left, top)


def _template(picture: Floats, pose: _Pose, side: int) -> Floats:
    """The middle of a picture in a pose, ``(side, side)``."""
    matrix = _matrix(pose, picture.shape[0], side)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _matrix(pose: _Pose, picture_side: int, side: int) -> NDArray[np.float64]:
    """``(2, 3)`` from pixels of the template to pixels of the picture."""
    radians = np.deg2rad(pose.angle_deg)
    cos, sin = np.cos(radians) * pose.scale, np.sin(radians) * pose.scale
    flip = -1.0 if pose.mirror else 1.0
    turn = np.array([[flip * cos, -flip * sin], [sin, cos]])
    offset = (picture_side - 1) / 2 - turn @ np.full(2, (side - 1) / 2)
    return np.column_stack([turn, offset])
