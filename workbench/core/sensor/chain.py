"""The image-formation chain: linear radiance in, an image file out.

Order, each stage a pure function on ``(H, W, 3)`` float32 linear images::

    exposure -> vignette -> motion blur -> defocus -> shot and read noise -> quantise
             -> white balance and sRGB curve -> sharpening -> JPEG or PNG

Lens distortion is not here: the renderer and the annotator shoot distorted rays, so labels stay exact.
Blur comes before the sensor clips, so highlights spread as they do in a lens.
Labels describe the scene before blur and noise.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError
from workbench.core.schema.scene import Rgb
from workbench.core.sensor.color import srgb_from_linear
from workbench.core.sensor.noise import gaussian, with_color, with_grain

Image = NDArray[np.float32]
_SRGB_OF_STEP = np.rint(srgb_from_linear((np.arange(65_536) + 0.5) / 65_536) * 255.0).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class SensorSettings:
    """All that the chain needs, besides the light and the random generator.

    Attributes:
        exposure_ev: stops; each doubles the signal.
        vignette: share of light lost in the corners, 0..1.
        motion_blur_px: length of the path of a point during the exposure.
        motion_direction_deg: direction of that path, 0 along x, 90 along y (downwards).
        blur_px: standard deviation of the lens blur.
        blur_disk: its shape: 0 is a Gaussian, 1 the disk of a lens out of focus.
        gain: sensor gain; each doubling halves the electrons behind the same grey value; ``None`` adds no noise.
        full_well_e: electrons of a pixel at linear 1.0 and gain 1.
        read_e: standard deviation of the read noise, electrons.
        bits: of the converter.
        white_balance: gains of red, green and blue.
        jpeg_quality: 1..100; ``None`` writes PNG.
        grain_px: standard deviation by which noise is blurred.
        noise_color: share of the noise that differs between the colours.
        sharpen: weight of an unsharp mask.
        photons: whether photons are counted one by one; else their noise is normally distributed, ten times quicker.
        grey: whether the picture has no colours, nor its noise.
    """

    exposure_ev: float = 0.0
    vignette: float = 0.0
    motion_blur_px: float = 0.0
    motion_direction_deg: float = 0.0
    blur_px: float = 0.0
    blur_disk: float = 0.0
    gain: float | None = 1.0
    full_well_e: float = 10_000.0
    read_e: float = 2.0
    bits: int = 12
    white_balance: Rgb = (1.0, 1.0, 1.0)
    jpeg_quality: int | None = 90
    grain_px: float = 0.0
    noise_color: float = 1.0
    sharpen: float = 0.0
    photons: bool = True
    grey: bool = False

    def record(self) -> dict[str, Any]:
        """All settings as plain values, for the lineage."""
        return dataclasses.asdict(self) | {"white_balance": list(self.white_balance)}


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """What leaves the camera.

    Attributes:
        srgb: ``(H, W, 3)`` uint8 before compression.
        data: bytes of the file.
        suffix: of the file, ``.jpg`` or ``.png``.
    """

    srgb: NDArray[np.uint8]
    data: bytes
    suffix: str = ".jpg"


def form_image(linear: NDArray[Any], settings: SensorSettings, *, rng: np.random.Generator) -> Picture:
    """Run the whole chain on ``(H, W, 3)`` linear radiance, where 1.0 is white at exposure 0.

    Raises:
        InputError: the array is no RGB image, or holds values that are not finite.
    """
    srgb = pixels(linear, settings, rng=rng)
    if settings.jpeg_quality is None:
        return Picture(srgb, encode_png(srgb, grey=settings.grey), ".png")
    return Picture(srgb, encode_jpeg(srgb, settings.jpeg_quality))


def pixels(linear: NDArray[Any], settings: SensorSettings, *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The chain without its last stage: ``(H, W, 3)`` sRGB of ``form_image``, with its errors."""
    image = _checked(linear)
    image = expose(image, settings.exposure_ev)
    image = vignette(image, settings.vignette)
    image = motion_blur(image, settings.motion_blur_px, settings.motion_direction_deg)
    image = defocus(image, settings.blur_px, settings.blur_disk)
    image = _noisy(image, settings, rng)
    image = quantise(image, settings.bits)
    srgb = develop(image, settings.white_balance) if settings.photons else quickly(image, settings.white_balance)
    return sharpen(srgb, settings.sharpen)


def _noisy(image: Image, settings: SensorSettings, rng: np.random.Generator) -> Image:
    if settings.gain is None:
        return image
    electrons_at_white = settings.full_well_e / settings.gain
    if settings.photons:
        noise = add_noise(image, electrons_at_white=electrons_at_white, read_e=settings.read_e, rng=rng)
        if settings.grain_px <= 0.0 and settings.noise_color >= 1.0:
            return noise
        noise -= image
    else:
        seed = int(rng.integers(0, 2**63))
        noise = gaussian(image, electrons_at_white=electrons_at_white, read_e=settings.read_e, seed=seed)
    return image + with_color(with_grain(noise, settings.grain_px), 0.0 if settings.grey else settings.noise_color)


def expose(image: Image, ev: float) -> Image:
    """Multiply by ``2 ** ev``.

    >>> float(expose(np.full((1, 1, 3), 0.25, np.float32), 1.0)[0, 0, 0])
    0.5
    """
    return image * np.float32(2.0**ev)


def vignette(image: Image, strength: float) -> Image:
    """Darken towards the corners, with the square of the distance: ``1 - strength`` is left in the very corner."""
    if strength == 0.0:
        return image
    height, width = image.shape[:2]
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2) / (width / 2)
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2) / (height / 2)
    squared = (x[None, :] ** 2 + y[:, None] ** 2) / 2.0
    return np.asarray(image * (1.0 - strength * squared)[..., None], dtype=np.float32)


