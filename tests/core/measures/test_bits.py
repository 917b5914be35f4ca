"""The same picture has the same measures to the last bit, wherever its planes happen to lie in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from workbench.core.measures.lighting import gradient
from workbench.core.measures.picture import Picture
from workbench.core.measures.registry import measure_all

SIZES = [(37, 53), (97, 128), (256, 341), (512, 511)]


def placed(plane: Any, offset: int) -> Any:
    """A copy that begins so many bytes after the beginning of its memory."""
    memory = np.empty(plane.nbytes + 256, np.uint8)
    copy = memory[offset : offset + plane.nbytes].view(plane.dtype).reshape(plane.shape)
    copy[:] = plane
    return copy


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_gradient_is_the_same_anywhere(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).random(size, np.float32) * 4 - 3
    assert len({gradient(placed(plane, offset)).tobytes() for offset in range(0, 96, 4)}) == 1


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_measures_are_the_same_anywhere(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever OpenCV gets or gives lies somewhere else each time."""
    small = np.random.default_rng(1).integers(0, 255, (size[0] // 4, size[1] // 4, 3), np.uint8)
    rgb = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    offsets = iter(())
    names = ("Sobel", "log", "transform", "LUT", "resize", "blur", "GaussianBlur", "absdiff", "filter2D", "boxFilter")

    def moved(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **options: placed(function(*args, **options), next(offsets))

    for name in names:
        monkeypatch.setattr(cv2, name, moved(getattr(cv2, name)))
    values = []
    for seed in range(6):
        offsets = iter(int(n) * 4 for n in np.random.default_rng(seed).integers(0, 24, 10_000))
        picture = Picture(placed(rgb, 4 * seed))
        values.append(measure_all(picture))
    assert all(each == values[0] for each in values), [
        name for name in values[0] if len({each[name] for each in values}) > 1
    ]
