"""The annotations of one COCO file in little memory: plain boxes as numbers, all others as packed bytes.

As Python objects, the annotations of 100,000 images take more than a gigabyte; most are nothing but a box.
"""

from __future__ import annotations

import marshal
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.coco.categories import Categories
from workbench.adapters.formats.coco.ids import as_id, is_id
from workbench.adapters.formats.toolkit.boxes import LEAST_PX
from workbench.adapters.formats.toolkit.problems import Problems

_PLAIN = frozenset({"id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation"})
_NOTHING: tuple[Any, ...] = (None, [])
_NO_CROWD = (None, 0)
_NO_BOX = (math.nan,) * 4
_NUMBER = frozenset({int, float})
_CATEGORY = frozenset({int, float, str})
_PLACES = ("bbox", "segmentation", "keypoints", "segments_info", "T_cam_obj")
EDGES_MODE = 0  # Detectron2: 0 is x1, y1, x2, y2, and 1 is COCO's own x, y, width, height


class Annotations:
    """Filled by ``add``, ordered by ``close``, then read image by image.

    Attributes:
        file: name of the file, for messages.
        edges: ``(n, 4)`` left, top, right, bottom of the plain boxes, NaN for others; after ``close`` by image.
        sound: ``(n,)`` whether a plain box has an area and does not begin outside the image.
        declared: the classes of the file.
        categories: ``(n,)`` indices of the category ids in ``category_ids``, of the classes in ``classes``.
        has_places: whether any annotation says where in its image it is.
        maps: paths of the panoptic maps by the names that annotations give; ``None`` where there is none.
    """

    def __init__(self, file: str, declared: Categories, problems: Problems) -> None:
        self.file, self.declared, self._problems = file, declared, problems
        self._boxes, self._at, self._images, self._categories = array("d"), array("i"), array("i"), array("i")
        self._ids = array("q")
        self._texts: dict[int, Any] = {}  # ids of other kinds, by index in the list
        self.has_places = False
        self.maps: dict[str, Path | None] = {}
        self._image_codes: dict[Any, int] = {}
        self._category_codes: dict[Any, int] = {}
        self._other_ids: set[str] = set()
        self._others: dict[int, bytes] = {}  # by index in the list

    def add(self, first: int, entries: Sequence[Any]) -> None:
        """Take annotations, the first of which has this index in the list; their images may come later."""
        images, categories, ids = self._image_codes, self._category_codes, self._ids
        for at, entry in enumerate(entries, first):
            image = as_id(entry.get("image_id")) if isinstance(entry, dict) else None
            if image is None:
                given = entry.get("image_id") if isinstance(entry, dict) else None
                self._problems.add(
                    "broken_annotation", self.where(at), f"No image has the id {given!r:.60}; label left out."
                )
                continue
            given = entry.get("id")
            if type(given) is int and 0 <= given < 1 << 62:  # numbers are compared all at once
                ids.append(given)
            else:
                ids.append(-1)
                if is_id(given):
                    self._take_other_id(given, at)
            box = _plain_box(entry)
            if box is None:
                self._take_other(entry, at)
            else:
                self._categories.append(categories.setdefault(entry["category_id"], len(categories)))
                self._boxes.extend(box)
            self._at.append(at)
            self._images.append(images.setdefault(image, len(images)))
        self.has_places = self.has_places or bool(categories)

    def _take_other(self, entry: Mapping[str, Any], at: int) -> None:
        """Keep an annotation that is more than a box, or less."""
        self._others[at] = marshal.dumps(dict(entry))
        self._categories.append(-1)
        self._boxes.extend(_NO_BOX)
        self.has_places = self.has_places or has_place(entry)
        if isinstance(entry.get("segments_info"), list) and isinstance(entry.get("file_name"), str):
            self.maps[entry["file_name"]] = None

    def _take_other_id(self, given: Any, at: int) -> None:
        """Remember an id that is no small number."""
        if repr(given) in self._other_ids:
            self._problems.count("duplicate_id", self.where(at))
        self._other_ids.add(repr(given))
        self._texts[at] = given

    def where(self, at: int) -> str:
        """Name of an annotation, for messages."""
        return f"{self.file}, annotation {at}"

    def close(self) -> Iterator[tuple[Any, int, int]]:
        """Order everything by image; returns each image id with its rows ``start, stop``."""
        self._name_duplicates()
        self._other_ids = set()
        images = np.frombuffer(self._images, np.int32)
        order = slice(None) if _rises(images) else np.argsort(images, kind="stable")  # mostly no copies are needed
        bounds = np.searchsorted(images[order], np.arange(len(self._image_codes) + 1))
        self.edges: NDArray[np.float64] = np.frombuffer(self._boxes, np.float64).reshape(-1, 4)[order]
        x, y, right, bottom = self.edges.T
        with np.errstate(over="ignore", invalid="ignore"):  # named as nan_box when the label is made
            right += x
            bottom += y
            large = (right - x >= LEAST_PX) & (bottom - y >= LEAST_PX)
        self.sound: NDArray[np.bool_] = np.isfinite(self.edges).all(axis=1) & large & (x >= 0) & (y >= 0)
        self.categories: NDArray[np.int32] = np.frombuffer(self._categories, np.int32)[order]
        self.indices: NDArray[np.int32] = np.frombuffer(self._at, np.int32)[order]
        self._row_ids: NDArray[np.int64] = np.frombuffer(self._ids, np.int64)[order]
        self.category_ids = list(self._category_codes)
        self.classes = [self.declared.of_id(given) for given in self.category_ids]
        ids, self._image_codes = iter(self._image_codes), {}
        self._boxes, self._at, self._images, self._categories = array("d"), array("i"), array("i"), array("i")
        self._ids = array("q")
        return zip(ids, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)

    def _name_duplicates(self) -> None:
        ids, at = np.frombuffer(self._ids, np.int64), np.frombuffer(self._at, np.int32)
        if not _rises(ids, strictly=True):
            order = np.argsort(ids, kind="stable")
            ids = ids[order]
            again = np.flatnonzero((ids[1:] == ids[:-1]) & (ids[1:] >= 0)) + 1
            for index in np.sort(at[order][again]).tolist():
                self._problems.count("duplicate_id", self.where(index))

    def id_of(self, row: int) -> str | None:
        """The id of an annotation as text, ``None`` where it has none."""
        number = int(self._row_ids[row])
        given = number if number >= 0 else self._texts.get(int(self.indices[row]))
        return None if given is None else str(given)

    def map_of(self, entry: Mapping[str, Any]) -> Path | None:
        """Path of the panoptic map of an annotation."""
        name = entry.get("file_name")
        return self.maps.get(name) if isinstance(name, str) else None

    def entry(self, row: int) -> Mapping[str, Any]:
        """An annotation as an object; of a plain one what matters for its label."""
        packed = self._others.get(int(self.indices[row]))
        if packed is not None:
            annotation: dict[str, Any] = marshal.loads(packed)  # noqa: S302 - our own bytes, never written anywhere
            return annotation
        category = self.category_ids[self.categories[row]]
        return {"category_id": category, "bbox": self.edges[row].tolist(), "bbox_mode": EDGES_MODE}

    def rows(self, start: int, stop: int) -> Iterator[tuple[int, tuple[float, float, float, float], bool, int]]:
        """Row, edges, soundness and category of some annotations, as plain numbers."""
        edges, sound = self.edges[start:stop].tolist(), self.sound[start:stop].tolist()
        for row, box, good, code in zip(
            range(start, stop), edges, sound, self.categories[start:stop].tolist(), strict=True
        ):
            yield row, tuple(box), good, code


