"""What is drawn over an image: boxes of the truth and of predictions, and outlines, in shares of the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.boxes import Box, Boxes
from workbench.core.schema.labels import Label, Record
from workbench.core.tables.column import Column, SetColumn

PER_MILLE = 1000
MOST_POINTS = 400  # of one outline: what the eye can tell on a screen
GOLDEN_ANGLE_DEG = 137.508
PREDICTED_HIT = ("hit", "below_confidence", "ignored")  # predictions that need no box of their own


def class_hues(column: Column | None) -> dict[str, float]:
    """A hue in degrees for each class; golden-angle steps keep neighbours in the list far apart."""
    names = column.names if isinstance(column, SetColumn) else ()
    return {name: round(index * GOLDEN_ANGLE_DEG % 360, 1) for index, name in enumerate(names)}


def boxes_of(boxes: Boxes, hues: Mapping[str, float]) -> list[dict[str, Any]]:
    """The labels of a sample with what became of them, if that is known, then the predictions that were wrong."""
    wrong = [box for box in boxes.predicted if box.outcome not in PREDICTED_HIT]
    return [_box(box, hues, "truth") for box in boxes.truth] + [_box(box, hues, "predicted") for box in wrong]


def _box(box: Box, hues: Mapping[str, float], of: str) -> dict[str, Any]:
    return {
        "id": box.id,
        "name": box.name,
        "xyxy": [round(edge, 5) for edge in box.xyxy],
        "hue": hues.get(box.name, 0.0),
        "of": of,
        "outcome": box.outcome,
        "confidence": box.confidence,
        "tags": list(box.tags),
    }


def outlines_of(record: Record, hues: Mapping[str, float]) -> list[dict[str, Any]]:
    """Outlines of the labels that have one: ``points`` are x, y, x, y ... in thousandths of the image."""
    if not (record.width and record.height):
        return []
    scale = PER_MILLE / np.array([record.width, record.height], float)
    outlines = []
    for label in record.labels:
        rings = [np.rint(points * scale).astype(int).ravel().tolist() for points in _rings(label)]
        if rings:
            outlines.append({"hue": hues.get(label.name, 0.0), "rings": rings})
    return outlines


def _rings(label: Label) -> list[NDArray[np.float64]]:
    """Outlines in pixel edges: as given, else around the mask."""
    if label.polygons:
        return [_thinned(np.asarray(ring, float)) for ring in label.polygons]
    if label.mask is None or not label.mask.any():
        return []
    corner = np.floor(np.array(label.xyxy[:2])) + 0.5  # contours run through the centres of pixels
    contours, _ = cv2.findContours(label.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    return [_thinned(contour[:, 0, :] + corner) for contour in contours if len(contour) > 2]


def _thinned(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    return ring[:: max(1, -(-len(ring) // MOST_POINTS))]
