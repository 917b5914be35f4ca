"""The labelled parts, in metres, each resting on z = 0 as it would lie on a bench."""

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


def bracket() -> Shape:
    """A 60 x 40 x 44 mm angle bracket: two drilled plates and two gusset ribs."""
    t = 0.004
    base_holes = (circle(0.0033, 24, x=-0.02, y=0.006), circle(0.0033, 24, x=0.02, y=0.006))
    base = extrude(rounded_rectangle(0.06, 0.04, 0.004), t, holes=base_holes, bevel_m=0.0006)
    slot = rounded_rectangle(0.018, 0.007, 0.0034, 8) + np.array([0.0, 0.006])
    wall_holes = (circle(0.0033, 24, x=-0.02, y=0.008), circle(0.0033, 24, x=0.02, y=0.008), slot)
    wall = extrude(rounded_rectangle(0.06, 0.044, 0.004), t, holes=wall_holes, bevel_m=0.0006)
    upright = wall.turned("x", 90).moved(y=-0.016, z=0.022)
    corner = np.array([[0.0, 0.0], [0.021, 0.0], [0.0, 0.021]])
    rib = extrude(corner, 0.004, bevel_m=0.0004).turned("x", 90).turned("z", 90).moved(x=-0.002, y=-0.0165, z=0.0038)
    return join(base, upright, rib.moved(x=-0.0085 - 0.003), rib.moved(x=0.0085 + 0.003))


def gear() -> Shape:
    """A 24-tooth spur gear of module 2 mm with lightening holes, hub and a keyed bore."""
    teeth, module = 24, 0.002
    pitch = teeth * module / 2
    holes = tuple(circle(0.0035, 20, x=0.0148 * np.cos(a), y=0.0148 * np.sin(a)) for a in np.arange(6) * np.pi / 3)
    bore = _keyed_bore(0.005, 0.003, 0.0014)
    disc = extrude(_gear_outline(teeth, pitch, module), 0.012, holes=(bore, *holes), bevel_m=0.0005)
    hub = extrude(circle(0.0095, 48), 0.008, holes=(bore,), bevel_m=0.0006).moved(z=0.012)
    return join(disc, hub)


def _gear_outline(teeth: int, pitch: float, module: float) -> Floats:
    """Teeth with flanks curved like involutes: half widths in tooth pitches at rising radius."""
    radii = np.array([-1.25, -0.75, -0.2, 0.35, 0.8, 1.0]) * module + pitch
    half = np.array([0.345, 0.305, 0.262, 0.21, 0.155, 0.125])
    r = np.concatenate([radii, radii[::-1]])
    a = np.concatenate([-half, half[::-1]])
    angle = (np.arange(teeth)[:, None] + a) * (2 * np.pi / teeth)
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=2).reshape(-1, 2)


def _keyed_bore(radius: float, key_width: float, key_depth: float) -> Floats:
    start = np.arcsin(key_width / 2 / radius)
    a = np.linspace(start, 2 * np.pi - start, 40)
    arc = np.stack([radius * np.cos(a), radius * np.sin(a)], axis=1)
    tip = radius + key_depth
    return np.concatenate([arc, [[tip, -key_width / 2], [tip, key_width / 2]]])


def pipe_elbow() -> Shape:
    """A 90 degree elbow of 32 mm pipe between two drilled flanges, lying on its flanges' rims."""
    bend, outer, inner = 0.042, 0.016, 0.0125
    a = np.linspace(0, np.pi / 2, 28)
    arc = np.stack([bend * np.cos(a), bend * np.sin(a), np.zeros(28)], axis=1)
    lead = 0.012
    path = np.concatenate([[[bend, -lead, 0.0]], arc, [[-lead, bend, 0.0]]])
    tube = _tube(path, outer, inner)
    holes = tuple(
        circle(0.0028, 20, x=0.0225 * np.cos(t), y=0.0225 * np.sin(t)) for t in np.pi / 4 + np.arange(4) * np.pi / 2
    )
    flange = extrude(circle(0.029, 64), 0.006, holes=(circle(inner, 40), *holes), bevel_m=0.0007)
    collar = revolve([(outer - 0.001, 0.0), (0.0195, 0.0), (0.0165, 0.005), (outer - 0.001, 0.005)], 48).moved(z=0.006)
    end = join(flange, collar)
    first = end.turned("x", -90).moved(x=bend, y=-lead - 0.004)
    second = end.turned("y", 90).moved(x=-lead - 0.004, y=bend)
    return join(tube, first, second)


