"""Environment maps: rooms around a work cell, drawn as soft-edged shapes on the sphere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError, one_of

Floats = NDArray[np.float64]
HEIGHT_PX = 256
BENCH_REFLECTANCE = 0.33  # what lies below the horizon is a bench lit by the same room, so metals have it to mirror


@cache
def environment_radiance(name: str) -> NDArray[np.float32]:
    """Radiance seen from the origin, equirectangular ``(256, 512, 3)`` linear RGB, world z up.

    Row 0 is straight up. Column ``u`` looks towards azimuth ``pi - 2 pi (u + 0.5) / 512`` (from +x towards +y), so the
    middle looks along +x. Scaled so that an unshadowed horizontal plane receives illuminance 1 (luminance of Rec. 709).

    Raises:
        InputError: no such environment.
    """
    if name not in ENVIRONMENTS:
        raise InputError(f"Unknown environment {name!r}.", fix=one_of(name, ENVIRONMENTS))
    directions, solid_angle = sphere()
    radiance = ENVIRONMENTS[name](directions)
    luminance = radiance @ np.array([0.2126, 0.7152, 0.0722])
    received = np.sum(luminance * directions[..., 2].clip(0) * solid_angle)
    below = _step(-directions[..., 2], 0.12, 0.1)[..., None]
    lit = radiance / received * (1 - below) + BENCH_REFLECTANCE / np.pi * below
    return np.asarray(lit, dtype=np.float32)


def sphere(height_px: int = HEIGHT_PX) -> tuple[Floats, Floats]:
    """Unit directions ``(H, 2H, 3)`` of the pixels' centres and their solid angles ``(H, 2H)``."""
    polar = (np.arange(height_px) + 0.5) * (np.pi / height_px)
    azimuth = np.pi - (np.arange(2 * height_px) + 0.5) * (np.pi / height_px)
    s, c = np.sin(polar)[:, None], np.cos(polar)[:, None]
    directions = np.stack([s * np.cos(azimuth), s * np.sin(azimuth), np.broadcast_to(c, (height_px, 2 * height_px))], 2)
    ring = np.cos(polar - np.pi / height_px / 2) - np.cos(polar + np.pi / height_px / 2)
    return directions, np.broadcast_to(ring[:, None] * np.pi / height_px, directions.shape[:2])


def _workshop(d: Floats) -> Floats:
    """Hall with two rows of tube lights, light walls and a doorway."""
    room = _room(d, ceiling=0.35, wall=0.28)
    tubes = [_ceiling_panel(d, x, y, 0.06, 0.6) for x in (-1.1, 0.0, 1.1) for y in (-1.3, 0.2, 1.7)]
    door = _wall_panel(d, 125, 20, 0.0, 26)
    return np.asarray(
        room + 16 * _tint(sum(tubes, np.zeros(d.shape[:2])), (0.97, 1.0, 1.02)) + 1.6 * _tint(door, (0.9, 0.98, 1.1))
    )


def _studio(d: Floats) -> Floats:
    """Three soft boxes in a dark room, as for product photographs."""
    room = _room(d, ceiling=0.1, wall=0.08)
    boxes = (
        6 * _ceiling_panel(d, 0.3, 0.0, 0.55, 0.55)
        + 3.5 * _wall_panel(d, 150, 28, 18, 22)
        + 2 * _wall_panel(d, -60, 20, 15, 20)
    )
    return np.asarray(room + _tint(boxes, (1.0, 1.0, 1.0)))


def _window(d: Floats) -> Floats:
    """A room with daylight from four tall windows on one side."""
    room = _room(d, ceiling=0.3, wall=0.24) * np.array([1.05, 1.0, 0.93])
    panes = sum((_wall_panel(d, azimuth, 9.5, 32, 22) for azimuth in (58, 82, 106, 130)), np.zeros(d.shape[:2]))
    return np.asarray(room + 5.5 * _tint(panes, (0.92, 1.0, 1.12)))


