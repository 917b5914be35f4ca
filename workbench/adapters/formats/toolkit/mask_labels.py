"""Labels of a mask that has no list of objects: one per value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.arrays import box_of, cut_out, packed
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.headers import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.core.schema.labels import Label, Labels

CLASS = "object"  # a mask has no class
_MOST_OBJECTS = 1000  # more values in a mask are no instances


def mask_labels(pixels: NDArray[Any], header: Header, where: str, problems: Problems) -> Labels:
    """One label per value of a mask other than 0 and black; a mask of two values is one object.

    A mask of another size than its image, or of too many values, is left out; the reason is reported.
    """
    if pixels.shape[:2] != (header.height, header.width) or pixels.dtype.kind not in "uib":
        given = f"{pixels.shape[1]} x {pixels.shape[0]} pixels of {pixels.dtype}"
        size = f"{header.width} x {header.height}"
        message = f"The mask has {given}, whole numbers for an image of {size} are needed; mask left out."
        problems.add("unreadable_map", where, message)
        return Labels()
    is_gray = pixels.ndim == 2
    numbers = packed(pixels if is_gray or pixels.shape[2] < 3 else pixels[..., :3])  # alpha is no instance
    values = [int(value) for value in np.unique(numbers) if value]
    if len(values) > _MOST_OBJECTS:
        message = f"The mask has {len(values):,} different values, too many to be one per object; mask left out."
        problems.add("unreadable_map", where, message)
        return Labels()
    frame = Frame(header.width, header.height, problems)
    labels = []
    for value in values:
        mask = numbers == value
        box = box_of(mask)
        xyxy = None if box is None else frame.box(box, f"{where}, value {value}")
        if xyxy is not None:
            number = value if is_gray and len(values) > 1 else None
            labels.append(Label(CLASS, xyxy, mask=cut_out(mask, xyxy), instance_id=number))
    return Labels.of(labels)
