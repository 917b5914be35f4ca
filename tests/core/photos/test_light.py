"""Light on photos: what each change does, and that the neutral value leaves every pixel as it is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench.core.photos import Tone, read_photo, tone_of, toned
from workbench.core.photos import light as lights
from workbench.core.photos.file import coding_of
from workbench.core.sensor import SensorSettings, form_image, pixels
from workbench.core.sensor.noise import gaussian, with_color, with_grain

RNG = np.random.default_rng(0)
PHOTO = (RNG.random((60, 80, 3)) * 0.8 + 0.1).astype(np.float32)
NEUTRAL = {
    "photo.denoise": 0.0,
    "photo.contrast": 1.0,
    "photo.saturation": 1.0,
    "photo.shade.stops": 0.0,
    "photo.shade.direction": 30.0,
    "photo.glare.strength": 0.0,
    "photo.glare.x": 0.5,
    "photo.glare.y": 0.5,
    "photo.glare.size": 0.1,
}


def _jpeg(quality: int, mode: str = "RGB", subsampling: int = 2) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray((PHOTO * 255).astype(np.uint8)).convert(mode)
    image.save(out, "JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()


def test_neutral_values_change_nothing() -> None:
    assert lights.relit(PHOTO, NEUTRAL) is PHOTO
    assert toned(PHOTO, tone_of(PHOTO), 0.0) is PHOTO


def test_light_and_back_is_the_same_photo() -> None:
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    out = io.BytesIO()
    Image.fromarray(every).save(out, "PNG")
    settings = SensorSettings(gain=None, bits=16, jpeg_quality=None, photons=False)
    shown = pixels(read_photo(out.getvalue()).light, settings, rng=RNG)
    assert np.abs(shown.astype(int) - every).max() <= 1


def test_a_tone_is_taken_over() -> None:
    dark = Tone(tuple(np.linspace(-8, -3, 15).tolist()))
    assert np.abs(np.subtract(tone_of(toned(PHOTO, dark, 1.0)).stops[2:-2], dark.stops[2:-2])).max() < 1.5
    half = tone_of(toned(PHOTO, dark, 0.5)).stops[7]
    assert dark.stops[7] < half < tone_of(PHOTO).stops[7]


def test_each_change_does_what_it_says() -> None:
    grey = np.full((40, 50, 3), 0.25, np.float32)
    shaded = lights.shaded(grey, 2.0, 0.0)
    assert np.log2(shaded[0, 0, 0] / shaded[0, -1, 0]) == pytest.approx(2.0, abs=0.1)
    assert shaded[:, 24:26].mean() == pytest.approx(0.25, rel=0.03)
    glare = lights.with_glare(grey, 2.0, 0.5, 0.5, 0.1)
    assert glare[20, 25, 0] == pytest.approx(2.27, abs=0.1) and glare[0, 0, 0] < 0.3
    assert np.ptp(lights.saturated(PHOTO, 0.0), axis=2).max() < 1e-6
    contrast = lights.with_contrast(PHOTO, 2.0)
    assert np.log(contrast).std() == pytest.approx(2 * np.log(PHOTO).std(), rel=0.01)
    noisy = grey + 0.02 * RNG.standard_normal(grey.shape).astype(np.float32)
    noisy[:, 25:] += 0.5
    smooth = lights.denoised(noisy, 1.0)
    assert smooth[:, 2:20].std() < 0.4 * noisy[:, 2:20].std()
    assert smooth[:, 30].mean() - smooth[:, 20].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("gain", [1.0, 16.0])
def test_normal_noise_is_as_strong_as_photons(gain: float) -> None:
    flat = np.full((200, 200, 3), 0.3, np.float32)
    drawn = gaussian(flat, electrons_at_white=10_000 / gain, read_e=3.0, seed=1)
    wanted = np.sqrt(0.3 * 10_000 / gain + 9) / (10_000 / gain)
    assert drawn.std() == pytest.approx(wanted, rel=0.02)
    assert with_grain(drawn, 1.2).std() == pytest.approx(wanted, rel=0.1)
    for color in (0.0, 0.5):
        mixed = with_color(drawn, color)
        assert mixed.std() == pytest.approx(wanted, rel=0.03)
        assert (np.ptp(mixed, axis=2).max() < 1e-6) == (color == 0.0)


@pytest.mark.parametrize("quality", [35, 75, 92])
def test_the_coding_of_a_file_is_read_and_used_again(quality: int) -> None:
    coding = coding_of(_jpeg(quality))
    assert coding is not None and coding.quality() == quality and coding.subsampling == 2
    again = coding_of(coding.encode((PHOTO * 255).astype(np.uint8), grey=False))
    assert again == coding


def test_files_that_are_coded_otherwise() -> None:
    png = io.BytesIO()
    Image.new("RGB", (8, 8)).save(png, "PNG")
    assert coding_of(png.getvalue()) is None and coding_of(b"\xff\xd8\xff broken") is None
    grey = coding_of(_jpeg(80, "L"))
    assert grey is not None and len(grey.tables) == 1
    photo = read_photo(_jpeg(80, "L"))
    assert photo.grey and not read_photo(_jpeg(80)).grey
    out = form_image(photo.light, SensorSettings(grey=True, photons=False, gain=8.0, jpeg_quality=None), rng=RNG)
    with Image.open(io.BytesIO(out.data)) as shown:
        assert shown.mode == "L"
