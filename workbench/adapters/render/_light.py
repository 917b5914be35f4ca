"""Positions and intensities of lights, the same for all backends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.scene import Environment, Light

Floats = NDArray[np.float64]
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709


def distance_m(light: Light) -> float:
    """From the light to the world origin."""
    return float(np.linalg.norm(light.position_m))


def intensity_cd(light: Light) -> float:
    """Luminous intensity towards the origin that gives ``illuminance_lux`` there (inverse-square law)."""
    return light.illuminance_lux * distance_m(light) ** 2


def rotation_z(degrees: float) -> Floats:
    """3x3 rotation about world z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def panel_axes(light: Light) -> tuple[Floats, Floats]:
    """Two unit vectors that span an area light's square, at right angles to its direction."""
    towards = np.asarray(light.direction)
    start = np.array([0.0, 0.0, 1.0]) if abs(towards[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    side = np.cross(start, towards)
    side /= np.linalg.norm(side)
    return side, np.cross(towards, side)


def irradiance_lux(light: Light, points: Floats, normals: Floats) -> Floats:
    """Illuminance ``(...)`` at points with normals, nothing in the way; an area light counts as its centre."""
    if light.kind == "directional":
        return np.asarray(light.illuminance_lux * (-(normals @ np.asarray(light.direction))).clip(0))
    away = np.asarray(light.position_m) - points
    distance = np.linalg.norm(away, axis=-1)
    cosine = (np.sum(normals * away, axis=-1) / distance).clip(0)
    received = intensity_cd(light) * cosine / distance**2
    if light.kind == "spot":
        along = -(away @ np.asarray(light.direction)) / distance
        edge, core = np.cos(np.radians(light.cone_deg / 2)), np.cos(np.radians(light.cone_deg * 0.4))
        received = received * ((along - edge) / max(core - edge, 1e-9)).clip(0, 1)
    return np.asarray(received)


def environment_directions(directions: Floats, environment: Environment) -> Floats:
    """World directions turned into the environment image's own frame."""
    return directions @ rotation_z(environment.rotation_deg)
