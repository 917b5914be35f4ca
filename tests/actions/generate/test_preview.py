from __future__ import annotations

import numpy as np
import pytest

from workbench.actions.generate import preview
from workbench.actions.generate.preview import draw_boxes
from workbench.actions.generate.rendered import scaled
from workbench.adapters import render
from workbench.base.processes import WorkerProcesses
from workbench.core.scenario import Scenario, build
from workbench.core.schema.labels import Label


def test_small_pictures_with_boxes(small: Scenario, processes: WorkerProcesses) -> None:
    plain = preview(small, 2, width_px=48, backend="flat", boxes=False, executor=processes)
    boxed = preview(small, 2, width_px=48, backend="flat", executor=processes)
    for picture, with_boxes in zip(plain, boxed, strict=True):
        assert picture.shape == with_boxes.shape == (36, 48, 3)
        assert picture.dtype == np.uint8
        assert (picture != with_boxes).any()
    assert (plain[0] != plain[1]).any()


def test_never_larger_than_the_frame(small: Scenario, processes: WorkerProcesses) -> None:
    (picture,) = preview(small, 1, width_px=4000, backend="flat", executor=processes)
    assert picture.shape == (72, 96, 3)


def test_a_scaled_frame_sees_the_same() -> None:
    """Boxes of the small picture are the boxes of the large one, smaller."""
    frame = Scenario("x").replace({"sensor.lens.distortion.k1": -0.1}).resolve(0)
    large = render.annotate(build(frame)).objects
    small = render.annotate(build(scaled(frame, 0.5))).objects
    pairs = [(a, b) for a in large for b in small if a.instance_id == b.instance_id and a.xyxy and b.xyxy]
    assert pairs
    for a, b in pairs:
        assert np.array(b.xyxy) * 2 == pytest.approx(np.array(a.xyxy), abs=2.0)


def test_boxes_are_drawn_on_a_copy() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    drawn = draw_boxes(image, (Label("<b>mug</b>", (10, 15, 30, 35)),))
    assert not image.any()
    assert drawn[15, 10].any() and drawn[34, 29].any() and not drawn[25, 20].any()
