"""Rows of a YOLO label file, turned into labels; what cannot be used is reported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.adapters.formats.toolkit.boxes import Frame, hull
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.text_files import lines_of
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.core.schema.labels import Label, Labels

_BOX_NUMBERS = 4

_CORNER_NUMBERS = 8
HEADERS = re.compile(r"\s*(imagesource|gsd):", re.IGNORECASE)  # first lines of DOTA


@dataclass(frozen=True, slots=True)
class Classes:
    """What the numbers of classes mean.

    Attributes:
        names: by number; ``None`` when nothing names them, and the number is the name.
        keypoint_shape: number of keypoints in each row of a pose data set, and of numbers for each (2 or 3).
        keypoint_names: names of keypoints by class number.
    """

    names: Mapping[int, str] | None
    keypoint_shape: tuple[int, int] = (0, 0)
    keypoint_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def keypoint_numbers(self) -> int:
        """Numbers after the box in each row."""
        return self.keypoint_shape[0] * self.keypoint_shape[1]

    def name(self, text: str) -> str | None:
        """The name of a class as written (``3`` or ``3.0``), ``None`` when it is not declared."""
        try:
            number = float(text)
        except ValueError:
            return None
        if not number.is_integer() or number < 0:
            return None
        return str(int(number)) if self.names is None else self.names.get(int(number))


def labels_of(tree: Tree, file: str, classes: Classes, header: Header, problems: Problems) -> Labels:
    """The labels of one label file of an image."""
    frame = Frame(header.width, header.height, problems)
    lines = lines_of(tree.path(file), file, problems)
    labels = (
        _label(line.split(), classes, f"{file}, line {at}", frame)
        for at, line in enumerate(lines, 1)
        if line.strip() and not HEADERS.match(line)
    )
    return Labels.of(label for label in labels if label is not None)


def _label(tokens: list[str], classes: Classes, where: str, frame: Frame) -> Label | None:
    if has_corners(tokens):
        return _corners(tokens, where, frame)
    try:
        numbers = [float(token) for token in tokens[1:]]
    except ValueError:
        numbers = []
    is_pose = bool(classes.keypoint_numbers) and len(numbers) == _BOX_NUMBERS + classes.keypoint_numbers
    is_box = len(numbers) == _BOX_NUMBERS or is_pose
    if not is_box and (len(numbers) < _BOX_NUMBERS or len(numbers) % 2):
        row = " ".join(tokens)[:80]
        message = f"The row '{row}' is neither a class with 4 numbers nor one with an outline; label left out."
        frame.problems.add("broken_annotation", where, message)
        return None
    name = classes.name(tokens[0])
    if name is None:
        declared = f"declared are 0 to {max(classes.names)}" if classes.names else "it must be a number from 0"
        message = f"Class '{tokens[0]:.40}' is unknown, {declared}; label left out."
        frame.problems.add("unknown_category", where, message)
        return None
    if not is_box:
        return _outline(name, numbers, where, frame)
    label = _box(name, numbers, where, frame)
    return _posed(label, classes, int(float(tokens[0])), numbers, where, frame) if label and is_pose else label


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def has_corners(tokens: Sequence[str]) -> bool:
    """Whether a row is one of DOTA: four corners in pixels, the class by name, and maybe whether it is difficult.

    >>> has_corners("1 1 9 1 9 9 1 9 nut 0".split()), has_corners("0 .1 .1 .9 .1 .9 .9 .1 .9".split())
    (True, False)
    """
    if len(tokens) not in (_CORNER_NUMBERS + 1, _CORNER_NUMBERS + 2) or _is_number(tokens[_CORNER_NUMBERS]):
        return False
    return all(map(_is_number, tokens[:_CORNER_NUMBERS]))


def _corners(tokens: list[str], where: str, frame: Frame) -> Label | None:
    """The label of a row of DOTA."""
    points = frame.polygon([float(token) for token in tokens[:_CORNER_NUMBERS]], where)
    xyxy = None if points is None else frame.box(hull([points]), where)
    if xyxy is None or points is None:
        return None
    difficult = tokens[_CORNER_NUMBERS + 1 :] not in ([], ["0"])
    return Label(tokens[_CORNER_NUMBERS], xyxy, (points,), attributes={"difficult": True} if difficult else {})


def _posed(label: Label, classes: Classes, number: int, numbers: list[float], where: str, frame: Frame) -> Label:
    """The label with its keypoints; where visibility is not given, every point but 0, 0 is visible."""
    points = np.array(numbers[_BOX_NUMBERS:]).reshape(classes.keypoint_shape)
    seen = points[:, 2] if points.shape[1] == 3 else np.where(points.any(axis=1), 2.0, 0.0)
    if not np.isfinite(points).all() or not np.isin(seen, (0, 1, 2)).all():
        message = "The keypoints are not finite numbers with a visibility of 0, 1 or 2; keypoints left out."
        frame.problems.add("broken_annotation", where, message)
        return label
    keypoints = np.column_stack([points[:, :2] * (frame.width, frame.height), seen])
    names = classes.keypoint_names.get(number, ())
    return replace(label, keypoints=keypoints, keypoint_names=names if len(names) == len(keypoints) else ())


def _box(name: str, numbers: list[float], where: str, frame: Frame) -> Label | None:
    x, y, w, h = numbers[:_BOX_NUMBERS]
    width, height = frame.width, frame.height
    edges = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
    xyxy = frame.box(edges, where)
    return None if xyxy is None else Label(name, xyxy)


def _outline(name: str, numbers: list[float], where: str, frame: Frame) -> Label | None:
    pixels = np.asarray(numbers).reshape(-1, 2) * (frame.width, frame.height)
    points = frame.polygon(pixels.ravel().tolist(), where)
    xyxy = None if points is None else frame.box(hull([points]), where)
    return None if xyxy is None or points is None else Label(name, xyxy, (points,))
