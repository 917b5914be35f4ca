"""Hand-computed values of the measures of light, surface and sensor on small arrays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from workbench.core.measures import (
    LABEL_MEASURES,
    MEASURES,
    Picture,
    decode,
    derive_attributes,
    measure_all,
    measure_labels,
    over_labels,
)
from workbench.core.measures.attributes import UNKNOWN
from workbench.core.measures.model import LOGARITHMIC, models, used
from workbench.core.measures.picture import moments


def value(name: str, pixels: np.ndarray) -> float:
    return MEASURES[name].function(Picture(pixels))


def gray(luma: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(luma, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def scene(seed: int = 0) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(40, 215, (12, 16), np.uint8)
    return cv2.resize(blocks, (640, 480), interpolation=cv2.INTER_NEAREST)


def halves(left: int, right: int, size: int = 64) -> np.ndarray:
    pixels = np.full((size, size), left, np.uint8)
    pixels[:, size // 2 :] = right
    return gray(pixels)


def test_neutral_light_has_6500_kelvin_and_red_light_less() -> None:
    assert value("color_temperature_k", gray(np.full((8, 8), 100))) == pytest.approx(6505, abs=15)
    warm, cold = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), 100, np.uint8)
    warm[..., 0], cold[..., 2] = 140, 140
    assert value("color_temperature_k", warm) < 5000 < 8000 < value("color_temperature_k", cold)


def test_halves_three_stops_apart() -> None:
    pixels = halves(64, 165)  # linear 0.0513 and 0.3763: log2 of the ratio, the 8-bit step added, is 2.87
    assert value("unevenness_stops", pixels) == pytest.approx(2.87 / 2, abs=0.02)
    assert value("shadow_depth_stops", pixels) == pytest.approx(2.87, abs=0.1)
    assert value("light_direction_deg", pixels) in (pytest.approx(0.0, abs=0.1), pytest.approx(360.0, abs=0.1))
    assert value("light_slope_stops", pixels) == pytest.approx(
        2.87 * 4 * 4 / 10, abs=0.05
    )  # least squares over 4 cells
    assert value("backlight_stops", pixels) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("turns", "degrees"), [(0, 0.0), (1, 90.0), (2, 180.0), (3, 270.0)])
def test_light_comes_from_the_brighter_side(turns: int, degrees: float) -> None:
    found = value("light_direction_deg", np.rot90(halves(60, 160), turns).copy())
    assert (found - degrees + 180) % 360 - 180 == pytest.approx(0.0, abs=0.5)


def test_light_at_the_top_is_backlight_and_lies_high() -> None:
    pixels = np.full((64, 64), 64)
    pixels[:16] = 165
    assert value("backlight_stops", gray(pixels)) == pytest.approx(2.87, abs=0.02)
    assert value("bright_height", gray(pixels)) == pytest.approx(1 - 7.5 / 63, abs=1e-3)
    assert value("bright_height", gray(pixels[::-1])) == pytest.approx(7.5 / 63, abs=1e-3)


def test_a_spotlight_is_bright_in_the_middle() -> None:
    pixels = np.full((64, 64), 64)
    pixels[16:48, 16:48] = 165
    assert value("spotlight_stops", gray(pixels)) == pytest.approx(2.87, abs=0.02)
    assert value("spotlight_stops", gray(229 - pixels)) == pytest.approx(-2.87, abs=0.02)


def test_shadow_share_counts_what_lies_five_stops_below() -> None:
    pixels = np.full((64, 64), 200)  # linear 0.5776; 5 stops below is 0.01805, sRGB 35.8
    pixels[:16] = 34
    assert value("shadow_share", gray(pixels)) == pytest.approx(0.25)
    pixels[:16] = 40
    assert value("shadow_share", gray(pixels)) == 0.0


def test_hard_shadows_are_steeper_than_soft_ones() -> None:
    hard = cv2.resize(np.array([[40, 200] * 4], np.uint8), (320, 240), interpolation=cv2.INTER_NEAREST)
    soft = cv2.GaussianBlur(hard, (0, 0), 8)
    assert value("shadow_hardness", gray(hard)) > 3 * value("shadow_hardness", gray(soft)) > 0


def test_moments() -> None:
    plane = np.array([[0.0, 0.0, 0.0, 1.0]], np.float32)  # mean 1/4, variance 3/16
    skewness, kurtosis = moments(plane)
    assert skewness == pytest.approx((3 * (-0.25) ** 3 + 0.75**3) / 4 / (3 / 16) ** 1.5)
    assert kurtosis == pytest.approx((3 * 0.25**4 + 0.75**4) / 4 / (3 / 16) ** 2)
    assert moments(plane * 0) == (0.0, 3.0)


def test_saturation_is_the_mean_of_hsv() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0], pixels[1] = (200, 100, 100), (50, 50, 50)
    assert value("saturation", pixels) == pytest.approx(0.25)


def test_a_glint_stands_above_its_surround() -> None:
    pixels = np.full((240, 320), 60)
    pixels[118:124, 150:200] = 200  # 0.4 % of the picture and a bit: too little for the half percent
    assert value("glint", gray(pixels)) < 0.05
    pixels[110:130, 150:200] = 200
    assert value("glint", gray(pixels)) == pytest.approx(140 / 255, abs=0.12)


def test_stripes_run_one_way_and_repeat() -> None:
    wave = 120 + 50 * np.sin(2 * np.pi * np.arange(320) / 16)
    stripes, noise = np.tile(wave, (240, 1)), np.random.default_rng(0).normal(120, 30, (240, 320))
    assert value("anisotropy", gray(stripes)) > 0.95 > 0.5 > value("anisotropy", gray(noise))
    assert value("repetition", gray(stripes)) > 0.9
    assert value("repetition", gray(noise)) < 0.3
    assert value("texture_slope", gray(stripes)) > value("texture_slope", gray(noise)) + 1


@pytest.mark.parametrize("amplitude", [2.0, 6.0])
def test_bands_are_found_along_rows_and_columns(amplitude: float) -> None:
    wave = amplitude * np.sin(2 * np.pi * np.arange(480) / 24)[:, None]
    content = cv2.GaussianBlur(np.random.default_rng(5).normal(128, 400, (480, 640)), (0, 0), 9)
    clean, banded = np.clip(content, 20, 235), np.rint(np.clip(content, 20, 235) + wave)
    assert value("banding", gray(np.full((480, 640), 100) + np.rint(wave))) == pytest.approx(
        amplitude / 2**0.5, rel=0.25
    )
    assert value("banding", gray(banded)) > value("banding", gray(clean)) + amplitude / 6
    assert value("banding", gray(banded.T)) == pytest.approx(value("banding", gray(banded)), rel=0.3)


def test_blocks_of_jpeg() -> None:
    steps = np.kron(np.random.default_rng(0).integers(90, 110, (60, 80)), np.ones((8, 8)))
    across = np.abs(np.diff(steps, axis=1))[:, 7::8].mean()  # all change lies on the grid
    down = np.abs(np.diff(steps, axis=0))[7::8].mean()
    assert value("blockiness", gray(steps)) == pytest.approx((across + down) / 2, rel=0.02)
    image = gray(np.random.default_rng(1).normal(120, 25, (480, 640)))
    found = []
    for quality in (95, 60, 20):
        found.append(MEASURES["blockiness"].function(decode(bytes(cv2.imencode(".jpg", image, [1, quality])[1]))))
    assert found == sorted(found)


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.6])
def test_vignetting_of_an_even_wall(strength: float) -> None:
    y, x = (np.arange(480) - 239.5) / 240, (np.arange(640) - 319.5) / 320
    linear = 0.5 * (1 - strength * (x[None] ** 2 + y[:, None] ** 2) / 2)
    coded = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert value("vignetting", gray(np.rint(coded))) == pytest.approx(strength, abs=0.08)


@pytest.mark.parametrize("direction", [0, 45, 90, 135])
def test_motion_has_a_direction(direction: int) -> None:
    texture = np.random.default_rng(3).normal(128, 60, (480, 640)).astype(np.float32)
    texture = cv2.GaussianBlur(texture, (0, 0), 1.5) * 3 - 256
    kernel = np.zeros((25, 25), np.float32)
    angle = np.deg2rad(direction)
    for t in np.linspace(-9, 9, 200):
        kernel[round(12 + t * np.sin(angle)), round(12 + t * np.cos(angle))] += 1
    moved = cv2.filter2D(texture, -1, kernel / kernel.sum())
    assert value("motion_px", gray(texture)) < 3 < 6 < value("motion_px", gray(moved))
    away = (value("motion_direction_deg", gray(moved)) - direction + 90) % 180 - 90
    assert abs(away) < 10


@pytest.mark.parametrize(
    ("pixels", "bits"),
    [
        (np.full((4, 4), 7, np.uint8), 8),
        (np.full((4, 4), 0x8001, np.uint16), 16),
        (np.full((4, 4), 0x0FF0, np.uint16), 12),
        (np.zeros((4, 4), np.uint16), 16),
        (np.zeros((4, 4), np.float32), 16),
    ],
)
def test_bits_in_use(pixels: np.ndarray, bits: int) -> None:
    assert value("bit_depth", pixels) == bits


@pytest.mark.parametrize("size", [(640, 480), (1280, 960), (2600, 1300), (200, 100)])
def test_reduced_decoding_measures_the_same(size: tuple[int, int]) -> None:
    image = cv2.cvtColor(cv2.GaussianBlur(cv2.resize(scene(), size), (0, 0), 1.5), cv2.COLOR_GRAY2BGR)
    data = bytes(cv2.imencode(".jpg", image, [1, 95])[1])
    full = measure_all(Picture(cv2.imdecode(np.frombuffer(data, np.uint8), 1)[..., ::-1]))
    reduced = measure_all(decode(data))
    for name in ("luminance", "exposure_ev", "contrast", "unevenness", "noise", "blur_px", "vignetting"):
        assert reduced[name] == pytest.approx(full[name], rel=0.05, abs=0.03), name


def test_a_jpeg_that_breaks_off_is_refused() -> None:
    data = bytes(cv2.imencode(".jpg", gray(scene()))[1])
    with pytest.raises(OSError, match="truncated"):
        decode(data[: len(data) // 2])
    with pytest.raises((OSError, ValueError)):
        decode(b"")


def test_16_bit_and_rgba_files() -> None:
    deep = np.full((40, 60, 3), 0x8000, np.uint16)
    measured = measure_all(decode(bytes(cv2.imencode(".png", deep)[1])))
    assert (measured["luminance"], measured["bit_depth"]) == (pytest.approx(128 / 255), 1.0)
    clear = np.full((40, 60, 4), 100, np.uint8)
    assert measure_all(decode(bytes(cv2.imencode(".png", clear)[1])))["luminance"] == pytest.approx(100 / 255)


def shiny(box: tuple[int, int, int, int]) -> np.ndarray:
    pixels = np.full((240, 320, 3), (110, 90, 80), np.uint8)
    left, top, right, bottom = box
    cv2.circle(pixels, ((left + right) // 2, (top + bottom) // 2), 8, (255, 255, 255), -1)
    return pixels


def test_a_shiny_part_on_a_matte_floor_is_found_in_its_box() -> None:
    box = (100, 80, 140, 120)
    share = np.pi * 8**2 / 40**2
    boxes = [[100 / 320, 80 / 240, 140 / 320, 120 / 240], [0.6, 0.6, 0.9, 0.9], [0.1, 0.1, 0.1, 0.2]]
    part, floor, nothing = measure_labels(Picture(shiny(box)), boxes)
    assert part is not None and floor is not None and nothing is None
    assert set(part) == set(LABEL_MEASURES)
    assert part["highlight_share"] == pytest.approx(share, rel=0.15)
    assert floor["highlight_share"] == 0.0
    assert part["gloss"] > 2 * floor["gloss"]
    assert over_labels([part, floor, nothing]) == {
        "label_highlight_share": part["highlight_share"],
        "label_gloss": part["gloss"],
    }


def test_no_labels_have_no_measures() -> None:
    assert over_labels([]) == over_labels([None]) == {}


@pytest.mark.parametrize(
    ("changes", "attribute", "words"),
    [
        ({"exposure_ev": -6.0}, "lighting", {"dark"}),
        ({"exposure_ev": -3.2}, "lighting", {"dim"}),
        ({}, "surface", {"unknown"}),  # whatever there is to see: see ``attributes``
        ({"highlight_share": 0.2, "gloss": 1.0}, "surface", {"unknown"}),
        ({"contrast": 0.0, "noise": 0.1}, "sensor", {"unknown"}),
        ({"contrast": 0.0, "noise": 12.0}, "sensor", {"noisy"}),
        ({"blur_px": 5.0, "motion_px": 1.0, "noise": 1.0}, "sensor", {"blurred", "motion"}),
    ],
)
def test_attributes(changes: dict[str, float], attribute: str, words: set[str]) -> None:
    found = derive_attributes(measure_all(Picture(gray(scene()))) | changes)[attribute]
    assert found.word in words
    assert 0 <= found.confidence <= 1
    assert (found == UNKNOWN) == (found.word == "unknown")


def test_confidence_falls_towards_a_limit() -> None:
    measured = measure_all(Picture(gray(scene())))
    confidence = [
        derive_attributes(measured | {"exposure_ev": ev})["lighting"].confidence for ev in (-7.0, -5.0, -4.55)
    ]
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[0] > 0.99 > 0.7 > confidence[2] > 0.5


def test_models_know_only_measures() -> None:
    assert set(models()) == {"gloss", "label_gloss", "light", "motion"}
    for model in models().values():
        assert set(model.features) <= set(MEASURES)
        assert model.weights.shape == (max(len(model.words), 1), len(model.features))
    assert set(MEASURES) >= LOGARITHMIC
    measured = measure_all(Picture(gray(scene())))
    assert sum(models()["light"].shares(measured).values()) == pytest.approx(1.0)


def test_other_models_are_used_inside_the_block_only() -> None:
    before = models()
    with used({"gloss": before["label_gloss"]}):
        assert models()["gloss"] is before["label_gloss"]
    assert models() is before
