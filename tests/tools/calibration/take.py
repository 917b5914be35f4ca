"""Take the pictures of one calibration frame and write what is true of them."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.tools.calibration import truth
from tests.tools.calibration.scenes import SHOTS, Fault, fault_of, scene_of
from workbench.actions.generate.frame import accepted_draw
from workbench.actions.generate.rendered import Rendered
from workbench.adapters import render
from workbench.base.files import write_bytes, write_json
from workbench.core.scenario import noise_rng
from workbench.core.sensor import form_image
from workbench.core.sensor.chain import SensorSettings, encode_jpeg
from workbench.core.sensor.color import srgb_from_linear

GRAY = np.array([0.299, 0.587, 0.114], np.float32)
TWINS = "open3d"  # draws the twins of all backends: the light is the same, and it is ten times quicker than Mitsuba
QUIET = 1e7  # electrons at white: no noise to speak of


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """A scene with its twins, as linear pictures.

    Attributes:
        accepted: the draw.
        kind: of its light.
        full, dull, white: the scene and its twins.
    """

    accepted: Rendered
    kind: str
    full: truth.Linear
    dull: truth.Linear
    white: truth.Linear


def draw(frame: int, *, backend: str) -> Drawn:
    """Draw a frame with its twins."""
    scenario, kind = scene_of(frame)
    accepted = accepted_draw(scenario, frame)
    twins = render.renderer("flat" if backend == "flat" else TWINS)
    full = np.asarray(render.renderer(backend).render(accepted.scene), np.float32)
    dull, white = (
        np.asarray(twins.render(twin(accepted.scene)), np.float32) for twin in (truth.dull_twin, truth.white_twin)
    )
    return Drawn(accepted, kind, full, dull, white)


def take_frame(frame: int, *, backend: str, folder: Path) -> int:
    """Draw a frame, send it through its cameras, write pictures and, last, what is true of them."""
    return take(draw(frame, backend=backend), frame, backend=backend, folder=folder)


def take(drawn: Drawn, frame: int, *, backend: str, folder: Path) -> int:
    """Send a drawn frame through its cameras; returns the number of pictures."""
    light = truth.light_truth(drawn.accepted.resolved.values, drawn.white)
    shots = []
    for shot in range(SHOTS):
        name = f"{frame:05d}_{shot}.jpg"
        jpeg, facts = _shoot(drawn, light, fault_of(frame, shot))
        write_bytes(folder / name, jpeg)
        shots.append({"name": name, "kind": drawn.kind, "backend": backend, "frame": frame, **facts})
    write_json(folder / f"{frame:05d}.json", shots)
    return len(shots)


def read_truth(folder: Path) -> list[dict[str, Any]]:
    """All shots of a set, in order."""
    return [shot for path in sorted(folder.glob("*.json")) for shot in json.loads(path.read_text())]


def _shoot(drawn: Drawn, light: dict[str, float], fault: Fault) -> tuple[bytes, dict[str, Any]]:
    ev = fault.stops - light["base_stops"]
    settings = dataclasses.replace(fault.settings, exposure_ev=ev)
    rng = noise_rng(drawn.accepted.resolved)
    noisy = form_image(drawn.full, settings, rng=rng).srgb
    quiet_settings = dataclasses.replace(settings, full_well_e=QUIET, gain=1.0, read_e=0.0, bits=16)
    quiet = form_image(drawn.full, quiet_settings, rng=rng).srgb
    file, quiet_file = (encode_jpeg(_banded(srgb, fault), settings.jpeg_quality) for srgb in (noisy, quiet))
    facts = _facts(drawn, light, settings) | {
        "stops": light["seen_stops"] + ev,
        "noise": _noise(noisy @ GRAY, quiet @ GRAY),
        "noise_in_file": _noise(_luma(file), _luma(quiet_file)),
        "banding": fault.banding,
    }
    return file, facts


def _luma(jpeg: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.float32)


def _noise(noisy: np.ndarray, quiet: np.ndarray) -> float:
    """Median over the picture of the noise in gray levels: MAD of the difference on unclipped places."""
    difference = (noisy - quiet)[(quiet > 3) & (quiet < 252)]
    return float(np.median(np.abs(difference - np.median(difference))) / 0.6745) if difference.size > 100 else 0.0


def _banded(srgb: np.ndarray, fault: Fault) -> np.ndarray:
    if not fault.banding:
        return srgb
    wave = fault.banding * np.sin(2 * np.pi * np.arange(srgb.shape[0]) / fault.period_px)
    return np.asarray(np.clip(np.rint(srgb + wave[:, None, None]), 0, 255), np.uint8)


def _facts(drawn: Drawn, light: dict[str, float], settings: SensorSettings) -> dict[str, Any]:
    values = drawn.accepted.resolved.values
    gain = 2.0**settings.exposure_ev
    seen = truth.luminance(drawn.full) * gain
    clipped = np.minimum(seen, np.percentile(seen, 95))
    shown = srgb_from_linear(np.clip(seen, 0, 1))
    low, high = np.percentile(shown, (5, 95))
    dark, bright = np.percentile(np.clip(seen, 0, 1), (1, 99))
    mask = truth.highlights(drawn.full, drawn.dull, gain)
    falloff = settings.vignette
    return {
        "exposure_ev": float(np.log2(max(clipped.mean(), 1e-6) / 0.18)),
        "contrast": float(high - low),
        "dynamic_range_stops": float(np.log2((bright + 3e-4) / (dark + 3e-4))),
        "clipped_bright": float((seen > 1).mean()),
        "blur_px": settings.blur_px,
        "motion_px": settings.motion_blur_px,
        "motion_direction_deg": settings.motion_direction_deg,
        "spread_px": math.hypot(settings.blur_px, settings.motion_blur_px / math.sqrt(12.0)),
        "vignette": falloff,
        "jpeg_quality": settings.jpeg_quality,
        "temperature_k": values["lighting.key.temperature"],
        "light": light,
        "surface": values["scene.surface.label"],
        "gloss": truth.visible_gloss(drawn.full, drawn.dull, gain),
        "material_gloss": _support_gloss(drawn),
        "highlight_share": float(mask.mean()),
        "highlight_size": truth.largest(mask),
        "labels": truth.label_truth(drawn.accepted.scene, drawn.accepted.truth, (drawn.full, drawn.dull), gain),
    }


def _support_gloss(drawn: Drawn) -> float:
    """Gloss of the working surface."""
    support = drawn.accepted.resolved.values["scene.support"]
    own = {"table": "table/top", "tray": "tray/tray", "bin": "bin/floor"}.get(support, f"{support}/")
    for solid in drawn.accepted.scene.solids:
        if own in solid.asset:
            return truth.material_gloss(solid.material)
    raise AssertionError(f"no working surface on {support}")
