"""Which files of a YOLO data set say what: the label file of each image, class names and lists of splits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.adapters.formats.toolkit.json_files import read_json
from workbench.adapters.formats.toolkit.names import most_protected, split_of_path, split_word
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.text_files import first_line, head_of, lines_of
from workbench.adapters.formats.toolkit.tree import Tree, fold, folder_of, plain_parts, stem_of
from workbench.adapters.formats.yolo.labels import HEADERS, has_corners

CLASS_FILES = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels", "classes.names")
_NOTES = "notes.json"  # of Label Studio
_LISTS = ("train.txt", "val.txt", "valid.txt", "test.txt")
_NO_LABELS = frozenset({*CLASS_FILES, *_LISTS, "readme.txt", "requirements.txt"})
_FOLDERS = re.compile(  # in place of images, or beside it; several may speak of the same images
    r"(labels?|labeltxt|annotations?|txt)([-_ ]?(seg\w*|obb|pose|kpts?|keypoints?|b?box(es)?|det\w*|polygons?))?"
)
_ROW = re.compile(r"\s*\d+(\s+[-+.\deE]+){4,}\s*")
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Layout:
    """What the files of a folder are.

    Attributes:
        yaml_files: the data.yaml files that count.
        label_files: label files by image, where there are any.
    """

    yaml_files: Sequence[str] = ()
    label_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def has_rows(tree: Tree, file: str) -> bool:
    """Whether a text file of a tree begins with a row of YOLO or of DOTA; it does not count as opened."""
    return _begins_with_row(tree.peek(file))


def _begins_with_row(path: Path) -> bool:
    lines = (line for line in head_of(path, _HEAD_BYTES).splitlines() if not HEADERS.match(line))
    first = next((line.strip() for line in lines if line.strip()), "")
    return bool(_ROW.fullmatch(first)) or has_corners(first.split())


def is_class_file(file: str) -> bool:
    """Whether a file of this name holds a class name per line.

    >>> is_class_file("data/obj.names"), is_class_file("a.txt")
    (True, False)
    """
    return file.rpartition("/")[2].lower() in CLASS_FILES


def is_row_file(file: str) -> bool:
    """Whether a file of this name may hold the rows of an image.

    >>> is_row_file("a.txt"), is_row_file("classes.txt"), is_row_file("a.jpg")
    (True, False, False)
    """
    return file.lower().endswith(".txt") and file.rpartition("/")[2].lower() not in _NO_LABELS


def names_by_line(path: Path, where: str, problems: Problems) -> dict[int, str]:
    """Class names of a class file, the first line being number 0; none of a file of rows that has such a name."""
    if _begins_with_row(path):
        return {}
    return {at: line.strip() for at, line in enumerate(lines_of(path, where, problems)) if line.strip()}


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


def label_files(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Label files by image, where there are any: in the usual place, and in folders of other usual names."""
    others = _other_folders(tree)
    pairs: dict[str, tuple[str, ...]] = {}
    for picture in tree.pictures:
        usual = tree.existing(label_path(picture))
        files = dict.fromkeys([*([usual] if usual else []), *_elsewhere(tree, picture, others)])
        if files:
            pairs[picture] = tuple(files)
    return pairs


def _other_folders(tree: Tree) -> frozenset[str]:
    """Folders with a name for labels that hold text files with rows."""
    named = (folder for folder in tree.folders if _FOLDERS.fullmatch(fold(folder.rpartition("/")[2])))
    texts = {folder_of(file): file for file in tree.files if file.lower().endswith(".txt")}
    # a folder of train, val and test below labels counts too
    below = (folder for folder in texts if any(_FOLDERS.fullmatch(fold(part)) for part in folder.split("/")))
    return frozenset(folder for folder in (*named, *below) if folder in texts and has_rows(tree, texts[folder]))


def _elsewhere(tree: Tree, picture: str, others: frozenset[str]) -> list[str]:
    """Label files of the same stem in folders of labels in place of any part of the path, or below it."""
    if not others:
        return []
    folders = picture.split("/")[:-1]
    candidates = []
    for folder in others:
        parts = folder.split("/")
        at = next(n for n, part in enumerate(parts) if _FOLDERS.fullmatch(fold(part)))
        rest = parts[at + 1 :]
        beside = parts[:at] == folders[:at] and folders[at + 1 :] == rest  # images/train with labels/train
        below = parts[:at] == folders and not rest  # train with train/labels
        if beside or below:
            candidates.append(f"{folder}/{stem_of(picture)}.txt")
    return [file for path in sorted(candidates) if (file := tree.existing(path)) is not None]


