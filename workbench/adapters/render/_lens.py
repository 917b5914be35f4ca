"""Rays of a distorted camera: exact inversion of Brown-Conrady, and the pinhole view that covers an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError
from workbench.core.schema.labels import Camera

Floats = NDArray[np.float64]
Lens = tuple[float, float, float, float]
NEWTON_STEPS = 20
BLOCK = 16_384  # points that fit into a core's cache: four times as fast as all at once
RESIDUAL = 1e-13  # of image coordinates at z = 1


@dataclass(frozen=True)
class View:
    """A pinhole image to render, pixel centres at whole numbers.

    Attributes:
        width, height: pixels.
        fx, fy, cx, cy: as in ``Camera``.
        plain: the camera's own image, only finer, so no lens has to be applied.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    plain: bool


def posed(camera: Camera) -> Floats:
    """``T_world_cam`` of a camera.

    Raises:
        InputError: the camera has no pose.
    """
    if camera.T_world_cam is None:
        raise InputError("The camera has no pose.", fix="Set Camera.T_world_cam.")
    return camera.T_world_cam


def distort(xy: Floats, distortion: tuple[float, float, float, float]) -> Floats:
    """Brown-Conrady: ideal image coordinates ``(..., 2)`` at z = 1 to distorted ones (OpenCV's order k1 k2 p1 p2).

    >>> distort(np.array([0.5, 0.0]), (-0.1, 0.0, 0.0, 0.0)).tolist()
    [0.4875, 0.0]
    """
    return np.stack(_distorted(xy[..., 0], xy[..., 1], distortion), axis=-1)


def _distorted(x: Floats, y: Floats, distortion: Lens) -> tuple[Floats, Floats]:
    k1, k2, p1, p2 = distortion
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2 * r2
    dx = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    dy = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return x * radial + dx, y * radial + dy


def undistort(xy: Floats, distortion: tuple[float, float, float, float]) -> Floats:
    """The inverse of ``distort`` by Newton's method.

    Raises:
        InputError: some point is outside what this lens can image, so no inverse exists.
    """
    if not any(distortion):
        return xy
    wanted = np.ascontiguousarray(xy[..., 0]).ravel(), np.ascontiguousarray(xy[..., 1]).ravel()
    x, y = wanted[0].copy(), wanted[1].copy()
    blocks = [slice(start, start + BLOCK) for start in range(0, len(x), BLOCK)]
    for _ in range(NEWTON_STEPS):  # converges quadratically: four or five steps for real lenses
        errors = [_errors(x[b], y[b], wanted[0][b], wanted[1][b], distortion) for b in blocks]
        if not max(largest for _, _, largest in errors) > RESIDUAL:
            break
        for b, (ex, ey, _) in zip(blocks, errors, strict=True):
            dx, dy = _solve(_jacobian(x[b], y[b], distortion), ex, ey)
            x[b] -= dx
            y[b] -= dy
    residual = max(_errors(x[b], y[b], wanted[0][b], wanted[1][b], distortion)[2] for b in blocks)
    if not residual < 1e-7 or min(_least_determinant(x[b], y[b], distortion) for b in blocks) <= 0:
        raise InputError(
            f"The lens distortion k1, k2, p1, p2 = {distortion} cannot be inverted over the whole image.",
            at="camera.distortion",
            fix="Use smaller coefficients or a longer focal length.",
        )
    return np.stack([x, y], axis=-1).reshape(xy.shape)


def directions(camera: Camera, *, scale: float = 1.0) -> Floats:
    """Camera-frame rays with z = 1 through a grid ``scale`` times finer than the pixels, ``(H, W, 3)``, read-only."""
    c = camera
    return _directions(c.width, c.height, c.fx, c.fy, c.cx, c.cy, c.distortion, *_scaled(camera, scale))


@lru_cache(maxsize=8)  # one frame asks for the same rays up to four times, frames of one lens all the time
def _directions(
    width: int,
    height: int,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    distortion: tuple[float, float, float, float],
    columns: int,
    rows: int,
) -> Floats:
    u = (np.arange(columns) + 0.5) * (width / columns) - 0.5
    v = (np.arange(rows) + 0.5) * (height / rows) - 0.5
    x, y = np.meshgrid((u - cx) / fx, (v - cy) / fy)
    ideal = undistort(np.stack([x, y], axis=2), distortion)
    rays = np.concatenate([ideal, np.ones((*x.shape, 1))], axis=2)
    rays.setflags(write=False)
    return rays