def _rises(numbers: NDArray[np.integer[Any]], *, strictly: bool = False) -> bool:
    """Whether no number is below the one before, or strictly: whether each is above it."""
    before, after = numbers[:-1], numbers[1:]
    return bool((after > before if strictly else after >= before).all())


def _plain_box(entry: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """The box of an annotation that is nothing else, ``None`` for all others."""
    box = entry.get("bbox")
    if type(box) is not list or len(box) != 4 or not entry.keys() <= _PLAIN:
        return None
    if entry.get("segmentation", None) not in _NOTHING or entry.get("iscrowd", 0) not in _NO_CROWD:
        return None
    if not _NUMBER.issuperset(map(type, box)) or type(entry.get("category_id")) not in _CATEGORY:
        return None
    x, y, width, height = box
    try:
        return float(x), float(y), float(width), float(height)
    except OverflowError:  # whole numbers beyond the range of floats
        return None


def is_empty(value: Any) -> bool:
    """Whether a value says nothing.

    >>> is_empty(None), is_empty([]), is_empty(0), is_empty("a")
    (True, True, False, False)
    """
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def has_place(entry: Mapping[str, Any]) -> bool:
    """Whether an annotation says where in its image it is, or tries to; else it speaks of the whole image.

    >>> has_place({"category_id": 1, "bbox": []}), has_place({"segmentation": [[0, 0, 4, 0, 4, 4]]})
    (False, True)
    """
    return not all(is_empty(entry.get(key)) for key in _PLACES)
