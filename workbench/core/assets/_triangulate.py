"""Triangles of a polygon with holes, by ear clipping (Meisters 1975) with bridges to the holes (Held 2001)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def triangulate(outline: Floats, holes: tuple[Floats, ...]) -> NDArray[np.int32]:
    """Triangles ``(F, 3)`` that index the outline and the holes laid end to end.

    Args:
        outline: ``(n, 2)`` counter-clockwise.
        holes: each ``(m, 2)`` clockwise, inside the outline, apart from each other.

    >>> triangulate(np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), ()).shape
    (2, 3)
    """
    points = np.concatenate([outline, *holes])
    loop = list(range(len(outline)))
    starts = np.cumsum([len(outline)] + [len(hole) for hole in holes])
    rings = [list(range(starts[i], starts[i] + len(hole))) for i, hole in enumerate(holes)]
    for ring in sorted(rings, key=lambda r: -points[r, 0].max()):
        loop = _bridged(points, loop, ring)
    return np.array(_clip(points, loop), dtype=np.int32)


def _bridged(points: Floats, loop: list[int], ring: list[int]) -> list[int]:
    """Splice a hole into the loop at its rightmost point and the nearest loop corner that sees it."""
    at = int(points[ring, 0].argmax())
    hole = ring[at:] + ring[: at + 1]
    distance = np.linalg.norm(points[loop] - points[hole[0]], axis=1)
    for position in np.argsort(distance, kind="stable"):
        if _sees(points, loop, hole, int(position)):
            return loop[: position + 1] + hole + loop[position:]
    raise ValueError("a hole must lie inside the outline")


def _sees(points: Floats, loop: list[int], hole: list[int], position: int) -> bool:
    p, q = points[hole[0]], points[loop[position]]
    before, after = points[loop[position - 1]], points[loop[(position + 1) % len(loop)]]
    if not _in_corner(before, q, after, p):
        return False
    a = points[loop]
    b = np.roll(a, -1, axis=0)
    return not _crosses(p, q, a, b).any() and not _crosses(p, q, points[hole[:-1]], points[hole[1:]]).any()


def _in_corner(before: Floats, corner: Floats, after: Floats, p: Floats) -> bool:
    left, right = _turn(before, corner, p) > 0, _turn(corner, after, p) > 0
    return bool(left and right) if _turn(before, corner, after) > 0 else bool(left or right)


def _turn(a: Floats, b: Floats, c: Floats) -> Floats:
    result: Floats = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
        c[..., 0] - a[..., 0]
    )
    return result


def _crosses(p: Floats, q: Floats, a: Floats, b: Floats) -> NDArray[np.bool_]:
    """Whether the segment p-q properly crosses each segment a-b; touching at an end does not count."""
    crossing: NDArray[np.bool_] = (_turn(p, q, a) * _turn(p, q, b) < 0) & (_turn(a, b, p) * _turn(a, b, q) < 0)
    return crossing


def _clip(points: Floats, loop: list[int]) -> list[tuple[int, int, int]]:
    triangles = []
    rest = list(loop)
    while len(rest) > 3:
        i = _best_ear(points, rest)
        triangles.append((rest[i - 1], rest[i], rest[(i + 1) % len(rest)]))
        del rest[i]
    return [*triangles, (rest[0], rest[1], rest[2])]


def _best_ear(points: Floats, rest: list[int]) -> int:
    """The convex corner with no reflex corner inside that gives the shortest cut, so triangles stay stout."""
    p = points[rest]
    before, after = np.roll(p, 1, axis=0), np.roll(p, -1, axis=0)
    turn = _turn(before, p, after)
    reflex = p[turn <= 0]
    cut = np.linalg.norm(after - before, axis=1)
    convex = np.flatnonzero(turn > 1e-16)
    for i in convex[np.argsort(cut[convex], kind="stable")]:
        if not _any_inside(before[i], p[i], after[i], reflex):
            return int(i)
    return int(turn.argmax())


def _any_inside(a: Floats, b: Floats, c: Floats, q: Floats) -> bool:
    corner = (q == a).all(axis=1) | (q == b).all(axis=1) | (q == c).all(axis=1)
    inside = (_turn(a, b, q) >= 0) & (_turn(b, c, q) >= 0) & (_turn(c, a, q) >= 0)
    return bool((inside & ~corner).any())
