"""COCO: one or several JSON files with ``images``, ``annotations`` and ``categories``.

Read: boxes, polygons, run-length masks (both forms), keypoints, class of the whole image, and every further
key of an image or annotation as an attribute. Several files may speak of the same images.
Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbench.adapters.formats.coco.annotations import Annotations, is_id
from workbench.adapters.formats.coco.labels import Category, Given, labels_of
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.json_files import json_type
from workbench.adapters.formats.toolkit.json_stream import parts
from workbench.adapters.formats.toolkit.names import attributes_of, most_protected, split_in, split_of_path, split_word
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, plain_parts, stem_of
from workbench.base.errors import InputError
from workbench.base.spool import Viewed
from workbench.core.schema.labels import Camera, Labels, Record

name = "coco"
looks_for = "a .json file with 'images', 'annotations' and 'categories'"
single_files = True

_HEAD_BYTES = 1 << 16
_APART = frozenset({"annotations", "annotation", "labels", "json"})  # folders that hold JSON beside the images
_OF_BOP = "scene_gt_coco.json"  # BlenderProc writes it beside the poses, which say more
_LISTS = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_CONTENT = re.compile(rb'"(file_name|bbox|image_id|category_id|supercategory)"\s*:')
_FIRST = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"(info|licenses|images|annotations|categories)"')
_USED = frozenset(
    {"id", "file_name", "width", "height", "split", "scene_id", "generation", "tags", "classification", "camera"}
)


@dataclass(slots=True)
class _Listed:
    """The entries of all files for one image; small, as there may be a million of them.

    Attributes:
        split: as in ``Record``.
        packed: its objects in ``images`` as one, as ``_packed`` gives it.
        file, at: the last file that lists it, and where in its list.
        annotations: of each file.
    """

    split: str | None
    packed: bytes
    file: str
    at: int
    annotations: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    """One image with the entries of all files, created when it is read."""

    split: str | None
    image: Mapping[str, Any]
    where: str
    annotations: Sequence[Given]


def detect(source: Source) -> Found | None:
    """Look for the lists of COCO at the head of the JSON files."""
    if source.file is not None:
        return _detect_file(source, source.file)
    files = _json_files(source.tree)
    if not files:
        return None
    score = 0.7 if all(file.endswith(_OF_BOP) for file in files) else 0.9
    why = f"{files[0]} has the lists of COCO" + (f", and {len(files) - 1} more" if files[1:] else "")
    return Found(score, why, partial(_records, source, files))


def _detect_file(source: Source, file: str) -> Found | None:
    if not file.lower().endswith(".json"):
        return None
    certain = _looks_like(source.path)
    why = f"{file} has the lists of COCO" if certain else "a JSON file"
    return Found(0.9 if certain else 0.3, why, partial(_read_file, source))


def _json_files(tree: Tree) -> list[str]:
    return [file for file in tree.files if file.lower().endswith(".json") and _looks_like(tree.path(file))]


def _looks_like(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    return bool(_LISTS.search(head) and (_CONTENT.search(head) or _FIRST.match(head)))


def read(source: Source) -> Iterator[Record]:
    """Read every record; see ``contract.Format.read``."""
    return _read_file(source) if source.file is not None else _records(source, _json_files(source.tree))


def _read_file(source: Source) -> Iterator[Record]:
    """Records of a single file, with the images around it; those that it does not list are no problem."""
    folder = source.path.parent
    around = source.at(folder.parent if folder.name.lower() in _APART else folder)
    file = source.path.resolve().relative_to(around.tree.root).as_posix()
    return _records(around, [file], all_listed=False)


def _records(source: Source, files: Sequence[str], *, all_listed: bool = True) -> Iterator[Record]:
    """Records of all files together.

    Args:
        source: a folder.
        files: the COCO files in it.
        all_listed: whether every image of the folder is expected in one of them.
    """
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    entries: dict[str, _Listed] = {}
    for file in files:
        _Document(tree, file, entries, problems).read()
    for picture in tree.pictures if all_listed else ():
        if picture not in entries:
            problems.count("unlisted_image", picture)
    problems.close("unlisted_image", "{n} images not listed in any annotation file ({first}); not loaded.")
    problems.close("content_mismatch", "{n} images listed as JPEG but stored as PNG ({first}); loaded from the PNG.")
    problems.close("duplicate_id", "{n} annotations with an id that is already used ({first}); all are loaded.")
    drafts = Viewed(list(entries), lambda file: _entry(tree.path(file), file, entries[file]))
    return Records(drafts, lambda entry, header: _record(entry, header, problems), source)


class _Document:
    """One JSON file of a tree."""

    def __init__(self, tree: Tree, file: str, entries: dict[str, _Listed], problems: Problems) -> None:
        self.tree, self.file, self.entries, self.problems = tree, file, entries, problems
        self.split = split_in(stem_of(file)) or split_of_path(file.split("/")[:-1])
        here = folder_of(file)
        near = [here, "", f"images/{self.split}" if self.split else "images", f"{here}/images" if here else "images"]
        self.near = [folder for folder in near if folder in tree.folders]
        self.annotations = Annotations(file, problems)
        self.names: dict[Any, Category] = {}
        self.by_id: dict[Any, _Listed | None] = {}

    def read(self) -> None:
        """Add the images of this file, and its annotations, to what other files gave."""
        lists = dict.fromkeys(("images", "annotations", "categories"), False)
        for key, first, values in parts(self.tree.path(self.file), shown=self.file):
            if key not in lists:
                continue
            if first < 0:
                lists[key] = self._is_list(key, values[0])
            elif key == "annotations":
                self.annotations.add(first, values)
            else:
                take = self._image if key == "images" else self._category
                for at, value in enumerate(values, first):
                    take(at, value)
        if not lists["images"]:
            raise InputError(
                "The file has no list 'images', so it is not COCO.",
                at=self.file,
                fix="Give a file with the lists 'images', 'annotations' and 'categories', or another --format.",
            )
        self._share()

    def _is_list(self, key: str, value: Any) -> bool:
        if value == [] or key == "images":
            return bool(value == [])
        message = f"'{key}' is {json_type(value)}, not a list; ignored."
        self.problems.add("broken_annotation", self.file, message)
        return False

    def _share(self) -> None:
        """Give every image its annotations."""
        for image_id, start, stop in self.annotations.close():
            entry = self.by_id.get(image_id)
            if entry is not None:
                entry.annotations += ((self.annotations, start, stop, self.names),)
            elif image_id not in self.by_id:
                for index in self.annotations.indices[start:stop].tolist():
                    message = f"No image has the id {image_id!r:.60}; label left out."
                    self.problems.add("broken_annotation", self.annotations.where(index), message)

    def _category(self, at: int, category: Any) -> None:
        where = f"{self.file}, category {at}"
        if not isinstance(category, dict) or not is_id(category.get("id")) or "name" not in category:
            self.problems.add(
                "broken_annotation", where, "The category is not an object with 'id' and 'name'; ignored."
            )
        elif category["id"] in self.names:
            message = f"The category id {category['id']!r:.60} is already used; the first category is kept."
            self.problems.add("duplicate_id", where, message)
        else:
            points = category.get("keypoints")
            named = tuple(map(str, points)) if isinstance(points, list) else ()
            self.names[category["id"]] = Category(str(category["name"]), named)

    def _image(self, at: int, image: Any) -> None:
        where = _where(self.file, at)
        if not isinstance(image, dict) or not is_id(image.get("id")) or not isinstance(image.get("file_name"), str):
            message = "The image is not an object with 'id' and 'file_name'; sample left out."
            self.problems.add("broken_annotation", where, message, loses_record=True)
            return
        if image["id"] in self.by_id:
            message = f"The id {image['id']!r:.60} of '{image['file_name']:.200}' is already used; sample left out."
            self.problems.add("duplicate_id", where, message, loses_record=True)
            return
        file = self._locate(image["file_name"], where)
        if file is None:
            self.by_id[image["id"]] = None
            return
        before = self.entries.get(file)
        split = self._split(image, file, before)
        everything = {**_unpacked(before.packed), **image} if before else image
        annotations = before.annotations if before else ()
        entry = _Listed(split, _packed(everything), self.file, at, annotations)
        self.entries[file] = self.by_id[image["id"]] = entry

    def _split(self, image: Mapping[str, Any], file: str, before: _Listed | None) -> str | None:
        given = image.get("split")
        own = split_word(given) or given if isinstance(given, str) and given else None
        split = own or self.split or split_of_path(file.split("/"))
        if before is None or before.split in (None, split):
            return split
        return self._conflict(file, before.split, split) if split else before.split

    def _conflict(self, file: str, first: str, second: str) -> str:
        kept = most_protected((first, second))
        self.problems.add(
            "split_conflict", file, f"The image is in the splits '{first}' and '{second}'; kept in '{kept}'."
        )
        return kept

    def _locate(self, file_name: str, where: str) -> str | None:
        near = self.near
        files = self.tree.find(file_name, near=near) or self._other_type(file_name, near, where)
        if len(files) > 1 and self.split:
            files = [file for file in files if split_of_path(file.split("/")) == self.split] or files
        if len(files) == 1 and f"/{files[0]}".endswith(f"/{file_name}"):  # nearly always
            return files[0]
        leaves = plain_parts(file_name)[1]
        if leaves and len(files) == 1:
            message = f"The path '{file_name:.200}' leads out of the folder; loaded '{files[0]}' instead."
            self.problems.add("path_outside_folder", where, message)
        if len(files) == 1:
            return files[0]
        if files:
            message = f"Several images match '{file_name:.200}' ({', '.join(files[:3])}); sample left out."
            self.problems.add("ambiguous_image", where, message, loses_record=True)
        elif leaves:
            message = f"The path '{file_name:.200}' leads out of the folder; sample left out."
            self.problems.add("path_outside_folder", where, message, loses_record=True)
        else:
            message = f"There is no image '{file_name:.200}'; sample left out."
            self.problems.add("missing_image", where, message, loses_record=True)
        return None

    def _other_type(self, file_name: str, near: list[str], where: str) -> list[str]:
        """The PNG where a JPEG is listed: BlenderProc lists ``.jpg`` whatever it wrote."""
        stem, dot, suffix = file_name.rpartition(".")
        files = self.tree.find(f"{stem}.png", near=near) if dot and suffix.lower() in ("jpg", "jpeg") else []
        if len(files) == 1:
            self.problems.count("content_mismatch", where)
        return files[:1] if len(files) == 1 else []


def _where(file: str, at: int) -> str:
    """Name of an entry of ``images``, for messages."""
    return f"{file}, image {at}"


def _packed(image: Mapping[str, Any]) -> bytes:
    """An object of ``images`` without its id and name, which are known by then."""
    return marshal.dumps({key: value for key, value in image.items() if key not in ("id", "file_name")})


def _unpacked(packed: bytes) -> dict[str, Any]:
    image: dict[str, Any] = marshal.loads(packed)  # noqa: S302 - our own bytes, never written anywhere
    return image


def _entry(path: Path, file: str, listed: _Listed) -> _Entry:
    where = _where(listed.file, listed.at)
    return _Entry(path, file, listed.split, _unpacked(listed.packed), where, listed.annotations)


def _record(entry: _Entry, header: Header, problems: Problems) -> Record:
    labels = labels_of(entry.annotations, header, problems)
    return record_of(entry.image, entry, entry.split, labels, header, entry.where, problems)


def record_of(
    image: Mapping[str, Any],
    draft: Draft,
    split: str | None,
    labels: Labels,
    header: Header,
    where: str,
    problems: Problems,
) -> Record:
    """A record of an entry of ``images`` and its labels; what is wrong is reported."""
    declared = (image.get("width"), image.get("height"))
    if None not in declared and declared != (header.width, header.height):
        size, says = f"{header.width} x {header.height}", f"{declared[0]!s:.20} x {declared[1]!s:.20}"
        message = f"The file says {says}, the upright image is {size}; boxes are loaded as pixels of the image."
        problems.add("size_mismatch", where, message)
    generation, tags = image.get("generation"), image.get("tags")
    return Record(
        image_path=draft.image_path,
        origin=draft.origin,
        width=header.width,
        height=header.height,
        labels=labels,
        classification=str(image["classification"]) if image.get("classification") else None,
        split=split,
        scene_id=str(image["scene_id"]) if image.get("scene_id") not in (None, "") else None,
        attributes=attributes_of(image, known=_USED),
        camera=_camera(image.get("camera"), header, where, problems),
        generation=generation if isinstance(generation, dict) else {},
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
    )


def _camera(values: Any, header: Header, where: str, problems: Problems) -> Camera | None:
    if values is None:
        return None
    try:
        return Camera.from_dict(values, width=header.width, height=header.height)
    except ValueError as cause:
        message = f"The camera cannot be used ({cause!s:.80}): it needs fx, fy, cx and cy; camera left out."
        problems.add("broken_annotation", where, message)
        return None
