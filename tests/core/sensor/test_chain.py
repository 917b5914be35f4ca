from __future__ import annotations

import io
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workbench.base.errors import InputError
from workbench.core.sensor import SensorSettings, chain, form_image


def flat(value: float, size: int = 64) -> np.ndarray:
    return np.full((size, size, 3), value, np.float32)


def dot(size: int = 33) -> np.ndarray:
    image = np.zeros((size, size, 3), np.float32)
    image[size // 2, size // 2] = 1.0
    return image


@pytest.mark.parametrize(("ev", "value"), [(0, 0.25), (1, 0.5), (-2, 0.0625), (3, 2.0)])
def test_exposure_doubles_per_stop(ev: float, value: float) -> None:
    assert chain.expose(flat(0.25), ev) == pytest.approx(flat(value))


def test_vignette_leaves_the_middle_and_takes_its_share_of_the_corner() -> None:
    image = chain.vignette(np.ones((101, 201, 3), np.float32), 0.4)
    assert image[50, 100] == pytest.approx(1.0)
    assert image[0, 0] == pytest.approx(1 - 0.4 * ((100 / 100.5) ** 2 + (50 / 50.5) ** 2) / 2)
    assert image == pytest.approx(image[::-1, ::-1])


@pytest.mark.parametrize(
    ("length", "direction", "weights"),
    [
        (2.0, 0.0, [[0, 0, 0], [0.25, 0.5, 0.25], [0, 0, 0]]),
        (2.0, 90.0, [[0, 0.25, 0], [0, 0.5, 0], [0, 0.25, 0]]),
        (1.0, 0.0, [[0, 0, 0], [0.125, 0.75, 0.125], [0, 0, 0]]),
    ],
)
def test_motion_kernel(length: float, direction: float, weights: list) -> None:
    assert chain.motion_kernel(length, direction) == pytest.approx(np.array(weights), abs=2e-3)


@given(length=st.floats(0.1, 40), direction=st.floats(0, 360))
@settings(max_examples=40)
def test_motion_kernel_keeps_the_light_and_its_spread(length: float, direction: float) -> None:
    kernel = chain.motion_kernel(length, direction).astype(float)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    reach = kernel.shape[0] // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = x * math.cos(math.radians(direction)) + y * math.sin(math.radians(direction))
    spread = math.sqrt((kernel * along**2).sum())
    assert (kernel * along).sum() == pytest.approx(0.0, abs=0.02)
    assert length / math.sqrt(12) - 0.05 <= spread <= math.hypot(length / math.sqrt(12), 0.55)


def test_motion_blur_runs_downwards_at_90_degrees() -> None:
    image = chain.motion_blur(dot(), 8.0, 90.0)
    assert image[12:21, 16, 0].min() > 0.05
    assert image[:, 17:].sum() == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("sigma", [0.8, 1.5, 3.0])
def test_defocus_has_the_standard_deviation_it_says(sigma: float) -> None:
    image = chain.defocus(dot(65), sigma)[..., 0].astype(float)
    x = np.arange(65) - 32
    assert image.sum() == pytest.approx(1.0, abs=1e-3)
    assert math.sqrt((image.sum(axis=0) * x**2).sum()) == pytest.approx(sigma, rel=0.03)


def test_no_blur_returns_the_image() -> None:
    assert chain.defocus(dot(), 0.0) == pytest.approx(dot())
    assert chain.motion_blur(dot(), 0.0, 30.0) == pytest.approx(dot())


@pytest.mark.parametrize(("value", "well_e", "read_e"), [(0.5, 1000.0, 0.0), (0.1, 500.0, 5.0), (0.0, 400.0, 8.0)])
def test_noise_has_the_variance_of_electrons_and_read_out(value: float, well_e: float, read_e: float) -> None:
    rng = np.random.default_rng(1)
    noisy = chain.add_noise(flat(value, 256), electrons_at_white=well_e, read_e=read_e, rng=rng)
    assert noisy.mean() == pytest.approx(value, abs=4 * math.sqrt(value / well_e + (read_e / well_e) ** 2) / 440)
    assert noisy.var() == pytest.approx(value / well_e + (read_e / well_e) ** 2, rel=0.02)


@pytest.mark.parametrize(
    ("value", "bits", "out"), [(0.5, 1, 0.0), (0.51, 1, 1.0), (0.4, 2, 1 / 3), (-0.2, 8, 0.0), (1.7, 8, 1.0)]
)
def test_quantise(value: float, bits: int, out: float) -> None:
    assert chain.quantise(flat(value), bits) == pytest.approx(flat(out))


@pytest.mark.parametrize(
    ("linear", "gains", "rgb"),
    [
        ((0.0, 0.5, 1.0), (1, 1, 1), (0, 188, 255)),
        ((0.18, 0.18, 0.18), (1, 1, 1), (118, 118, 118)),
        ((0.002, 0.002, 0.002), (1, 1, 1), (7, 7, 7)),
        ((0.25, 0.25, 0.25), (2.0, 1.0, 0.5), (188, 137, 99)),
        ((0.8, 0.8, 0.8), (2.0, 1.0, 1.0), (255, 231, 231)),
    ],
)
def test_develop(linear: tuple, gains: tuple, rgb: tuple) -> None:
    image = np.array(linear, np.float32)[None, None]
    assert tuple(int(v) for v in chain.develop(image, gains)[0, 0]) == rgb


def test_the_jpeg_is_the_picture() -> None:
    """Read by another decoder: size, channel order and quality are what was asked for."""
    image = np.zeros((48, 64, 3), np.float32)
    image[:, :32, 0], image[:, 32:, 2] = 0.8, 0.5
    sizes = {}
    for quality in (30, 95):
        picture = form_image(image, SensorSettings(jpeg_quality=quality, read_e=0.0), rng=np.random.default_rng(0))
        with Image.open(io.BytesIO(picture.data)) as read:
            assert (read.format, read.size) == ("JPEG", (64, 48))
            pixels = np.asarray(read).astype(int)
        sizes[quality] = len(picture.data)
        assert pixels[24, 10, 0] > 180 > 60 > pixels[24, 10, 2]
    assert np.abs(pixels - picture.srgb.astype(int)).mean() < 3
    assert sizes[30] < sizes[95]


def test_the_chain_in_order_by_hand() -> None:
    """With all random and spatial stages off the chain is arithmetic."""
    settings = SensorSettings(exposure_ev=-1.0, full_well_e=1e12, read_e=0.0, bits=16, white_balance=(1.5, 1.0, 0.5))
    picture = form_image(flat(0.4), settings, rng=np.random.default_rng(0))
    wanted = [round(255 * (1.055 * v ** (1 / 2.4) - 0.055)) for v in (0.3, 0.2, 0.1)]
    assert picture.srgb[10, 10].tolist() == pytest.approx(wanted, abs=1)


def test_a_highlight_spreads_before_it_is_cut() -> None:
    image = dot(65) * 200
    settings = SensorSettings(blur_px=3.0, read_e=0.0, full_well_e=1e6)
    picture = form_image(image, settings, rng=np.random.default_rng(0))
    cut_first = form_image(np.clip(image, 0, 1), settings, rng=np.random.default_rng(0))
    assert picture.srgb[32, 36, 0] > 200 > cut_first.srgb[32, 36, 0]


def test_the_same_generator_gives_the_same_bytes() -> None:
    settings = SensorSettings(gain=8, read_e=5, motion_blur_px=3, blur_px=0.7, vignette=0.3)
    once, again, other = (form_image(flat(0.3), settings, rng=np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert once.data == again.data
    assert once.data != other.data


def test_everything_is_recorded() -> None:
    assert set(SensorSettings().record()) == set(SensorSettings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4)), "must have the shape (H, W, 3), not (4, 4)"),
        (np.zeros((0, 4, 3)), "must have the shape (H, W, 3), not (0, 4, 3)"),
        (np.full((2, 2, 3), np.nan), "12 values of the radiance are not finite"),
        (np.full((2, 2, 3), np.inf), "12 values of the radiance are not finite"),
    ],
)
def test_what_is_no_radiance_is_refused(image: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        form_image(image, SensorSettings(), rng=np.random.default_rng(0))
