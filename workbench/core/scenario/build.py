"""From a resolved frame to the scene that renderers draw and the settings of the sensor."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from workbench.core import assets as library
from workbench.core.scenario.camera import Values, camera_of, direction
from workbench.core.scenario.constants import EXPOSURE_LUX
from workbench.core.scenario.draw import object_keys
from workbench.core.scenario.model import ResolvedFrame
from workbench.core.scenario.placement import rotation_matrix
from workbench.core.scenario.randomness import rng_from_seed
from workbench.core.schema.scene import Environment, Light, Material, Mesh, Rgb, Scene, Solid
from workbench.core.sensor.chain import SensorSettings
from workbench.core.sensor.color import blackbody_rgb, srgb_from_hsv, white_balance_gains


def build(frame: ResolvedFrame) -> Scene:
    """The scene of a frame, from the library: objects on a support, a key light, an environment and a camera."""
    values = frame.values
    return Scene(
        solids=(*_support(values), *_objects(values)),
        lights=(_key_light(values),) if values["lighting.key.intensity"] > 0 else (),
        environment=Environment(
            values["lighting.environment.map"],
            values["lighting.environment.intensity"],
            values["lighting.environment.rotation"],
        ),
        camera=camera_of(values),
        exposure_lux=EXPOSURE_LUX,
    )


def sensor_settings(frame: ResolvedFrame) -> SensorSettings:
    """The settings of the sensor chain for a frame."""
    values = frame.values
    return SensorSettings(
        exposure_ev=values["sensor.exposure.ev"],
        vignette=values["sensor.lens.vignette"],
        motion_blur_px=values["sensor.motion.blur_px"],
        motion_direction_deg=values["sensor.motion.direction"],
        blur_px=values["sensor.lens.blur_px"],
        blur_disk=values["sensor.lens.blur_disk"],
        gain=values["sensor.noise.gain"],
        full_well_e=values["sensor.noise.full_well_e"],
        read_e=values["sensor.noise.read_e"],
        bits=values["sensor.bits"],
        white_balance=white_balance_gains(values["sensor.white_balance.temperature"]),
        jpeg_quality=values["sensor.jpeg.quality"],
        grain_px=values["sensor.noise.grain_px"],
        noise_color=values["sensor.noise.color"],
        sharpen=values["sensor.sharpen"],
    )


def noise_rng(frame: ResolvedFrame) -> np.random.Generator:
    """Generator of the sensor noise of a frame."""
    return rng_from_seed(frame.values["sensor.noise.seed"], key="noise")


def assets_of(values: Values) -> tuple[str, ...]:
    """Library id of each object, targets first."""
    targets = [_asset("part", name) for name in values["assets.targets.labels"]]
    return (*targets, *(_asset("distractor", name) for name in values["assets.distractors.labels"]))


def _asset(folder: str, word: str) -> str:
    return f"mesh/{word}" if library.is_own(word) else f"{folder}/{word}"


def _key_light(values: Values) -> Light:
    key = "lighting.key."
    towards = direction(values[key + "direction.azimuth"], values[key + "direction.elevation"])
    position, travel = towards * values[key + "direction.radius"], -towards
    return Light(
        kind=values[key + "type"],
        position_m=(float(position[0]), float(position[1]), float(position[2])),
        direction=(float(travel[0]), float(travel[1]), float(travel[2])),
        color=blackbody_rgb(values[key + "temperature"]),
        illuminance_lux=values[key + "intensity"],
        cone_deg=values[key + "cone"],
        size_m=values[key + "size"],
        shadow=values[key + "shadow"],
    )


def _support(values: Values) -> tuple[Solid, ...]:
    color = "scene.surface.color."
    return library.support(
        values["scene.support"],
        values["scene.surface.label"],
        color_srgb=_color(values[color + "hue"], values[color + "saturation"], values[color + "value"]),
        roughness=values["scene.surface.roughness"],
        metallic=values["scene.surface.metallic"],
        rng=rng_from_seed(values["scene.texture_seed"], key="support"),
    )


def _objects(values: Values) -> list[Solid]:
    targets = values["assets.targets.count"]
    solids: list[Solid] = []
    for i, (asset, key) in enumerate(zip(assets_of(values), object_keys(values, "object"), strict=True)):
        word = asset.partition("/")[2]
        name = library.target_class(word) if i < targets else None
        mesh = library.target(word) if name else library.distractor(word)
        rng = rng_from_seed(values["scene.texture_seed"], key=key)
        material = _object_material(values, i, word if name else None, rng)
        solids.append(Solid(asset, name, i + 1 if name else 0, mesh, material, _pose(values, i, mesh)))
    return solids


def _object_material(values: Values, i: int, name: str | None, rng: np.random.Generator) -> Material:
    color, own = "scene.objects.color.", "scene.objects.material."
    jitter = 1.0 + values["scene.objects.color_jitter"] * rng.uniform(-1.0, 1.0, size=3)
    color_srgb = _color(*(values[color + part][i] for part in ("hue", "saturation", "value")))
    roughness, metallic = values[own + "roughness"][i], values[own + "metallic"][i]
    kind = values["scene.objects.surface"][i]
    if name is None:
        material = library.surface_material(
            kind, color_srgb=color_srgb, roughness=roughness, metallic=metallic, rng=rng
        )
    else:
        material = library.part_material(
            name, kind, color_srgb=color_srgb, roughness=roughness, metallic=metallic, rng=rng
        )
    red, green, blue = np.clip(np.array(material.base_color) * jitter, 0.0, 1.0)
    return dataclasses.replace(material, base_color=(float(red), float(green), float(blue)))


def _color(hue_deg: float, saturation: float, value: float | None) -> Rgb | None:
    return None if value is None else srgb_from_hsv(hue_deg, saturation, value)


def _pose(values: Values, i: int, mesh: Mesh) -> NDArray[np.float64]:
    """Rotated and scaled about the origin of the mesh, then set down so that its lowest point has the placed height."""
    x, y, lowest, *fallen = values["scene.objects.placement"][i]
    linear = values["scene.objects.scale"][i] * rotation_matrix(fallen or values["scene.objects.rotation"][i])
    pose = np.eye(4)
    pose[:3, :3] = linear
    pose[:3, 3] = x, y, lowest - float((mesh.vertices_m @ linear[2]).min())
    return pose
