"""The main backend: Filament through Open3D's off-screen renderer; metal-rough surfaces, shadows, image-based light.

Filament's image is read as linear 8 bit without post-processing: its tone curve dithers with a random pattern, so
frames would differ from run to run. The range comes from exposure brackets instead: a frame is drawn once at the
exposure of white, again darker where highlights clip and again brighter when much of it is dark.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.render._ibl import UP_Y, horizontal_share, write_ibl
from workbench.adapters.render._lens import Floats, View, covering_view, posed, resample
from workbench.adapters.render._light import distance_m, intensity_cd, panel_axes, rotation_z
from workbench.adapters.render._probe import typical_scene
from workbench.adapters.render._rays import o3d, world_vertices
from workbench.base.errors import RenderError
from workbench.base.parts import scratch_folder
from workbench.core.schema.scene import Environment, Light, Material, Scene, Solid

PER_LUX = 4.1455e-6  # linear value of a white matte surface per lux at Filament's fixed camera exposure; measured
TOPS = (1.0, 8.0, 0.125)  # linear values at which the brackets clip: white, highlights, shadows
CLIPPED_SHARE = 0.002  # of the pixels, from which the highlights get their own bracket
DARK_SHARE = 0.4  # of the pixels below ``DARK``, from which the shadows get theirs
DARK = 10 / 255
FAR_M = 1000.0  # reach of lamps, far beyond any scene, so Filament's own fall-off window does nothing
NEAR_M = 0.02
POINT_CONE_DEG = 110.0  # wider ones spread the shadow map so thin that small parts cast none
AREA_CONE_DEG = 96.0
SHADOW_SPOTS = 2  # that Filament in Open3D 0.19 draws shadows for; measured
DRIVER_FIX = (
    "Install the software graphics driver (Debian, Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri libgomp1 "
    "libx11-6 libusb-1.0-0), or use the backend 'mitsuba' or 'flat'."
)


class Open3dRenderer:
    """Filament by Open3D.

    Args:
        supersample: samples per pixel along each axis; 1 is fastest and jagged, 2 takes three times as long.

    Raises:
        RenderError: no graphics driver can be started, or another thread of this process draws with it already.
    """

    name = "open3d"

    def __init__(self, *, supersample: float = 1.5) -> None:
        _same_thread()
        self.supersample = supersample
        self._targets: dict[tuple[int, int], Any] = {}
        self._environment: dict[tuple[int, int], str] = {}
        folders = ExitStack()
        self._folder = folders.enter_context(scratch_folder())  # swept by the next run when this process is killed
        atexit.register(folders.close)
        self._ibl = cache(lambda name: write_ibl(name, self._folder))
        self._target(64, 48)  # fails here, not in the middle of a job

    @property
    def version(self) -> str:
        """Library, version and driver."""
        return f"open3d-filament {o3d.__version__} / {_driver()}"

    def render(self, scene: Scene) -> NDArray[np.float32]:
        """See ``Renderer.render``.

        Raises:
            RenderError: called in another thread than the first use of Open3D's renderer in this process.
        """
        _same_thread()
        view = covering_view(scene.camera, self.supersample)
        return resample(self._draw(scene, view), view, scene.camera, self.supersample)

    def _draw(self, scene: Scene, view: View | None = None) -> NDArray[np.float32]:
        """The image of a view; without one, the first of a target.

        Filament keeps the shadow cascades of the first camera that a directional light was drawn with. All targets
        begin with the same camera, so that no frame's pixels hang on what its process drew before.
        """
        view = view or covering_view(scene.camera, 1.0)
        target = self._target(view.width, view.height)
        T_filament_world = np.eye(4)
        T_filament_world[:3, :3] = UP_Y @ rotation_z(-scene.environment.rotation_deg)
        self._set_environment(target, (view.width, view.height), scene.environment)
        self._set_solids(target, scene.solids, T_filament_world)
        _set_camera(target, view, scene, T_filament_world)
        try:
            return _bracketed(target, scene, T_filament_world)
        finally:
            target.scene.clear_geometry()

    def _target(self, width: int, height: int) -> Any:
        """The off-screen renderer of a size; one per size and process."""
        if (width, height) not in self._targets:
            self._targets[width, height] = _started(width, height)
            self._draw(typical_scene(width, height))
        return self._targets[width, height]

    def _set_environment(self, target: Any, size: tuple[int, int], environment: Environment) -> None:
        if self._environment.get(size) == environment.name:
            return
        if not target.scene.scene.set_indirect_light(self._ibl(environment.name)):
            raise RenderError(f"Filament could not read the environment map '{environment.name}'.", fix=DRIVER_FIX)
        target.scene.scene.enable_indirect_light(True)
        target.scene.show_skybox(True)
        self._environment[size] = environment.name

    def _set_solids(self, target: Any, solids: tuple[Solid, ...], T_filament_world: Floats) -> None:
        for index, solid in enumerate(solids):
            name = f"solid{index}"
            target.scene.add_geometry(name, _geometry(solid, T_filament_world), _record(solid.material), False)


@cache
def _first_thread() -> int:
    """The thread that uses Filament in this process: the first one that calls this."""
    return threading.get_ident()


def _same_thread() -> None:
    """Refuse a call from another thread, on which Filament would end the process."""
    if threading.get_ident() != _first_thread():
        raise RenderError(
            "Open3D's renderer was started in another thread of this process and can only be used there.",
            fix="Render in worker processes (workers=1 or more), or always in the same thread.",
        )


def _started(width: int, height: int) -> Any:
    """A new off-screen renderer with everything off that could vary between frames.

    Raises:
        RenderError: Filament found no driver.
    """
    try:
        with _quiet():
            target = o3d.visualization.rendering.OffscreenRenderer(width, height)
    except Exception as cause:  # Open3D raises bare RuntimeError or pybind errors
        raise RenderError(f"Open3D could not render ({type(cause).__name__}: {cause}).", fix=DRIVER_FIX) from cause
    # Two of these share resources and free them twice, which aborts the process at its end: keep each for ever.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(target))
    target.scene.scene.enable_sun_light(False)
    target.scene.set_background([0.0, 0.0, 0.0, 1.0])
    target.scene.view.set_post_processing(False)
    target.scene.view.set_ambient_occlusion(True)
    target.scene.view.set_shadowing(True, o3d.visualization.rendering.View.ShadowType.PCF)
    target.render_to_image()  # one that never drew hangs the process at its end
    return target


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Filament's start-up lines, which it writes to the descriptors, off the user's terminal."""
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        for descriptor in (1, 2):
            os.dup2(sink, descriptor)
        with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
            yield
    finally:
        for descriptor, saved in zip((1, 2), kept, strict=True):
            os.dup2(saved, descriptor)
            os.close(saved)
        os.close(sink)


