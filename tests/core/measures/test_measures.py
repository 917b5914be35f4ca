"""Hand-computed values on small arrays, and behaviour on strange pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from workbench.core.measures import MEASURES, Picture, derive, measure_all


def flat(value: int, size: int = 32) -> Picture:
    return Picture(np.full((size, size, 3), value, np.uint8))


def scene(seed: int = 0) -> np.ndarray:
    """Blocks with sharp edges between soft gradients, 480 x 640."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(40, 215, (12, 16), np.uint8)
    return cv2.resize(blocks, (640, 480), interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize(
    ("value", "measure", "expected"),
    [
        (0, "luminance", 0.0),
        (255, "luminance", 1.0),
        (51, "luminance", 0.2),
        (51, "luminance_median", 0.2),
        (51, "contrast", 0.0),
        (0, "clipped_dark", 1.0),
        (2, "clipped_dark", 1.0),
        (3, "clipped_dark", 0.0),
        (253, "clipped_bright", 1.0),
        (252, "clipped_bright", 0.0),
        (100, "warmth_stops", 0.0),
        (100, "tint_stops", 0.0),
        (100, "dynamic_range_stops", 0.0),
        (100, "unevenness", 0.0),
        (255, "highlight_share", 0.0),
        (100, "texture", 0.0),
        (100, "noise", 0.0),
        (255, "exposure_ev", 2.474),
        (0, "exposure_ev", -9.526),
    ],
)
def test_flat_pictures(value: int, measure: str, expected: float) -> None:
    assert MEASURES[measure].function(flat(value)) == pytest.approx(expected, abs=2e-3)


def test_colour_cast_in_stops() -> None:
    red = np.zeros((8, 8, 3), np.uint8)
    red[:] = (200, 100, 100)
    assert MEASURES["warmth_stops"].function(Picture(red)) == pytest.approx(2.180, abs=1e-3)  # log2 of 0.5776 to 0.1274
    assert MEASURES["tint_stops"].function(Picture(red)) == pytest.approx(-1.090, abs=1e-3)


def test_contrast_and_clipping_of_two_halves() -> None:
    halves = np.zeros((10, 10, 3), np.uint8)
    halves[:, 5:] = 255
    measured = measure_all(Picture(halves))
    assert measured["contrast"] == pytest.approx(1.0)
    assert (measured["clipped_dark"], measured["clipped_bright"]) == (0.5, 0.5)
    assert measured["luminance"] == pytest.approx(0.5)
    assert measured["unevenness"] > 0.3


@pytest.mark.parametrize("sigma", [2.0, 5.0, 10.0])
def test_noise_is_found_in_gray_levels(sigma: float) -> None:
    rng = np.random.default_rng(1)
    noisy = np.clip(scene() + rng.normal(0, sigma, (480, 640)), 0, 255).astype(np.uint8)
    assert MEASURES["noise"].function(Picture(noisy)) == pytest.approx(sigma, abs=0.12 * sigma + 0.3)


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_blur_is_found_in_pixels(noise: float) -> None:
    found = []
    for sigma in (0.0, 1.0, 2.0, 4.0, 6.0):
        image = scene().astype(np.float32)
        blurred = cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image
        grain = np.random.default_rng(2).normal(0, noise, blurred.shape)
        found.append(MEASURES["blur_px"].function(Picture(np.clip(blurred + grain, 0, 255).astype(np.uint8))))
    assert found == sorted(found)
    assert found[0] < 0.8
    assert found[2] == pytest.approx(2.0, abs=0.6)
    assert found[3] == pytest.approx(4.0, abs=1.2)


def test_a_glint_is_a_highlight_and_a_white_sheet_is_not() -> None:
    glint = np.full((240, 320, 3), 90, np.uint8)
    cv2.circle(glint, (160, 120), 10, (255, 255, 255), -1)
    share = float((glint == 255).all(axis=2).mean())
    measured = measure_all(Picture(glint))
    assert measured["highlight_share"] == pytest.approx(share, rel=0.05)
    assert measured["highlight_size"] == pytest.approx(share, rel=0.05)
    sheet = np.full((240, 320, 3), 90, np.uint8)
    sheet[:, 100:] = 250
    assert MEASURES["highlight_share"].function(Picture(sheet)) < 0.01


def test_a_dark_picture_with_a_saturated_highlight_is_dark() -> None:
    picture = np.full((240, 320, 3), 20, np.uint8)
    cv2.circle(picture, (160, 120), 18, (255, 255, 255), -1)  # 1.3 % of the picture
    assert derive(measure_all(Picture(picture)))["lighting"] in ("dark", "dim")


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((2, 700, 3), 255, np.uint8),
        np.zeros((50, 40, 4), np.uint8),
        np.full((50, 40), 65535, np.uint16),
        np.full((50, 40, 3), np.nan, np.float32),
        np.random.default_rng(0).random((33, 31, 3)).astype(np.float32),
        np.zeros((48, 64, 1), np.uint8),
    ],
    ids=["1x1 gray", "1x1", "thin white", "RGBA", "16-bit", "NaN", "float", "one channel"],
)
def test_strange_pictures_have_numbers_in_range(pixels: np.ndarray) -> None:
    measured = measure_all(Picture(pixels))
    for name, value in measured.items():
        assert np.isfinite(value), name
        assert MEASURES[name].low - 1e-6 <= value <= MEASURES[name].high + 1e-6, (name, value)
    assert set(derive(measured)) == {"lighting", "surface", "sensor"}


@pytest.mark.parametrize("shape", [(0, 3), (4, 4, 2), (4,), (2, 2, 2, 2)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"An image must have the shape \(H, W\), .* and pixels, not \("):
        Picture(np.zeros(shape, np.uint8))


def test_every_measure_says_what_it_means() -> None:
    assert all(len(measure.meaning) > 20 for measure in MEASURES.values())
