"""Rows of a KITTI label file, turned into labels; what cannot be used is reported."""

from __future__ import annotations

import ast
import csv
import math
from dataclasses import dataclass

import numpy as np

from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.names import class_of
from workbench.adapters.formats.toolkit.partial_labels import PartialLabel, label_of
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import Floats, rigid
from workbench.adapters.formats.toolkit.text_files import lines_of
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.core.schema.labels import Attribute, Camera, Label, Labels

_COLUMNS = 15  # results have one more, the score
_NO_OBJECT = "dontcare"
_HIDDEN_UNKNOWN = 3
_UNKNOWN_BELOW = -9.5  # -10 for angles, -1000 for positions
_CLASS_CHARS = 1000


@dataclass(frozen=True, slots=True)
class _Row:
    """One row with its columns by name; ``position`` is the bottom centre in the rectified camera 0."""

    kind: str
    truncated: float
    occluded: float
    alpha: float
    edges: tuple[float, float, float, float]
    height_width_length: tuple[float, float, float]
    position: tuple[float, float, float]
    rotation_y: float
    score: float | None

    @property
    def only_2d(self) -> bool:
        """Whether all is zero that a writer of 2D boxes does not know."""
        return not any((self.truncated, self.alpha, *self.height_width_length, *self.position, self.rotation_y))

    @property
    def only_3d(self) -> bool:
        """Whether the place of the 2D box is filled with one number that stands for none: 0, -1, -10, -1000."""
        return len(set(self.edges)) == 1 and self.edges[0] <= 0


def is_row(line: str) -> bool:
    """Whether a line of text has the columns of KITTI.

    >>> is_row("Car 0 0 0 1 2 3 4 0 0 0 0 0 0 0"), is_row("0 .5 .5 .1 .1")
    (True, False)
    """
    return _row(_cells(line)) is not None


def is_plain_class(name: str) -> bool:
    """Whether a class can stand in a row as it is.

    >>> is_plain_class("Car"), is_plain_class("hex nut"), is_plain_class("7"), is_plain_class("DontCare")
    (True, False, False, False)
    """
    quoted = name.startswith("{") or '"' in name or any(char.isspace() for char in name)
    return not quoted and name.lower() != _NO_OBJECT and not _is_number(name) and name.isprintable()


def labels_of(
    tree: Tree, file: str | None, T_cam_rect: Floats, camera: Camera | None, header: Header, problems: Problems
) -> Labels:
    """The labels of one image; ``DontCare`` regions are counted, not loaded.

    A row without a 2D box has that of its 3D box as the camera sees it.
    """
    if file is None:
        return Labels()
    frame = Frame(header.width, header.height, problems)
    labels: list[Label] = []
    for at, line in enumerate(lines_of(tree.path(file), file, problems), 1):
        if not line.strip():
            continue
        where, row = f"{file}, line {at}", _row(_cells(line))
        if row is None:
            message = f"The row '{line.strip()[:80]}' is not a class with 14 or 15 numbers; label left out."
            problems.add("broken_annotation", where, message)
        elif row.kind.lower() == _NO_OBJECT:
            problems.count("not_an_object", where)
        else:
            label = _label(row, T_cam_rect, camera, where, frame)
            labels += [label] if label is not None else []
    return Labels.of(labels)


def _cells(line: str) -> list[str]:
    """The cells of a row; a quoted class may hold spaces."""
    try:
        return next(csv.reader([line.strip().replace("\t", " ")], delimiter=" ", skipinitialspace=True), [])
    except csv.Error:
        return []


def _row(cells: list[str]) -> _Row | None:
    cells = [cell for cell in cells if cell]
    if len(cells) not in (_COLUMNS, _COLUMNS + 1) or _is_number(cells[0]):
        return None
    try:
        n = [float(cell) for cell in cells[1:]]
    except ValueError:
        return None
    score = n[14] if len(n) == _COLUMNS else None
    return _Row(
        cells[0], n[0], n[1], n[2], (n[3], n[4], n[5], n[6]), (n[7], n[8], n[9]), (n[10], n[11], n[12]), n[13], score
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label(row: _Row, T_cam_rect: Floats, camera: Camera | None, where: str, frame: Frame) -> Label | None:
    named = _class(row.kind)
    if named is None:
        message = f"{row.kind[:60]!r} holds no class name; label left out."
        frame.problems.add("broken_annotation", where, message)
        return None
    pose, size_m = _pose(row, T_cam_rect, where, frame.problems)
    part = PartialLabel(
        where=where,
        name=named[0],
        xyxy=None if row.only_3d and pose is not None else row.edges,
        attributes={**named[1], **_attributes(row)},
        confidence=row.score if row.score is not None and math.isfinite(row.score) else None,
        T_cam_obj=pose,
        size_m=size_m,
    )
    return label_of(part, camera, frame)


def _class(text: str) -> tuple[str, dict[str, Attribute]] | None:
    """Name and further semantic labels; Replicator writes ``{'class': 'car', 'colour': 'red'}``."""
    if not text.startswith("{"):
        return text, {}
    try:
        content = ast.literal_eval(text) if len(text) <= _CLASS_CHARS else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return class_of(content)


def _attributes(row: _Row) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    if 0 <= row.occluded < _HIDDEN_UNKNOWN:
        attributes["occluded"] = int(row.occluded)
    if row.only_2d:
        return attributes
    if 0 <= row.truncated <= 1:
        attributes["truncated"] = row.truncated
    if _UNKNOWN_BELOW < row.alpha < math.inf:
        attributes["alpha"] = row.alpha
    return attributes


def _pose(
    row: _Row, T_cam_rect: Floats, where: str, problems: Problems
) -> tuple[Floats | None, tuple[float, float, float] | None]:
    """Pose of the box's centre, its own axes being length (forward), height (down) and width."""
    height, width, length = row.height_width_length
    unknown = max(row.height_width_length) <= 0 or min(row.position) <= -1000 or row.rotation_y <= _UNKNOWN_BELOW
    if row.only_2d or unknown:
        return None, None
    values = (*row.height_width_length, *row.position, row.rotation_y)
    if not all(map(math.isfinite, values)) or min(row.height_width_length) <= 0:
        message = f"The 3D box has no extent or a value that is not finite {values}; 3D box left out."
        problems.add("broken_annotation", where, message)
        return None, None
    c, s = math.cos(row.rotation_y), math.sin(row.rotation_y)
    turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    x, y, z = row.position
    return T_cam_rect @ rigid(turn, (x, y - height / 2, z)), (length, height, width)
