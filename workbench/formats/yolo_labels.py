"""Rows of a YOLO label file, turned into labels; what cannot be used is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.formats.boxes import Frame, hull
from workbench.formats.pictures import Header
from workbench.formats.problems import Problems
from workbench.formats.tree import Tree
from workbench.schema.labels import Label

_BOX_NUMBERS = 4


@dataclass(frozen=True, slots=True)
class Classes:
    """What the numbers of classes mean.

    Attributes:
        names: by number; ``None`` when nothing names them, and the number is the name.
        keypoint_numbers: numbers after the box in each row of a pose data set.
    """

    names: Mapping[int, str] | None
    keypoint_numbers: int

    def name(self, text: str) -> str | None:
        """The name of a class as written (``3`` or ``3.0``), ``None`` when it is not declared."""
        try:
            number = float(text)
        except ValueError:
            return None
        if not number.is_integer() or number < 0:
            return None
        return str(int(number)) if self.names is None else self.names.get(int(number))


def labels_of(tree: Tree, file: str | None, classes: Classes, header: Header, problems: Problems) -> tuple[Label, ...]:
    """The labels of one picture; none without a label file, which means background."""
    if file is None:
        return ()
    frame = Frame(header.width, header.height, problems)
    lines = tree.path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    found = (
        _label(line.split(), classes, f"{file}, line {at}", frame) for at, line in enumerate(lines, 1) if line.strip()
    )
    return tuple(label for label in found if label is not None)


def _label(tokens: list[str], classes: Classes, where: str, frame: Frame) -> Label | None:
    try:
        numbers = [float(token) for token in tokens[1:]]
    except ValueError:
        numbers = []
    is_pose = bool(classes.keypoint_numbers) and len(numbers) == _BOX_NUMBERS + classes.keypoint_numbers
    is_box = len(numbers) == _BOX_NUMBERS or is_pose
    if not is_box and (len(numbers) < _BOX_NUMBERS or len(numbers) % 2):
        message = f"Wanted a class and 4 numbers or pairs of numbers, found '{' '.join(tokens)[:80]}'. Row left out."
        frame.problems.add("broken_annotation", where, message)
        return None
    name = classes.name(tokens[0])
    if name is None:
        declared = f"0 to {max(classes.names, default=0)}" if classes.names else "a number"
        frame.problems.add(
            "unknown_category", where, f"Wanted a class {declared}, found {tokens[0][:40]}. Row left out."
        )
        return None
    if is_pose:
        frame.problems.add(
            "unsupported_annotation", where, "Wanted boxes or outlines, found keypoints too. Keypoints left out."
        )
    return _box(name, numbers, where, frame) if is_box else _outline(name, numbers, where, frame)


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
