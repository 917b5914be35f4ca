"""The list of all measures: a new one is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.measures import lighting, sensor, surface
from workbench.measures.picture import Picture


@dataclass(frozen=True)
class Measure:
    """One number computed from a picture.

    Attributes:
        function: the computation; its docstring has meaning and source.
        unit: unit of the number, ``""`` for a share.
        low, high: range of values.
    """

    function: Callable[[Picture], float]
    unit: str
    low: float
    high: float

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
    "warmth_stops": Measure(lighting.warmth_stops, "EV", -18.0, 18.0),
    "tint_stops": Measure(lighting.tint_stops, "EV", -18.0, 18.0),
    "unevenness": Measure(lighting.unevenness, "", 0.0, 0.5),
    "highlight_share": Measure(surface.highlight_share, "", 0.0, 1.0),
    "highlight_size": Measure(surface.highlight_size, "", 0.0, 1.0),
    "texture": Measure(surface.texture, "", 0.0, 0.5),
    "noise": Measure(sensor.noise, "gray levels", 0.0, 255.0),
    "blur_px": Measure(sensor.blur_px, "px", 0.0, sensor.BLUR_MAX_PX),
}


def measure_all(picture: Picture) -> dict[str, float]:
    """Every measure of a picture, by name."""
    return {name: measure.function(picture) for name, measure in MEASURES.items()}
