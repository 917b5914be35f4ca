"""Objects on photos: where they lie, what covers what, and what their pixels become."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest

from workbench.core.photos import (
    Cutout,
    Ground,
    Move,
    Placed,
    cut_out,
    outline_of,
    pasted,
    placed,
    seen_labels,
    visible,
)
from workbench.core.photos.surround import LIGHT_OF_GREY, Surround, Whole, contrast_power, gains
from workbench.core.schema.labels import Label, Labels

PLAIN = {
    "paste.x": 0.5, "paste.y": 0.5, "paste.scale": 1.0, "paste.rotation": 0.0, "paste.mirror": False,
    "paste.order": None, "paste.overlap": 1.0, "paste.match": 0.0, "paste.feather_px": 0.0, "paste.shadow": 0.0,
}  # fmt: skip


def constants(n: int, **each: list[Any]) -> dict[str, Any]:
    """Values of ``n`` objects; others than the plain ones by name."""
    return {path: each.get(path.removeprefix("paste."), [value] * n) for path, value in PLAIN.items()}


def cutout(rng: np.random.Generator, *, name: str = "a", size: tuple[int, int] = (80, 60)) -> tuple[Cutout, np.ndarray]:
    """An object of a random mask out of a photo of noise, and its mask in the photo."""
    width, height = size
    pixels = rng.integers(0, 255, (height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.bool_)
    w, h = rng.integers(9, 25, 2)
    left, top = rng.integers(2, width - w - 2), rng.integers(2, height - h - 2)
    mask[top : top + h, left : left + w] = cv2.blur(rng.random((h, w)), (5, 5)) < 0.52
    mask[top + h // 2, left : left + w] = True
    mask[top : top + h, left + w // 2] = True
    label = Label(name, (left, top, left + w, top + h), mask=mask[top : top + h, left : left + w])
    return cut_out(label, pixels, *outline_of(label, pixels)), mask


def over_picture(move: Move, corner: tuple[int, int], mask: np.ndarray) -> np.ndarray:
    """The pixels of the picture whose centres come from pixels of a photo's mask, one by one."""
    inverse = np.linalg.inv(np.vstack([move.matrix, [0, 0, 1]]))
    full = np.zeros((move.height, move.width), np.bool_)
    for row in range(move.height):
        for column in range(move.width):
            x, y, _ = inverse @ (column + 0.5, row + 0.5, 1.0)
            x, y = int(np.floor(x)) + corner[0], int(np.floor(y)) + corner[1]
            full[row, column] = 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0] and mask[y, x]
    return full


def whole(label: Label, shape: tuple[int, int]) -> np.ndarray:
    full = np.zeros(shape, np.bool_)
    left, top, right, bottom = map(int, label.xyxy)
    full[top:bottom, left:right] = label.mask
    return full


def tight(mask: np.ndarray) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


@pytest.mark.parametrize("seed", range(25))
def test_labels_are_what_is_seen_pixel_by_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height, n = 70, 50, int(rng.integers(1, 5))
    own, own_masks = [], []
    for _ in range(3):
        mask = np.zeros((height, width), np.bool_)
        x, y = rng.integers(0, width - 12), rng.integers(0, height - 12)
        mask[y : y + 12, x : x + 12] = rng.random((12, 12)) < 0.8
        left, top, right, bottom = map(int, tight(mask))
        own.append(Label("own", tight(mask), mask=mask[top:bottom, left:right]))
        own_masks.append(mask)
    objects = [cutout(rng) for _ in range(n)]
    cutouts = [each for each, _ in objects]
    values = constants(
        n,
        x=rng.random(n).tolist(), y=rng.random(n).tolist(), scale=rng.uniform(0.5, 2, n).tolist(),
        rotation=rng.uniform(-180, 180, n).tolist(), mirror=(rng.random(n) < 0.5).tolist(),
        order=rng.normal(size=n).tolist() if seed % 2 else [None] * n,
    )  # fmt: skip
    move = Move(np.eye(2, 3), width, height)
    ground = seen_labels(own, move, 0.0)
    pieces = placed(cutouts, values, Ground(move, width, height, Labels.of(own)))
    seen_own, seen_objects = visible(pieces, ground, (height, width))
    by_index = {piece.index: piece for piece in pieces}
    silhouettes = [over_picture(by_index[i].move, objects[i][0].corner, objects[i][1]) for i in range(n)]
    lowest = [tight(mask)[3] if mask.any() else 0 for mask in silhouettes]
    key = [(values["paste.order"][i] or 0.0, lowest[i], i) for i in range(n)]
    for i in range(n):
        above = [silhouettes[j] for j in range(n) if key[j] > key[i]]
        _check(seen_objects[i], silhouettes[i] & ~np.any([*above, np.zeros((height, width))], axis=0))
    cover = np.any([*silhouettes, np.zeros((height, width), np.bool_)], axis=0)
    for pair, mask in zip(seen_own, own_masks, strict=True):
        _check(pair, mask & ~cover)
        assert pair[1] == pytest.approx((mask & ~cover).sum() / mask.sum())


def _check(seen: tuple[Label | None, float], expected: np.ndarray) -> None:
    label, share = seen
    if not expected.any():
        assert label is None and share == 0.0
        return
    assert label is not None and label.xyxy == tight(expected)
    assert np.array_equal(whole(label, expected.shape), expected)