def _tube(path: Floats, outer: float, inner: float) -> Shape:
    around = 40
    skin, hole = sweep(path, circle(outer, around)), sweep(path, circle(inner, around))
    walls = 2 * around * (len(path) - 1)  # the first faces are the walls, the rest are caps
    inward = Shape(hole.vertices_m, hole.faces[:walls, ::-1].copy())
    return join(Shape(skin.vertices_m, skin.faces[:walls]), inward)


def bolt() -> Shape:
    """An M12 x 50 hex bolt with a rolled thread, lying on its head's edge and its tip."""
    across, head = 0.018, 0.0075
    shank = revolve([(0.006, 0.0), (0.006, 0.014)], 40)
    thread = _thread(0.006, 0.0049, 0.0018, 0.0135, 0.05)
    washer = revolve([(0.0, -0.0004), (0.0085, -0.0004), (0.0085, 0.0001), (0.0, 0.0001)], 40)
    cap = hex_prism(across, head, both=False).turned("x", 180)
    upright = join(cap, washer, shank, thread)
    lying = upright.turned("z", 30).turned("y", 90)
    return lying.turned("y", float(np.degrees(np.arctan2(across / 2 - 0.006, 0.05))))


def hex_prism(across: float, height: float, *, both: bool, bore: float = 0.0) -> Shape:
    """A hexagon with the turned chamfer of a nut or bolt head: corners cut by a 30 degree cone."""
    n = 72
    a = np.arange(n) * (2 * np.pi / n)
    flat = across / 2
    rim = flat / np.cos((a + np.pi / 6) % (np.pi / 3) - np.pi / 6)
    circle_r = flat * 0.965
    drop = (rim - circle_r).clip(0) * np.tan(np.radians(30))
    inner = bore if bore else 0.0
    low = drop if both else np.zeros(n)
    low_r = np.minimum(rim, circle_r) if both else rim
    radius = [np.full(n, inner), low_r, rim, rim, np.minimum(rim, circle_r), np.full(n, inner)]
    z = [np.zeros(n), np.zeros(n), low, height - drop, np.full(n, height), np.full(n, height)]
    rings = [np.stack([r * np.cos(a), r * np.sin(a), h], 1) for r, h in zip(radius, z, strict=True)]
    return Shape(np.concatenate(rings), grid_faces(6, n, close_columns=True))


def _thread(outer: float, root: float, pitch: float, start: float, stop: float) -> Shape:
    """A helical V thread: the radius follows height minus turn, and fades at both ends."""
    around, per_pitch = 40, 7
    rows = int((stop - start) / pitch * per_pitch)
    z = np.linspace(start, stop, rows)[:, None]
    a = np.arange(around) * (2 * np.pi / around)
    phase = (z / pitch - a / (2 * np.pi)) % 1.0
    wave = np.clip(1.25 * np.abs(2 * phase - 1) - 0.12, 0, 1)
    radius = root + (outer - root) * wave
    radius = np.minimum(radius, outer - (z - (stop - 0.0012)).clip(0))
    ring = np.stack([radius * np.cos(a), radius * np.sin(a), np.repeat(z, around, 1)], 2).reshape(-1, 3)
    tip = revolve([(outer - 0.0012, stop), (0.0, stop)], around)
    return join(Shape(ring, grid_faces(rows, around, close_columns=True)), tip)


