"""Contact sheets of a scenario's first frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.preview import preview
from workbench.base.errors import OutputError
from workbench.base.files import write_bytes
from workbench.core.scenario import Scenario
from workbench.core.scenario.parameter import RENDERED

Rgb8 = NDArray[np.uint8]
GAP_PX, TITLE_PX = 4, 18
QUALITY = 80


def sheet(
    scenario: Scenario | str | Path | Mapping[str, Any],
    n: int = 8,
    *,
    columns: int = 4,
    width_px: int = 240,
    backend: str = "open3d",
    boxes: bool = True,
    executor: Executor | None = None,
) -> Rgb8:
    """The first ``n`` frames of a scenario as one RGB image; arguments and errors as ``preview``."""
    made = Scenario.load(scenario)
    pictures = preview(made, n, width_px=width_px, backend=backend, boxes=boxes, executor=executor)
    return titled(tiled(pictures, columns), f"{made.name}, {backend if made.content in RENDERED else made.content}")


def save_sheet(path: Path, picture: Rgb8) -> None:
    """Write a sheet as PNG or JPEG, by the ending of its name.

    Raises:
        OutputError: the place refuses, or the ending is another one.
    """
    suffix = path.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise OutputError(f"'{path.name}' does not end with .png or .jpg.", at=str(path))
    settings = [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    done, data = cv2.imencode(suffix, picture[..., ::-1], settings)
    assert done, "RGB of 8 bits fits both"
    write_bytes(path, bytes(data))


def tiled(pictures: Sequence[Rgb8], columns: int) -> Rgb8:
    """Images side by side, row by row, on white; each at its own size in cells of the largest.

    >>> tiled([np.zeros((10, 20, 3), np.uint8)] * 3, 2).shape
    (28, 48, 3)
    """
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    rows = -(-len(pictures) // columns)
    page = np.full((rows * (height + GAP_PX), columns * (width + GAP_PX), 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + GAP_PX), i % columns * (width + GAP_PX)
        page[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return page


def titled(picture: Rgb8, title: str) -> Rgb8:
    """The image with a line of text above."""
    bar = np.full((TITLE_PX, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, title, (2, TITLE_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])
