"""What parts lie on: the working surface with the work cell around it; its top is at z = 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from workbench.core.assets._shape import (
    Floats,
    Shape,
    box,
    circle,
    extrude,
    finish,
    grid_faces,
    join,
    revolve,
    rounded_rectangle,
    sweep,
)
from workbench.core.assets._surfaces import make
from workbench.core.assets._triangulate import triangulate
from workbench.core.schema.scene import Material, Mesh, Rgb, Solid

TABLE_M = (1.1, 0.8)
TRAY_M = (0.42, 0.32)
BIN_M = (0.4, 0.3)
BELT_M = (1.6, 0.36)
DROP_M = 0.8  # from the working surface to the floor

Piece = tuple[str, Mesh, Material]


def build(support: str, top: Material, rng: np.random.Generator) -> tuple[Solid, ...]:
    """All solids of a support; the working surface wears ``top``."""
    return tuple(
        Solid(f"support/{name}", None, 0, mesh, material, np.eye(4))
        for name, mesh, material in SUPPORTS[support](top, rng)
    )


def _table(top: Material, rng: np.random.Generator) -> list[Piece]:
    """A bench with a solid top on an aluminium-profile frame, a rear rail and a clamp at the edge."""
    return [
        ("table/top", _mesh("table_top"), top),
        ("table/frame", _mesh("frame"), _aluminium(rng)),
        ("table/clamp", _mesh("clamp"), _painted((0.75, 0.3, 0.06), rng)),
        *_cell(rng),
    ]


def _tray(top: Material, rng: np.random.Generator) -> list[Piece]:
    """A shallow tray with rolled rims on the bench."""
    return [
        ("tray/tray", _mesh("tray"), top),
        ("table/top", _lowered("table_top", 0.004), _bench(rng)),
        ("table/frame", _lowered("frame", 0.004), _aluminium(rng)),
        ("table/clamp", _lowered("clamp", 0.004), _painted((0.75, 0.3, 0.06), rng)),
        *_cell(rng),
    ]


def _bin(top: Material, rng: np.random.Generator) -> list[Piece]:
    """A ribbed small-load carrier; its floor wears the surface, its walls are moulded plastic."""
    walls = ((0.1, 0.24, 0.5), (0.3, 0.32, 0.34), (0.55, 0.12, 0.1))[int(rng.integers(3))]
    return [
        ("bin/floor", _mesh("bin_floor"), top),
        ("bin/walls", _mesh("bin_walls"), _painted(walls, rng)),
        ("table/top", _lowered("table_top", 0.006), _bench(rng)),
        ("table/frame", _lowered("frame", 0.006), _aluminium(rng)),
        *_cell(rng),
    ]


def _conveyor(top: Material, rng: np.random.Generator) -> list[Piece]:
    """A belt between aluminium side guides over end rollers."""
    return [
        ("conveyor/belt", _mesh("belt"), top),
        ("conveyor/guides", _mesh("guides"), _aluminium(rng)),
        *_cell(rng),
    ]


SUPPORTS: dict[str, Callable[[Material, np.random.Generator], list[Piece]]] = {
    "table": _table,
    "tray": _tray,
    "bin": _bin,
    "conveyor": _conveyor,
}

REGIONS_M: dict[str, tuple[float, float]] = {
    "table": (0.26, 0.2),
    "tray": (0.165, 0.115),
    "bin": (0.15, 0.1),
    "conveyor": (0.3, 0.13),
}


WALLS_M: dict[str, tuple[float, float, float]] = {  # half the inside along x and y, height; for what falls in
    "tray": (TRAY_M[0] / 2 - 0.005, TRAY_M[1] / 2 - 0.005, 0.0335),
    "bin": (BIN_M[0] / 2, BIN_M[1] / 2, 0.12),
}


def _cell(rng: np.random.Generator) -> list[Piece]:
    """Floor and a machine guard behind the bench, so that nothing floats in a void."""
    floor = make("matte", color_srgb=(0.46, 0.46, 0.45), roughness=0.7, metallic=0.0, rng=rng)
    return [
        ("cell/floor", _mesh("floor"), floor),
        ("cell/guard", _mesh("guard"), _aluminium(rng)),
        ("cell/panel", _mesh("panel"), _painted((0.74, 0.76, 0.76), rng)),
    ]


def _aluminium(rng: np.random.Generator) -> Material:
    return make("metal", color_srgb=(0.76, 0.77, 0.78), roughness=0.42, metallic=1.0, rng=rng)


def _painted(color: Rgb, rng: np.random.Generator) -> Material:
    return make("matte", color_srgb=color, roughness=0.55, metallic=0.0, rng=rng)


def _bench(rng: np.random.Generator) -> Material:
    """Beech multiplex, grey laminate or green cutting mat: what benches are topped with."""
    choice = int(rng.integers(3))
    if choice == 0:
        return make("wood", color_srgb=None, roughness=None, metallic=None, rng=rng)
    color = ((0.5, 0.51, 0.52), (0.23, 0.33, 0.28))[choice - 1]
    return make("matte", color_srgb=color, roughness=0.6, metallic=0.0, rng=rng)


@cache
def _mesh(name: str) -> Mesh:
    return finish(SHAPES[name](), ground=False)


@cache
def _lowered(name: str, by_m: float) -> Mesh:
    return finish(SHAPES[name]().moved(z=-by_m), ground=False)


def _table_top() -> Shape:
    return extrude(rounded_rectangle(*TABLE_M, 0.012), 0.028, bevel_m=0.002).moved(z=-0.028)


def _profile(length_m: float) -> Shape:
    """A 40 mm aluminium extrusion with a slot in each side, along x, centred."""
    half, slot, lip, deep = 0.02, 0.0041, 0.0045, 0.012
    side = [
        (-slot, half),
        (-slot, half - lip),
        (-0.009, half - lip),
        (-slot, half - deep),
        (slot, half - deep),
        (0.009, half - lip),
        (slot, half - lip),
        (slot, half),
    ]
    sides = [
        np.array(side) @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in np.arange(4) * np.pi / 2
    ]
    corners = [
        np.array([(half - 0.0015, half), (half, half - 0.0015)])
        @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        for a in np.arange(4) * np.pi / 2
    ]
    outline = np.concatenate([np.concatenate(pair) for pair in zip(sides, corners, strict=True)])
    return extrude(outline, length_m).moved(z=-length_m / 2).turned("y", 90)


def _frame() -> Shape:
    x, y = TABLE_M[0] / 2 - 0.04, TABLE_M[1] / 2 - 0.03
    rail = _profile(TABLE_M[0] - 0.02)
    legs = [
        _profile(DROP_M - 0.03).turned("y", 90).moved(x=sx * x, y=sy * y, z=-0.03 - (DROP_M - 0.03) / 2)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    rails = [rail.moved(y=sy * y, z=-0.05) for sy in (-1, 1)]
    back = rail.moved(y=TABLE_M[1] / 2 - 0.02, z=0.02)
    posts = [
        _profile(0.6).turned("y", 90).moved(x=sx * (TABLE_M[0] / 2 - 0.03), y=TABLE_M[1] / 2 - 0.02, z=0.34)
        for sx in (-1, 1)
    ]
    return join(*legs, *rails, back, *posts)


def _clamp() -> Shape:
    """A toggle clamp screwed to the left edge of the bench."""
    base = box(0.06, 0.035, 0.006, bevel_m=0.001)
    tower = extrude(rounded_rectangle(0.024, 0.05, 0.01), 0.012, bevel_m=0.001).turned("x", 90).moved(y=0.006, z=0.026)
    arm = sweep([(-0.01, 0, 0.045), (0.04, 0, 0.045), (0.055, 0, 0.04)], circle(0.006, 16))
    grip = sweep([(-0.01, 0, 0.045), (-0.05, 0, 0.075), (-0.08, 0, 0.085)], circle(0.009, 20))
    spindle = revolve(
        [(0.0, 0.002), (0.009, 0.002), (0.009, 0.01), (0.004, 0.011), (0.004, 0.045), (0.0, 0.045)], 20
    ).moved(x=0.052)
    return join(base, tower, arm, grip, spindle).turned("z", 20).moved(x=-TABLE_M[0] / 2 + 0.14, y=0.2)


def _tray_shape() -> Shape:
    """Rounded pan: inside 420 x 320 mm at the floor, walls 35 mm, outward rim; the floor's top is z = 0."""
    outside = [
        (0.0, -0.004),
        (0.0075, 0.029),
        (0.0165, 0.0315),
        (0.017, 0.0335),
        (0.012, 0.0345),
        (0.0085, 0.0325),
        (0.0035, 0.006),
        (0.0012, 0.0018),
        (-0.005, 0.0),
    ]
    rings = [
        np.column_stack([rounded_rectangle(TRAY_M[0] + 2 * d, TRAY_M[1] + 2 * d, 0.03 + d, 8), np.full(36, z)])
        for d, z in outside
    ]
    return _bowl(rings)


