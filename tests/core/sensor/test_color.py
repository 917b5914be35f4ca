from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.sensor.color import LUMINANCE, blackbody_rgb, srgb_from_hsv, srgb_from_linear, white_balance_gains


@given(st.floats(1700, 20_000))
def test_blackbody_light_has_luminance_one(temperature_k: float) -> None:
    assert np.array(blackbody_rgb(temperature_k)) @ LUMINANCE == pytest.approx(1.0)


def test_6500_kelvin_is_close_to_white_and_light_gets_bluer() -> None:
    assert blackbody_rgb(6504) == pytest.approx((1, 1, 1), abs=0.06)
    ratios = [blackbody_rgb(t)[2] / blackbody_rgb(t)[0] for t in (2000, 2700, 4000, 5500, 6500, 9000)]
    assert ratios == sorted(ratios)


@given(st.floats(2200, 12_000))
def test_white_balance_makes_its_own_light_neutral(temperature_k: float) -> None:
    red, green, blue = np.array(blackbody_rgb(temperature_k)) * white_balance_gains(temperature_k) / blackbody_rgb(6500)
    assert red == pytest.approx(green) and blue == pytest.approx(green)


@pytest.mark.parametrize(("linear", "srgb"), [(0, 0), (0.0031308, 0.04045), (0.2140, 0.5), (0.5, 0.7354), (1, 1)])
def test_srgb_curve(linear: float, srgb: float) -> None:
    assert float(srgb_from_linear(np.array(linear))) == pytest.approx(srgb, abs=1e-4)


@pytest.mark.parametrize(
    ("hsv", "rgb"), [((0, 1, 1), (1, 0, 0)), ((240, 0.5, 0.8), (0.4, 0.4, 0.8)), ((360, 0, 0.3), (0.3, 0.3, 0.3))]
)
def test_hsv(hsv: tuple, rgb: tuple) -> None:
    assert srgb_from_hsv(*hsv) == pytest.approx(rgb)
