"""Labels that others wrote into the shared database and that nobody can use: told from good ones, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.base.shapes import is_number

IN_SPACE = frozenset({"location", "dimensions", "T_cam_obj"})  # a label with one of these needs no box in the picture


def fault_of(detection: Mapping[str, Any]) -> str | None:
    """Why a label cannot be used; ``None`` for a good one, and for one in space, which has no box in the picture.

    >>> fault_of({"label": "nut", "bounding_box": [0.1, 0.1, float("nan"), 0.2]})
    'its box is not four numbers'
    >>> fault_of({"label": "nut", "bounding_box": [0.1, 0.1, 0.2, 0.2]})
    """
    box, confidence = detection.get("bounding_box"), detection.get("confidence")
    if not box:
        return None if IN_SPACE & detection.keys() else "it has no box"
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        return "its box is not four numbers"
    if not isinstance(detection.get("label"), str):
        return "it has no class"
    if confidence is not None and not is_number(confidence):
        return "its confidence is not a number"
    return None


def is_boxed(detection: Mapping[str, Any]) -> bool:
    """Whether a label has a box that can be used."""
    return bool(detection.get("bounding_box")) and fault_of(detection) is None
