"""Building blocks of the meshes: revolve, extrude, sweep, join, and normals that know creases.

A ``Shape`` is positions and triangles only; ``finish`` turns it into a ``Mesh`` with normals and texture coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.core.assets._triangulate import triangulate
from workbench.core.schema.scene import Mesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shape:
    """Positions ``(V, 3)`` in metres and triangles ``(F, 3)``, counter-clockwise from outside."""

    vertices_m: Floats
    faces: NDArray[np.int32]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Shape:
        """The shape shifted by metres."""
        return Shape(self.vertices_m + np.array([x, y, z]), self.faces)

    def turned(self, axis: str, degrees: float) -> Shape:
        """The shape rotated about a world axis through the origin."""
        return Shape(self.vertices_m @ rotation(axis, degrees).T, self.faces)

    def mirrored_x(self) -> Shape:
        """The shape reflected in the y-z plane, faces still outwards."""
        return Shape(self.vertices_m * np.array([-1.0, 1.0, 1.0]), self.faces[:, ::-1].copy())


def rotation(axis: str, degrees: float) -> Floats:
    """3x3 rotation about ``x``, ``y`` or ``z``.

    >>> rotation("z", 90).round(3).tolist()[0]
    [0.0, -1.0, 0.0]
    """
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def join(*shapes: Shape) -> Shape:
    """Several shapes as one; they may interpenetrate."""
    starts = np.cumsum([0] + [len(s.vertices_m) for s in shapes[:-1]])
    faces = [s.faces + start for s, start in zip(shapes, starts, strict=True)]
    return Shape(np.concatenate([s.vertices_m for s in shapes]), np.concatenate(faces).astype(np.int32))


def circle(radius_m: float, segments: int = 48, *, x: float = 0.0, y: float = 0.0) -> Floats:
    """Counter-clockwise outline ``(n, 2)`` of a circle."""
    a = np.arange(segments) * (2 * np.pi / segments)
    return np.stack([x + radius_m * np.cos(a), y + radius_m * np.sin(a)], axis=1)


def rounded_rectangle(width_m: float, height_m: float, radius_m: float, segments: int = 6) -> Floats:
    """Counter-clockwise outline of a rectangle about the origin with round corners."""
    a = np.linspace(0, np.pi / 2, segments + 1)
    arc = radius_m * np.stack([np.cos(a), np.sin(a)], axis=1)
    half = np.array([width_m / 2 - radius_m, height_m / 2 - radius_m])
    corners = [(1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270)]
    return np.concatenate([half * (sx, sy) + arc @ rotation("z", turn)[:2, :2].T for sx, sy, turn in corners])


def grid_faces(rows: int, columns: int, *, close_rows: bool = False, close_columns: bool = False) -> NDArray[np.int32]:
    """Two triangles per cell of a ``rows x columns`` grid of vertices, optionally wrapped around."""
    r, c = np.meshgrid(np.arange(rows - (not close_rows)), np.arange(columns - (not close_columns)), indexing="ij")
    r1, c1 = (r + 1) % rows, (c + 1) % columns
    corners = (r * columns + c, r * columns + c1, r1 * columns + c, r1 * columns + c1)
    a, b, d, e = (corner.ravel() for corner in corners)
    return np.concatenate([np.stack([a, b, e], 1), np.stack([a, e, d], 1)]).astype(np.int32)


def revolve(profile_rz: ArrayLike, segments: int = 64) -> Shape:
    """Turn a profile ``(n, 2)`` of (radius, z) about the z axis.

    The profile runs with the solid on its left: up along an outer wall, inwards over the top. Points on the axis
    have radius 0.
    """
    profile = np.asarray(profile_rz, dtype=np.float64)
    a = np.arange(segments) * (2 * np.pi / segments)
    r, z = profile[:, :1], np.repeat(profile[:, 1:], segments, axis=1)
    vertices = np.stack([r * np.cos(a), r * np.sin(a), z], axis=2).reshape(-1, 3)
    return _without_slivers(Shape(vertices, grid_faces(len(profile), segments, close_columns=True)))


def extrude(outline: ArrayLike, height_m: float, *, holes: tuple[Floats, ...] = (), bevel_m: float = 0.0) -> Shape:
    """Raise an outline ``(n, 2)`` from z = 0 with holes through it and chamfered outer and hole edges."""
    rings = [_counter_clockwise(np.asarray(outline, dtype=np.float64))]
    rings += [_counter_clockwise(hole)[::-1] for hole in holes]
    levels = [(bevel_m, 0.0), (0.0, bevel_m), (0.0, height_m - bevel_m), (bevel_m, height_m)]
    if bevel_m == 0:
        levels = [(0.0, 0.0), (0.0, height_m)]
    walls = [_wall(ring, levels) for ring in rings]
    caps = [_inset(ring, bevel_m) for ring in rings]
    flat = triangulate(caps[0], tuple(caps[1:]))
    points = np.concatenate(caps)
    top = Shape(np.column_stack([points, np.full(len(points), height_m)]), flat)
    bottom = Shape(np.column_stack([points, np.zeros(len(points))]), flat[:, ::-1].copy())
    return join(*walls, top, bottom)


def sweep(path_m: ArrayLike, section: ArrayLike, *, closed: bool = False) -> Shape:
    """Move a closed section ``(m, 2)`` along a path ``(n, 3)`` without twisting it; open ends are capped."""
    path = np.asarray(path_m, dtype=np.float64)
    outline = _counter_clockwise(np.asarray(section, dtype=np.float64))
    side, up = _frames(path, closed=closed)
    rings = path[:, None] + outline[None, :, :1] * side[:, None] + outline[None, :, 1:] * up[:, None]
    n, m = len(path), len(outline)
    tube = Shape(rings.reshape(-1, 3), grid_faces(n, m, close_rows=closed, close_columns=True))
    if closed:
        return tube
    flat = triangulate(outline, ())
    return join(tube, Shape(rings[0], flat[:, ::-1].copy()), Shape(rings[-1], flat))


def box(x_m: float, y_m: float, z_m: float, *, bevel_m: float = 0.0) -> Shape:
    """A block standing on z = 0, all twelve edges chamfered."""
    if bevel_m == 0:
        return extrude(rounded_rectangle(x_m, y_m, 0.0, 0), z_m)
    return extrude(rounded_rectangle(x_m, y_m, bevel_m, 1), z_m, bevel_m=bevel_m)


def finish(shape: Shape, *, crease_deg: float = 35.0, ground: bool = True, wrap: bool = False) -> Mesh:
    """Give a shape normals and texture coordinates, and put its footprint's centre at the origin.

    Corners that meet at less than ``crease_deg`` share a smooth normal; texture coordinates are the two position
    axes in which the face lies flattest, in metres, so patterns keep their size. With ``wrap`` the texture runs
    around the z axis on upright faces instead, as a label does.
    """
    shape = _without_slivers(shape)
    vertices = _grounded(shape.vertices_m) if ground else shape.vertices_m
    normals = _corner_normals(vertices, shape.faces, crease_deg)
    corners = vertices[shape.faces].reshape(-1, 3)
    uv = _wrapped_uv(vertices, shape.faces) if wrap else _box_uv(vertices, shape.faces)
    rows = np.column_stack([corners, normals, uv])
    _, first, inverse = np.unique(rows.round(7), axis=0, return_index=True, return_inverse=True)
    kept = rows[first]
    faces = inverse.reshape(-1, 3).astype(np.int32)
    return Mesh(kept[:, :3].copy(), faces, kept[:, 3:6].copy(), kept[:, 6:].copy())


def _grounded(vertices: Floats) -> Floats:
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.asarray(vertices - np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]))


def _without_slivers(shape: Shape) -> Shape:
    a, b, c = (shape.vertices_m[shape.faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return Shape(shape.vertices_m, shape.faces[area > 1e-12])


def _corner_normals(vertices: Floats, faces: NDArray[np.int32], crease_deg: float) -> Floats:
    """Area-weighted mean of the neighbours' normals within the crease angle, per corner ``(3F, 3)``."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    weighted = np.cross(b - a, c - a)
    unit = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    _, inverse = np.unique(vertices.round(7), axis=0, return_inverse=True)
    spot = inverse.reshape(-1)[faces].ravel()
    face_of = np.repeat(np.arange(len(faces)), 3)
    order = np.argsort(spot, kind="stable")
    bounds = np.flatnonzero(np.diff(spot[order])) + 1
    normals = np.empty((len(spot), 3))
    limit = np.cos(np.radians(crease_deg))
    for group in np.split(order, bounds):
        own = unit[face_of[group]]
        near = own @ own.T > limit
        normals[group] = near @ weighted[face_of[group]]
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def _box_uv(vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    axis = np.abs(np.cross(b - a, c - a)).argmax(axis=1)
    pair = np.array([[1, 2], [0, 2], [0, 1]])[axis]
    corners = vertices[faces]
    return np.take_along_axis(corners, pair[:, None, :].repeat(3, axis=1), axis=2).reshape(-1, 2)


def _wrapped_uv(vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    """Around the z axis by arc length at the largest radius, and z; lids keep the flat mapping."""
    corners = vertices[faces]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    lid = np.abs(normal[:, 2]) > 0.8 * np.linalg.norm(normal, axis=1)
    angle = np.arctan2(corners[..., 1], corners[..., 0])
    angle = angle[:, :1] + (angle - angle[:, :1] + np.pi) % (2 * np.pi) - np.pi  # no face spans the seam
    around = np.stack([angle * np.hypot(vertices[:, 0], vertices[:, 1]).max(), corners[..., 2]], axis=2)
    return np.where(lid[:, None, None], corners[..., :2], around).reshape(-1, 2)


def _counter_clockwise(ring: Floats) -> Floats:
    x, y = ring.T
    area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
    return ring if area > 0 else ring[::-1]


def _inset(ring: Floats, distance_m: float) -> Floats:
    """Move every edge to its left by a distance (inwards for a counter-clockwise ring)."""
    if distance_m == 0:
        return ring
    edge = np.roll(ring, -1, axis=0) - ring
    edge /= np.linalg.norm(edge, axis=1, keepdims=True)
    left = np.stack([-edge[:, 1], edge[:, 0]], axis=1)
    before = np.roll(left, 1, axis=0)
    mitre = (left + before) / (1 + np.sum(left * before, axis=1, keepdims=True)).clip(0.3)
    return np.asarray(ring + distance_m * mitre)


def _wall(ring: Floats, levels: list[tuple[float, float]]) -> Shape:
    rings = [np.column_stack([_inset(ring, inset), np.full(len(ring), z)]) for inset, z in levels]
    return Shape(np.concatenate(rings), grid_faces(len(levels), len(ring), close_columns=True))


def _frames(path: Floats, *, closed: bool) -> tuple[Floats, Floats]:
    """Side and up vectors along a path, carried from point to point so that the section does not spin."""
    ahead = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    if not closed:
        ahead[0], ahead[-1] = path[1] - path[0], path[-1] - path[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    start = np.array([0.0, 0.0, 1.0]) if abs(ahead[0, 2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    ups, up = [], start
    for tangent in ahead:
        up = up - tangent * (up @ tangent)
        up = up / np.linalg.norm(up)
        ups.append(up)
    stacked = np.array(ups)
    return np.cross(stacked, ahead), stacked
