"""What is true of a rendered picture, from the scene and its twins, never from the picture itself.

Two twins of a scene are drawn beside it, under the same light:

* the *dull* twin has the same colours but neither metal nor gloss; what the picture has beyond it is specular;
* the *white* twin is white and matte all over; it shows the light alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.scenario.categories import exposure_stops, horizontal_lux
from workbench.core.schema.scene import Annotations, Material, Scene

Linear = NDArray[np.float32]
REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
WHITE = 0.8
SPECULAR_MIN, BRIGHT_MIN = 0.35, 0.75  # of white: what must be specular, and how bright the whole must be
FLOOR = 1e-4
SMALLEST_BOX_PX = 12
PENUMBRA_M = 0.5  # edge of an area light from which shadows have no edges


def dull_twin(scene: Scene) -> Scene:
    """The scene without metal and gloss."""
    return _with_materials(scene, lambda m: dataclasses.replace(m, **_DULL))


def white_twin(scene: Scene) -> Scene:
    """The scene in white matte paint."""
    blank = {"base_color": (WHITE,) * 3, "albedo_srgb": None, "normal_map": None}
    return _with_materials(scene, lambda m: dataclasses.replace(m, **blank, **_DULL))


_DULL: dict[str, Any] = {
    "metallic": 0.0,
    "roughness": 1.0,
    "reflectance": 0.0,
    "clearcoat": 0.0,
    "roughness_map": None,
}


def _with_materials(scene: Scene, change: Any) -> Scene:
    solids = tuple(dataclasses.replace(s, material=change(s.material)) for s in scene.solids)
    return dataclasses.replace(scene, solids=solids)


def luminance(linear: Linear) -> Linear:
    """Linear luminance ``(H, W)`` of linear RGB."""
    return np.asarray(linear @ REC709, np.float32)


def light_truth(values: Mapping[str, Any], white: Linear) -> dict[str, float]:
    """What is true of the light of a scene, whatever the camera does."""
    key_lux = values["lighting.key.intensity"] * math.sin(math.radians(values["lighting.key.direction.elevation"]))
    share = key_lux / max(horizontal_lux(values), 1e-9)
    soft = values["lighting.key.size"] / PENUMBRA_M if values["lighting.key.type"] == "area" else 0.0
    towards = _towards(values)
    seen = luminance(white)
    return {
        "seen_stops": math.log2(max(float(np.minimum(seen, np.percentile(seen, 95)).mean()), FLOOR) / WHITE),
        "base_stops": exposure_stops({**values, "sensor.exposure.ev": 0.0}),
        "key_share": share,
        "hardness": share * max(0.0, 1.0 - soft),
        "facing": float(towards[2]),
        "light_direction_deg": math.degrees(math.atan2(-towards[1], towards[0])) % 360.0,
        "light_sideways": math.hypot(towards[0], towards[1]),
        "light_spread_stops": grid_spread(seen),
    }


def grid_spread(light: NDArray[Any]) -> float:
    """Standard deviation of the light of a 4 x 4 grid, in stops."""
    small = cv2.resize(np.asarray(light, np.float32), (4, 4), interpolation=cv2.INTER_AREA)
    return float(np.std(np.log2(np.maximum(small, FLOOR))))


def _towards(values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Unit vector to the key light in the camera frame (x right, y down, z forward)."""
    from workbench.core.scenario.camera import camera_of

    azimuth, elevation = (math.radians(values[f"lighting.key.direction.{k}"]) for k in ("azimuth", "elevation"))
    flat = math.cos(elevation)
    world = np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])
    pose = camera_of(values).T_world_cam
    assert pose is not None
    return np.asarray(pose[:3, :3].T @ world)


def visible_gloss(full: Linear, dull: Linear, gain: float) -> float:
    """Spread of the light that surfaces reflect over the mean brightness, as far as the sensor's range goes."""
    seen, matte = np.clip(luminance(full) * gain, 0, 1), np.clip(luminance(dull) * gain, 0, 1)
    return float((seen - matte).std() / max(float(seen.mean()), FLOOR))


def material_gloss(material: Material) -> float:
    """How sharply a surface reflects, 0 dull to 1 mirror: one minus roughness, the map's mean included."""
    pattern = 1.0 if material.roughness_map is None else float(material.roughness_map.mean()) / 255.0
    return 1.0 - material.roughness * pattern


def highlights(full: Linear, dull: Linear, gain: float) -> NDArray[np.bool_]:
    """Pixels that are bright because they reflect: the specular part alone would be clearly seen."""
    seen, matte = luminance(full) * gain, luminance(dull) * gain
    return np.asarray((seen - matte > SPECULAR_MIN) & (seen > BRIGHT_MIN))


def largest(mask: NDArray[np.bool_]) -> float:
    """Area of the largest connected part, as a share of the picture."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return float(stats[1:, cv2.CC_STAT_AREA].max() / mask.size) if len(stats) > 1 else 0.0


def label_truth(scene: Scene, truth: Annotations, pair: tuple[Linear, Linear], gain: float) -> list[dict[str, Any]]:
    """Per visible labelled object: box, surface, gloss and share of highlights inside the box.

    Args:
        scene: with the materials.
        truth: with the boxes.
        pair: the picture and its dull twin.
        gain: of the exposure.
    """
    mask = highlights(*pair, gain)
    materials = {solid.instance_id: solid.material for solid in scene.solids if solid.instance_id}
    found = []
    for thing in truth.objects:
        if thing.xyxy is None or thing.visible_fraction < 0.5:
            continue
        left, top, right, bottom = (round(edge) for edge in thing.xyxy)
        inside = slice(top, bottom), slice(left, right)
        if min(bottom - top, right - left) < SMALLEST_BOX_PX:
            continue
        found.append(
            {
                "xyxy": list(thing.xyxy),
                "surface": thing.surface,
                "gloss": visible_gloss(pair[0][inside], pair[1][inside], gain),
                "material_gloss": material_gloss(materials[thing.instance_id]),
                "highlight_share": float(mask[inside].mean()),
            }
        )
    return found
