"""Labels and facts in rows of tables, as Hugging Face's ``datasets`` keeps them in Parquet and beside images.

Boxes stand in a column such as ``objects``, as a list of objects or as lists by key, or in columns of their own; a
class of the whole image stands in ``label`` or a like column. Numbers of classes get the names that are declared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.adapters.formats.toolkit.box_format import BoxFormat, Sized, box_format_of, box_format_word
from workbench.adapters.formats.toolkit.boxes import Frame, numbers_of
from workbench.adapters.formats.toolkit.mask_labels import CLASS
from workbench.adapters.formats.toolkit.names import attribute_value, attributes_of
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.base.plurals import counted
from workbench.core.schema.labels import Attribute, Label

Row = Mapping[str, Any]
Names = Mapping[str, Sequence[str]]  # of classes by number, by the path of their column: "label", "objects.category"

_HOLDERS = ("objects", "object", "annotations", "annotation", "detections", "instances", "labels", "boxes", "faces")
_BOXES = ("bbox", "bboxes", "box", "boxes", "bounding_box", "bounding_boxes")
_EDGES = {
    ("xmin", "ymin", "xmax", "ymax"): "xyxy", ("x_min", "y_min", "x_max", "y_max"): "xyxy",
    ("x1", "y1", "x2", "y2"): "xyxy", ("left", "top", "right", "bottom"): "xyxy",
    ("x", "y", "width", "height"): "xywh", ("x", "y", "w", "h"): "xywh",
    ("cx", "cy", "w", "h"): "cxcywh", ("x_center", "y_center", "width", "height"): "cxcywh",
}  # fmt: skip
_FORMATS = ("bbox_format", "box_format", "format", "bbox_mode")
_CLASSES = (
    "category_name", "class_name", "label_name", "category_names", "class_names", "label_names", "names", "name",
    "category", "categories", "label", "labels", "class", "classes", "class_label", "class_labels", "type",
    "category_id", "category_ids", "class_id", "class_ids", "label_id", "label_ids", "id_class",
)  # fmt: skip
_WHOLE = ("label", "labels", "class", "classes", "category", "categories", "class_label", "class_name", "fine_label")
_DERIVED = frozenset(
    {"area", "id", "bbox_id", "image_id", "ids", "areas"}
)  # of an object: said by the box, or a number
_SCORES = ("score", "scores", "confidence", "confidences")
_OUTLINES = ("segmentation", "segmentations", "polygon", "polygons")
ROW_CLOSING: Mapping[Kind, str] = {
    "unnamed_class": "{n} classes given by a number without a name ({first}); read with the number as the name.",
}
_UNLABELLED = -1  # as ``datasets`` has it


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns hold what.

    Attributes:
        holder: the column with objects; ``None`` where boxes stand in columns of the row itself.
        box: one key of four numbers, or four keys; empty without boxes.
        form: what the numbers mean.
        class_key: key of the classes of objects, ``None`` when there is none.
        whole: the column with the class of the whole image.
        flags: columns of 0 and 1, each a class of the whole image.
        names: of classes by number.
    """

    holder: str | None = None
    box: tuple[str, ...] = ()
    form: BoxFormat = field(default_factory=BoxFormat)
    class_key: str | None = None
    whole: str | None = None
    flags: tuple[str, ...] = ()
    names: Names = field(default_factory=dict)

    @property
    def used(self) -> frozenset[str]:
        """Columns that are no facts."""
        own = (*self.box, self.class_key) if self.holder is None else (self.holder,)
        return frozenset(key for key in (*own, self.whole, *self.flags) if key is not None)

    def path(self, key: str) -> str:
        """The path of a key of objects in the features."""
        return f"{self.holder}.{key}" if self.holder else key

    def objects(self, row: Row) -> dict[str, list[Any]]:
        """The values of all objects by key, as lists; empty without any."""
        if not self.box:
            return {}
        return columns_of(row if self.holder is None else row.get(self.holder), self.box)


