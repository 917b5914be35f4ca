"""The labels of one image in several files as one list: boxes in one, outlines, keypoints or corners in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.boxes import shown_box
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.core.metrics import overlap
from workbench.core.metrics.matching import greedy_pairs
from workbench.core.schema.labels import Label

_SAME_IOU = 0.5  # from which boxes of one class in two files are one object
_EQUAL_IOU = 0.9  # from which they say the same: outlines end between pixels
_CONFLICT: Final = "annotation_conflict"
CLOSING: Mapping[Kind, str] = {_CONFLICT: "{n} labels in one file of an image and not in another ({first}); loaded."}
_MERGED = tuple(field.name for field in fields(Label) if field.name not in ("name", "xyxy", "attributes"))


def merged(files: Sequence[tuple[str, Sequence[Label]]], problems: Problems) -> list[Label]:
    """Each object once, with what all files say of it; what contradicts an earlier file is reported.

    Within one file all labels are different objects.

    Args:
        files: name of each file and its labels.
        problems: where contradictions are reported, and objects that only a later file has; these are loaded.
    """
    whole = list(files[0][1]) if files else []
    for (file, labels), (earlier, _) in zip(files[1:], files, strict=False):
        pairs = _pairs(whole, labels)
        twins = {at: k for k, at in pairs}
        for at, label in enumerate(labels):
            where = f"{file}, label {at}"
            if at in twins:
                whole[twins[at]] = _joined(whole[twins[at]], label, where, earlier, problems)
                continue
            if (other := _of_another_class(label, whole, {k for k, _ in pairs})) is not None:
                message = f"The label is '{label.name:.60}' here and '{other.name:.60}' in {earlier}; loaded as two."
                problems.add(_CONFLICT, where, message)
            else:
                problems.count(_CONFLICT, where)
            whole.append(label)
    return whole


def _pairs(first: Sequence[Label], second: Sequence[Label]) -> list[tuple[int, int]]:
    """Labels of the same class that overlap most."""
    edges = [np.array([label.xyxy for label in side], np.float64).reshape(-1, 4) for side in (first, second)]
    names = np.array([label.name for label in second], dtype=object)

    def scores(at: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        shares = overlap.iou(edges[0][at], edges[1][rows])[0]
        return np.where((shares >= _SAME_IOU) & (names[rows] == first[at].name), shares, -np.inf)

    own, others = ([(label.name, label.xyxy) for label in side] for side in (first, second))
    return greedy_pairs(own, others, scores)


def _of_another_class(label: Label, others: Sequence[Label], taken: set[int]) -> Label | None:
    """A label in the same place that is of another class."""
    free = [other for k, other in enumerate(others) if k not in taken and other.name != label.name]
    shares = overlap.iou(np.array(label.xyxy), np.array([other.xyxy for other in free]).reshape(-1, 4))[0]
    return free[int(shares.argmax())] if shares.max(initial=0.0) >= _EQUAL_IOU else None


def _joined(first: Label, second: Label, where: str, earlier: str, problems: Problems) -> Label:
    """Both as one: what the first has none of comes from the second."""
    if overlap.iou(np.array(first.xyxy), np.array(second.xyxy))[0, 0] < _EQUAL_IOU:
        here, there = shown_box(second.xyxy), shown_box(first.xyxy)
        problems.add(_CONFLICT, where, f"The box is xyxy {here} here and {there} in {earlier}; the latter is kept.")
    values: dict[str, Any] = {}
    for name in _MERGED:
        before, after = getattr(first, name), getattr(second, name)
        if not _is_given(before) and _is_given(after):
            values[name] = after
    attributes = dict(first.attributes)
    for key, value in second.attributes.items():
        if attributes.setdefault(key, value) != value:
            message = f"'{key:.60}' is {value!r:.60} here and {attributes[key]!r:.60} in {earlier}; the latter is kept."
            problems.add(_CONFLICT, where, message)
    return replace(first, attributes=attributes, **values)


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, tuple) and not value)