def motion_blur(image: Image, length_px: float, direction_deg: float) -> Image:
    """Average along a line: what a constant motion during the exposure does."""
    if length_px <= 0.0:
        return image
    kernel = motion_kernel(length_px, direction_deg)
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101), dtype=np.float32)


def motion_kernel(length_px: float, direction_deg: float) -> Image:
    """Weights of a line of this length through the centre of a kernel of odd size; they add up to 1.

    >>> motion_kernel(2.0, 0.0).round(2).tolist()[1]
    [0.25, 0.5, 0.25]
    """
    reach = int(np.ceil(length_px / 2.0))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float64)
    count = 64 * (reach + 1)
    along = ((np.arange(count) + 0.5) / count - 0.5) * length_px
    angle = np.deg2rad(direction_deg)
    x, y = along * np.cos(angle) + reach, along * np.sin(angle) + reach
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):  # share each point among its four neighbours
        weight = (1.0 - np.abs(x - left - dx)) * (1.0 - np.abs(y - top - dy))
        column, row = np.minimum(left + dx, 2 * reach), np.minimum(top + dy, 2 * reach)
        np.add.at(kernel, (row, column), weight)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def defocus(image: Image, sigma_px: float, disk: float = 0.0) -> Image:
    """Lens blur of this standard deviation, between a Gaussian (``disk`` 0) and an even disk (1)."""
    if sigma_px <= 0.0:
        return image
    if disk > 0.0:
        kernel = disk_kernel(2.0 * sigma_px)
        gaussian_1d = cv2.getGaussianKernel(len(kernel), sigma_px)
        mixed = (disk * kernel + (1.0 - disk) * (gaussian_1d @ gaussian_1d.T)).astype(np.float32)
        return np.asarray(cv2.filter2D(image, -1, mixed, borderType=cv2.BORDER_REFLECT_101), dtype=np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), sigmaX=sigma_px, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, dtype=np.float32)


def disk_kernel(radius_px: float) -> NDArray[np.float64]:
    """Weights of an even disk, whose standard deviation along an axis is half its radius; they add up to 1.

    >>> disk_kernel(0.4).shape, float(disk_kernel(3.0).sum().round(6))
    ((5, 5), 1.0)
    """
    reach, fine = int(np.ceil(radius_px + 1.0)), 8
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = np.hypot(steps[:, None], steps[None]) <= max(radius_px, 0.5)
    kernel = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).sum(axis=(1, 3)).astype(np.float64)
    return np.asarray(kernel / kernel.sum())


def add_noise(image: Image, *, electrons_at_white: float, read_e: float, rng: np.random.Generator) -> Image:
    """Poisson noise of the electrons and Gaussian noise of the read-out (EMVA 1288 model).

    The signal saturates at four times white before it is counted, so a glint cannot overflow the count.
    """
    electrons = rng.poisson(np.clip(image, 0.0, 4.0) * electrons_at_white).astype(np.float32)
    electrons += np.float32(read_e) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.asarray(electrons / np.float32(electrons_at_white), dtype=np.float32)


def quantise(image: Image, bits: int) -> Image:
    """Clip to 0..1 and round to the steps of a converter of so many bits."""
    steps = np.float32(2**bits - 1)
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * steps) / steps, dtype=np.float32)


def develop(image: Image, white_balance: Rgb) -> NDArray[np.uint8]:
    """White balance, sRGB curve and rounding to 8 bits."""
    balanced = np.clip(image * np.asarray(white_balance, dtype=np.float32), 0.0, 1.0)
    return np.asarray(np.rint(srgb_from_linear(balanced) * 255.0), dtype=np.uint8)


def quickly(image: Image, white_balance: Rgb) -> NDArray[np.uint8]:
    """As ``develop``, from a table of 65,536 steps: a sixth of the time, at most one grey level apart."""
    steps = image * (np.asarray(white_balance, dtype=np.float32) * 65_535.0)
    return np.asarray(_SRGB_OF_STEP[np.clip(steps, 0.0, 65_535.0).astype(np.uint16)])


def sharpen(srgb: NDArray[np.uint8], weight: float) -> NDArray[np.uint8]:
    """An unsharp mask of 1 px: what cameras do after the curve."""
    if weight <= 0.0:
        return srgb
    return np.asarray(cv2.addWeighted(srgb, 1.0 + weight, cv2.GaussianBlur(srgb, (0, 0), 1.0), -weight, 0.0), np.uint8)


def encode_png(srgb: NDArray[np.uint8], *, grey: bool = False) -> bytes:
    """Bytes of a PNG file; the quickest compression, a tenth of the time for some per cent more."""
    pixels = srgb[..., 0] if grey else srgb[..., ::-1]
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise InputError(f"An image of shape {srgb.shape} cannot be written as PNG.")
    return bytes(data)


def encode_jpeg(srgb: NDArray[np.uint8], quality: int) -> bytes:
    """Bytes of a baseline JPEG file, chroma at half resolution."""
    done, data = cv2.imencode(".jpg", srgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise InputError(f"An image of shape {srgb.shape} cannot be written as JPEG.")
    return bytes(data)


def _checked(linear: NDArray[Any]) -> Image:
    image = np.asarray(linear, dtype=np.float32)
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InputError(f"Linear radiance must have the shape (H, W, 3), not {image.shape}.")
    if not np.isfinite(image).all():
        raise InputError(f"{int((~np.isfinite(image)).sum()):,} values of the radiance are not finite.")
    return image
