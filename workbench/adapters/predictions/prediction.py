"""A prediction as its file writes it, before anything says what its numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.boxes import Xyxy, rounded_out
from workbench.adapters.predictions.reference import Reference
from workbench.core.schema.labels import Label


@dataclass(frozen=True, slots=True)
class Prediction:
    """One predicted box.

    Attributes:
        image: how the file names its image: a number, a text that may be an id or a name, or a path.
        number: class, as the file writes it.
        xyxy: edges; pixels, or shares of width and height when ``shares`` is set.
        confidence: 0..1, ``None`` when the file has none.
        where: file and entry or line, for messages.
        shares: whether edges and outlines are shares of width and height.
        named: whether ``image`` is the name of a file, never an id.
        polygons: outlines, each ``(n, 2)``, in the unit of the edges.
        runs: counts of a run-length mask of the whole image, ``None`` without one.
        size: height and width of that mask.
        box_of_mask: whether the box is that of the mask or outline, so that it stands and falls with it.
    """

    image: Any
    number: Any
    xyxy: Xyxy
    confidence: float | None
    where: str
    shares: bool = False
    named: bool = False
    polygons: tuple[NDArray[np.float64], ...] = ()
    runs: Sequence[int] | None = None
    size: tuple[int, int] = (0, 0)
    box_of_mask: bool = False

    def label(self, name: str, width: int, height: int) -> Label:
        """The label of an image of this size in pixels; edges beyond the image stay where they are, as COCO's do.

        Raises:
            ValueError: the mask is one of an image of another size, and so is the box that was made of it.
        """
        scale = np.array([width, height] if self.shares else [1, 1], float)
        left, top, right, bottom = (np.reshape(self.xyxy, (2, 2)) * scale).ravel().tolist()
        polygons = tuple(outline * scale for outline in self.polygons)
        return Label(name, (left, top, right, bottom), polygons, self._mask(width, height), confidence=self.confidence)

    def _mask(self, width: int, height: int) -> NDArray[np.bool_] | None:
        """The part of the mask in the box, as labels carry it."""
        if self.runs is None:
            return None
        if not self.fits(width, height):
            if self.box_of_mask:
                raise ValueError(f"the mask has {self.size[1]} x {self.size[0]} pixels, the image {width} x {height}")
            return None
        left, top, right, bottom = rounded_out(self.xyxy)
        mask = np.zeros((max(bottom - top, 0), max(right - left, 0)), np.bool_)
        x, y = slice(max(left, 0), min(right, width)), slice(max(top, 0), min(bottom, height))
        if x.stop > x.start and y.stop > y.start:
            whole = rle.decode(self.runs, height, width)
            mask[y.start - top : y.stop - top, x.start - left : x.stop - left] = whole[y, x]
        return mask

    def fits(self, width: int, height: int) -> bool:
        """Whether the mask, if there is one, is that of an image of this size."""
        return self.runs is None or self.size == (height, width)


@dataclass(frozen=True)
class Results:
    """What a file or folder of predictions holds.

    Attributes:
        form: COCO's entries, or YOLO's rows.
        predictions: those that can be used.
        images: every image that the file names, those without a usable prediction too, as ``Prediction.image``.
        named: whether these are names of files.
        own: what the file itself says of its numbers.
    """

    form: Literal["coco", "yolo"]
    predictions: list[Prediction]
    images: list[tuple[Any, bool]]
    own: Reference | None = None