@cache
def _driver() -> str:
    """``llvmpipe`` when the software driver is asked for or no graphics device exists, else ``gpu``."""
    software = os.environ.get("LIBGL_ALWAYS_SOFTWARE") == "1" or not list(Path("/dev").glob("dri/render*"))
    return "llvmpipe" if software else "gpu"


def _bracketed(target: Any, scene: Scene, T_filament_world: Floats) -> NDArray[np.float32]:
    """Draw at white, then darker or brighter where the eight bits do not reach."""
    white = _drawn(target, scene, T_filament_world, TOPS[0])
    picture = white.astype(np.float32) * np.float32(TOPS[0] / 255)
    clipped = (white >= 250).any(axis=2)
    if clipped.mean() > CLIPPED_SHARE:
        bright = _drawn(target, scene, T_filament_world, TOPS[1])
        picture[clipped] = bright[clipped].astype(np.float32) * np.float32(TOPS[1] / 255)
    dark = picture.max(axis=2) < DARK
    if dark.mean() > DARK_SHARE:
        fine = _drawn(target, scene, T_filament_world, TOPS[2])
        usable = dark & (fine < 250).all(axis=2)
        picture[usable] = fine[usable].astype(np.float32) * np.float32(TOPS[2] / 255)
    return picture


def _drawn(target: Any, scene: Scene, T_filament_world: Floats, top: float) -> NDArray[np.uint8]:
    """One frame ``(H, W, 3)`` uint8 in which 255 stands for the linear value ``top``."""
    per_lux = 1 / (scene.exposure_lux * top * PER_LUX)
    lamps = _lamps(scene.lights)
    plain = target.scene.scene
    share = horizontal_share(scene.environment.name)
    plain.set_indirect_light_intensity(scene.environment.illuminance_lux / share * per_lux)
    names = [f"lamp{index}" for index in range(len(lamps))]
    for name, lamp in zip(names, lamps, strict=True):
        _add_lamp(plain, name, lamp, per_lux, T_filament_world)
    try:
        return np.asarray(target.render_to_image()).copy()
    finally:
        for name in names:
            plain.remove_light(name)


def _lamps(lights: tuple[Light, ...]) -> list[Light]:
    """What Filament draws in place of the scene's lights, at most two of them spots that cast shadows.

    Filament has no area lights: a lone square becomes two spots, so its shadows have a soft step. Its point lights
    cast no shadows: one becomes a wide spot towards the origin. Further spots would light through everything, so the
    weakest lights lose their shadows first, by our choice instead of Filament's.
    """
    local = [light for light in lights if light.shadow and light.kind != "directional"]
    shadowed = sorted(local, key=lambda light: -light.illuminance_lux)[:SHADOW_SPOTS]
    lamps: list[Light] = []
    for light in lights:
        casts = (light.kind == "directional" and light.shadow) or any(light is other for other in shadowed)
        if light.kind == "area":
            lamps += _panel(replace(light, shadow=casts), 2 if len(local) < SHADOW_SPOTS else 1)
        elif light.kind == "point" and casts:
            lamps.append(_towards_origin(light, POINT_CONE_DEG, light.illuminance_lux))
        else:
            lamps.append(replace(light, shadow=casts))
    return lamps


