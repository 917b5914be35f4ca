"""One rule for boxes and outlines: edges in pixels, inside the image, with an area."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.base.plurals import counted

Xyxy = tuple[float, float, float, float]

LEAST_PX = 1e-3  # a box narrower than this has no area that survives being written and read
_FAULTS: Mapping[Kind, str] = {
    "nan_box": "The box has an edge that is not a finite number",
    "inverted_box": "The box has its right or bottom edge before its left or top edge",
    "zero_area_box": "The box is empty",
}
ROUNDING_PX = 0.01  # an overhang up to this is the rounding of a text file, not a mistake


@dataclass(frozen=True, slots=True)
class Frame:
    """The image that a label lies in, and where problems are reported.

    Attributes:
        width, height: pixels of the upright image.
        problems: where to report what is wrong.
    """

    width: int
    height: int
    problems: Problems

    def box(self, xyxy: Xyxy, where: str) -> Xyxy | None:
        """The box clipped to the image, or ``None`` when it cannot be used; both are reported."""
        kind = _fault(xyxy)
        if kind is not None:
            self.problems.add(kind, where, f"{_FAULTS[kind]} (xyxy {shown_box(xyxy)}); label left out.")
            return None
        left, top, right, bottom = xyxy
        clipped = (max(left, 0.0), max(top, 0.0), min(right, self.width), min(bottom, self.height))
        size = f"the image of {self.width} x {self.height}"
        if clipped[2] - clipped[0] < LEAST_PX or clipped[3] - clipped[1] < LEAST_PX:
            message = f"The box lies outside {size} (xyxy {shown_box(xyxy)}); label left out."
            self.problems.add("box_outside_image", where, message)
            return None
        if max(abs(a - b) for a, b in zip(xyxy, clipped, strict=True)) > ROUNDING_PX:
            message = f"The box reaches beyond {size} (xyxy {shown_box(xyxy)}); clipped to {shown_box(clipped)}."
            self.problems.add("box_outside_image", where, message)
        return clipped

    def polygon(self, flat: Sequence[Any], where: str) -> NDArray[np.float64] | None:
        """Points ``(n, 2)`` of ``x, y, x, y ...`` moved into the image, or ``None``; what is wrong is reported."""
        numbers = numbers_of(flat)
        if numbers is None or len(numbers) % 2:
            message = f"The outline is not a list of pairs of numbers ({flat!r:.80}); outline left out."
            self.problems.add("broken_annotation", where, message)
            return None
        points = np.asarray(numbers, dtype=np.float64).reshape(-1, 2)
        if not np.isfinite(points).all():
            self.problems.add("nan_box", where, "The outline contains NaN or infinity; outline left out.")
            return None
        if len(points) < 3:
            message = f"The outline has {counted(len(points), 'point')}, at least 3 are needed; outline left out."
            self.problems.add("two_point_polygon", where, message)
            return None
        return np.clip(points, 0.0, (self.width, self.height))


def _fault(xyxy: Xyxy) -> Kind | None:
    left, top, right, bottom = xyxy
    if not all(map(math.isfinite, xyxy)):
        return "nan_box"
    if right < left or bottom < top:
        return "inverted_box"
    if right - left < LEAST_PX or bottom - top < LEAST_PX:
        return "zero_area_box"
    return None


def shown_box(xyxy: Xyxy) -> str:
    """Edges as text for messages.

    >>> shown_box((1.0, 2.5, 3.0, 4.0))
    '1, 2.5, 3, 4'
    """
    return ", ".join(f"{edge:.6g}" for edge in xyxy)


def numbers_of(values: Any) -> list[float] | None:
    """The values as floats, or ``None`` unless every one is a number.

    >>> numbers_of([1, 2.5]), numbers_of([1, "2"]), numbers_of("12"), numbers_of([True])
    ([1.0, 2.5], None, None, None)
    """
    if not isinstance(values, (list, tuple)):
        return None
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        return None
    try:
        return [float(value) for value in values]
    except OverflowError:  # whole numbers beyond the range of floats
        return None


def loose_of(given: Any) -> Xyxy | None:
    """The edges of a whole object as they were written, ``None`` when they are no four finite numbers.

    >>> loose_of([1, 2, 3, 4]), loose_of(None)
    ((1.0, 2.0, 3.0, 4.0), None)
    """
    edges = numbers_of(given)
    if edges is None or len(edges) != 4 or not all(map(math.isfinite, edges)):
        return None
    left, top, right, bottom = edges
    return left, top, right, bottom


def hull(polygons: Sequence[NDArray[np.float64]]) -> Xyxy:
    """The smallest box around some outlines.

    >>> hull([np.array([[1.0, 2.0], [5.0, 3.0], [2.0, 9.0]])])
    (1.0, 2.0, 5.0, 9.0)
    """
    points = np.concatenate(polygons)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def rounded_out(xyxy: Xyxy) -> tuple[int, int, int, int]:
    """The whole pixels that a box touches, as edges: the frame of a label's mask.

    >>> rounded_out((0.2, 0.9999999, 3.1, 4.0))
    (0, 1, 4, 4)
    """
    left, top, right, bottom = xyxy
    near = LEAST_PX  # 1.9999999 is 2 that was stored as a share of the width
    return math.floor(left + near), math.floor(top + near), math.ceil(right - near), math.ceil(bottom - near)


def has_fractions(xyxy: Xyxy) -> bool:
    """Whether a box ends between pixels.

    >>> has_fractions((0.0, 1.0, 2.0, 3.0)), has_fractions((0.5, 1.0, 2.0, 3.0))
    (False, True)
    """
    return any(abs(edge - round(edge)) > ROUNDING_PX for edge in xyxy)


def whole_pixels(xyxy: Xyxy) -> tuple[int, int, int, int]:
    """The same, at least a pixel wide and high.

    >>> whole_pixels((4.9995, 1.0, 5.0006, 3.0))
    (5, 1, 6, 3)
    """
    left, top, right, bottom = rounded_out(xyxy)
    return left, top, max(right, left + 1), max(bottom, top + 1)
