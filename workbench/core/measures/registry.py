"""The list of all measures: a new one is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.core.measures import gloss, lighting, sensor, surface
from workbench.core.measures.picture import Picture


@dataclass(frozen=True)
class Measure:
    """One number computed from a picture.

    Attributes:
        function: the computation; its docstring has meaning and source.
        unit: unit of the number, ``""`` for a share.
        low, high: range of values.
        cyclic: whether both ends are the same direction, so that no distance on a line makes sense.
    """

    function: Callable[[Picture], float]
    unit: str
    low: float
    high: float
    cyclic: bool = False

    @property
    def meaning(self) -> str:
        """First line of the function's docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0]


MEASURES: dict[str, Measure] = {
    "luminance": Measure(lighting.luminance, "", 0.0, 1.0),
    "luminance_median": Measure(lighting.luminance_median, "", 0.0, 1.0),
    "exposure_ev": Measure(lighting.exposure_ev, "EV", -9.6, 2.5),
    "contrast": Measure(lighting.contrast, "", 0.0, 1.0),
    "dynamic_range_stops": Measure(lighting.dynamic_range_stops, "EV", 0.0, 11.8),
    "clipped_dark": Measure(lighting.clipped_dark, "", 0.0, 1.0),
    "clipped_bright": Measure(lighting.clipped_bright, "", 0.0, 1.0),
    "warmth_stops": Measure(lighting.warmth_stops, "EV", -20.0, 20.0),
    "tint_stops": Measure(lighting.tint_stops, "EV", -20.0, 20.0),
    "color_temperature_k": Measure(lighting.color_temperature_k, "K", lighting.WARMEST_K, lighting.COLDEST_K),
    "unevenness": Measure(lighting.unevenness, "", 0.0, 0.5),
    "unevenness_stops": Measure(lighting.unevenness_stops, "EV", 0.0, 5.9),
    "spotlight_stops": Measure(lighting.spotlight_stops, "EV", -11.8, 11.8),
    "backlight_stops": Measure(lighting.backlight_stops, "EV", -11.8, 11.8),
    "light_direction_deg": Measure(lighting.light_direction_deg, "deg", 0.0, 360.0, cyclic=True),
    "light_slope_stops": Measure(lighting.light_slope_stops, "EV", 0.0, 24.0),
    "bright_height": Measure(lighting.bright_height, "", 0.0, 1.0),
    "shadow_hardness": Measure(lighting.shadow_hardness, "EV/px", 0.0, 6.0),
    "shadow_share": Measure(lighting.shadow_share, "", 0.0, 1.0),
    "shadow_depth_stops": Measure(lighting.shadow_depth_stops, "EV", 0.0, 8.0),
    "highlight_share": Measure(surface.highlight_share, "", 0.0, 1.0),
    "highlight_size": Measure(surface.highlight_size, "", 0.0, 1.0),
    "glint": Measure(surface.glint, "", 0.0, 1.0),
    "luma_skewness": Measure(surface.luma_skewness, "", -20.0, 20.0),
    "detail_skewness": Measure(surface.detail_skewness, "", -20.0, 20.0),
    "detail_kurtosis": Measure(surface.detail_kurtosis, "", 1.0, 100.0),
    "texture": Measure(surface.texture, "", 0.0, 0.5),
    "texture_slope": Measure(surface.texture_slope, "EV", -10.0, 10.0),
    "anisotropy": Measure(surface.anisotropy, "", 0.0, 1.0),
    "repetition": Measure(surface.repetition, "", 0.0, 1.0),
    "saturation": Measure(surface.saturation, "", 0.0, 1.0),
    "gloss": Measure(gloss.gloss, "", 0.0, gloss.MAX),
    "noise": Measure(sensor.noise, "gray levels", 0.0, 255.0),
    "blur_px": Measure(sensor.blur_px, "px", 0.0, sensor.BLUR_MAX_PX),
    "motion_px": Measure(sensor.motion_px, "px", 0.0, sensor.MOTION_MAX_PX),
    "motion_direction_deg": Measure(sensor.motion_direction_deg, "deg", 0.0, 180.0, cyclic=True),
    "banding": Measure(sensor.banding, "gray levels", 0.0, 128.0),
    "blockiness": Measure(sensor.blockiness, "gray levels", 0.0, 255.0),
    "vignetting": Measure(sensor.vignetting, "", 0.0, 1.0),
    "bit_depth": Measure(sensor.bit_depth, "bit", 1.0, 16.0),
}


def cyclic_measures() -> tuple[str, ...]:
    """Names of the measures that are directions."""
    return tuple(name for name, measure in MEASURES.items() if measure.cyclic)


def measure_all(picture: Picture) -> dict[str, float]:
    """Every measure of a picture, by name."""
    values = {name: measure.function(picture) for name, measure in MEASURES.items() if name != "gloss"}
    values["gloss"] = gloss.gloss_of(values)  # from measures just taken, not once more from the picture
    return {name: values[name] for name in MEASURES}
