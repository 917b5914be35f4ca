"""What four numbers of a box mean where nothing says so: read by how the boxes fit in their images.

Rule: a name of the numbers or a word beside them counts (``box_format_word``). Else boxes are COCO's x, y, width,
height in pixels, unless fewer of them reach beyond their images as another format; numbers that all lie within 0..1 are
shares of the image. Whatever is not COCO's by this rule is reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.adapters.formats.toolkit.boxes import Xyxy

Corners = Literal["xywh", "xyxy", "cxcywh"]

SHOWN: Final[dict[Corners, str]] = {
    "xywh": "x, y, width, height",
    "xyxy": "left, top, right, bottom",
    "cxcywh": "centre x, centre y, width, height",
}
_SLACK = 0.02  # shares that were rounded, and boxes drawn a little over the edge
_WORDS: Final[dict[str, tuple[Corners, bool | None]]] = {
    "xywh": ("xywh", None), "coco": ("xywh", False), "xyxy": ("xyxy", None), "ltrb": ("xyxy", None),
    "voc": ("xyxy", False), "pascalvoc": ("xyxy", False), "albumentations": ("xyxy", True),
    "cxcywh": ("cxcywh", None), "xcycwh": ("cxcywh", None), "yolo": ("cxcywh", True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BoxFormat:
    """The meaning of four numbers.

    Attributes:
        corners: their order.
        shares: whether they are shares of width and height; else pixels.
    """

    corners: Corners = "xywh"
    shares: bool = False

    def xyxy(self, numbers: Sequence[float], width: int, height: int) -> Xyxy:
        """Edges in pixels.

        >>> BoxFormat("cxcywh", shares=True).xyxy((0.5, 0.5, 0.2, 0.5), 100, 80)
        (40.0, 20.0, 60.0, 60.0)
        """
        a, b, c, d = numbers
        if self.shares:
            a, b, c, d = a * width, b * height, c * width, d * height
        if self.corners == "xyxy":
            return a, b, c, d
        return (a, b, a + c, b + d) if self.corners == "xywh" else (a - c / 2, b - d / 2, a + c / 2, b + d / 2)

    def __str__(self) -> str:
        return f"{SHOWN[self.corners]} as {'shares of the image' if self.shares else 'pixels'}"


@dataclass(frozen=True, slots=True)
class Sized:
    """Four numbers, and the size of their image in pixels."""

    numbers: Sequence[float]
    width: int
    height: int


def box_format_word(word: str, boxes: Iterable[Sized]) -> BoxFormat | None:
    """The format that a word of the data names, in pixels or shares by the numbers; ``None`` for another word.

    >>> box_format_word("pascal_voc", [])
    BoxFormat(corners='xyxy', shares=False)
    """
    known = _WORDS.get("".join(filter(str.isalpha, word.lower())))
    if known is None:
        return None
    corners, shares = known
    return BoxFormat(corners, _are_shares(list(boxes)) if shares is None else shares)


def box_format_of(boxes: Iterable[Sized]) -> BoxFormat:
    """The format in which the fewest boxes reach beyond their images, COCO's where several do equally well.

    >>> box_format_of([Sized((10, 10, 30, 20), 64, 48)])
    BoxFormat(corners='xywh', shares=False)
    >>> box_format_of([Sized((40, 10, 60, 40), 64, 48)])
    BoxFormat(corners='xyxy', shares=False)
    """
    usable = [box for box in boxes if all(map(math.isfinite, box.numbers))]
    shares = _are_shares(usable)
    formats = [BoxFormat("xywh", shares), BoxFormat("xyxy", shares)]
    formats += [BoxFormat("cxcywh", shares)] if shares else []  # of pixels it is hardly used
    return min(formats, key=lambda form: sum(not _fits(form, box) for box in usable))


def _are_shares(boxes: Sequence[Sized]) -> bool:
    """Whether all numbers lie within 0..1: in pixels no box of them would reach a second pixel."""
    numbers = [number for box in boxes for number in box.numbers if math.isfinite(number)]
    return any(numbers) and all(-_SLACK <= number <= 1 + _SLACK for number in numbers)


def _fits(form: BoxFormat, box: Sized) -> bool:
    left, top, right, bottom = form.xyxy(box.numbers, box.width, box.height)
    x, y = _SLACK * box.width + 1, _SLACK * box.height + 1
    inside = left >= -x and top >= -y and right <= box.width + x and bottom <= box.height + y
    return inside and right > left and bottom > top
