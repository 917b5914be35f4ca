"""The registry of parameters: what can be varied, in which unit and range, one entry each.

A parameter belongs to a frame, or to each object of a frame (targets first, then distractors).
``null`` is allowed where the material kind or the optics give a value of their own.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from workbench.core import assets as library
from workbench.core.scenario.parameter import PASTED, PHOTOS, RENDERED, Parameter
from workbench.core.scenario.paste_parameters import PASTE_PARAMETERS
from workbench.core.scenario.photo_parameters import PHOTO_PARAMETERS
from workbench.core.scenario.randomness import SEED_RANGE

KEY_KINDS = ("point", "spot", "directional", "area")


def _surfaces() -> tuple[str, ...]:
    return tuple(library.SURFACE_KINDS)


def _supports() -> tuple[str, ...]:
    return tuple(library.SUPPORT_NAMES)


def _targets() -> tuple[str, ...]:
    return tuple(library.PART_NAMES)


def _distractors() -> tuple[str, ...]:
    return tuple(library.DISTRACTOR_NAMES)


def _environments() -> tuple[str, ...]:
    return tuple(library.ENVIRONMENT_NAMES)


def _keys() -> tuple[str, ...]:
    return KEY_KINDS


_SHARE = (0.0, 1.0)
_WIDTH, _HEIGHT = "sensor.camera.resolution.width", "sensor.camera.resolution.height"
_SEED: Any = {"uniform_int": [0, SEED_RANGE - 1]}
_MATERIAL = "null takes the value of the surface kind"

_RENDERED = (
    # what lies there
    Parameter("assets.targets.labels", "asset", "", _targets, {"choice_from": "*"}, "class of each target", "target"),
    Parameter("assets.distractors.count", "integer", "", (0, 60), 0, "number of objects without a label"),
    Parameter(
        "assets.distractors.labels",
        "asset",
        "",
        _distractors,
        {"choice_from": "*"},
        "asset of each distractor",
        "distractor",
    ),
    Parameter("scene.support", "word", "", _supports, "table", "support that the objects lie on"),
    Parameter("scene.surface.label", "word", "", _surfaces, "matte", "surface kind of the support"),
    Parameter(
        "scene.surface.roughness", "number", "", _SHARE, None, f"roughness of the support; {_MATERIAL}", nullable=True
    ),
    Parameter(
        "scene.surface.metallic", "number", "", _SHARE, None, f"metalness of the support; {_MATERIAL}", nullable=True
    ),
    Parameter("scene.surface.color.hue", "number", "degree", (0, 360), 0.0, "hue of the support"),
    Parameter("scene.surface.color.saturation", "number", "", _SHARE, 0.0, "saturation of the support"),
    Parameter(
        "scene.surface.color.value",
        "number",
        "",
        _SHARE,
        None,
        f"value (HSV) of the support; {_MATERIAL}",
        nullable=True,
    ),
    Parameter("scene.objects.surface", "word", "", _surfaces, "matte", "surface kind of each object", "object"),
    Parameter(
        "scene.objects.material.roughness",
        "number",
        "",
        _SHARE,
        None,
        f"roughness of each object; {_MATERIAL}",
        "object",
        True,
    ),
    Parameter(
        "scene.objects.material.metallic",
        "number",
        "",
        _SHARE,
        None,
        f"metalness of each object; {_MATERIAL}",
        "object",
        True,
    ),
    Parameter(
        "scene.objects.color.hue", "number", "degree", (0, 360), {"uniform": [0, 360]}, "hue of each object", "object"
    ),
    Parameter("scene.objects.color.saturation", "number", "", _SHARE, 0.0, "saturation of each object", "object"),
    Parameter(
        "scene.objects.color.value",
        "number",
        "",
        _SHARE,
        None,
        f"value (HSV) of each object; {_MATERIAL}",
        "object",
        True,
    ),
    Parameter(
        "scene.objects.color_jitter", "number", "", _SHARE, 0.0, "largest relative change of each colour channel"
    ),
    Parameter("scene.objects.scale", "number", "", (0.2, 5.0), 1.0, "size relative to the asset", "object"),
    Parameter(
        "scene.objects.rotation",
        "quaternion",
        "",
        None,
        {"resting": {"lying": 0.0}},
        "rotation of each object as a quaternion wxyz, object to world",
        "object",
    ),
    Parameter(
        "scene.objects.placement",
        "placement",
        "metre",
        None,
        {"scatter_2d": {"min_gap": 0.005}},
        "x and y of the origin, z of the lowest point; after a drop the rotation wxyz too",
        "object",
    ),
    Parameter(
        "scene.objects.density",
        "number",
        "kg/m3",
        (10, 25_000),
        1000.0,
        "density of each object, for its mass when it falls",
        "object",
    ),
    Parameter(
        "scene.objects.friction", "number", "", (0, 2), 0.5, "sliding friction of each object when it falls", "object"
    ),
    Parameter(
        "scene.texture_seed", "integer", "", (0, SEED_RANGE - 1), _SEED, "seed of the details of textures and materials"
    ),
    # what falls on it
    Parameter(
        "lighting.environment.map",
        "word",
        "",
        _environments,
        {"choice_from": "*"},
        "environment map that lights the scene from all sides",
    ),
    Parameter(
        "lighting.environment.intensity",
        "number",
        "lux",
        (0, 100_000),
        400.0,
        "illuminance of the horizontal plane by the environment",
    ),
    Parameter(
        "lighting.environment.rotation",
        "number",
        "degree",
        (0, 360),
        {"uniform": [0, 360]},
        "rotation of the environment about the vertical",
    ),
    Parameter("lighting.key.type", "word", "", _keys, "directional", "kind of the key light"),
    Parameter(
        "lighting.key.direction.azimuth",
        "number",
        "degree",
        (0, 360),
        {"uniform": [0, 360]},
        "azimuth of the key light",
    ),
    Parameter(
        "lighting.key.direction.elevation",
        "number",
        "degree",
        (0, 90),
        {"uniform_sine": [35, 80]},
        "elevation of the key light",
    ),
    Parameter(
        "lighting.key.direction.radius", "number", "metre", (0.1, 20), 1.5, "distance of the key light from the origin"
    ),
    Parameter(
        "lighting.key.intensity",
        "number",
        "lux",
        (0, 200_000),
        500.0,
        "illuminance at the origin, facing the key light",
    ),
    Parameter("lighting.key.temperature", "number", "kelvin", (1700, 20_000), 5500.0, "colour of the key light"),
    Parameter("lighting.key.shadow", "switch", "", None, True, "whether the key light casts shadows"),
    Parameter("lighting.key.size", "number", "metre", (0, 3), 0.3, "edge of an area light"),
    Parameter("lighting.key.cone", "number", "degree", (1, 170), 50.0, "full outer angle of a spot"),
    # what looks at it
    Parameter(_WIDTH, "integer", "pixel", (16, 4096), 640, "image width"),
    Parameter(_HEIGHT, "integer", "pixel", (16, 4096), 480, "image height"),
    Parameter(
        "sensor.camera.intrinsics.fx",
        "number",
        "pixel",
        (1, 100_000),
        {"expr": f"0.9375 * {_WIDTH}"},
        "horizontal focal length",
    ),
    Parameter(
        "sensor.camera.intrinsics.fy",
        "number",
        "pixel",
        (1, 100_000),
        {"expr": "sensor.camera.intrinsics.fx"},
        "vertical focal length",
    ),
    Parameter(
        "sensor.camera.intrinsics.cx",
        "number",
        "pixel",
        (-4096, 8192),
        {"expr": f"({_WIDTH} - 1) / 2"},
        "x of the principal point; pixel centres are whole numbers",
    ),
    Parameter(
        "sensor.camera.intrinsics.cy",
        "number",
        "pixel",
        (-4096, 8192),
        {"expr": f"({_HEIGHT} - 1) / 2"},
        "y of the principal point; pixel centres are whole numbers",
    ),
    Parameter(
        "sensor.camera.pose.azimuth", "number", "degree", (0, 360), {"uniform": [0, 360]}, "azimuth of the camera"
    ),
    Parameter(
        "sensor.camera.pose.elevation",
        "number",
        "degree",
        (-10, 90),
        {"uniform_sine": [35, 75]},
        "elevation of the camera",
    ),
    Parameter(
        "sensor.camera.pose.radius",
        "number",
        "metre",
        (0.05, 10),
        {"uniform": [0.55, 0.8]},
        "distance of the camera from its target",
    ),
    Parameter(
        "sensor.camera.pose.roll", "number", "degree", (-180, 180), 0.0, "roll of the camera about its optical axis"
    ),
    Parameter("sensor.camera.target.x", "number", "metre", (-5, 5), 0.0, "x of the point that the camera looks at"),
    Parameter("sensor.camera.target.y", "number", "metre", (-5, 5), 0.0, "y of the point that the camera looks at"),
    Parameter("sensor.camera.target.z", "number", "metre", (-5, 5), 0.02, "z of the point that the camera looks at"),
    Parameter("sensor.lens.distortion.k1", "number", "", (-0.4, 0.4), 0.0, "first radial coefficient, Brown-Conrady"),
    Parameter("sensor.lens.distortion.k2", "number", "", (-0.4, 0.4), 0.0, "second radial coefficient, Brown-Conrady"),
    Parameter(
        "sensor.lens.distortion.p1", "number", "", (-0.05, 0.05), 0.0, "first tangential coefficient, Brown-Conrady"
    ),
    Parameter(
        "sensor.lens.distortion.p2", "number", "", (-0.05, 0.05), 0.0, "second tangential coefficient, Brown-Conrady"
    ),
)
_SENSOR = (
    Parameter(
        "sensor.exposure.ev",
        "number",
        "stop",
        (-12, 12),
        0.0,
        "exposure; at 0, matte white under 1000 lux is just white",
    ),
    Parameter(
        "sensor.white_balance.temperature",
        "number",
        "kelvin",
        (1700, 20_000),
        6500.0,
        "temperature of light that is shown as white",
    ),
    Parameter("sensor.lens.vignette", "number", "", _SHARE, 0.0, "share of light lost in the corners"),
    Parameter("sensor.lens.blur_px", "number", "pixel", (0, 30), 0.0, "standard deviation of the lens blur"),
    Parameter("sensor.lens.blur_disk", "number", "", _SHARE, 0.0, "shape of the blur: 0 a Gaussian, 1 an even disk"),
    Parameter("sensor.motion.blur_px", "number", "pixel", (0, 100), 0.0, "length of the motion blur"),
    Parameter(
        "sensor.motion.direction",
        "number",
        "degree",
        (0, 360),
        {"uniform": [0, 180]},
        "direction of the motion blur: 0 along x, 90 downwards",
    ),
    Parameter(
        "sensor.noise.gain",
        "number",
        "",
        (0.1, 1000),
        1.0,
        "gain; doubling it halves the electrons behind a grey value; null adds no noise",
        nullable=True,
    ),
    Parameter("sensor.noise.read_e", "number", "electron", (0, 1000), 2.0, "standard deviation of the read noise"),
    Parameter("sensor.noise.full_well_e", "number", "electron", (100, 1e6), 10_000.0, "electrons of white at gain 1"),
    Parameter(
        "sensor.noise.grain_px",
        "number",
        "pixel",
        (0, 4),
        0.0,
        "size of the grain: standard deviation by which noise is blurred; its strength stays",
    ),
    Parameter(
        "sensor.noise.color",
        "number",
        "",
        _SHARE,
        1.0,
        "share of the noise that differs between the colours; 0 is grey",
    ),
    Parameter("sensor.noise.seed", "integer", "", (0, SEED_RANGE - 1), _SEED, "seed of the noise"),
    Parameter("sensor.bits", "integer", "bit", (4, 16), 12, "bits of the converter"),
    Parameter(
        "sensor.jpeg.quality",
        "integer",
        "",
        (1, 100),
        92,
        "quality of the JPEG file; null is PNG, or as the photo's own file",
        nullable=True,
    ),
    Parameter(
        "sensor.sharpen", "number", "", (0, 4), 0.0, "sharpening by the camera: weight of an unsharp mask of 1 px"
    ),
)

_COUNT = Parameter(
    "assets.targets.count", "integer", "", (0, 60), 4, "number of labelled objects", contents=RENDERED + PASTED
)
_ALL = (
    _COUNT,
    *(dataclasses.replace(p, contents=RENDERED) for p in _RENDERED),
    *_SENSOR,
    *(dataclasses.replace(p, contents=PHOTOS) for p in PHOTO_PARAMETERS),
    *(dataclasses.replace(p, contents=PASTED) for p in PASTE_PARAMETERS),
)
PARAMETERS: dict[str, Parameter] = {parameter.path: parameter for parameter in _ALL}
assert len(PARAMETERS) == len(_ALL), "a parameter path is registered twice"
SECTIONS = ("assets", "scene", "lighting", "photo", "paste", "sensor")
_AS_THE_PHOTO = {"sensor.noise.gain": None, "sensor.jpeg.quality": None}
_OWN_DEFAULTS: dict[str, dict[str, Any]] = {  # where a content needs another one
    "photos": _AS_THE_PHOTO,
    "pasted": {**_AS_THE_PHOTO, "assets.targets.count": {"uniform_int": [1, 4]}},
    "plates": {**_AS_THE_PHOTO, "assets.targets.count": {"uniform_int": [1, 4]}},
}


def parameters_of(content: str) -> dict[str, Parameter]:
    """What can be varied in pictures of this content."""
    return {path: parameter for path, parameter in PARAMETERS.items() if content in parameter.contents}


def default_of(parameter: Parameter, content: str) -> Any:
    """How a parameter is drawn when a document does not set it, in document form.

    >>> quality = PARAMETERS["sensor.jpeg.quality"]
    >>> default_of(quality, "rendered"), default_of(quality, "photos")
    (92, None)
    """
    return _OWN_DEFAULTS.get(content, {}).get(parameter.path, parameter.default)
