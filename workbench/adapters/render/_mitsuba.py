"""The path-traced backend: Mitsuba 3, slower and closer to a camera: area lights, soft shadows, light that bounces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.render._lens import Floats, View, covering_view, posed, resample
from workbench.adapters.render._light import intensity_cd, panel_axes, rotation_z
from workbench.adapters.render._rays import world_vertices
from workbench.base.errors import RenderError
from workbench.base.optional import require
from workbench.core.assets import environment_radiance
from workbench.core.schema.scene import Environment, Light, Material, Scene, Solid

LEAST_LLVM = (19,)  # 14 and 15 abort on some materials
VARIANTS = ("llvm_ad_rgb", "scalar_rgb")  # fast with LLVM, and what runs without any system library
BOUNCES = 5
CAMERA_AXES = np.diag([-1.0, -1.0, 1.0, 1.0])  # Mitsuba's camera has x left and y up
# Mitsuba's environment image has y up and its left edge towards -z; ours z up and towards -x.
T_WORLD_PICTURE = np.array([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


class MitsubaRenderer:
    """Path tracing by Mitsuba 3. ``Light.shadow`` has no meaning here: what stands in the way always casts a shadow.

    Args:
        samples_per_pixel: paths per pixel; noise falls with the square root.

    Raises:
        MissingExtra: Mitsuba is not installed.
        RenderError: none of its variants starts.
    """

    name = "mitsuba"

    def __init__(self, *, samples_per_pixel: int = 36) -> None:
        self.samples_per_pixel = samples_per_pixel
        self._mi = require("mitsuba", purpose="path tracing")
        self.variant = _start(self._mi)

    @property
    def version(self) -> str:
        """Library, version, variant and sample count."""
        return f"mitsuba {self._mi.__version__} / {self.variant} / {self.samples_per_pixel} spp"

    def render(self, scene: Scene) -> NDArray[np.float32]:
        """See ``Renderer.render``."""
        view = covering_view(scene.camera, 1.0, square=True)
        description: dict[str, Any] = {"type": "scene", "integrator": {"type": "path", "max_depth": BOUNCES}}
        description["sensor"] = self._sensor(scene, view)
        description["environment"] = self._environment(scene.environment, np.pi / scene.exposure_lux)
        for index, light in enumerate(scene.lights):
            description[f"light{index}"] = self._light(light, np.pi / scene.exposure_lux)
        for index, solid in enumerate(scene.solids):
            description[f"solid{index}"] = self._shape(solid)
        try:
            picture = np.array(self._mi.render(self._mi.load_dict(description), spp=self.samples_per_pixel, seed=0))
        except RuntimeError as cause:
            raise RenderError(f"Mitsuba could not render: {cause}.", fix="Use the backend 'open3d'.") from cause
        clean = np.nan_to_num(picture[..., :3], nan=0.0).clip(0, None).astype(np.float32)
        return resample(_without_fireflies(clean), view, scene.camera, 1.0)

    def _sensor(self, scene: Scene, view: View) -> dict[str, Any]:
        return {
            "type": "perspective",
            "fov": float(np.degrees(2 * np.arctan(view.width / 2 / view.fx))),
            "fov_axis": "x",
            "near_clip": 0.01,
            "far_clip": 1000.0,
            "principal_point_offset_x": 0.5 - (view.cx + 0.5) / view.width,
            "principal_point_offset_y": 0.5 - (view.cy + 0.5) / view.height,
            "to_world": self._transform(posed(scene.camera) @ CAMERA_AXES),
            "film": {
                "type": "hdrfilm",
                "width": view.width,
                "height": view.height,
                "pixel_format": "rgb",
                "component_format": "float32",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "multijitter"},
        }

    def _environment(self, environment: Environment, per_lux: float) -> dict[str, Any]:
        turn = np.eye(4)
        turn[:3, :3] = rotation_z(environment.rotation_deg)
        return {
            "type": "envmap",
            "bitmap": self._mi.Bitmap(environment_radiance(environment.name)),
            "scale": environment.illuminance_lux * per_lux,
            "to_world": self._transform(turn @ T_WORLD_PICTURE),
        }

    def _light(self, light: Light, per_lux: float) -> dict[str, Any]:
        color = np.asarray(light.color, dtype=np.float64)
        if light.kind == "directional":
            power = color * light.illuminance_lux * per_lux
            return {"type": "directional", "direction": list(light.direction), "irradiance": self._rgb(power)}
        power = color * intensity_cd(light) * per_lux
        if light.kind == "point":
            return {"type": "point", "position": list(light.position_m), "intensity": self._rgb(power)}
        if light.kind == "spot":
            return {
                "type": "spot",
                "to_world": self._transform(_facing(light, 1.0)),
                "intensity": self._rgb(power),
                "cutoff_angle": light.cone_deg / 2,
                "beam_width": light.cone_deg * 0.4,
            }
        emitter = {"type": "area", "radiance": self._rgb(power / light.size_m**2)}
        return {"type": "rectangle", "to_world": self._transform(_facing(light, light.size_m / 2)), "emitter": emitter}

    def _shape(self, solid: Solid) -> Any:
        properties = self._mi.Properties()
        properties["bsdf"] = self._mi.load_dict(self._surface(solid.material))
        mesh = solid.mesh
        shape = self._mi.Mesh(solid.asset, len(mesh.vertices_m), len(mesh.faces), properties, True, True)
        rotation = solid.T_world_obj[:3, :3]
        scale = np.cbrt(np.linalg.det(rotation))
        values = self._mi.traverse(shape)
        values["vertex_positions"] = world_vertices(solid).astype(np.float32).ravel()
        values["vertex_normals"] = (mesh.normals @ (rotation / scale).T).astype(np.float32).ravel()
        uv = mesh.uv * (scale / solid.material.texture_size_m)
        values["vertex_texcoords"] = (uv * [1, -1]).astype(np.float32).ravel()
        values["faces"] = mesh.faces.astype(np.uint32).ravel()
        values.update()
        return shape

    def _surface(self, material: Material) -> dict[str, Any]:
        surface: dict[str, Any] = {
            "type": "principled",
            "base_color": self._texture(_albedo(material)),
            "metallic": material.metallic,
            "roughness": max(material.roughness, 0.03),
            "specular": material.reflectance,
            "clearcoat": material.clearcoat,
            "clearcoat_gloss": 0.95,
        }
        if material.roughness_map is not None:
            rough = material.roughness_map[..., None].astype(np.float32) * np.float32(material.roughness / 255)
            surface["roughness"] = self._texture(rough.clip(np.float32(0.03), np.float32(1)))
        if material.transmission:
            kept = {name: value for name, value in surface.items() if name not in ("specular", "roughness")}
            return kept | {"roughness": material.roughness, "spec_trans": material.transmission, "eta": 1.5}
        if material.normal_map is None:
            return {"type": "twosided", "nested": surface}
        normals = material.normal_map.astype(np.float32) / np.float32(255)
        return {
            "type": "twosided",
            "nested": {"type": "normalmap", "normalmap": self._texture(normals), "nested": surface},
        }

    def _texture(self, values: NDArray[np.float32]) -> dict[str, Any]:
        return {"type": "bitmap", "bitmap": self._mi.Bitmap(np.ascontiguousarray(values)), "raw": True}

    def _rgb(self, values: Floats) -> dict[str, Any]:
        return {"type": "rgb", "value": [float(v) for v in values]}

    def _transform(self, matrix: Floats) -> Any:
        return self._mi.ScalarTransform4f(np.ascontiguousarray(matrix, dtype=np.float64))


def _start(mi: Any) -> str:
    """Choose the fastest variant that computes."""
    reasons = []
    for variant in VARIANTS:
        try:
            mi.set_variant(variant)
            mi.load_dict({"type": "sphere"}).bbox()
            if variant.startswith("llvm"):
                _check_llvm()
                float(mi.Float([1.0, 2.0])[1] + mi.Float(1.0)[0])
        except (ImportError, RuntimeError, AttributeError) as cause:
            reasons.append(f"{variant}: {cause}")
        else:
            return variant
    raise RenderError(f"No Mitsuba variant starts ({'; '.join(reasons)}).", fix="Install libllvm19 or newer.")


def _check_llvm() -> None:
    """Refuse an LLVM that starts, and then ends the process in the middle of an image.

    Raises:
        RuntimeError: it is too old.
    """
    version: tuple[int, ...] = require("drjit", purpose="path tracing").detail.llvm_version()
    if version < LEAST_LLVM:
        raise RuntimeError(f"LLVM {'.'.join(map(str, version))}, older than {LEAST_LLVM[0]}")


def _without_fireflies(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """No pixel brighter than the second brightest around it: single stray paths go, highlights of two pixels stay."""
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    h, w = picture.shape[:2]
    around = np.stack([padded[y : y + h, x : x + w] for y in range(3) for x in range(3) if (x, y) != (1, 1)])
    return np.asarray(np.minimum(picture, np.partition(around, -2, axis=0)[-2]))


def _facing(light: Light, half_m: float) -> Floats:
    """Pose whose z axis is the light's direction, scaled."""
    side, up = panel_axes(light)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = half_m * side, half_m * up
    matrix[:3, 2], matrix[:3, 3] = light.direction, light.position_m
    return matrix


def _albedo(material: Material) -> NDArray[np.float32]:
    base = np.asarray(material.base_color, dtype=np.float32)
    if material.albedo_srgb is None:
        return np.broadcast_to(base, (2, 2, 3)).copy()
    encoded = np.arange(256) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(linear[material.albedo_srgb] * base)