def _warehouse(d: Floats) -> Floats:
    """A high dark hall with round high-bay lamps and racks along the walls."""
    room = _room(d, ceiling=0.07, wall=0.12)
    azimuth = np.degrees(np.arctan2(d[..., 1], d[..., 0]))
    racks = 0.55 + 0.45 * np.sin(np.radians(azimuth) * 22) * (np.abs(d[..., 2]) < 0.35)
    lamps = [_spot(d, (x, y, 1.0), 4.2) for x in (-0.9, 0.0, 0.9) for y in (-0.9, 0.0, 0.9)]
    return np.asarray(room * racks[..., None] + 34 * _tint(sum(lamps, np.zeros(d.shape[:2])), (1.0, 0.98, 0.92)))


def _overcast(d: Floats) -> Floats:
    """The CIE standard overcast sky (brightness (1 + 2 sin elevation) / 3)."""
    up = d[..., 2]
    sky = (1 + 2 * up.clip(0)) / 3
    return _tint(sky, (0.96, 1.0, 1.05))


def _night(d: Floats) -> Floats:
    """A dark hall at night: one warm lamp at the far wall, an exit sign, faint skylight."""
    room = _room(d, ceiling=0.035, wall=0.03) * np.array([0.8, 0.92, 1.2])
    lamp = _tint(_spot(d, (-0.8, 0.9, 0.75), 5.0), (1.0, 0.82, 0.58))
    sign = _tint(_wall_panel(d, -35, 4, 24, 2.2), (0.15, 1.0, 0.45))
    return np.asarray(room + 9 * lamp + 0.9 * sign)


ENVIRONMENTS: dict[str, Callable[[Floats], Floats]] = {
    "env/workshop": _workshop,
    "env/studio": _studio,
    "env/window": _window,
    "env/warehouse": _warehouse,
    "env/overcast": _overcast,
    "env/night": _night,
}


def _room(d: Floats, *, ceiling: float, wall: float) -> Floats:
    """Grey box: a ceiling, and walls that darken downwards."""
    up = d[..., 2]
    value = wall * (0.8 + 0.35 * up)
    value = value + (ceiling - value) * _step(up, 0.52, 0.03)
    return _tint(value, (1.0, 1.0, 1.0))


def _ceiling_panel(d: Floats, x: float, y: float, half_x: float, half_y: float) -> Floats:
    """Soft-edged rectangle on a ceiling 1 above the origin."""
    up = d[..., 2]
    px, py = d[..., 0] / up.clip(1e-3), d[..., 1] / up.clip(1e-3)
    return (up > 0.05) * _step(half_x - np.abs(px - x), 0.0, 0.02) * _step(half_y - np.abs(py - y), 0.0, 0.02)


def _wall_panel(
    d: Floats, azimuth_deg: float, half_width_deg: float, elevation_deg: float, half_height_deg: float
) -> Floats:
    azimuth = np.degrees(np.arctan2(d[..., 1], d[..., 0]))
    off = np.abs((azimuth - azimuth_deg + 180) % 360 - 180)
    elevation = np.degrees(np.arcsin(d[..., 2]))
    return _step(half_width_deg - off, 0.0, 0.8) * _step(half_height_deg - np.abs(elevation - elevation_deg), 0.0, 0.8)


def _spot(d: Floats, towards: tuple[float, float, float], half_deg: float) -> Floats:
    axis = np.array(towards) / np.linalg.norm(towards)
    angle = np.degrees(np.arccos(np.clip(d @ axis, -1, 1)))
    return _step(half_deg - angle, 0.0, 0.6)


def _step(value: Floats, edge: float, width: float) -> Floats:
    t = np.clip((value - edge) / width * 0.5 + 0.5, 0, 1)
    result: Floats = t * t * (3 - 2 * t)
    return result


def _tint(value: Floats, color: tuple[float, float, float]) -> Floats:
    return np.asarray(np.asarray(value)[..., None] * np.array(color))
