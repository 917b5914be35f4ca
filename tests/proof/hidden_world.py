"""A world and a camera that the generator does not know: path-traced scenes, developed by another chain.

The world draws its scenes from ranges of its own and renders them with Mitsuba; the camera differs from
``workbench.core.sensor`` in every stage: light falls off with the fourth power of the cosine, blur is a disk, pixels
differ in gain, rows in offset, noise is Gaussian with the variance of the electrons, highlights are rolled off, and the
JPEG is Pillow's. Linear pictures are rendered once and kept in a folder; a failure of the camera is another development
of the same kind of scenes.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.actions.generate.frame import accepted_draw
from workbench.actions.generate.rendered import labels_of
from workbench.adapters.render._mitsuba import MitsubaRenderer
from workbench.base.files import write_bytes
from workbench.base.processes import WorkerProcesses
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label

SIZE_WH = (256, 192)
SAMPLES_PER_PIXEL = 32
WELL_E = 10_000.0  # electrons at white, gain 1
PIXEL_GAIN, ROW_E = 0.004, 0.7  # deviations of the gain of pixels and of the offset of rows
SHOULDER = 0.8  # where highlights begin to be rolled off
Linear = NDArray[np.float32]

WORLD: dict[str, Any] = {
    "scenario": 1,
    "name": "hidden",
    "assets": {
        "targets.labels": {"choice_from": "*"},
        "targets.count": {"uniform_int": [2, 7]},
        "distractors.count": {"poisson_int": {"mean": 1.0, "max": 4}},
    },
    "scene": {
        "support": {"choice": ["table", "tray", "bin", "conveyor"], "weights": [0.25, 0.4, 0.2, 0.15]},
        "surface.label": {
            "choice": ["matte", "glossy", "metal", "mirror", "cardboard", "wood"],
            "weights": [0.25, 0.15, 0.25, 0.09, 0.12, 0.14],
        },
        "surface.color": {"hsv": {"h": [0, 360], "s": [0.0, 0.25], "v": [0.3, 0.8]}},
        "objects.surface": {"choice": ["matte", "glossy", "metal", "mirror"], "weights": [0.3, 0.15, 0.45, 0.1]},
        "objects.color_jitter": {"uniform": [0.0, 0.15]},
        "objects.rotation": {"resting": {"lying": 0.5}},
        "objects.scale": {"log_uniform": [0.92, 1.08]},
    },
    "lighting": {
        "environment.map": {"choice_from": "*"},
        "environment.intensity": {"log_uniform": [200, 600]},
        "key.type": {"choice": ["area", "spot", "point"], "weights": [0.6, 0.25, 0.15]},
        "key.direction": {"shell": {"azimuth": [0, 360], "elevation": [40, 88], "radius": [0.7, 1.8]}},
        "key.intensity": {"log_uniform": [200, 1200]},
        "key.temperature": {"normal": {"mean": 4600, "std": 600, "clip": [3000, 6500]}},
        "key.size": {"uniform": [0.06, 0.5]},
    },
    "sensor": {
        "camera.resolution": list(SIZE_WH),
        "camera.pose": {
            "shell_look_at": {
                "azimuth": [0, 360],
                "elevation": [42, 86],
                "radius": [0.45, 0.72],
                "roll": {"normal": {"mean": 0, "std": 6}},
                "target": {"box": {"min": [-0.04, -0.04, 0.0], "max": [0.04, 0.04, 0.03]}},
            }
        },
    },
    "accept": {"targets.count": [1, 60], "targets.visible_fraction": [0.25, 1.0], "targets.bbox_px_min": 8},
}
GRAZING = {
    "lighting.key.direction.elevation": {"uniform": [8, 16]},
    "lighting.key.intensity": {"log_uniform": [1500, 3000]},  # facing the lamp; a fifth of it on the table
    "lighting.environment.intensity": {"log_uniform": [60, 150]},
}
DIM_METAL = {
    "scene.surface.label": "metal",
    "lighting.key.intensity": {"log_uniform": [10, 60]},
    "lighting.environment.intensity": {"log_uniform": [15, 40]},
}
LIGHTS: dict[str, dict[str, Any]] = {"usual": {}, "grazing": GRAZING, "dim_metal": DIM_METAL}


@dataclass(frozen=True)
class Development:
    """What the hidden camera does; ranges are drawn uniformly, gain by its logarithm.

    Attributes:
        ev: exposure, stops.
        gain: sensor gain; electrons at white are ``WELL_E / gain``.
        disk_px: radius of the blur; its standard deviation along an axis is half of it.
        warmth: red over blue of the white balance, stops.
    """

    ev: tuple[float, float] = (-0.2, 0.6)
    gain: tuple[float, float] = (1.5, 4.0)
    disk_px: tuple[float, float] = (0.8, 1.4)
    warmth: tuple[float, float] = (-0.25, 0.25)


@dataclass(frozen=True, eq=False)
class Exposed:
    """A linear picture of the world, its labels, and the light in it.

    Attributes:
        linear: ``(H, W, 3)``; white matte under 1000 lux is 1.
        labels: true boxes.
        params: the constants of the frame.
    """

    linear: Linear
    labels: tuple[Label, ...]
    params: Mapping[str, Any]


def scenario(light: str) -> Scenario:
    """The world under one light."""
    return replace(Scenario.load(WORLD), name=f"hidden_{light}").replace(LIGHTS[light])


def exposed(light: str, n: int, folder: Path) -> list[Exposed]:
    """The first ``n`` linear pictures; those that the folder lacks are rendered by two processes and kept."""
    missing = [frame for frame in range(n) if not _file(folder, light, frame).exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with WorkerProcesses(2) as pool:
            for done in as_completed([pool.submit(_expose, light, frame, folder) for frame in missing]):
                done.result()
    return [_read(light, frame, folder) for frame in range(n)]


def develop(one: Exposed, how: Development, *, rng: np.random.Generator) -> bytes:
    """A JPEG file of the hidden camera."""
    linear = one.linear.astype(np.float32) * np.float32(2.0 ** rng.uniform(*how.ev))
    linear = _blurred(_fallen_off(linear), rng.uniform(*how.disk_px))
    white_e = WELL_E / float(np.exp(rng.uniform(*np.log(how.gain))))
    electrons = np.clip(linear, 0, 4) * white_e
    electrons = electrons * (1 + PIXEL_GAIN * np.random.default_rng(0).standard_normal(linear.shape))
    electrons = electrons + np.sqrt(electrons.clip(0) + 3.0**2) * rng.standard_normal(linear.shape)
    electrons = electrons + ROW_E * rng.standard_normal((len(linear), 1, 1))
    warmth = rng.uniform(*how.warmth)
    balanced = electrons / white_e * (2.0 ** np.array([warmth / 2, 0.0, -warmth / 2]))
    encoded = _encoded(_rolled_off(np.clip(balanced, 0, 4)))
    stream = io.BytesIO()
    Image.fromarray(encoded).save(stream, "JPEG", quality=int(rng.integers(85, 96)))
    return stream.getvalue()


def _expose(light: str, frame: int, folder: Path) -> None:
    accepted = accepted_draw(scenario(light), frame)
    stream = io.BytesIO()
    np.savez_compressed(stream, linear=_path_tracer().render(accepted.scene).astype(np.float16), allow_pickle=False)
    write_bytes(_file(folder, light, frame), stream.getvalue())


@cache
def _path_tracer() -> MitsubaRenderer:
    import drjit

    drjit.set_thread_count(1)  # each of the processes has a core
    return MitsubaRenderer(samples_per_pixel=SAMPLES_PER_PIXEL)


def _read(light: str, frame: int, folder: Path) -> Exposed:
    accepted = accepted_draw(scenario(light), frame)
    with np.load(_file(folder, light, frame), allow_pickle=False) as arrays:
        linear = arrays["linear"].astype(np.float32)
    return Exposed(linear, labels_of(accepted.truth), accepted.resolved.values)


def _file(folder: Path, light: str, frame: int) -> Path:
    """Its name tells the world: another one is rendered anew."""
    world = zlib.crc32(f"{scenario(light).sha256}{SAMPLES_PER_PIXEL}".encode())
    return folder / f"{light}-{world:08x}-{frame:04}.npz"


def _fallen_off(linear: Linear) -> Linear:
    height, width = linear.shape[:2]
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    squared = (x**2 + y**2) / (0.9375 * width) ** 2  # tangent of the angle to the axis
    return np.asarray(linear * (1 / (1 + squared) ** 2)[..., None], np.float32)


def _blurred(linear: Linear, radius_px: float) -> Linear:
    reach, fine = int(np.ceil(radius_px)), 9
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (np.hypot(steps[:, None], steps[None]) <= radius_px).astype(np.float32)
    kernel = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).sum(axis=(1, 3))
    return np.asarray(cv2.filter2D(linear, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101), np.float32)


def _rolled_off(linear: NDArray[Any]) -> NDArray[Any]:
    above = linear - SHOULDER
    rest = 1.0 - SHOULDER
    return np.where(above > 0, SHOULDER + rest * np.tanh(above / rest), linear)


def _encoded(linear: NDArray[Any]) -> NDArray[np.uint8]:
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(np.clip(curve, 0, 1) * 255), np.uint8)