def mug() -> Shape:
    """A 95 mm mug of 82 mm diameter, hollow, with a foot ring and an ear handle."""
    outer, wall, height = 0.041, 0.0035, 0.095
    lip = [
        (outer - wall / 2 + wall / 2 * np.cos(t), height - wall / 2 + wall / 2 * np.sin(t))
        for t in np.linspace(0, np.pi, 7)
    ]
    foot = [(0.0, 0.002), (0.03, 0.002), (0.031, 0.0), (0.0345, 0.0), (0.0375, 0.0015), (0.04, 0.005), (outer, 0.01)]
    inside = [(outer - wall, 0.014), (outer - wall - 0.002, 0.009), (outer - wall - 0.007, 0.0062), (0.0, 0.006)]
    body = revolve(foot + lip + inside, 72)
    t = np.linspace(-1.25, 1.25, 26)
    reach = 0.029 * np.cos(t)
    path = np.stack([outer - 0.0115 + reach * 1.05, np.zeros(26), 0.049 + 0.0295 * np.sin(t) * 1.02], axis=1)
    a = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    return join(body, sweep(path, np.stack([0.0052 * np.cos(a), 0.0038 * np.sin(a)], axis=1)))


def bottle() -> Shape:
    """A 190 mm bottle with a shouldered neck, a waist ring and a knurled cap."""
    shoulder = [(0.0135 + 0.018 * np.cos(t), 0.118 + 0.034 * np.sin(t)) for t in np.linspace(0, np.pi / 2 * 0.94, 12)]
    base = [(0.0, 0.003), (0.02, 0.002), (0.026, 0.0), (0.03, 0.001), (0.0315, 0.005)]
    waist = [(0.0315, 0.03), (0.0302, 0.0325), (0.0302, 0.0345), (0.0315, 0.037), (0.0315, 0.1)]
    waist += [(0.0302, 0.1025), (0.0302, 0.1045), (0.0315, 0.107)]
    neck = [(0.0135, 0.158), (0.0165, 0.159), (0.0165, 0.1615), (0.0135, 0.1625), (0.0125, 0.17), (0.0, 0.17)]
    return join(revolve(base + waist + shoulder + neck, 64), _knurled_cap().moved(z=0.164))


def _knurled_cap() -> Shape:
    n = 120
    a = np.arange(n) * (2 * np.pi / n)
    ridge = 0.0152 + 0.0005 * (np.arange(n) % 3 == 0)
    plain = np.full(n, 0.015)
    levels = [
        (plain * 0, 0.0),
        (plain, 0.0),
        (ridge, 0.001),
        (ridge, 0.023),
        (plain - 0.0006, 0.0248),
        (plain - 0.002, 0.0255),
        (plain * 0, 0.0255),
    ]
    rings = [np.stack([r * np.cos(a), r * np.sin(a), np.full(n, z)], 1) for r, z in levels]
    return Shape(np.concatenate(rings), grid_faces(len(levels), n, close_columns=True))


def carton() -> Shape:
    """A closed 120 x 85 x 70 mm carton: body, two top flaps with a gap, and a strip of tape over them."""
    x, y, z, board = 0.12, 0.085, 0.068, 0.0018
    body = box(x, y, z, bevel_m=0.0012)
    flap = box(x - 0.0008, y / 2 - 0.0012, board, bevel_m=0.0004)
    lifted = flap.moved(y=y / 4 + 0.0002).turned("x", 1.2).moved(z=z - 0.0009)
    tape = box(x + 0.0006, 0.028, 0.0004).moved(z=z + board - 0.0004)
    ends = [box(0.0004, 0.028, 0.022).moved(x=side * (x / 2 + 0.0002), z=z + board - 0.0222) for side in (-1, 1)]
    return join(body, lifted, flap.moved(y=-y / 4 - 0.0002, z=z - 0.0002), tape, *ends)


def can() -> Shape:
    """A 115 mm beverage can with necked ends, rolled rims, a recessed lid and a pull tab."""
    base = [
        (0.0, 0.008),
        (0.015, 0.0065),
        (0.0225, 0.001),
        (0.0245, 0.0),
        (0.0258, 0.001),
        (0.0275, 0.005),
        (0.033, 0.0115),
    ]
    top = [(0.033, 0.1), (0.0315, 0.1035), (0.0282, 0.108), (0.027, 0.11), (0.027, 0.1115)]
    rim = [(0.0278, 0.1118), (0.0284, 0.1128), (0.028, 0.1142), (0.0272, 0.1146), (0.0262, 0.1142), (0.0257, 0.113)]
    lid = [(0.0247, 0.1085), (0.0238, 0.1078), (0.0228, 0.1085), (0.022, 0.11), (0.0, 0.11)]
    ring = np.stack([0.0065 * np.cos(t := np.linspace(0, 2 * np.pi, 24, endpoint=False)), 0.005 * np.sin(t)], axis=1)
    tab = extrude(
        rounded_rectangle(0.02, 0.013, 0.0055, 8), 0.0008, holes=(ring * 0.75 + np.array([0.003, 0.0]),), bevel_m=0.0002
    )
    return join(revolve(base + top + rim + lid, 72), tab.moved(x=0.007, z=0.1106))