def test_objects_stand_before_what_is_higher_in_the_picture() -> None:
    rng = np.random.default_rng(1)
    far, near = cutout(rng)[0], cutout(rng)[0]
    ground = Ground(Move(np.eye(2, 3), 80, 60), 80, 60, Labels())
    values = constants(2, y=[0.6, 0.3])
    assert [piece.index for piece in placed([near, far], values, ground)] == [1, 0]
    assert [piece.index for piece in placed([near, far], values | {"paste.order": [0.0, 1.0]}, ground)] == [0, 1]


def test_objects_move_aside_where_they_would_cover_too_much() -> None:
    rng = np.random.default_rng(2)
    objects = [cutout(rng)[0] for _ in range(4)]
    ground = Ground(Move(np.eye(2, 3), 300, 60), 80, 60, Labels.of([Label("own", (140.0, 20.0, 160.0, 45.0))]))
    for allowed in (0.0, 0.2):
        pieces = placed(objects, constants(4, overlap=[allowed] * 4), ground)
        boxes = np.array([(140.0, 20.0, 160.0, 45.0), *(piece.label.xyxy for piece in pieces if piece.label)])
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0.0))
                assert shared <= (allowed + 0.03) * min(np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2]))
        assert len({piece.move.matrix[1, 2] for piece in pieces}) == len({piece.cutout.label.xyxy for piece in pieces})


def test_an_object_moved_by_whole_pixels_keeps_its_pixels_and_leaves_the_rest_alone() -> None:
    rng = np.random.default_rng(3)
    made, mask = cutout(rng)
    light = rng.uniform(0, 1, (60, 80, 3)).astype(np.float32)
    left, top, right, bottom = tight(mask)
    values = constants(1, x=[((left + right) / 2 + 7) / 80], y=[((top + bottom) / 2 - 2) / 60])
    ground = Ground(Move(np.eye(2, 3), 80, 60), 80, 60, Labels())
    result = pasted(light, placed([made], values, ground), Labels(), values, lambda _: rng)
    moved = np.roll(mask, (-2, 7), axis=(0, 1))
    assert np.array_equal(result[~moved], light[~moved])
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
    x0, y0 = made.corner
    rows, columns = np.nonzero(inner)
    assert np.allclose(result[rows - 2, columns + 7], LIGHT_OF_GREY[made.pixels[rows - y0, columns - x0]], atol=1e-5)


@pytest.mark.parametrize("look", [{"feather_px": [2.0]}, {"shadow": [1.0]}, {"match": [1.0]}, {"scale": [2.5]}])
def test_what_is_far_from_objects_stays(look: dict[str, list[float]]) -> None:
    rng = np.random.default_rng(4)
    made, _ = cutout(rng)
    light = rng.uniform(0.2, 1, (200, 300, 3)).astype(np.float32)
    values = constants(1, **look)
    ground = Ground(Move(np.eye(2, 3), 300, 200), 80, 60, Labels())
    pieces = placed([made], values, ground)
    result = pasted(light, pieces, Labels(), values, lambda _: rng)
    assert pieces[0].label is not None
    left, top, right, bottom = map(int, pieces[0].label.xyxy)
    tall = bottom - top
    near = np.zeros((200, 300), np.bool_)
    near[max(top - 9 - tall // 2, 0) : bottom + 9 + tall // 2, max(left - 9 - tall // 2, 0) : right + 9 + tall // 2] = (
        True
    )
    assert np.array_equal(result[~near], light[~near]) and not np.array_equal(result, light)
    if "shadow" in look:
        below = np.zeros_like(near)
        below[bottom : bottom + max(1, tall // 20), (left + right) // 2] = True
        assert (result[below] < light[below]).all()


def surround(near: float, whole_mean: float, kin: float | None = None) -> Surround:
    own = None if kin is None else (kin, kin, kin)
    return Surround((near,) * 3, Whole((whole_mean,) * 3, 1.0, 0.01), own)


def test_light_follows_objects_of_the_class_before_what_lies_around() -> None:
    dark, bright = surround(0.1, 0.1, 0.1), surround(0.4, 0.4, 0.4)
    assert gains(bright, dark, 1.0) == pytest.approx([4.0] * 3)
    assert gains(bright, dark, 0.5) == pytest.approx([2.0] * 3)
    assert gains(dataclasses.replace(bright, kin=None), dark, 1.0) == pytest.approx([2.0] * 3)  # less is sure: 1 stop
    assert gains(dataclasses.replace(bright, kin=(0.1,) * 3), dark, 1.0) == pytest.approx([1.0] * 3)
    assert contrast_power(Whole((0.1,) * 3, 2.0, 0.0), Whole((0.1,) * 3, 2.0, 0.0), 1.0) == 1.0


def test_noise_is_that_of_the_picture() -> None:
    rng = np.random.default_rng(5)
    smooth = np.full((60, 80, 3), 120, np.uint8)
    label = Label("a", (20.0, 15.0, 60.0, 45.0), mask=np.ones((30, 40), np.bool_))
    made = cut_out(label, smooth, *outline_of(label, smooth))
    light = (np.sqrt(0.2) + rng.normal(0, 0.03, (120, 160, 3))).astype(np.float32) ** 2
    values = constants(1, match=[1.0])
    pieces: list[Placed] = placed([made], values, Ground(Move(np.eye(2, 3), 160, 120), 80, 60, Labels()))
    result = pasted(light, pieces, Labels(), values, np.random.default_rng)
    assert pieces[0].label is not None
    left, top, right, bottom = map(int, pieces[0].label.xyxy)
    inside = np.sqrt(result[top + 4 : bottom - 4, left + 4 : right - 4])
    assert 0.02 < inside.std(axis=(0, 1)).mean() < 0.04