def covering_view(camera: Camera, scale: float, *, square: bool = False) -> View:
    """A pinhole view ``scale`` times the image's size that shows all that the distorted image needs.

    The size does not depend on the distortion, so one render target serves all lenses of a resolution.

    Args:
        camera: the camera whose image is wanted.
        scale: samples per pixel along each axis.
        square: the backend can only draw views with ``fx`` equal to ``fy``.
    """
    width, height = _scaled(camera, scale)
    sx, sy = width / camera.width, height / camera.height
    plain = View(
        width, height, camera.fx * sx, camera.fy * sy, (camera.cx + 0.5) * sx - 0.5, (camera.cy + 0.5) * sy - 0.5, True
    )
    if not any(camera.distortion) and (not square or np.isclose(plain.fx, plain.fy, rtol=1e-9)):
        return plain
    rays = directions(camera, scale=scale)
    x0, y0 = rays[..., 0].min(), rays[..., 1].min()
    x1, y1 = rays[..., 0].max(), rays[..., 1].max()
    fx, fy = (width - 3) / (x1 - x0), (height - 3) / (y1 - y0)  # a pixel's margin for the interpolation
    if square:
        fx = fy = min(fx, fy)
    return View(width, height, float(fx), float(fy), float(1 - fx * x0), float(1 - fy * y0), False)


def resample(picture: NDArray[np.float32], view: View, camera: Camera, scale: float) -> NDArray[np.float32]:
    """The camera's image ``(H, W, 3)`` from a covering view: the lens, then the mean over each pixel's area."""
    if not view.plain:
        rays = directions(camera, scale=scale)
        at_u = (rays[..., 0] * view.fx + view.cx).astype(np.float32)
        at_v = (rays[..., 1] * view.fy + view.cy).astype(np.float32)
        picture = cv2.remap(picture, at_u, at_v, cv2.INTER_LINEAR)
    if picture.shape[:2] == (camera.height, camera.width):
        return picture
    return np.asarray(cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA))


def _scaled(camera: Camera, scale: float) -> tuple[int, int]:
    return round(camera.width * scale), round(camera.height * scale)


def _errors(x: Floats, y: Floats, x_wanted: Floats, y_wanted: Floats, lens: Lens) -> tuple[Floats, Floats, float]:
    """Errors of points in x and y, and the largest of them; NaN counts as infinity."""
    dx, dy = _distorted(x, y, lens)
    ex, ey = dx - x_wanted, dy - y_wanted
    largest = max(float(np.abs(ex).max(initial=0.0)), float(np.abs(ey).max(initial=0.0)))
    return ex, ey, largest if np.isfinite(ex).all() and np.isfinite(ey).all() else np.inf


def _jacobian(x: Floats, y: Floats, distortion: Lens) -> tuple[Floats, Floats, Floats]:
    """The symmetric Jacobian of ``distort``: its entries xx, xy and yy."""
    k1, k2, p1, p2 = distortion
    r2 = x * x + y * y
    radial, slope = 1 + k1 * r2 + k2 * r2 * r2, 2 * k1 + 4 * k2 * r2
    xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
    xy_ = slope * x * y + 2 * p1 * x + 2 * p2 * y
    yy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
    return xx, xy_, yy


def _least_determinant(x: Floats, y: Floats, distortion: Lens) -> float:
    xx, xy_, yy = _jacobian(x, y, distortion)
    return float((xx * yy - xy_ * xy_).min())


def _solve(matrix: tuple[Floats, Floats, Floats], ex: Floats, ey: Floats) -> tuple[Floats, Floats]:
    xx, xy_, yy = matrix
    determinant = xx * yy - xy_ * xy_
    determinant = np.where(np.abs(determinant) < 1e-9, 1e-9, determinant)
    return (yy * ex - xy_ * ey) / determinant, (xx * ey - xy_ * ex) / determinant
