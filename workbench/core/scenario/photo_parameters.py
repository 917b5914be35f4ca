"""The parameters of the content ``photos``: which photo, how it is moved, and what other light falls on it."""

from __future__ import annotations

from workbench.core.scenario.parameter import Parameter

_SHARE = (0.0, 1.0)
PHOTO_PARAMETERS = (
    Parameter("photo.donor", "sample", "", None, {"donor": "any"}, "the photo that is developed anew"),
    Parameter(
        "photo.max_side",
        "integer",
        "pixel",
        (16, 16_384),
        None,
        "longer side; null leaves the photo's own",
        nullable=True,
    ),
    Parameter("photo.mirror", "switch", "", None, False, "whether left and right are exchanged"),
    Parameter(
        "photo.crop",
        "number",
        "",
        (0.05, 1),
        {"uniform": [0.85, 1.0]},
        "share of width and height that is shown, pixel by pixel",
    ),
    Parameter(
        "photo.shift.x",
        "number",
        "",
        (-1, 1),
        {"uniform": [-1, 1]},
        "which part is shown: -1 its left end, 1 its right end",
    ),
    Parameter(
        "photo.shift.y",
        "number",
        "",
        (-1, 1),
        {"uniform": [-1, 1]},
        "which part is shown: -1 its upper end, 1 its lower end",
    ),
    Parameter(
        "photo.rotation",
        "number",
        "degree",
        (-45, 45),
        0.0,
        "rotation of the picture, clockwise; boxes without outlines get wider",
    ),
    Parameter(
        "photo.least_visible",
        "number",
        "",
        _SHARE,
        0.25,
        "share of an object that must stay in the picture for its label to stay",
    ),
    Parameter(
        "photo.tone.partner",
        "sample",
        "",
        None,
        None,
        "another photo whose distribution of light and dark is taken over; null leaves the photo's own",
        nullable=True,
    ),
    Parameter("photo.tone.strength", "number", "", _SHARE, 1.0, "how far it is taken over"),
    Parameter("photo.denoise", "number", "", _SHARE, 0.0, "how much of the photo's own noise is removed"),
    Parameter("photo.contrast", "number", "", (0.2, 4), 1.0, "power of the light about its mean; 1 leaves it"),
    Parameter("photo.saturation", "number", "", (0, 3), 1.0, "factor of the colours; 1 leaves them"),
    Parameter("photo.shade.stops", "number", "stop", (0, 8), 0.0, "by how much light falls off across the picture"),
    Parameter(
        "photo.shade.direction",
        "number",
        "degree",
        (0, 360),
        {"uniform": [0, 360]},
        "where it falls off to: 0 right, 90 down",
    ),
    Parameter(
        "photo.glare.strength", "number", "", (0, 20), 0.0, "light of a glare at its centre; 1 is white at exposure 0"
    ),
    Parameter(
        "photo.glare.x", "number", "", _SHARE, {"uniform": [0.1, 0.9]}, "centre of the glare, share of the width"
    ),
    Parameter(
        "photo.glare.y", "number", "", _SHARE, {"uniform": [0.1, 0.9]}, "centre of the glare, share of the height"
    ),
    Parameter(
        "photo.glare.size",
        "number",
        "",
        (0.005, 2),
        {"log_uniform": [0.03, 0.3]},
        "standard deviation of the glare, share of the diagonal",
    ),
)