def name_strays(
    tree: Tree, pictures: Mapping[str, str | None], pairs: Mapping[str, tuple[str, ...]], problems: Problems
) -> None:
    """Report label files without an image, and images that no split lists."""
    used = {file for files in pairs.values() for file in files}
    homes = {folder_of(file) for file in used} | {folder_of(label_path(picture)) for picture in pictures}
    for file in tree.files:
        stray = is_row_file(file) and file not in used and folder_of(file) in homes
        if stray and has_rows(tree, file):
            message = "No image has the name of this label file; sample left out."
            problems.add("missing_image", file, message, loses_record=True)
    for picture in tree.pictures:
        if picture not in pictures:
            problems.count("unlisted_image", picture)
    problems.close("unlisted_image", "{n} images not listed in any split ({first}); not loaded.")


def named_classes(tree: Tree, problems: Problems) -> dict[int, str] | None:
    """Class names by number: lines of a class file, else of Label Studio's notes; ``None`` without either."""
    by_depth = sorted(tree.files, key=lambda file: file.count("/"))
    tree.mark_opened(tree.named(_NOTES))  # says the same
    for file in by_depth:
        if is_class_file(file) and not _begins_with_row(tree.peek(file)):
            return names_by_line(tree.path(file), file, problems)
    for file in by_depth:
        if file.rpartition("/")[2].lower() == _NOTES:
            content = read_json(tree.path(file), file, problems)
            entries = content.get("categories") if isinstance(content, dict) else None
            names = {
                entry["id"]: str(entry["name"])
                for entry in (entries if isinstance(entries, list) else ())
                if isinstance(entry, dict) and type(entry.get("id")) is int and entry.get("name")
            }
            if names:
                return names
    return None


def listed_splits(tree: Tree, problems: Problems) -> dict[str, str | None]:
    """Split by image without a data.yaml: Darknet's lists ``train.txt``, ``valid.txt``, else the folder names."""
    splits: dict[str, str | None] = {picture: split_of_path(picture.split("/")[:-1]) for picture in tree.pictures}
    listed: dict[str, str] = {}
    for file, split in _lists(tree):
        for picture in pictures_of_list(tree, file, problems):
            before = listed.get(picture, split)
            if before != split:
                problems.count("split_conflict", picture)
            listed[picture] = most_protected((before, split))
    message = "{n} images listed in several splits ({first}); kept in the more protected one (test, then val)."
    problems.close("split_conflict", message)
    return {**splits, **listed}


def _lists(tree: Tree) -> Iterator[tuple[str, str]]:
    """Lists of images with the split that each is for: as ``obj.data`` says, else by its own name."""
    named: dict[str, str] = {}
    for file in tree.files:
        if file.lower().endswith(".data"):
            for line in head_of(tree.path(file), _HEAD_BYTES).splitlines():
                key, _, path = (part.strip() for part in line.partition("="))
                split = split_word(key)
                texts = tree.find(path, near=[folder_of(file)]) if split and path.lower().endswith(".txt") else []
                named.update((text, split) for text in texts[:1] if split)
    for file in tree.files:
        split = named.get(file) or (split_word(stem_of(file)) if file.lower().endswith(".txt") else None)
        if split and not has_rows(tree, file) and _names_a_picture(tree, file):
            yield file, split


def _names_a_picture(tree: Tree, file: str) -> bool:
    text = first_line(tree.peek(file)).strip()
    return bool(text) and any(path in tree.picture_set for path in tree.find(text, near=[folder_of(file), ""]))


def pictures_of_list(tree: Tree, file: str, problems: Problems) -> list[str]:
    """The images that a list names, one per line; what cannot be found is reported."""
    pictures = []
    for at, line in enumerate(lines_of(tree.path(file), file, problems), 1):
        text = line.strip()
        candidates = tree.find(text, near=[folder_of(file), ""]) if text else []
        leaves = plain_parts(text)[1]
        where = f"{file}, line {at}"
        if len(candidates) == 1:
            pictures.append(candidates[0])
            if leaves:
                problems.count("path_outside_folder", where)
        elif text and candidates:
            message = f"Several images match '{text:.200}' ({', '.join(candidates[:3])}); sample left out."
            problems.add("ambiguous_image", where, message, loses_record=True)
        elif text:
            kind: Kind = "path_outside_folder" if leaves else "missing_image"
            message = f"There is no image '{text:.200}' in the folder; sample left out."
            problems.add(kind, where, message, loses_record=True)
    message = "{n} paths out of the folder ({first}); loaded the images of the same name inside instead."
    problems.close("path_outside_folder", message)
    return pictures