def _bowl(rings: list[Floats]) -> Shape:
    """Skin over stacked outlines from the outer bottom over the rim to the inner floor, both closed by flat caps."""
    n = len(rings[0])
    skin = Shape(np.concatenate(rings), grid_faces(len(rings), n, close_columns=True))
    bottom = Shape(rings[0], triangulate(rings[0][:, :2], ())[:, ::-1].copy())
    floor = Shape(rings[-1], triangulate(rings[-1][:, :2], ()))
    return join(skin, bottom, floor)


def _bin_floor() -> Shape:
    return extrude(rounded_rectangle(BIN_M[0] - 0.002, BIN_M[1] - 0.002, 0.012), 0.003).moved(z=-0.003)


def _bin_walls() -> Shape:
    """Walls 120 mm high with a stacking rim, ribs outside, and the under-floor."""
    profile = [
        (0.0, -0.006),
        (0.003, -0.006),
        (0.006, 0.105),
        (0.016, 0.106),
        (0.016, 0.121),
        (0.014, 0.1225),
        (0.0045, 0.1225),
        (0.003, 0.1205),
        (0.0, -0.003),
    ]
    rings = [
        np.column_stack([rounded_rectangle(BIN_M[0] + 2 * d, BIN_M[1] + 2 * d, 0.014 + d, 6), np.full(28, z)])
        for d, z in profile
    ]
    rib = box(0.004, 0.009, 0.108, bevel_m=0.0008).moved(z=-0.003)
    long = [rib.moved(x=x, y=s * (BIN_M[1] / 2 + 0.007)) for x in np.linspace(-0.15, 0.15, 7) for s in (-1, 1)]
    short = [
        rib.turned("z", 90).moved(x=s * (BIN_M[0] / 2 + 0.007), y=y) for y in np.linspace(-0.1, 0.1, 5) for s in (-1, 1)
    ]
    return join(_bowl(rings), *long, *short)


