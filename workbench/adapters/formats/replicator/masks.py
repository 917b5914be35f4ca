"""Instance maps of BasicWriter: masks of objects by prim path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.replicator.shot import Shot
from workbench.adapters.formats.toolkit.arrays import packed, packed_color, read_map
from workbench.adapters.formats.toolkit.json_files import read_object
from workbench.adapters.formats.toolkit.names import class_of
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.core.schema.labels import Attribute

_NO_CLASS = frozenset({"BACKGROUND", "UNLABELLED"})


class InstanceMap:
    """The instance map of a frame, asked by prim path.

    Attributes:
        file: its name.
        classes: class and attributes by prim path, where they are given.
        plain_path: path of a map of numbers, ``None`` for colours.
    """

    def __init__(self, tree: Tree, shot: Shot, header: Header, problems: Problems) -> None:
        self.file = ""
        self.classes: dict[str, tuple[str, dict[str, Attribute]]] = {}
        self.plain_path: Path | None = None
        self._ids: dict[str, list[int]] = {}
        self._pixels: NDArray[np.int64] | None = None
        for annotator in ("instance_segmentation", "instance_id_segmentation"):
            file = shot.file(tree, annotator, "png")
            mapping = shot.file(tree, annotator, "json", "_mapping")
            if file is not None and mapping is not None:
                prims = read_object(tree.path(mapping), mapping, problems) or {}
                self._load(tree, file, prims, header, problems)
                semantics = shot.file(tree, annotator, "json", "_semantics_mapping")
                self._name(prims, {} if semantics is None else read_object(tree.path(semantics), semantics, problems))
                return

    def _load(self, tree: Tree, file: str, prims: dict[str, Any], header: Header, problems: Problems) -> None:
        pixels = read_map(tree.path(file), file, problems)
        if pixels is None:
            return
        if pixels.shape[:2] != (header.height, header.width) or pixels.dtype.kind not in "ui":
            given = f"{pixels.shape[1]} x {pixels.shape[0]} pixels of {pixels.dtype}"
            size = f"{header.width} x {header.height}"
            message = f"The map has {given}, numbers or colours for an image of {size} are needed; map left out."
            problems.add("unreadable_map", file, message)
            return
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        for key, prim in prims.items():
            number = _key(key, channels)
            if number is not None and isinstance(prim, str):
                self._ids.setdefault(prim, []).append(number)
        self.file, self._pixels = file, packed(pixels)
        self.plain_path = tree.path(file) if channels == 1 else None

    def _name(self, prims: dict[str, Any], classes: dict[str, Any] | None) -> None:
        for key, prim in prims.items():
            named = class_of((classes or {}).get(key))
            if self._pixels is not None and isinstance(prim, str) and named is not None and named[0] not in _NO_CLASS:
                self.classes[prim] = named

    def of(self, prim: str) -> tuple[NDArray[np.bool_] | None, int | None]:
        """Mask of the whole image and number of an object, parts below its path included."""
        ids = [i for path, numbers in self._ids.items() if path == prim or path.startswith(f"{prim}/") for i in numbers]
        if self._pixels is None or not ids or not prim:
            return None, None
        single = len(ids) == 1 and self.plain_path is not None
        return np.isin(self._pixels, ids), ids[0] if single else None


def _key(text: str, channels: int) -> int | None:
    """The number of a map's key, ``"7"`` or ``"(35, 198, 233, 255)"``.

    >>> _key("7", 1), _key("(1, 2)", 2), _key("x", 1)
    (7, 258, None)
    """
    numbers = tuple(int(word) for word in re.findall(r"\d{1,10}", text))
    if not numbers or (channels == 1) != (len(numbers) == 1):
        return None
    return numbers[0] if channels == 1 else packed_color(numbers, channels)