def bearing() -> Shape:
    """A 6204-like deep-groove ball bearing: two rings, nine balls and a cage band."""
    width, outer, inner = 0.014, 0.0235, 0.01
    c = 0.001
    race = 0.0172
    out = [
        (0.0198, 0.0),
        (outer - c, 0.0),
        (outer, c),
        (outer, width - c),
        (outer - c, width),
        (0.0198, width),
        (0.0205, width / 2),
        (0.0198, 0.0),
    ]
    inn = [
        (inner + c, 0.0),
        (0.0142, 0.0),
        (0.0135, width / 2),
        (0.0142, width),
        (inner + c, width),
        (inner, width - c),
        (inner, c),
        (inner + c, 0.0),
    ]
    balls = [_ball(0.0039).moved(race * np.cos(t), race * np.sin(t), width / 2) for t in np.arange(9) * 2 * np.pi / 9]
    cage = [
        (race - 0.0008, 0.0035),
        (race + 0.0008, 0.0035),
        (race + 0.0008, 0.0105),
        (race - 0.0008, 0.0105),
        (race - 0.0008, 0.0035),
    ]
    return join(revolve(out, 72), revolve(inn, 64), revolve(cage, 48), *balls)


def _ball(radius: float) -> Shape:
    return revolve([(radius * np.cos(t), radius * np.sin(t)) for t in np.linspace(-np.pi / 2, np.pi / 2, 13)], 20)


def nut() -> Shape:
    """An M16 hex nut, both faces chamfered, with a threaded bore."""
    across, height, pitch = 0.024, 0.013, 0.002
    body = hex_prism(across, height, both=True, bore=0.0082)
    thread = _thread(0.0086, 0.0069, pitch, 0.0, height)
    inside = thread.faces[: 2 * 40 * (len(thread.vertices_m) // 40 - 3), ::-1]
    walls = Shape(thread.vertices_m, inside.copy())
    return join(body, walls)


def valve() -> Shape:
    """A 90 mm gate valve: a flanged through body, a bonnet with hex collar, and a five-spoke hand wheel."""
    barrel = revolve(
        [
            (0.0115, -0.036),
            (0.017, -0.036),
            (0.017, -0.014),
            (0.0205, -0.009),
            (0.0215, 0.0),
            (0.0205, 0.009),
            (0.017, 0.014),
            (0.017, 0.036),
            (0.0115, 0.036),
            (0.0115, -0.036),
        ],
        48,
    )
    ends = [hex_prism(0.039, 0.011, both=True, bore=0.0125).moved(z=z) for z in (-0.042, 0.031)]
    body = join(barrel, *ends).turned("y", 90)
    bonnet = revolve(
        [(0.0, 0.012), (0.0145, 0.012), (0.0145, 0.024), (0.0105, 0.031), (0.0085, 0.033), (0.0, 0.033)], 40
    )
    collar = hex_prism(0.019, 0.007, both=True).moved(z=0.033)
    stem = revolve([(0.0035, 0.04), (0.0035, 0.06), (0.0, 0.06)], 24)
    rim = sweep(np.column_stack([circle(0.026, 56), np.full(56, 0.055)]), circle(0.0033, 14), closed=True)
    hub = revolve([(0.0, 0.0515), (0.0065, 0.0515), (0.0065, 0.0575), (0.0045, 0.0595), (0.0, 0.0595)], 28)
    spokes = [
        box(0.022, 0.0042, 0.003, bevel_m=0.0006).moved(x=0.014, z=0.0535).turned("z", 72.0 * i) for i in range(5)
    ]
    return join(body, bonnet, collar, stem, rim, hub, *spokes)
