"""Folders of rows as Ultralytics writes them with ``save_txt``: one file per image, all numbers shares of its size.

After the class stand the numbers of a box, an outline, an oriented box or a pose; then a confidence with
``save_conf``, then an id while tracking::

    class x y width height            [confidence] [id]
    class x1 y1 x2 y2 x3 y3 ...       [confidence] [id]     outlines; an oriented box has 4 points
    class x y width height keypoints  [confidence] [id]     only where a data.yaml declares kpt_shape

How many numbers there are tells most of it: points come in pairs, so an odd number at the end is the confidence. Two
cases are alike by count alone. (1) A last whole number of 2 or more is an id, because shares and confidences end at
1. Rows with and without a confidence are never mixed by one run, so one such row decides for all of its parity.
(2) Six numbers are a box with confidence and id when the last is a whole number of 1 or more, else three points;
where longer rows show outlines and no id of 2 or more is there, they are three points.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.boxes import Xyxy, hull
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.text_files import lines_of
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.adapters.formats.yolo import layout
from workbench.adapters.predictions.confidence import confidence_of
from workbench.adapters.predictions.prediction import Prediction, Results
from workbench.adapters.predictions.reference import Reference, read_reference
from workbench.base.errors import InputError, WorkbenchError

_BOX = 4
_LEAST_POSE = 13  # a box and three keypoints of three numbers


@dataclass(frozen=True, slots=True)
class _Row:
    image: str
    text: str
    where: str
    number: int
    values: tuple[float, ...]  # after the class


@dataclass(frozen=True, slots=True)
class _Ends:
    """How the rows of a folder end.

    Attributes:
        ids: by parity of the count of numbers, whether some row ends in an id of 2 or more.
        outlines: whether some row is longer than a box with confidence and id.
    """

    ids: tuple[bool, bool]
    outlines: bool


def read(path: Path, problems: Problems, *, keypoint_numbers: int = 0) -> Results:
    """The predictions of a folder; a file without rows says that its image has none."""
    tree = Tree(path)
    own = _own(tree)
    keypoint_numbers = keypoint_numbers or (own.keypoint_numbers if own else 0)
    files = [file for file in tree.files if layout.is_row_file(file)]
    if not files:
        fix = "Give a COCO results file (.json), or the folder with the YOLO label files that the model wrote."
        raise InputError("There are no YOLO label files (.txt) in this folder.", at=str(path), fix=fix)
    rows = [row for file in files for row in _rows(tree, file, problems)]
    if not keypoint_numbers:
        _refuse_poses(rows, path)
    ends = _ends(rows, keypoint_numbers)
    made = (_prediction(row, ends, keypoint_numbers, problems) for row in rows)
    predictions = [prediction for prediction in made if prediction is not None]
    return Results("yolo", predictions, [(_image(file), True) for file in files], own)


def _image(file: str) -> str:
    """Path of the image without suffix, as the file names it."""
    return file[: -len(".txt")]


def _own(tree: Tree) -> Reference | None:
    """What a ``data.yaml`` or a class file among the rows says; ``args.yaml`` and others say nothing."""
    for file in sorted(tree.files, key=lambda file: file.count("/")):
        name = file.rpartition("/")[2].lower()
        if layout.is_class_file(name) or name.endswith((".yaml", ".yml")):
            try:
                reference = read_reference(tree.path(file))
            except (WorkbenchError, OSError, KeyError, TypeError):
                continue
            if reference.classes:
                return reference
    return None


def _rows(tree: Tree, file: str, problems: Problems) -> Iterator[_Row]:
    for at, line in enumerate(lines_of(tree.path(file), file, problems), 1):
        tokens, where = line.split(), f"{file}, line {at}"
        if not tokens:
            continue
        try:
            number, *values = map(float, tokens)
            if number < 0 or not number.is_integer() or len(values) < _BOX or not all(map(math.isfinite, values)):
                raise ValueError
        except (ValueError, OverflowError):
            _leave_out(" ".join(tokens), where, problems)
            continue
        yield _Row(_image(file), " ".join(tokens), where, int(number), tuple(values))


def _leave_out(text: str, where: str, problems: Problems) -> None:
    message = f"The row '{text[:80]}' is not class, x, y, width, height and confidence; prediction left out."
    problems.add("broken_annotation", where, message)


def _ends(rows: list[_Row], keypoint_numbers: int) -> _Ends:
    ids = [False, False]
    for row in rows:
        n = len(row.values)
        if n > _BOX + keypoint_numbers and _is_whole(row.values[-1]) and row.values[-1] > 1:
            ids[(n - keypoint_numbers) % 2] = True
    return _Ends((ids[0], ids[1]), any(len(row.values) > _BOX + 3 for row in rows))


def _is_whole(value: float) -> bool:
    return value >= 1 and value.is_integer()


def _parts(row: _Row, ends: _Ends, keypoint_numbers: int) -> tuple[tuple[float, ...], float | None]:
    """The numbers of the shape, and the confidence."""
    values, shape = row.values, _BOX + keypoint_numbers
    n = len(values) - keypoint_numbers
    tracked = ends.ids[n % 2] and _is_whole(values[-1])
    if keypoint_numbers or n <= _BOX + 1:
        if len(values) == shape + 1:
            return values[:shape], None if tracked else values[-1]
        return values[:shape], values[shape] if len(values) == shape + 2 else None
    if n == _BOX + 2 and _is_whole(values[-1]) and (tracked or not ends.outlines):
        return values[:_BOX], values[_BOX]
    if n % 2:  # pairs, and one number more
        return values[:-1], None if tracked else values[-1]
    return (values[:-2], values[-2]) if tracked else (values, None)


def _prediction(row: _Row, ends: _Ends, keypoint_numbers: int, problems: Problems) -> Prediction | None:
    values, given = _parts(row, ends, keypoint_numbers)
    fits = _BOX + keypoint_numbers <= len(row.values) <= _BOX + keypoint_numbers + 2
    box = _box(values) if len(values) == _BOX + keypoint_numbers else None
    outline: tuple[NDArray[np.float64], ...] = ()
    if not keypoint_numbers and len(values) > _BOX:
        outline = (np.reshape(values, (-1, 2)),)
        left, top, right, bottom = hull(outline)
        box = (left, top, right, bottom) if right > left and bottom > top else None
    if box is None or (keypoint_numbers and not fits):
        _leave_out(row.text, row.where, problems)
        return None
    confidence = confidence_of(given, row.where)
    return Prediction(row.image, row.number, box, confidence, row.where, shares=True, named=True, polygons=outline)


def _box(values: tuple[float, ...]) -> Xyxy | None:
    x, y, width, height = values[:_BOX]
    if width <= 0 or height <= 0:
        return None
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _refuse_poses(rows: list[_Row], path: Path) -> None:
    """Refuse rows that are as well a box with keypoints as an outline: outlines of one run differ in length."""
    lengths: Mapping[int, int] = Counter(len(row.values) for row in rows)
    if len(rows) < 2 or len(lengths) > 1 or next(iter(lengths)) < _LEAST_POSE or not all(map(_like_pose, rows)):
        return
    problem = f"The rows of {next(iter(lengths))} numbers may be outlines, or boxes with keypoints."
    fix = "Pass annotations= (--annotations): the data.yaml that the model was given, with kpt_shape for keypoints."
    raise InputError(problem, at=str(path), fix=fix)


def _like_pose(row: _Row) -> bool:
    """Whether the first four numbers are a box in the image that the rest may lie in."""
    box = _box(row.values)
    if box is None or min(box) < -0.01 or max(box) > 1.01:
        return False
    near_x, near_y = (box[2] - box[0]) / 4, (box[3] - box[1]) / 4
    for step in (2, 3):
        n = (len(row.values) - _BOX) // step
        points = np.reshape(row.values[_BOX : _BOX + n * step], (n, step))
        seen = points[points[:, 2] >= 0.5] if step == 3 else points[points.any(axis=1)]
        inside_x = (seen[:, 0] >= box[0] - near_x) & (seen[:, 0] <= box[2] + near_x)
        inside_y = (seen[:, 1] >= box[1] - near_y) & (seen[:, 1] <= box[3] + near_y)
        if len(seen) and (inside_x & inside_y).all():
            return True
    return False
