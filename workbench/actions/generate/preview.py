"""Previews of a scenario: small images with the boxes drawn in."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.donors import NO_SUPPLY, Supply, supply_for
from workbench.actions.generate.frame import accepted_draw
from workbench.base.parts import scratch_folder
from workbench.base.processes import WorkerProcesses
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label

Rgb8 = NDArray[np.uint8]


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
    with scratch_folder() as folder, contextlib.ExitStack() as stack:
        supply = supply_for(made, folder)
        pool = executor or stack.enter_context(WorkerProcesses(max(1, min(2, n))))
        futures = [
            pool.submit(preview_frame, made, frame, backend=backend, width_px=width_px, boxes=boxes, supply=supply)
            for frame in range(first_frame, first_frame + n)
        ]
        return [future.result() for future in futures]


def preview_frame(
    scenario: Scenario, frame: int, *, backend: str, width_px: int, boxes: bool, supply: Supply = NO_SUPPLY
) -> Rgb8:
    """One small image; the function that workers run."""
    draft = accepted_draw(scenario, frame, supply)
    draft = draft.scaled(width_px / draft.size_px[0])
    picture = draft.shoot(backend).picture
    return draw_boxes(picture.srgb, draft.labels) if boxes else picture.srgb


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