def _panel(light: Light, count: int) -> list[Light]:
    side, up = panel_axes(light)
    corners = [(0.0, 0.0)] if count == 1 else [(-0.8, -0.55), (0.8, 0.55)]
    return [_moved(light, light.size_m * 0.29 * (a * side + b * up), 1 / count) for a, b in corners]


def _moved(light: Light, offset_m: Floats, share: float) -> Light:
    position = np.asarray(light.position_m) + offset_m
    near = float(np.linalg.norm(position) / distance_m(light)) ** 2
    lux = light.illuminance_lux * share / near
    return Light("spot", _xyz(position), light.direction, light.color, lux, AREA_CONE_DEG, shadow=light.shadow)


def _towards_origin(light: Light, cone_deg: float, lux: float) -> Light:
    position = np.asarray(light.position_m)
    direction = _xyz(-position / np.linalg.norm(position))
    return Light("spot", light.position_m, direction, light.color, lux, cone_deg, shadow=light.shadow)


def _xyz(vector: Floats) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _add_lamp(plain: Any, name: str, light: Light, per_lux: float, T_filament_world: Floats) -> None:
    turn = T_filament_world[:3, :3]
    color = np.asarray(light.color, dtype=np.float32)
    position = (turn @ np.asarray(light.position_m)).astype(np.float32)
    direction = (turn @ np.asarray(light.direction)).astype(np.float32)
    if light.kind == "directional":
        plain.add_directional_light(name, color, direction, light.illuminance_lux * per_lux, light.shadow)
    elif light.kind == "point":
        lumen = intensity_cd(light) * per_lux * 4 * np.pi
        plain.add_point_light(name, color, position, lumen, FAR_M, False)
    else:
        lumen = intensity_cd(light) * per_lux * np.pi  # Filament's convention for spots
        outer = np.radians(light.cone_deg / 2)
        plain.add_spot_light(name, color, position, direction, lumen, FAR_M, 0.8 * outer, outer, light.shadow)


def _set_camera(target: Any, view: View, scene: Scene, T_filament_world: Floats) -> None:
    """Pose and projection; Open3D's principal point counts from the image's corner, ours from a pixel's centre."""
    T_world_cam = posed(scene.camera)
    T_cam_filament = np.linalg.inv(T_filament_world @ T_world_cam)
    K = np.array([[view.fx, 0.0, view.cx + 0.5], [0.0, view.fy, view.cy + 0.5], [0.0, 0.0, 1.0]])
    target.setup_camera(K, T_cam_filament, view.width, view.height)
    far = max((_farthest(solid, T_world_cam[:3, 3]) for solid in scene.solids), default=10.0)
    target.scene.camera.set_projection(K, NEAR_M, far + 1.0, view.width, view.height)


def _farthest(solid: Solid, eye: Floats) -> float:
    return float(np.linalg.norm(world_vertices(solid) - eye, axis=1).max())


def _geometry(solid: Solid, T_filament_world: Floats) -> Any:
    """A tensor mesh in Filament's frame; texture coordinates count tiles.

    Open3D's older mesh class would merge vertices of one place, whatever their normals, and so round off sharp edges.
    """
    mesh, T = solid.mesh, T_filament_world @ solid.T_world_obj
    scale = np.cbrt(np.linalg.det(T[:3, :3]))
    geometry = o3d.t.geometry.TriangleMesh()
    geometry.vertex.positions = _tensor(mesh.vertices_m @ T[:3, :3].T + T[:3, 3])
    geometry.vertex.normals = _tensor(mesh.normals @ (T[:3, :3] / scale).T)
    geometry.triangle.indices = o3d.core.Tensor(mesh.faces)
    geometry.vertex.texture_uvs = _tensor(mesh.uv * (scale / solid.material.texture_size_m))
    return geometry


def _tensor(values: Floats) -> Any:
    return o3d.core.Tensor(np.ascontiguousarray(values, dtype=np.float32))


def _record(material: Material) -> Any:
    record = o3d.visualization.rendering.MaterialRecord()
    record.shader = "defaultLit"
    if material.transmission:  # Filament's refraction needs the post-processing that is off: glass is see-through only
        record.shader = "defaultLitTransparency"
    record.base_color = [*material.base_color, 1.0 - material.transmission]
    record.base_metallic = material.metallic
    record.base_roughness = material.roughness
    record.base_reflectance = material.reflectance
    record.base_clearcoat = material.clearcoat
    record.base_clearcoat_roughness = 0.08
    if material.albedo_srgb is not None:
        record.albedo_img = o3d.geometry.Image(np.ascontiguousarray(material.albedo_srgb))
    if material.roughness_map is not None:
        record.roughness_img = o3d.geometry.Image(np.ascontiguousarray(material.roughness_map))
    if material.normal_map is not None:
        record.normal_img = o3d.geometry.Image(np.ascontiguousarray(material.normal_map))
    return record