def _belt() -> Shape:
    radius = 0.03
    a = np.linspace(-np.pi / 2, np.pi / 2, 17)
    right = np.stack([BELT_M[0] / 2 + radius * np.cos(a), -radius + radius * np.sin(a)], axis=1)
    outline = np.concatenate([right, -right - np.array([0.0, 2 * radius])])
    return extrude(outline, BELT_M[1]).moved(z=-BELT_M[1] / 2).turned("x", 90)


def _guides() -> Shape:
    edge = BELT_M[1] / 2 + 0.022
    rails = [_profile(BELT_M[0]).moved(y=s * edge, z=-0.022) for s in (-1, 1)]
    bars = [
        sweep(
            [(-BELT_M[0] / 2, s * (edge - 0.012), 0.03), (BELT_M[0] / 2, s * (edge - 0.012), 0.03)], circle(0.005, 16)
        )
        for s in (-1, 1)
    ]
    stands = [
        box(0.016, 0.006, 0.045, bevel_m=0.001).moved(x=x, y=s * (edge - 0.004), z=-0.004)
        for x in (-0.6, -0.2, 0.2, 0.6)
        for s in (-1, 1)
    ]
    legs = [
        _profile(DROP_M - 0.042).turned("y", 90).moved(x=x, y=s * edge, z=-0.042 - (DROP_M - 0.042) / 2)
        for x in (-0.6, 0.6)
        for s in (-1, 1)
    ]
    return join(*rails, *bars, *stands, *legs)


def _floor() -> Shape:
    return box(9.0, 9.0, 0.02).moved(z=-DROP_M - 0.02)


def _guard() -> Shape:
    """Posts and cross bars of a machine guard 1.1 m behind the bench."""
    posts = [_profile(2.2).turned("y", 90).moved(x=x, y=1.1, z=-DROP_M + 1.1) for x in (-1.5, -0.5, 0.5, 1.5)]
    bars = [_profile(3.0).moved(y=1.1, z=z) for z in (-0.6, 0.25, 1.3)]
    return join(*posts, *bars)


def _panel() -> Shape:
    """Sheet panels in the guard up to a little above the bench; higher ones would keep the room's light out."""
    return join(*[box(0.94, 0.006, 0.84, bevel_m=0.001).moved(x=x, y=1.1, z=-0.59) for x in (-1.0, 0.0, 1.0)])


SHAPES: dict[str, Callable[[], Shape]] = {
    "table_top": _table_top,
    "frame": _frame,
    "clamp": _clamp,
    "tray": _tray_shape,
    "bin_floor": _bin_floor,
    "bin_walls": _bin_walls,
    "belt": _belt,
    "guides": _guides,
    "floor": _floor,
    "guard": _guard,
    "panel": _panel,
}