def columns_of(value: Any, box: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Objects as lists by key, from a list of objects, lists by key, one object, or the JSON text of these.

    >>> columns_of([{"bbox": [1, 2, 3, 4], "label": 0}, {"bbox": [5, 6, 7, 8]}])
    {'bbox': [[1, 2, 3, 4], [5, 6, 7, 8]], 'label': [0, None]}
    >>> columns_of({"bbox": [1, 2, 3, 4], "label": 0}, ["bbox"])
    {'bbox': [[1, 2, 3, 4]], 'label': [0]}
    """
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    if isinstance(value, list):
        dicts = [single for single in value if isinstance(single, dict)]
        keys = dict.fromkeys(key for single in dicts for key in single)
        return {key: [single.get(key) for single in dicts] for key in keys}
    if not isinstance(value, Mapping):
        return {}
    given = value.get(box[0]) if len(box) == 1 else None
    alone = len(box) > 1 and not isinstance(value.get(box[0]), list)
    if alone or (numbers_of(given) is not None and given):
        return {key: [inner] for key, inner in value.items() if inner is not None}
    return {key: inner for key, inner in value.items() if isinstance(inner, list)}


def plan_of(
    rows: Sequence[Row],
    names: Names,
    sizes: Callable[[], Sequence[tuple[int, int] | None]],
    where: str,
    report: Problems,
) -> Plan:
    """Which columns of some rows hold labels, and what the boxes mean; what had to be guessed is reported.

    Args:
        rows: some of a table, a picture in each.
        names: of classes.
        sizes: gives width and height of the image of each row, ``None`` where it is not known.
        where: the table, for problems.
        report: where to report.
    """
    holder, box = _box_columns(rows)
    plan = Plan(holder, box, names=names)
    every = [plan.objects(row) for row in rows]
    class_key = _class_key(every, plan) if box else None
    taken = {class_key, *box} if holder is None else {holder}
    plan = Plan(holder, box, BoxFormat(), class_key, _whole(rows, names, taken, has_boxes=bool(box)), (), names)
    if not box or not any(every):
        return plan
    if class_key is None:
        message = f"Boxes in '{holder or box[0]}' without a column of classes; read as class '{CLASS}'."
        report.add("unnamed_class", where, message)
    return Plan(holder, box, _form(plan, rows, every, sizes(), where, report), class_key, plan.whole, (), names)


def _box_columns(rows: Sequence[Row]) -> tuple[str | None, tuple[str, ...]]:
    """The column with objects, and the keys of their boxes; ``(None, keys)`` for columns of the row itself."""
    keys = dict.fromkeys(key for row in rows for key in row)
    for key in sorted(keys, key=lambda key: _HOLDERS.index(key) if key in _HOLDERS else len(_HOLDERS)):
        box = _box_of(dict.fromkeys(k for row in rows for k in _keys(row.get(key), usual=key in _HOLDERS)))
        if box:
            return key, box
    box = _box_of(keys)
    return None, box if len(box) == 1 and any(_is_boxes(row.get(box[0])) for row in rows) else ()


def _keys(value: Any, *, usual: bool) -> list[str]:
    """The keys of objects; in a column of an unusual name they must be lists."""
    if usual and isinstance(value, Mapping):
        return [str(key) for key in value]
    return list(columns_of(value)) if usual or not isinstance(value, str) else []


def _box_of(keys: Mapping[str, None]) -> tuple[str, ...]:
    single = next((key for key in _BOXES if key in keys), None)
    if single is not None:
        return (single,)
    return next((edges for edges in _EDGES if all(edge in keys for edge in edges)), ())


def _is_boxes(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return len(numbers_of(value) or ()) == 4 or any(len(numbers_of(box) or ()) == 4 for box in value)


def _class_key(every: Sequence[Mapping[str, list[Any]]], plan: Plan) -> str | None:
    """The key with classes: of texts or with declared names, else of numbers."""
    usable = {}
    for key in _CLASSES:
        values = [value for columns in every for value in columns.get(key, ()) if value is not None]
        if key not in plan.box and any(key in columns for columns in every):
            named = any(isinstance(value, str) for value in values) or plan.path(key) in plan.names
            if named or all(type(value) is int for value in values):
                usable[key] = named
    return next((key for key, named in usable.items() if named), next(iter(usable), None))


def _form(
    plan: Plan,
    rows: Sequence[Row],
    every: Sequence[Mapping[str, list[Any]]],
    sizes: Sequence[tuple[int, int] | None],
    where: str,
    report: Problems,
) -> BoxFormat:
    sized = [
        Sized(numbers, *size)
        for columns, size in zip(every, sizes, strict=True)
        for box in _boxes(plan, columns)
        if size is not None and (numbers := numbers_of(box)) is not None and len(numbers) == 4
    ]
    inner = (plan.holder and row.get(plan.holder) for row in rows)
    words = [h.get(key) for row, own in zip(rows, inner, strict=True) for h in (own, row) if isinstance(h, Mapping)
             for key in _FORMATS]  # fmt: skip
    word = _EDGES[plan.box] if len(plan.box) == 4 else next((word for word in words if isinstance(word, str)), "")
    given = box_format_word(word, sized) if word else None
    if given is not None:
        return given
    guessed = box_format_of(sized)
    if guessed != BoxFormat():
        fit = "as x, y, width, height in pixels they do not fit in their images"
        report.add("box_format", where, f"Nothing says what the numbers of boxes mean, and {fit}; read as {guessed}.")
    return guessed


def _boxes(plan: Plan, columns: Mapping[str, list[Any]]) -> list[Any]:
    if len(plan.box) == 1:
        return columns.get(plan.box[0]) or []
    edges = [columns.get(key) or [] for key in plan.box]
    return [list(box) for box in zip(*edges, strict=False)] if all(edges) else []


def _whole(rows: Sequence[Row], names: Names, taken: set[Any], *, has_boxes: bool) -> str | None:
    """The column with the class of the whole image."""
    keys = dict.fromkeys(key for row in rows for key in row)
    for key in _WHOLE:
        values = [row.get(key) for row in rows if row.get(key) is not None]
        if key in keys and key not in taken and (key in names or (values and all(map(_is_class, values)))):
            return key
    declared = [key for key in names if key in keys and key not in taken]
    return declared[0] if len(declared) == 1 and not has_boxes else None


def _is_class(value: Any) -> bool:
    if isinstance(value, list):
        return all(type(single) in (str, int) for single in value)
    return type(value) in (str, int)


class RowReader:
    """Labels, class and facts of the rows of one table; what is wrong is reported, repeated causes by ``close_rows``.

    Args:
        plan: the columns.
        problems: where to report.
    """

    def __init__(self, plan: Plan, problems: Problems) -> None:
        self.plan, self._problems = plan, problems

    def labels(self, row: Row, frame: Frame, where: str) -> Iterator[Label]:
        """The labels of the objects of a row."""
        plan, columns = self.plan, self.plan.objects(row)
        boxes = _boxes(plan, columns)
        classes: list[Any] = [CLASS] * len(boxes) if plan.class_key is None else columns.get(plan.class_key) or []
        n = min(len(boxes), len(classes))
        if len(boxes) != len(classes):
            text = f"{counted(len(boxes), 'box', 'boxes')} and {counted(len(classes), 'class', 'classes')}"
            rest = counted(max(len(boxes), len(classes)) - n, "label")
            message = (
                f"The row has {text} ('{plan.box[0]}', '{plan.class_key}'); {rest} without its other half left out."
            )
            self._problems.add("broken_annotation", where, message)
        for at in range(n):
            label = self._label(boxes[at], classes[at], columns, len(boxes), at, frame, where)
            if label is not None:
                yield label

    def _label(
        self, box: Any, given: Any, columns: Mapping[str, list[Any]], n: int, at: int, frame: Frame, where: str
    ) -> Label | None:
        place, plan = f"{where}, object {at}", self.plan
        name = self._class_name(given, plan.path(plan.class_key or ""), place)
        numbers = numbers_of(box)
        if numbers is None or len(numbers) != 4:
            message = f"The box is not 4 numbers ({box!r:.60}); label left out."
            self._problems.add("broken_annotation", place, message)
            return None
        if name is None:
            return None
        xyxy = frame.box(plan.form.xyxy(numbers, frame.width, frame.height), place)
        if xyxy is None:
            return None
        own = {key: values[at] for key, values in columns.items() if len(values) == n and key not in plan.box}
        if plan.holder is None:  # columns of the row are facts of the image
            own = {key: value for key, value in own.items() if key in (*_SCORES, *_OUTLINES)}
        score = next((own[key] for key in _SCORES if type(own.get(key)) in (int, float)), None)
        outlines: list[Any] = next((own[key] for key in _OUTLINES if isinstance(own.get(key), list)), [])
        flat = [outline for outline in outlines if numbers_of(outline)]
        polygons = (frame.polygon(outline, place) for outline in flat)
        rest = {key: self._named(key, value) for key, value in own.items() if key != "iscrowd" or value}
        known = frozenset({*_DERIVED, *_SCORES, *_FORMATS, *(_OUTLINES if flat else ()), plan.class_key or ""})
        return Label(
            name,
            xyxy,
            polygons=tuple(polygon for polygon in polygons if polygon is not None),
            attributes=attributes_of(rest, known=known),
            confidence=float(score) if score is not None and math.isfinite(score) else None,
        )

    def classes(self, row: Row, where: str) -> list[str]:
        """The classes of the whole image."""
        plan = self.plan
        flagged = [key.strip() for key in plan.flags if row.get(key) in (1, True)]
        value = row.get(plan.whole) if plan.whole else None
        values = value if isinstance(value, list) else [value]
        named = [
            name
            for given in values
            if given not in (None, "", _UNLABELLED) and (name := self._class_name(given, plan.whole or "", where))
        ]
        return list(dict.fromkeys([*flagged, *named]))

    def facts(self, row: Row, known: frozenset[str]) -> dict[str, Attribute]:
        """All that is no label, with the names of declared classes."""
        rest = {key: self._named(key, value, path=key) for key, value in row.items() if key not in self.plan.used}
        return attributes_of(rest, known=known)

    def _named(self, key: str, value: Any, *, path: str | None = None) -> Any:
        names = self.plan.names.get(self.plan.path(key) if path is None else path)
        if names is None or type(value) is not int:
            return value
        return names[value] if 0 <= value < len(names) else None if value == _UNLABELLED else value

    def _class_name(self, given: Any, path: str, where: str) -> str | None:
        """The class that a value names; the reason for none is reported."""
        names = self.plan.names.get(path)
        if isinstance(given, str) and given.strip():
            return given
        if type(given) is int and names is not None and 0 <= given < len(names):
            return names[given]
        if type(given) is int and names is not None:
            message = f"No class has the number {given} ('{path}' declares {len(names):,}); label left out."
            self._problems.add("unknown_category", where, message)
            return None
        if type(given) is int:
            self._problems.count("unnamed_class", where)
            return str(given)
        message = f"The class is neither a name nor a number ({given!r:.60}); label left out."
        self._problems.add("broken_annotation", where, message)
        return None


def close_rows(problems: Problems, where: str) -> None:
    """Report what was counted in rows."""
    for kind, message in ROW_CLOSING.items():
        problems.close(kind, message, where=where)


def kept_class(classes: Sequence[str], attributes: dict[str, Attribute], where: str, problems: Problems) -> str | None:
    """The class of a whole image; of several the first, all become the attribute ``classes``, which is reported.

    >>> facts, problems = {}, Problems()
    >>> kept_class(["wet", "red"], facts, "a.jpg", problems), facts
    ('wet', {'classes': '["wet","red"]'})
    """
    if len(classes) > 1:
        attributes["classes"] = str(attribute_value(list(classes)))
        rest = f"kept '{classes[0]:.60}' as its class, all in the attribute 'classes'"
        problems.add("several_classes", where, f"The image has {len(classes)} classes; {rest}.")
    return classes[0] if classes else None
