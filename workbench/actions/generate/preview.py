"""Previews of a scenario: small images with the boxes drawn in."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.frame import accepted_draw, shoot
from workbench.actions.generate.media import labels_of
from workbench.adapters import render
from workbench.base.processes import WorkerProcesses
from workbench.core.scenario import ResolvedFrame, Scenario, build
from workbench.core.schema.labels import Label

Rgb8 = NDArray[np.uint8]
IN_PIXELS = ("sensor.lens.blur_px", "sensor.motion.blur_px")
WIDTH, HEIGHT = "sensor.camera.resolution.width", "sensor.camera.resolution.height"


def preview(
    scenario: Scenario | str | Path | Mapping[str, Any],
    n: int = 4,
    *,
    width_px: int = 320,
    first_frame: int = 0,
    backend: str = "open3d",
    boxes: bool = True,
    executor: Executor | None = None,
) -> list[Rgb8]:
    """Small RGB images of the first ``n`` frames, drawn as a job would draw them; nothing is stored.

    Args:
        scenario: a ``Scenario``, a file, a preset or a document.
        n: images.
        width_px: of each image; never larger than the frame itself.
        first_frame: number of the first frame.
        backend: name of the renderer.
        boxes: draw boxes and class names in.
        executor: where to draw; by default two worker processes for this call.

    Raises:
        NotAccepted: a frame has no draw that the scenario accepts.
        RenderError: a frame cannot be drawn.
    """
    made = Scenario.load(scenario)
    if executor is None:
        with WorkerProcesses(max(1, min(2, n))) as own:
            return preview(
                made, n, width_px=width_px, first_frame=first_frame, backend=backend, boxes=boxes, executor=own
            )
    futures = [
        executor.submit(preview_frame, made, frame, backend=backend, width_px=width_px, boxes=boxes)
        for frame in range(first_frame, first_frame + n)
    ]
    return [future.result() for future in futures]


def preview_frame(scenario: Scenario, frame: int, *, backend: str, width_px: int, boxes: bool) -> Rgb8:
    """One small image; the function that workers run."""
    accepted = accepted_draw(scenario, frame)
    small = scaled(accepted.resolved, min(1.0, width_px / accepted.resolved.values[WIDTH]))
    scene = build(small)
    truth = render.annotate(scene)
    shot = shoot(dataclasses.replace(accepted, resolved=small, scene=scene, truth=truth), backend=backend)
    return draw_boxes(shot.picture.srgb, labels_of(truth)) if boxes else shot.picture.srgb


def scaled(frame: ResolvedFrame, factor: float) -> ResolvedFrame:
    """The same frame at another resolution: intrinsics and blur in pixels follow."""
    values = dict(frame.values)
    for path in (WIDTH, HEIGHT):
        values[path] = max(1, round(values[path] * factor))
    for name in ("fx", "fy"):
        values[f"sensor.camera.intrinsics.{name}"] *= factor
    for name in ("cx", "cy"):  # pixel centres are whole numbers, edges lie half a pixel before
        path = f"sensor.camera.intrinsics.{name}"
        values[path] = (values[path] + 0.5) * factor - 0.5
    for path in IN_PIXELS:
        values[path] *= factor
    return dataclasses.replace(frame, values=values)


def draw_boxes(image: Rgb8, labels: Iterable[Label]) -> Rgb8:
    """A copy of the image with a box and a class name for each label."""
    drawn = np.ascontiguousarray(image)
    drawn = drawn.copy()
    for label in labels:
        left, top, right, bottom = (round(edge) for edge in label.xyxy)
        color = _color(label.name)
        cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), color, 1)
        cv2.putText(drawn, label.name, (left, max(top - 2, 8)), cv2.FONT_HERSHEY_SIMPLEX, 0.33, color, 1, cv2.LINE_AA)
    return drawn


def _color(name: str) -> tuple[int, int, int]:
    """A bright colour that belongs to the name."""
    hue = hashlib.sha256(name.encode()).digest()[0] % 180
    red, green, blue = cv2.cvtColor(np.array([[[hue, 200, 255]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)
