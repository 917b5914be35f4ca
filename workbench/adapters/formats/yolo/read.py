"""YOLO in the dialects of Ultralytics: ``data.yaml``, or ``images`` and ``labels`` folders without one.

A label file has one row per object, all numbers as shares of the image's width and height:
``class x_centre y_centre width height`` or ``class x1 y1 x2 y2 x3 y3 ...`` for an outline. An image
without a label file is background. Rows of pose data sets go on with keypoints; oriented boxes (OBB) are outlines of
four points. Format: https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import most_protected, split_of_path
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.same_objects import CLOSING, merged
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, plain_parts
from workbench.adapters.formats.yolo.labels import Classes, labels_of
from workbench.adapters.formats.yolo.layout import (
    Layout,
    has_rows,
    label_files,
    listed_splits,
    name_strays,
    named_classes,
    pictures_of_list,
)
from workbench.base import yaml_text
from workbench.base.errors import InputError
from workbench.core.schema.labels import Labels, Record

name = "yolo"
looks_for = "a .yaml with 'names' and 'train' or 'val', or label files with rows of numbers beside images"
single_files = True

_SPLIT_KEYS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_TRIED = 20
_MOST_KEYPOINTS = 10_000
_YAML_LIMIT_BYTES = 1 << 18  # ten times the names of LVIS


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    split: str | None
    label_files: tuple[str, ...]


def _layout(source: Source) -> Layout:
    tree = source.tree
    return Layout(_yaml_files(tree) if source.file is None else [source.file], label_files(tree))


def detect(source: Source) -> Found | None:
    """Look for a data.yaml, or for label files beside images."""
    if source.file is not None:
        is_yaml = source.file.lower().endswith((".yaml", ".yml"))
        fits = is_yaml and _looks_like(_yaml(source.path, shown=source.file))
        return Found(0.9, f"{source.file} names classes and splits", partial(read, source)) if fits else None
    layout = _layout(source)
    tried = [files[0] for files in layout.label_files.values()][:_TRIED]
    if layout.yaml_files:
        return Found(0.9, f"{layout.yaml_files[0]} names classes and splits", partial(_records, source, layout))
    if any(has_rows(source.tree, file) for file in tried):
        return Found(0.8, f"{tried[0]} has rows of numbers and belongs to an image", partial(_records, source, layout))
    return None


def _looks_like(content: Any) -> bool:
    if not isinstance(content, dict) or "names" not in content:
        return False
    return any(key in _SPLIT_KEYS or str(value).startswith("images/") for key, value in content.items())


def _yaml_files(tree: Tree) -> list[str]:
    """The data.yaml files nearest to the root."""
    files = [f for f in tree.files if f.lower().endswith((".yaml", ".yml")) and f.count("/") <= 2]
    files = [f for f in files if tree.path(f).stat().st_size <= _YAML_LIMIT_BYTES]
    fitting = [f for f in files if _looks_like(_yaml(tree.peek(f), shown=f, strict=False))]
    depth = min((f.count("/") for f in fitting), default=0)
    return [f for f in fitting if f.count("/") == depth]


def _yaml(path: Path, *, shown: str, strict: bool = True) -> Any:
    try:
        size = path.stat().st_size
        if size > _YAML_LIMIT_BYTES:
            raise ValueError(f"{size >> 10:,} KB, the limit is {_YAML_LIMIT_BYTES >> 10} KB")
        return yaml_text.parse(path.read_bytes())
    except ValueError as cause:
        if not strict:
            return None
        problem = f"The file is not valid YAML ({cause!s:.200})."
        raise InputError(problem, at=shown, fix="Correct the file or export it again.") from cause


def read(source: Source) -> Iterator[Record]:
    """Read every record; see ``contract.Format.read``."""
    return _records(source, _layout(source))


def _records(source: Source, layout: Layout) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    files, pairs = layout.yaml_files, layout.label_files
    tree.mark_opened(file for own in pairs.values() for file in own)
    tree.name_junk(problems)
    if len(files) > 1:
        problem = f"The folder has several data.yaml files: {', '.join(files[:5])}."
        raise InputError(problem, at=str(source.path), fix="Give the path of the one to load.")
    if files:
        content = _yaml(tree.path(files[0]), shown=files[0])
        classes = _classes(content, files[0])
        splits = _Splits(tree, files[0], content, problems).pictures()
    else:
        classes = Classes(named_classes(tree, problems))
        splits = listed_splits(tree, problems)
    name_strays(tree, splits, pairs, problems)
    entries = [_Entry(tree.path(p), p, split, pairs.get(p, ())) for p, split in splits.items()]

    def build(entry: _Entry, header: Header) -> Record:
        parts = [(file, labels_of(tree, file, classes, header, problems)) for file in entry.label_files]
        labels = parts[0][1] if len(parts) == 1 else Labels.of(merged(parts, problems))
        return Record(entry.image_path, entry.origin, header.width, header.height, labels, split=entry.split)

    return Records(entries, build, source, closing=CLOSING)


def declared_classes(path: Path) -> Classes:
    """What a ``data.yaml`` declares of classes: names by number, and keypoints.

    Raises:
        InputError: it cannot be read, or declares none.
    """
    content = _yaml(path, shown=path.name)
    if not isinstance(content, dict) or "names" not in content:
        raise InputError("The file declares no 'names'.", at=path.name, fix="Give the data.yaml of the model.")
    return _classes(content, path.name)


def _classes(content: Mapping[str, Any], file: str) -> Classes:
    names = content["names"]
    if isinstance(names, Sequence) and not isinstance(names, str):
        names = dict(enumerate(names))
    if not isinstance(names, Mapping) or not all(str(key).isdecimal() for key in names):
        fix = "Write names: [cone, cube] or names: {0: cone, 1: cube}."
        raise InputError(f"This is not a list of class names: {names!r:.80}.", at=f"{file}, names", fix=fix)
    shape = content.get("kpt_shape")
    points = (0, 0)
    if isinstance(shape, list) and len(shape) == 2 and all(type(n) is int for n in shape):
        points = (shape[0], shape[1]) if 0 < shape[0] < _MOST_KEYPOINTS and shape[1] in (2, 3) else (0, 0)
    return Classes({int(key): str(value) for key, value in names.items()}, points, _keypoint_names(content))


def _keypoint_names(content: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """Names of keypoints by class number: ``kpt_names: {0: [nose, left_eye]}``."""
    names_by_class = content.get("kpt_names")
    if not isinstance(names_by_class, Mapping):
        return {}
    return {
        int(key): tuple(map(str, names))
        for key, names in names_by_class.items()
        if str(key).isdecimal() and isinstance(names, list)
    }


class _Splits:
    """The images that a data.yaml names."""

    def __init__(self, tree: Tree, file: str, content: Mapping[str, Any], problems: Problems) -> None:
        self.tree, self.file, self.content, self.problems = tree, file, content, problems
        base = content.get("path")
        self.base, leaves = plain_parts(base) if isinstance(base, str) else ((), False)
        if leaves:
            message = f"The path '{base:.200}' leads out of the folder; loaded from the given folder instead."
            problems.add("path_outside_folder", f"{file}, path", message)

    def pictures(self) -> dict[str, str | None]:
        """Split by image; an image in several stays in the most protected one."""
        splits: dict[str, str | None] = {}
        own = {key: key for key, value in self.content.items() if self._is_own_split(key, value)}
        for key, split in {**_SPLIT_KEYS, **own}.items():
            value = self.content.get(key)
            for text in value if isinstance(value, list) else [value] if value else []:
                for picture in self._pictures(key, str(text)):
                    before = splits.get(picture) or split
                    if before != split:
                        self.problems.count("split_conflict", picture)
                    splits[picture] = most_protected((before, split))
        message = "{n} images listed in several splits ({first}); kept in the more protected one (test, then val)."
        self.problems.close("split_conflict", message)
        return dict(sorted(splits.items()))

    def _is_own_split(self, key: Any, value: Any) -> bool:
        """Stages such as ``pretrain: images/pretrain``, which trainers leave alone."""
        return key not in ("path", *_SPLIT_KEYS) and isinstance(value, str) and bool(self.tree.below(value.strip("/")))

    def _pictures(self, key: str, text: str) -> list[str]:
        where = f"{self.file}, {key}"
        parts, leaves = plain_parts(text)
        path = self._path_inside(parts)
        if path is None:
            outside = " (the path leads out of the folder)" if leaves else ""
            message = f"There are no images of the split '{key}' at '{text:.200}'{outside}; split left out."
            self.problems.add("missing_split", where, message)
            return []
        if leaves:
            message = f"The path '{text:.200}' leads out of the folder; loaded '{path}' instead."
            self.problems.add("path_outside_folder", where, message)
        if path in self.tree.known:
            if path.lower().endswith(".txt"):
                return pictures_of_list(self.tree, path, self.problems)
            return [path] * is_picture(path)
        return self.tree.below(path)

    def _path_inside(self, parts: tuple[str, ...]) -> str | None:
        """A folder or file inside the tree: as written, below ``path``, or the longest tail that exists.

        A tail of one part must name a split: ``../train/images`` is not the folder ``images``.
        """
        here = tuple(part for part in folder_of(self.file).split("/") if part)
        bases = [(*here, *self.base), here, ()]
        for start in range(len(parts) or 1):
            tail = parts[start:]
            if start and len(tail) == 1 and split_of_path(tail) is None:
                break
            for base in bases:
                path = "/".join((*base, *tail))
                if path in self.tree.folders or path in self.tree.known:
                    return path
        return None
