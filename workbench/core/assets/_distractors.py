"""Unlabelled clutter of a work cell, in metres, each resting on z = 0."""

from __future__ import annotations

import numpy as np

from workbench.core.assets._shape import (
    Floats,
    Shape,
    box,
    circle,
    extrude,
    grid_faces,
    join,
    revolve,
    rounded_rectangle,
    sweep,
)


def cable() -> Shape:
    """A 6 mm cable in loose coils with both ends free, each turn lying on the one below."""
    t = np.linspace(0, 1, 260)
    angle = 2 * np.pi * 2.6 * t
    radius = 0.052 + 0.012 * np.sin(3.1 * angle / 2.6) + 0.05 * (t - 0.82).clip(0) / 0.18
    x, y = radius * np.cos(angle) * 1.15, radius * np.sin(angle)
    z = 0.003 + 0.0058 * _climb(t * 2.6) * _smooth((1 - t) / 0.14)
    plug = revolve([(0.0, 0.0), (0.0055, 0.0), (0.006, 0.002), (0.006, 0.018), (0.004, 0.026), (0.0, 0.026)], 24)
    end = plug.turned("x", 90).moved(x=x[0], y=y[0] + 0.004, z=0.006)
    return join(sweep(np.stack([x, y, z], axis=1), circle(0.003, 14)), end)


def _smooth(t: Floats) -> Floats:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _climb(turns: Floats) -> Floats:
    """Whole turns already below this point, with a soft step where the cable climbs onto the next."""
    whole = np.floor(turns)
    return whole - 1 + _smooth((turns - whole) / 0.15) * (turns >= 1) + (turns < 1)


def rag() -> Shape:
    """A crumpled 160 mm wiping cloth: a thin sheet with folds and a ragged outline."""
    n = 72
    u, v = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij")
    x, y = 0.07 * u + 0.008 * np.sin(4.1 * v + 0.6) - 0.004 * u * v, 0.062 * v + 0.009 * np.sin(3.3 * u - 1.1)
    folds = np.abs(np.sin(3.4 * u + 1.9 * v + 1.2 * np.sin(2.2 * v))) ** 1.6 + 0.55 * np.abs(np.sin(5.2 * v - 2.3 * u))
    lift = (0.004 + 0.011 * folds) * (1.15 - 0.45 * np.hypot(u, v)).clip(0.08)
    top = np.stack([x, y, 0.0014 + lift], axis=2).reshape(-1, 3)
    under = np.stack([x, y, 0.0004 + 0.86 * lift], axis=2).reshape(-1, 3)
    sheet = grid_faces(n, n)
    edge = _border(n)
    step = np.roll(edge, -1)
    rim = np.concatenate([np.stack([edge, n * n + step, step], 1), np.stack([edge, n * n + edge, n * n + step], 1)])
    faces = np.concatenate([sheet[:, ::-1], sheet + n * n, rim])
    return Shape(np.concatenate([top, under]), faces.astype(np.int32))


def _border(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    index = np.arange(n * n).reshape(n, n)
    return np.concatenate([index[:-1, 0], index[-1, :-1], index[:0:-1, -1], index[0, :0:-1]])


def tape_roll() -> Shape:
    """A 100 mm roll of packing tape on its side, 48 mm wide, on a card core."""
    tape = [(0.0395, 0.0005), (0.0492, 0.0), (0.05, 0.0008), (0.05, 0.0472), (0.0492, 0.048), (0.0395, 0.0475)]
    core = [(0.0395, 0.0475), (0.0395, 0.0478), (0.038, 0.048), (0.038, 0.0), (0.0395, 0.0002), (0.0395, 0.0005)]
    return revolve(tape + core, 72)


def screwdriver() -> Shape:
    """A 190 mm flat screwdriver lying on its fluted handle."""
    n, flutes = 96, 6
    a = np.arange(n) * (2 * np.pi / n)
    radii = [0.0, 0.008, 0.0125, 0.0138, 0.0128, 0.0136, 0.0138, 0.0118, 0.0092, 0.0105, 0.0085, 0.0]
    z = [0.0, 0.0, 0.003, 0.012, 0.035, 0.055, 0.07, 0.082, 0.088, 0.093, 0.096, 0.096]
    depth = [0.0, 0.0, 0.3, 1.0, 1.0, 1.0, 1.0, 0.7, 0.0, 0.0, 0.0, 0.0]
    groove = 0.0016 * np.cos(flutes * a).clip(-0.4) ** 2
    rings = [
        np.stack([(r - d * groove) * np.cos(a), (r - d * groove) * np.sin(a), np.full(n, h)], 1)
        for r, d, h in zip(radii, depth, z, strict=True)
    ]
    rings[0][:, :2] = rings[-1][:, :2] = 0.0
    handle = Shape(np.concatenate(rings), grid_faces(len(rings), n, close_columns=True))
    shaft = revolve([(0.0032, 0.094), (0.0032, 0.172), (0.0, 0.172)], 24)
    blade = box(0.0065, 0.0018, 0.02, bevel_m=0.0003).moved(z=0.17)
    flare = box(0.005, 0.0034, 0.008, bevel_m=0.0006).moved(z=0.166)
    lying = join(handle, shaft, blade, flare).turned("y", 90)
    return lying.turned("y", 3.9)


def block() -> Shape:
    """A 60 x 40 x 25 mm set-up block with two drilled holes, broken edges."""
    holes = (circle(0.005, 28, x=-0.015), circle(0.005, 28, x=0.015))
    return extrude(rounded_rectangle(0.06, 0.04, 0.0015, 3), 0.025, holes=holes, bevel_m=0.001)


def washer() -> Shape:
    """A 30 mm plain washer."""
    return extrude(circle(0.015, 56), 0.0025, holes=(circle(0.0065, 36),), bevel_m=0.0003)
