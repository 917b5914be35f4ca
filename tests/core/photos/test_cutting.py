"""Objects out of photos: outlines found in boxes, which labels are fit, and what is left of covered ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.photos import cut_out, outline_of, unfit
from workbench.core.photos.grabcut import segmented
from workbench.core.photos.occlusion import uncovered
from workbench.core.photos.outline import filled, rounded_out
from workbench.core.schema.labels import Label


def photo(rng: np.random.Generator, height: int = 120, width: int = 160) -> np.ndarray:
    """Smooth patches of colour with noise."""
    coarse = rng.integers(60, 200, (4, 5, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return (smooth + rng.normal(0, 4, (height, width, 3))).clip(0, 255).astype(np.uint8)


def ellipse(shape: tuple[int, int], center: tuple[float, float], axes: tuple[float, float], turn: float) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    dx, dy = x - center[0], y - center[1]
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    return (u / axes[0]) ** 2 + (v / axes[1]) ** 2 <= 1.0


def tight(mask: np.ndarray) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def planted(seed: int, contrast: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo with an ellipse of another colour in it, and its mask."""
    rng = np.random.default_rng(seed)
    pixels = photo(rng).astype(np.float32)
    mask = ellipse(
        pixels.shape[:2], tuple(rng.uniform((50, 40), (110, 80))), tuple(rng.uniform(12, 32, 2)), rng.uniform(0, 3)
    )
    colour = rng.normal(size=3)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    pixels += soft * contrast * colour / np.linalg.norm(colour)
    return pixels.clip(0, 255).astype(np.uint8), mask


def test_planted_ellipses_are_cut_out_of_their_boxes() -> None:
    accepted, tried = [], 0
    for seed in range(40):
        for contrast in (25, 60, 110, 180):
            pixels, mask = planted(seed, contrast)
            box = tight(mask)
            cut, confidence = segmented(pixels, box)
            left, top, right, bottom = rounded_out(box)
            true = mask[top:bottom, left:right]
            tried += 1
            if confidence >= 0.8:
                accepted.append((cut & true).sum() / (cut | true).sum())
    assert len(accepted) > 0.4 * tried
    assert np.median(accepted) > 0.93
    assert np.mean(np.array(accepted) > 0.8) > 0.97


def test_a_box_without_an_object_is_not_trusted() -> None:
    sure = [segmented(photo(np.random.default_rng(seed)), (40, 30, 100, 80))[1] >= 0.8 for seed in range(30)]
    assert np.mean(sure) < 0.2


@pytest.mark.parametrize("box", [(0, 0, 160, 120), (0, 0, 3, 3), (157, 117, 160, 120), (20.4, 30.2, 20.9, 30.8)])
def test_any_box_has_a_mask_of_its_size(box: tuple[float, float, float, float]) -> None:
    mask, confidence = segmented(photo(np.random.default_rng(0)), box)
    left, top, right, bottom = rounded_out(box)
    assert mask.shape == (bottom - top, right - left)
    assert 0.0 <= confidence <= 1.0


def test_the_same_box_gives_the_same_outline() -> None:
    pixels, mask = planted(3, 90)
    first, second = segmented(pixels, tight(mask)), segmented(pixels, tight(mask))
    assert np.array_equal(first[0], second[0]) and first[1] == second[1]


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (Label("a", (10, 10, 40, 40)), None),
        (Label("a", (0, 10, 40, 40)), "at the photo's edge"),
        (Label("a", (10, 10, 99.5, 40)), "at the photo's edge"),
        (Label("a", (10, 10, 15, 40)), "too small"),
        (Label("a", (10, 10, 10, 40)), "too small"),
        (Label("a", (2, 2, 98, 98)), "nearly as large as the photo"),
        (Label("a", (10, 10, 40, 40), attributes={"truncated": True}), "hidden in part, or a crowd"),
        (Label("a", (10, 10, 40, 40), attributes={"iscrowd": 1}), "hidden in part, or a crowd"),
        (Label("a", (10, 10, 40, 40), attributes={"truncated": False}), None),
    ],
)
def test_labels_that_cannot_be_cut_out_say_why(label: Label, reason: str | None) -> None:
    assert unfit([label], 100, 100) == [reason]


def test_boxes_among_others_need_an_outline() -> None:
    square = np.array([[10, 10], [40, 10], [40, 40], [10, 40]], float)
    boxes = [Label("a", (10, 10, 40, 40)), Label("b", (20, 10, 50, 40))]
    assert unfit(boxes, 100, 100) == ["among others, without an outline"] * 2
    outlined = [Label("a", (10, 10, 40, 40), polygons=(square,)), boxes[1]]
    assert unfit(outlined, 100, 100) == [None, "among others, without an outline"]


