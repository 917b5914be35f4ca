"""Gloss: a fitted hint how strongly reflections vary, for a picture and for boxes in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from workbench.core.measures import lighting, surface
from workbench.core.measures.model import models
from workbench.core.measures.picture import Picture

MAX = 5.0
FEATURES = {
    function.__name__: function
    for function in (
        lighting.luminance_median,
        lighting.contrast,
        lighting.dynamic_range_stops,
        lighting.clipped_bright,
        lighting.unevenness,
        surface.glint,
        surface.highlight_share,
        surface.luma_skewness,
        surface.detail_skewness,
        surface.detail_kurtosis,
        surface.texture,
        surface.saturation,
    )
}
LABEL_MEASURES = {
    "highlight_share": "share of the box in specular highlights, 0..1",
    "gloss": "as the measure gloss, inside the box, 0..5",
}
SMALLEST_PX = 4  # of a box in ``small``; in fewer pixels nothing can be said


def gloss(picture: Picture) -> float:
    """Hint of visible gloss: spread of the light that surfaces reflect, over the mean brightness; 0 matte, 1 glaring.

    A linear model (``models.json``) of contrast, skewness (Motoyoshi et al. 2007), glints and colour, fitted to
    renders in which the specular part is known. It sees gloss that shows: under even light a mirror of a gray wall
    looks matte, and is called so.
    """
    return gloss_of({name: function(picture) for name, function in FEATURES.items()})


def gloss_of(measured: Mapping[str, float]) -> float:
    """``gloss`` from the values of its features."""
    return float(np.clip(np.exp(models()["gloss"].scores(measured)[0]), 0.0, MAX))


def label_features(picture: Picture, boxes: Sequence[Sequence[float]]) -> list[dict[str, float] | None]:
    """The features of gloss inside each box, ``None`` for boxes that are too small.

    Args:
        picture: the whole picture.
        boxes: left, top, right, bottom as shares of width and height.
    """
    height, width = picture.small.shape[:2]
    mask = surface.highlights(picture)
    features: list[dict[str, float] | None] = []
    for box in boxes:
        left, top, right, bottom = (np.clip(box, 0, 1) * (width, height, width, height)).round().astype(int)
        if min(right - left, bottom - top) < SMALLEST_PX:
            features.append(None)
            continue
        part = Picture.of_planes(
            small=picture.small[top:bottom, left:right], detail=picture.small[top:bottom, left:right, 1]
        )
        values = {name: function(part) for name, function in FEATURES.items() if name != "highlight_share"}
        inside = mask[top:bottom, left:right]
        features.append(values | {"highlight_share": cv2.countNonZero(np.ascontiguousarray(inside)) / inside.size})
    return features


def measure_labels(picture: Picture, boxes: Sequence[Sequence[float]]) -> list[dict[str, float] | None]:
    """``LABEL_MEASURES`` of each box; see ``label_features``.

    A highlight counts by the surround that it has in the whole picture, so a part that shines all over still counts.
    """
    model = models()["label_gloss"]
    return [
        None
        if features is None
        else {
            "highlight_share": features["highlight_share"],
            "gloss": float(np.clip(np.exp(model.scores(features)[0]), 0.0, MAX)),
        }
        for features in label_features(picture, boxes)
    ]


def over_labels(per_label: Sequence[Mapping[str, float] | None]) -> dict[str, float]:
    """What the labels of a picture have together: the most of each, because one shiny part is what a model misses.

    >>> over_labels([{"highlight_share": 0.1, "gloss": 0.2}, None, {"highlight_share": 0.0, "gloss": 0.9}])
    {'label_highlight_share': 0.1, 'label_gloss': 0.9}
    """
    known = [values for values in per_label if values is not None]
    return {f"label_{name}": max(values[name] for values in known) for name in LABEL_MEASURES} if known else {}
