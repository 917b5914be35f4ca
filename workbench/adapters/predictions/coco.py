"""COCO results, with ``bbox`` or ``segmentation``, and what Ultralytics writes with ``save_json``.

Formats: https://cocodataset.org/#format-results; Ultralytics adds ``file_name`` and gives stems as ``image_id``.
A mask without a box has the box of its pixels, as ``pycocotools`` makes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.arrays import box_of
from workbench.adapters.formats.toolkit.boxes import Xyxy, hull, numbers_of
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.predictions.confidence import confidence_of
from workbench.adapters.predictions.prediction import Prediction, Results
from workbench.adapters.predictions.reference import Reference


def read(entries: list[Any], path: Path, problems: Problems, *, own: Reference | None = None) -> Results:
    """The predictions of a list of results."""
    predictions: list[Prediction] = []
    images: list[tuple[Any, bool]] = []
    for at, entry in enumerate(entries):
        where = f"{path.name}, result {at}"
        if not isinstance(entry, dict):
            problems.add("broken_annotation", where, f"This is no result ({entry!r:.60}); prediction left out.")
            continue
        image, named = _image(entry)
        if image is None or isinstance(image, (bool, list, dict)):
            problems.add("missing_image", where, f"No image has the id {image!r:.60}; prediction left out.")
            continue
        images.append((image, named))
        if (prediction := _prediction(entry, image, named, where, problems)) is not None:
            predictions.append(prediction)
    return Results("coco", predictions, images, own)


def _image(entry: Mapping[str, Any]) -> tuple[Any, bool]:
    """The image, and whether it is the name of a file."""
    name = entry.get("file_name")
    return (name, True) if isinstance(name, str) and name.strip() else (entry.get("image_id"), False)


def _prediction(entry: Mapping[str, Any], image: Any, named: bool, where: str, problems: Problems) -> Prediction | None:
    try:
        confidence = confidence_of(entry.get("score"), where)
        polygons, runs, size = _segmentation(entry.get("segmentation"))
    except ValueError as cause:
        problems.add("broken_annotation", where, f"{str(cause)[0].upper()}{str(cause)[1:]}; prediction left out.")
        return None
    given = entry.get("bbox")
    made = given is None or given == []
    box = _box_of(polygons, runs, size) if made else _box(given)
    if box is None:
        message = f"bbox is not [x, y, width, height] with an area ({given!r:.60}); prediction left out."
        problems.add("broken_annotation", where, message)
        return None
    number = entry.get("category_id")
    if number is None or isinstance(number, (bool, list, dict)):
        problems.add("unknown_category", where, f"No class has the id {number!r:.60}; prediction left out.")
        return None
    return Prediction(
        image, number, box, confidence, where, named=named, polygons=polygons, runs=runs, size=size, box_of_mask=made
    )


def _box(given: Any) -> Xyxy | None:
    box = numbers_of(given)
    if box is None or len(box) != 4 or not all(map(math.isfinite, box)) or box[2] <= 0 or box[3] <= 0:
        return None
    x, y, width, height = box
    return x, y, x + width, y + height


def _segmentation(given: Any) -> tuple[tuple[NDArray[np.float64], ...], list[int] | None, tuple[int, int]]:
    """Outlines, or the runs of a mask with its height and width; nothing where nothing is given.

    Raises:
        ValueError: it is broken.
    """
    if given is None or given == []:
        return (), None, (0, 0)
    if isinstance(given, dict):
        size, counts = numbers_of(given.get("size")), given.get("counts")
        if size is None or len(size) != 2 or not all(0 < side < 1 << 16 and side.is_integer() for side in size):
            raise ValueError(f"the mask has no size [height, width] ({given.get('size')!r:.60})")
        runs = rle.unpack(counts) if isinstance(counts, str) else counts
        if not isinstance(runs, list) or any(type(run) is not int or run < 0 for run in runs):
            raise ValueError(f"the counts of the mask are not whole numbers ({counts!r:.60})")
        height, width = int(size[0]), int(size[1])
        if sum(runs) != height * width:
            raise ValueError(f"the counts of the mask do not fill {width} x {height} pixels")
        return (), runs, (height, width)
    outlines = [given] if numbers_of(given) else given
    polygons = []
    for outline in outlines if isinstance(outlines, list) else [None]:
        numbers = numbers_of(outline)
        if numbers is None or len(numbers) % 2 or len(numbers) < 6 or not all(map(math.isfinite, numbers)):
            raise ValueError(f"the outline is not a list of 3 or more points ({outline!r:.60})")
        polygons.append(np.reshape(np.asarray(numbers, float), (-1, 2)))
    return tuple(polygons), None, (0, 0)


def _box_of(polygons: tuple[NDArray[np.float64], ...], runs: list[int] | None, size: tuple[int, int]) -> Xyxy | None:
    if runs is not None:
        return box_of(rle.decode(runs, *size))
    if not polygons:
        return None
    left, top, right, bottom = hull(polygons)
    return (left, top, right, bottom) if right > left and bottom > top else None
