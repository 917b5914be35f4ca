"""Cut-out objects put on a photo: where they come to lie, what of them is seen, and their light on it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.core.photos.cutout import Cutout
from workbench.core.photos.grabcut import Mask
from workbench.core.photos.light import denoised
from workbench.core.photos.move import Move, moved_label, moved_light
from workbench.core.photos.occlusion import uncovered
from workbench.core.photos.outline import rounded_out
from workbench.core.photos.surround import LIGHT_OF_GREY, Surround, contrast_power, gains, kin_of, near_of, whole_of
from workbench.core.schema.labels import Label, Labels
from workbench.core.sensor.color import LUMINANCE

Light = NDArray[np.float32]
Boxes = NDArray[np.float64]
RngOf = Callable[[int], np.random.Generator]
Seen = tuple[Label | None, float]
ASIDE = 24  # places that are tried, across the picture, for an object that would cover too much
GOLDEN = (math.sqrt(5) - 1) / 2  # steps of which no two places of a few are near each other
LEAST_NOISE = 5e-4  # standard deviation on the square root of light, below any that 8 bits show
NOISIER = 1.5  # from which on the object's noise is removed
SHADOW = 0.75  # of the light that the darkest shadow takes
PLACE = ("paste.x", "paste.y", "paste.scale", "paste.rotation", "paste.mirror", "paste.overlap")
LOOK = ("paste.match", "paste.feather_px", "paste.shadow")
_WEIGHTS = LUMINANCE.astype(np.float32)[None, :]


@dataclass(frozen=True, eq=False)
class Ground:
    """The photo that objects are put on.

    Attributes:
        move: from the photo to the picture.
        width, height: of the photo, pixels.
        labels: of the picture.
    """

    move: Move
    width: int
    height: int
    labels: Labels


@dataclass(frozen=True, eq=False)
class Placed:
    """An object in the picture.

    Attributes:
        cutout: the object.
        move: from the patch to the picture.
        label: of all of it that is in the picture, with its mask; ``None`` when nothing is.
        share: of it that is in the picture.
        index: number among the objects of the frame.
    """

    cutout: Cutout
    move: Move
    label: Label | None
    share: float
    index: int


def placed(cutouts: Sequence[Cutout], values: Mapping[str, Any], ground: Ground) -> list[Placed]:
    """The objects in the picture, the hindmost first.

    They cover no more of the photo's own objects and of each other than they may, where there is room.

    Args:
        cutouts: one for each object of the frame.
        values: constants of the frame.
        ground: the photo that they are put on.
    """
    boxes = list(ground.labels.xyxy)
    pieces = []
    for i, cutout in enumerate(cutouts):
        own = {path: values[path][i] for path in PLACE}
        move = _aside(cutout, own, ground, np.array(boxes).reshape(-1, 4))
        label, share = moved_label(cutout.label, move)
        if label is not None:
            label = _tight(label)
            boxes.append(np.array(label.xyxy))
        pieces.append(Placed(cutout, move, label, share, i))
    orders = values["paste.order"]
    return sorted(pieces, key=lambda piece: (_front(piece, orders[piece.index]), piece.index))


def _front(piece: Placed, order: float | None) -> tuple[float, float]:
    return (0.0 if order is None else order, 0.0 if piece.label is None else piece.label.xyxy[3])


def _tight(label: Label) -> Label:
    """The label with the tight box of its mask."""
    assert label.mask is not None
    left, top, _, _ = rounded_out(label.xyxy)
    rows, columns = np.flatnonzero(label.mask.any(axis=1)), np.flatnonzero(label.mask.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = (float(left + x0), float(top + y0), float(left + x1), float(top + y1))
    return dataclasses.replace(label, xyxy=box, mask=label.mask[y0:y1, x0:x1])


def _aside(cutout: Cutout, own: Mapping[str, Any], ground: Ground, boxes: Boxes) -> Move:
    """The move of an object; to another place at the same height where it would cover too much.

    Of the places tried it is the first that is free enough, else the one that covers least.
    """
    best, least = move_of_object(cutout, own, ground), math.inf
    for step in range(ASIDE):
        x = own["paste.x"] if step == 0 else (own["paste.x"] + step * GOLDEN) % 1.0
        move = move_of_object(cutout, {**own, "paste.x": x}, ground)
        overlap = _overlap(move, cutout, boxes)
        if overlap < least:
            best, least = move, overlap
        if overlap <= own["paste.overlap"]:
            break
    return best


def _overlap(move: Move, cutout: Cutout, boxes: Boxes) -> float:
    """The largest share that the object and one of the boxes have in common, of the smaller one."""
    if len(boxes) == 0:
        return 0.0
    left, top, right, bottom = cutout.label.xyxy
    corners = move.points(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
    size = (move.width, move.height)
    low, high = corners.min(axis=0).clip(0, size), corners.max(axis=0).clip(0, size)
    sides = np.minimum(boxes[:, 2:], high) - np.maximum(boxes[:, :2], low)
    shared = np.prod(np.maximum(sides, 0.0), axis=1)
    smaller = np.minimum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), np.prod(high - low))
    return float((shared / np.maximum(smaller, 1e-9)).max())


def move_of_object(cutout: Cutout, own: Mapping[str, Any], ground: Ground) -> Move:
    """From the patch of an object to the picture, for its own values.

    Its size is that in its own photo, as a share of it, zoomed as the photo is that it is put on.
    """
    left, top, right, bottom = cutout.label.xyxy
    zoom = math.sqrt(abs(np.linalg.det(ground.move.matrix[:, :2])))
    factor = own["paste.scale"] * zoom * max(ground.width, ground.height) / cutout.photo_px
    angle = math.radians(own["paste.rotation"])
    cos, sin = (math.cos(angle), math.sin(angle)) if angle else (1.0, 0.0)
    linear = factor * np.array([[cos, -sin], [sin, cos]])
    if own["paste.mirror"]:
        linear = linear @ np.diag([-1.0, 1.0])
    width, height = ground.move.width, ground.move.height
    if own["paste.y"] is not None:
        y = own["paste.y"] * height
    else:
        at = np.array([[0.5 * ground.width, cutout.centre[1] * ground.height]])
        y = float(ground.move.points(at)[0, 1].clip(0, height))
    target = np.array([own["paste.x"] * width, y])
    offset = target - linear @ np.array([(left + right) / 2, (top + bottom) / 2])
    return Move(np.column_stack([linear, offset]), width, height)


def visible(
    pieces: Sequence[Placed], ground: Sequence[tuple[Label, float]], shape: tuple[int, int]
) -> tuple[list[Seen], list[Seen]]:
    """What is seen of the photo's own labels, and of the objects in the frame's order, each with its visible share.

    Args:
        pieces: the hindmost first.
        ground: labels of the photo, in the picture, each with the share of it that is there.
        shape: height and width of the picture.
    """
    covered = np.zeros(shape, np.bool_)
    objects: dict[int, Seen] = {}
    for piece in reversed(pieces):
        objects[piece.index] = (None, 0.0)
        if piece.label is not None:
            label, seen = uncovered(piece.label, covered)
            objects[piece.index] = label, seen * piece.share
            _cover(covered, piece.label)
    own: list[Seen] = []
    for label, share in ground:
        left, seen = uncovered(label, covered)
        own.append((left, seen * share))
    return own, [objects[i] for i in sorted(objects)]


def _cover(covered: Mask, label: Label) -> None:
    assert label.mask is not None
    left, top, right, bottom = (int(edge) for edge in label.xyxy)
    covered[top:bottom, left:right] |= label.mask


def pasted(light: Light, pieces: Sequence[Placed], labels: Labels, values: Mapping[str, Any], rng_of: RngOf) -> Light:
    """The light ``(H, W, 3)`` of the picture with the objects on it; the given one is left alone.

    Args:
        light: of the photo, moved.
        pieces: the hindmost first.
        labels: of the photo, in the picture: objects of the same class tell the light best.
        values: constants of the frame.
        rng_of: generator of the noise of an object, by its number.
    """
    light = light.copy()
    here = whole_of(light)
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    for name, box in zip(labels.names, labels.boxes(), strict=True):
        boxes.setdefault(name, []).append(box)
    kin = {name: kin_of(light, own) for name, own in boxes.items()}
    for piece in pieces:
        if piece.label is not None:
            own = {path: values[path][piece.index] for path in LOOK}
            left, top, right, bottom = (int(edge) for edge in piece.label.xyxy)
            surround = Surround(near_of(light, (left, top, right, bottom)), here, kin.get(piece.label.name))
            _paste(light, piece, piece.label, own, surround, rng_of(piece.index))
    return light


def _paste(
    light: Light, piece: Placed, label: Label, own: Mapping[str, Any], here: Surround, rng: np.random.Generator
) -> None:
    height, width = light.shape[:2]
    left, top, right, bottom = (int(edge) for edge in label.xyxy)
    tall = bottom - top
    margin = math.ceil(3 * own["paste.feather_px"]) + 2 + (math.ceil(0.35 * tall) if own["paste.shadow"] else 0)
    x0, y0, x1, y1 = (
        max(left - margin, 0),
        max(top - margin, 0),
        min(right + margin, width),
        min(bottom + margin, height),
    )
    matrix = piece.move.matrix.copy()
    matrix[:, 2] -= (x0, y0)
    move = Move(matrix, x1 - x0, y1 - y0)
    alpha = moved_light(_full_mask(piece.cutout), move, empty_beyond=True).clip(0.0, 1.0)
    if own["paste.feather_px"] > 0:
        alpha = cv2.GaussianBlur(alpha, (0, 0), own["paste.feather_px"], borderType=cv2.BORDER_REPLICATE)
    patch = moved_light(np.asarray(cv2.LUT(piece.cutout.pixels, LIGHT_OF_GREY), np.float32), move)
    patch = _matched(patch, alpha, piece, here, own["paste.match"], rng)
    window = light[y0:y1, x0:x1]
    if own["paste.shadow"] > 0:
        window *= 1.0 - _shadow(alpha, tall, own["paste.shadow"])[..., None]
    window += alpha[..., None] * (patch - window)


def _full_mask(cutout: Cutout) -> Light:
    full = np.zeros(cutout.pixels.shape[:2], np.float32)
    left, top, right, bottom = (int(edge) for edge in cutout.label.xyxy)
    full[top:bottom, left:right] = cutout.label.mask
    return full


def _matched(
    patch: Light, alpha: Light, piece: Placed, here: Surround, match: float, rng: np.random.Generator
) -> Light:
    """The light of an object as if it had been where it is put: brightness, colour, contrast, noise."""
    there = piece.cutout.surround
    if match <= 0.0:
        return patch
    gain = gains(here, there, match)
    weights = alpha.ravel() / max(float(alpha.sum()), 1e-6)
    stops = np.log2(np.maximum(cv2.transform(patch, _WEIGHTS), 1e-3))
    middle = np.float32(2.0 ** float(stops.ravel() @ weights))
    patch = patch * gain
    power = contrast_power(here.whole, there.whole, match)
    if power != 1.0:
        level = middle * np.float32(gain @ LUMINANCE)
        stretch = np.maximum(cv2.transform(patch, _WEIGHTS) / level, 1e-4) ** np.float32(power - 1.0)
        patch = patch * stretch[..., None]
    bright = float(np.quantile(cv2.transform(patch, _WEIGHTS)[alpha > 0.5], 0.95)) if (alpha > 0.5).any() else 0.0
    bright_there = bright / float(gain @ LUMINANCE)
    if bright > max(1.0, bright_there):  # no more light than a camera would have let pass
        patch = patch * np.float32(max(1.0, bright_there) / bright)
    return _with_noise(np.asarray(patch, np.float32), piece, here.whole.noise, float(gain @ LUMINANCE), match, rng)


def _with_noise(
    patch: Light, piece: Placed, wanted: float, gain: float, match: float, rng: np.random.Generator
) -> Light:
    """An object with the noise of the picture: more of it where it is cleaner, less where it is noisier."""
    factor = math.sqrt(abs(np.linalg.det(piece.move.matrix[:, :2])))
    own = piece.cutout.surround.whole.noise * min(1.0, factor) * math.sqrt(max(gain, 1e-6))
    if own > NOISIER * wanted:
        return denoised(patch, match * (1.0 - wanted / own))
    missing = math.sqrt(max(wanted**2 - own**2, 0.0)) * match
    if missing < LEAST_NOISE:
        return patch
    noise = rng.standard_normal(patch.shape, dtype=np.float32)
    root = np.sqrt(np.maximum(patch, 0.0)) + np.float32(missing) * noise
    return np.asarray(np.maximum(root, 0.0) ** 2, np.float32)


def _shadow(alpha: Light, tall: int, strength: float) -> Light:
    """Share of light that an object takes from where it stands: its lower part, moved down and made soft."""
    height, width = alpha.shape
    down = np.array([[1, 0, 0], [0, 1, 0.06 * tall]], np.float64)
    moved = cv2.warpAffine(alpha, down, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    foot = rows[-1] if len(rows) else height
    ramp = np.clip((np.arange(height) - (foot - 0.5 * tall)) / max(0.5 * tall, 1.0), 0.0, 1.0).astype(np.float32)
    soft = cv2.GaussianBlur(moved * ramp[:, None], (0, 0), max(0.5, 0.06 * tall))
    return np.asarray(np.float32(SHADOW * strength) * soft.clip(0.0, 1.0), np.float32)
