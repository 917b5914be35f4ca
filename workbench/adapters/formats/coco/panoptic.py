"""Panoptic COCO: segments of an image, whose pixels bear their id in a PNG beside the file.

An id is R + 256 G + 65536 B. Format: https://cocodataset.org/#format-data (4. Panoptic Segmentation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.coco.categories import Category
from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.arrays import read_map
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.json_files import dicts_in

_KIND = "isthing"


def segments(entry: Mapping[str, Any], path: Path | None, where: str, frame: Frame) -> Iterator[dict[str, Any]]:
    """The segments of an annotation as annotations of their own, with masks where the map is there.

    Args:
        entry: an annotation with ``segments_info``.
        path: of the map, ``None`` where it is missing.
        where: place of the annotation, for messages.
        frame: the image.
    """
    ids = _ids(path, where, frame)
    for given in dicts_in(entry["segments_info"]):
        segment = {key: value for key, value in given.items() if key != "id"}
        mask = None if ids is None or type(given.get("id")) is not int else ids == given["id"]
        if mask is not None and mask.any():
            segment["segmentation"] = {"counts": rle.encode(mask), "size": list(mask.shape)}
        yield segment


def with_kind(segment: dict[str, Any], category: Category | None) -> dict[str, Any]:
    """A segment that says whether its class is of things or of stuff, where the file does."""
    kind = None if category is None else category.facts.attributes.get(_KIND)
    return segment if kind is None else {_KIND: bool(kind), **segment}


def _ids(path: Path | None, where: str, frame: Frame) -> NDArray[np.int64] | None:
    """The id of each pixel, ``None`` where the map cannot be used, which is reported."""
    if path is None:
        frame.problems.count("missing_map", where)
        return None
    pixels = read_map(path, where, frame.problems)
    if pixels is None:
        return None
    if pixels.shape[:2] != (frame.height, frame.width) or pixels.ndim != 3 or pixels.shape[2] < 3:
        message = f"The panoptic map is not RGB of {frame.width} x {frame.height}; boxes loaded without masks."
        frame.problems.add("unreadable_map", where, message)
        return None
    colours = pixels[..., :3].astype(np.int64)
    ids: NDArray[np.int64] = colours[..., 0] + (colours[..., 1] << 8) + (colours[..., 2] << 16)
    return ids
