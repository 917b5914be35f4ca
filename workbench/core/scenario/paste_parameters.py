"""The parameters of the content ``pasted``: which labelled objects are put where, how large and in which light."""

from __future__ import annotations

from workbench.core.scenario.parameter import Parameter

_SHARE = (0.0, 1.0)
PASTE_PARAMETERS = (
    Parameter(
        "paste.least_confidence",
        "number",
        "",
        _SHARE,
        0.8,
        "confidence that an outline found in a box must have; outlines that are given have 1",
    ),
    Parameter("paste.object", "object", "", None, {"object": "any"}, "the labelled object", "target"),
    Parameter(
        "paste.x",
        "number",
        "",
        _SHARE,
        {"uniform": [0.05, 0.95]},
        "where its centre comes to lie, share of the width",
        "target",
    ),
    Parameter(
        "paste.y",
        "number",
        "",
        _SHARE,
        None,
        "where its centre comes to lie, share of the height; null is as high as in its own photo",
        "target",
        True,
    ),
    Parameter(
        "paste.scale",
        "number",
        "",
        (0.05, 20),
        {"log_uniform": [0.8, 1.25]},
        "size relative to the one that it has in its own photo",
        "target",
    ),
    Parameter("paste.rotation", "number", "degree", (-180, 180), 0.0, "rotation, clockwise", "target"),
    Parameter("paste.mirror", "switch", "", None, False, "whether left and right are exchanged", "target"),
    Parameter(
        "paste.order",
        "number",
        "",
        (-1000, 1000),
        None,
        "a higher one lies in front; null is by the lower edge, the lowest in front",
        "target",
        True,
    ),
    Parameter(
        "paste.overlap",
        "number",
        "",
        _SHARE,
        {"uniform": [0, 0.3]},
        "share of another object's box that it may cover, or be covered of; beyond it, it is moved aside",
        "target",
    ),
    Parameter("paste.match", "number", "", _SHARE, 0.7, "how far light, colour and noise are matched", "target"),
    Parameter(
        "paste.feather_px",
        "number",
        "pixel",
        (0, 20),
        0.7,
        "standard deviation by which its edge is softened",
        "target",
    ),
    Parameter("paste.shadow", "number", "", _SHARE, 0.0, "how dark its soft contact shadow is", "target"),
)
