"""Parts in photos: their light on it, and the camera that is told from the photo's own labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.photos import elevation_of, plated


@given(elevation_deg=st.floats(15, 75), height_m=st.floats(0.4, 3), fy_px=st.floats(300, 1500), seed=st.integers(0, 99))
def test_the_elevation_is_told_from_the_widths_of_things_on_the_plane(
    elevation_deg: float, height_m: float, fy_px: float, seed: int
) -> None:
    """Two classes, each of one width, seen by a pinhole camera that looks down on the plane."""
    rng = np.random.default_rng(seed)
    angle, cy_px = math.radians(elevation_deg), 240.0
    down = rng.uniform(-0.35, 0.35, 12)  # of the foot, in focal lengths below the centre
    depth_m = height_m / (down * math.cos(angle) + math.sin(angle))
    names = ["cone", "cube"] * 6
    widths_px = fy_px * np.where(np.array(names) == "cone", 0.05, 0.09) / depth_m
    feet = cy_px + fy_px * down
    boxes = np.column_stack([np.zeros(12), feet - 10, widths_px, feet])
    found = elevation_of(names, boxes, fy_px=fy_px, cy_px=cy_px)
    assert found is None or found == pytest.approx(elevation_deg, abs=0.5)
    if elevation_deg < 60 and np.ptp(down) > 0.4:
        assert found is not None


@pytest.mark.parametrize(
    ("names", "widths"), [(["a"], [9.0]), (["a", "b", "c", "d"], [10.0, 20, 30, 40]), (["a"] * 5, [20.0] * 5), ([], [])]
)
def test_few_or_equal_boxes_tell_nothing(names: list[str], widths: list[float]) -> None:
    boxes = np.array([[0.0, 0.0, width, 100.0 + 3 * i] for i, width in enumerate(widths)]).reshape(-1, 4)
    assert elevation_of(names, boxes, fy_px=500, cy_px=240) is None


def test_shadows_darken_the_photo_and_parts_take_its_light() -> None:
    rng = np.random.default_rng(0)
    photo = rng.uniform(0.1, 0.3, (40, 60, 3)).astype(np.float32) * np.array([1.0, 0.8, 0.6], np.float32)
    without = np.full((40, 60, 3), 0.5, np.float32)
    with_parts, parts = without.copy(), np.zeros((40, 60), bool)
    parts[10:20, 10:20] = True
    with_parts[parts] = 1.0
    with_parts[20:25, 10:20] = 0.25  # a shadow
    made = plated(photo, with_parts, without, parts, ~parts, reflectance=0.5)
    np.testing.assert_allclose(made[22:25, 10:20], 0.5 * photo[22:25, 10:20], rtol=1e-4)
    np.testing.assert_allclose(made[30:, 30:], photo[30:, 30:], rtol=1e-4)
    brightest = np.quantile(photo @ np.array([0.2126, 0.7152, 0.0722]), 0.95)  # in light of 1, a white of 0.8
    np.testing.assert_allclose(made[15, 15], [brightest / 0.8] * 3, rtol=0.01)  # and its colour stays: grey
