"""YOLO in the dialects of Ultralytics: ``data.yaml``, or ``images`` and ``labels`` folders without one.

A label file has one row per object, all numbers as shares of the image's width and height:
``class x_centre y_centre width height`` or ``class x1 y1 x2 y2 x3 y3 ...`` for an outline. An image
without a label file is background. Rows of pose data sets go on with keypoints; oriented boxes (OBB) are outlines of
four points. Format: https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.json_files import dicts_in, read_object
from workbench.adapters.formats.toolkit.names import most_protected, split_of_path
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.text_files import lines_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, plain_parts, stem_of
from workbench.adapters.formats.yolo.labels import Classes, labels_of
from workbench.base.errors import InputError
from workbench.core.schema.labels import Record

name = "yolo"
looks_for = "a .yaml with 'names' and 'train' or 'val', or label files with rows of numbers beside images"
single_files = True

_SPLIT_KEYS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_CLASS_FILES = ("classes.txt", "obj.names", "labels.txt")
_NO_LABELS = frozenset({*_CLASS_FILES, "train.txt", "val.txt", "test.txt", "readme.txt", "requirements.txt"})
_ROW = re.compile(r"\s*\d+(\s+[-+.\deE]+){4,}\s*")
_TRIED = 20
_NOTES = "notes.json"
_MOST_KEYPOINTS = 10_000
_YAML_LIMIT_BYTES = 1 << 20
_MOST_VALUES = 100_000


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    split: str | None
    label_file: str | None


@dataclass(frozen=True, slots=True)
class _Layout:
    """The data.yaml files that count, and the label file of each image that has one."""

    yaml_files: Sequence[str]
    label_files: Mapping[str, str]


def _layout(source: Source) -> _Layout:
    tree = source.tree
    return _Layout(_yaml_files(tree) if source.file is None else [source.file], _label_files(tree))


def detect(source: Source) -> Found | None:
    """Look for a data.yaml, or for label files beside images."""
    if source.file is not None:
        is_yaml = source.file.lower().endswith((".yaml", ".yml"))
        fits = is_yaml and _looks_like(_yaml(source.path, shown=source.file))
        return Found(0.9, f"{source.file} names classes and splits", partial(read, source)) if fits else None
    layout = _layout(source)
    tried = list(layout.label_files.values())[:_TRIED]
    if layout.yaml_files:
        return Found(0.9, f"{layout.yaml_files[0]} names classes and splits", partial(_records, source, layout))
    if any(_has_rows(source.tree, file) for file in tried):
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
    fitting = [f for f in files if _looks_like(_yaml(tree.path(f), shown=f, strict=False))]
    depth = min((f.count("/") for f in fitting), default=0)
    return [f for f in fitting if f.count("/") == depth]


def _yaml(path: Path, *, shown: str, strict: bool = True) -> Any:
    try:
        size = path.stat().st_size
        if size > _YAML_LIMIT_BYTES:
            raise ValueError(f"{size >> 20:,} MB, the limit is {_YAML_LIMIT_BYTES >> 20} MB")
        return _small(yaml.safe_load(path.read_bytes()))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as cause:
        if not strict:
            return None
        problem = f"The file is not valid YAML ({' '.join(str(cause).split())[:200]})."
        raise InputError(problem, at=shown, fix="Correct the file or export it again.") from cause


def _small(content: Any) -> Any:
    """The content, unless its aliases stand for more values than any data.yaml holds."""
    waiting, seen = [content], 0
    while waiting and seen <= _MOST_VALUES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, (list, dict)):
            waiting += value.values() if isinstance(value, dict) else value
    if waiting:
        raise ValueError(f"its aliases stand for more than {_MOST_VALUES:,} values")
    return content


def _has_rows(tree: Tree, file: str) -> bool:
    with tree.path(file).open(encoding="utf-8", errors="replace") as stream:
        return _ROW.fullmatch(stream.readline(4096).strip()) is not None


def read(source: Source) -> Iterator[Record]:
    """Read every record; see ``contract.Format.read``."""
    return _records(source, _layout(source))


def _records(source: Source, layout: _Layout) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    files, pairs = layout.yaml_files, layout.label_files
    tree.name_junk(problems)
    if len(files) > 1:
        problem = f"The folder has several data.yaml files: {', '.join(files[:5])}."
        raise InputError(problem, at=str(source.path), fix="Give the path of the one to load.")
    if files:
        content = _yaml(tree.path(files[0]), shown=files[0])
        classes = _classes(content, files[0])
        splits = _Splits(tree, files[0], content, problems).pictures()
    else:
        classes = _class_file(tree, problems)
        splits = {picture: split_of_path(picture.split("/")[:-1]) for picture in tree.pictures}
    _name_stray(tree, splits, pairs, problems)
    entries = [_Entry(tree.path(p), p, split, pairs.get(p)) for p, split in splits.items()]

    def build(entry: _Entry, header: Header) -> Record:
        labels = labels_of(tree, entry.label_file, classes, header, problems)
        return Record(entry.image_path, entry.origin, header.width, header.height, labels, split=entry.split)

    return Records(entries, build, source)


def class_names(path: Path) -> Mapping[int, str]:
    """Class names by number that a ``data.yaml`` declares.

    Raises:
        InputError: it cannot be read, or declares none.
    """
    return _classes(_yaml(path, shown=path.name), path.name).names or {}


def label_path(picture: str) -> str:
    """Where the rows of an image lie: the last ``images`` becomes ``labels``, the suffix ``.txt``.

    >>> label_path("images/train/a.jpg"), label_path("train/a.jpg")
    ('labels/train/a.txt', 'train/a.txt')
    """
    parts = picture.split("/")
    folders = parts[:-1]
    if "images" in folders:
        folders[len(folders) - 1 - folders[::-1].index("images")] = "labels"
    return "/".join([*folders, f"{stem_of(picture)}.txt"])


def _label_files(tree: Tree) -> dict[str, str]:
    """Label file by image, where there is one."""
    candidates = ((picture, label_path(picture)) for picture in tree.pictures)
    return {picture: file for picture, file in candidates if file in tree.known}


def _name_stray(tree: Tree, pictures: Mapping[str, str | None], pairs: Mapping[str, str], problems: Problems) -> None:
    used = set(pairs.values())
    homes = {folder_of(label_path(picture)) for picture in pictures}
    for file in tree.files:
        stray = file.endswith(".txt") and file not in used and folder_of(file) in homes
        if stray and file.rpartition("/")[2].lower() not in _NO_LABELS and _has_rows(tree, file):
            message = "No image has the name of this label file; sample left out."
            problems.add("missing_image", file, message, loses_record=True)
    for picture in tree.pictures:
        if picture not in pictures:
            problems.count("unlisted_image", picture)
    problems.close("unlisted_image", "{n} images not listed in any split ({first}); not loaded.")


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


def _class_file(tree: Tree, problems: Problems) -> Classes:
    """Names by line of a class file; without one the numbers are the names."""
    for file in sorted(tree.files, key=lambda f: f.count("/")):
        if file.rpartition("/")[2].lower() in _CLASS_FILES and not _has_rows(tree, file):
            lines = lines_of(tree.path(file), file, problems)
            return Classes({at: line.strip() for at, line in enumerate(lines) if line.strip()})
    return Classes(_noted_names(tree, problems))


def _noted_names(tree: Tree, problems: Problems) -> dict[int, str] | None:
    """Names by number of the ``notes.json`` that Label Studio writes beside the rows."""
    for file in sorted(tree.files, key=lambda f: f.count("/")):
        if file.rpartition("/")[2] == _NOTES:
            content = read_object(tree.path(file), file, problems) or {}
            entries = dicts_in(content.get("categories"))
            return {
                e["id"]: str(e["name"]).strip() for e in entries if type(e.get("id")) is int and "name" in e
            } or None
    return None


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
            return self._list(path) if path.endswith(".txt") else [path] * is_picture(path)
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

    def _list(self, file: str) -> list[str]:
        pictures = []
        for at, line in enumerate(lines_of(self.tree.path(file), file, self.problems), 1):
            text = line.strip()
            candidates = self.tree.find(text, near=[folder_of(file), ""]) if text else []
            leaves = plain_parts(text)[1]
            where = f"{file}, line {at}"
            if len(candidates) == 1:
                pictures.append(candidates[0])
                if leaves:
                    self.problems.count("path_outside_folder", where)
            elif text and candidates:
                message = f"Several images match '{text:.200}' ({', '.join(candidates[:3])}); sample left out."
                self.problems.add("ambiguous_image", where, message, loses_record=True)
            elif text:
                kind: Kind = "path_outside_folder" if leaves else "missing_image"
                message = f"There is no image '{text:.200}' in the folder; sample left out."
                self.problems.add(kind, where, message, loses_record=True)
        message = "{n} paths out of the folder ({first}); loaded the images of the same name inside instead."
        self.problems.close("path_outside_folder", message)
        return pictures