def test_colours_of_the_background_are_gone_from_a_cutout() -> None:
    pixels = np.zeros((60, 60, 3), np.uint8)
    mask = ellipse((60, 60), (30, 30), (15, 10), 0.3)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)[..., None]
    pixels[:] = (200 * soft + 20 * (1 - soft)).astype(np.uint8)
    box = tight(mask)
    left, top, right, bottom = (int(edge) for edge in box)
    label = Label("a", box, mask=mask[top:bottom, left:right])
    made = cut_out(label, pixels, *outline_of(label, pixels))
    assert made.confidence == 1.0
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) > 0
    x, y = made.corner
    height, width = made.pixels.shape[:2]
    assert made.pixels[near[y : y + height, x : x + width]].min() > 170


points = st.lists(st.tuples(st.floats(-5, 30), st.floats(-5, 25)), min_size=3, max_size=8)


@given(points)
@settings(max_examples=60, deadline=None)
def test_outlines_are_filled_by_the_centres_of_pixels(outline: list[tuple[float, float]]) -> None:
    polygon = np.array(outline, float)
    mask = filled([polygon], (2, 1), (20, 15))
    for row in range(0, 15, 2):
        for column in range(0, 20, 3):
            x, y = column + 2.5, row + 1.5
            crossings = [
                x1 + (y - y1) * (x2 - x1) / (y2 - y1)
                for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True)
                if (y1 <= y) != (y2 <= y)
            ]
            if all(abs(crossing - x) > 1e-9 for crossing in crossings):
                assert mask[row, column] == (sum(crossing < x for crossing in crossings) % 2 == 1)


edge = st.floats(0, 24)


@given(edge, edge, edge, edge, st.sampled_from(["box", "mask", "outline"]), st.integers(0, 2**16))
@settings(max_examples=150, deadline=None)
def test_what_is_left_of_a_covered_label_is_exact(
    x1: float, y1: float, x2: float, y2: float, kind: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    left, right, top, bottom = min(x1, x2), max(x1, x2) + 0.5, min(y1, y2), max(y1, y2) + 0.5
    covered = np.zeros((26, 26), np.bool_)
    a, b = sorted(rng.integers(0, 27, 2)), sorted(rng.integers(0, 27, 2))
    covered[a[0] : a[1], b[0] : b[1]] = True
    x0, y0, xe, ye = rounded_out((left, top, right, bottom))
    own = np.zeros((26, 26), np.bool_)
    label = Label("a", (left, top, right, bottom))
    own[y0:ye, x0:xe] = True
    if kind == "mask":
        own[y0:ye, x0:xe] = rng.random((ye - y0, xe - x0)) < 0.6
        label = Label("a", (left, top, right, bottom), mask=own[y0:ye, x0:xe])
    if kind == "outline":
        corners = np.array([[left, top], [right, top], [left, bottom]])
        own[:] = filled([corners], (0, 0), (26, 26))
        label = Label("a", (left, top, right, bottom), polygons=(corners,))
    seen = own & ~covered
    rest, share = uncovered(label, covered)
    if not (own & covered).any():
        assert rest is label and share == 1.0
        return
    assert share == pytest.approx(seen.sum() / own.sum())
    if not seen.any():
        assert rest is None
        return
    assert rest is not None and rest.polygons == ()
    bounds = tight(seen)
    if kind == "box":
        assert rest.mask is None
        assert rest.xyxy == (
            max(bounds[0], left), max(bounds[1], top), min(bounds[2], right), min(bounds[3], bottom)
        )  # fmt: skip
        return
    assert rest.xyxy == bounds and rest.mask is not None
    full = np.zeros_like(seen)
    full[int(bounds[1]) : int(bounds[3]), int(bounds[0]) : int(bounds[2])] = rest.mask
    assert np.array_equal(full, seen)


def test_covered_keypoints_are_hidden() -> None:
    covered = np.zeros((10, 10), np.bool_)
    covered[:5] = True
    keypoints = np.array([[2.0, 2.0, 2.0], [2.0, 8.0, 2.0], [3.0, 3.0, 0.0]])
    rest, _ = uncovered(Label("a", (0, 0, 9, 9), keypoints=keypoints), covered)
    assert rest is not None and rest.keypoints is not None
    assert rest.keypoints[:, 2].tolist() == [1.0, 2.0, 0.0]
