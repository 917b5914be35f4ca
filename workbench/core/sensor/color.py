"""Colour of light and of pixels: blackbody light, white balance, the sRGB curve, HSV."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.scene import Rgb

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709
_RGB_FROM_XYZ = np.array(  # IEC 61966-2-1
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
NEUTRAL_K = 6500.0


def blackbody_rgb(temperature_k: float) -> Rgb:
    """Linear sRGB colour of a blackbody, luminance 1.

    Chromaticity by the cubic fit of Kim et al. (2002), valid from 1667 to 25000 K.

    >>> warm = blackbody_rgb(2700.0)
    >>> warm[0] > warm[1] > warm[2]
    True
    """
    t = float(np.clip(temperature_k, 1667.0, 25000.0))
    x = _locus_x(t)
    y = _locus_y(t, x)
    xyz = np.array([x / y, 1.0, (1.0 - x - y) / y])
    rgb = np.clip(_RGB_FROM_XYZ @ xyz, 1e-4, None)
    red, green, blue = rgb / (rgb @ LUMINANCE)
    return float(red), float(green), float(blue)


def _locus_x(t: float) -> float:
    if t <= 4000.0:
        return -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    return -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390


def _locus_y(t: float, x: float) -> float:
    if t <= 2222.0:
        return -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    if t <= 4000.0:
        return -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    return 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483


def white_balance_gains(temperature_k: float) -> Rgb:
    """Gains of a camera that takes light of this temperature for white; green is 1.

    >>> white_balance_gains(6500.0)
    (1.0, 1.0, 1.0)
    """
    gains = np.array(blackbody_rgb(NEUTRAL_K)) / np.array(blackbody_rgb(temperature_k))
    red, green, blue = gains / gains[1]
    return float(red), float(green), float(blue)


def srgb_from_linear(linear: NDArray[Any]) -> NDArray[np.float32]:
    """The sRGB transfer curve (IEC 61966-2-1) on values 0..1.

    >>> srgb_from_linear(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [0.0, 0.7350000143051147, 1.0]
    """
    value = np.asarray(linear, dtype=np.float32)
    curve = 1.055 * np.power(np.maximum(value, 0.0031308), 1.0 / 2.4, dtype=np.float32) - 0.055
    return np.where(value <= 0.0031308, 12.92 * value, curve).astype(np.float32)


def linear_from_srgb(srgb: NDArray[Any]) -> NDArray[np.float32]:
    """The inverse of ``srgb_from_linear`` on values 0..1.

    >>> linear_from_srgb(np.array([0.0, 0.735, 1.0])).round(2).tolist()
    [0.0, 0.5, 1.0]
    """
    value = np.asarray(srgb, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb_from_hsv(hue_deg: float, saturation: float, value: float) -> Rgb:
    """sRGB 0..1 of a colour given as hue in degrees, saturation and value 0..1.

    >>> srgb_from_hsv(120.0, 1.0, 0.5)
    (0.0, 0.5, 0.0)
    """
    return colorsys.hsv_to_rgb((hue_deg % 360.0) / 360.0, saturation, value)
