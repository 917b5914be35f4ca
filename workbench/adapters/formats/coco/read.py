"""COCO: one or several JSON files with ``images``, ``annotations`` and ``categories``.

Read: boxes, polygons, run-length masks (both forms), keypoints, class of the whole picture, and every further
key of an image or annotation as an attribute. Several files may speak of the same pictures.
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
_APART = frozenset({"annotations", "annotation", "labels", "json"})  # folders that hold JSON beside the pictures
_OF_BOP = "scene_gt_coco.json"  # BlenderProc writes it beside the poses, which say more
_LISTS = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_CONTENT = re.compile(rb'"(file_name|bbox|image_id|category_id|supercategory)"\s*:')
_FIRST = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"(info|licenses|images|annotations|categories)"')
_USED = frozenset(
    {"id", "file_name", "width", "height", "split", "scene_id", "generation", "tags", "classification", "camera"}
)


@dataclass(slots=True)
class _Listed:
    """What all files say of one picture; small, as there may be a million of them.

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
    """One picture with what all files say of it, made when it is its turn."""

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
    """Records of a single file, with the pictures around it; those that it does not list are no problem."""
    folder = source.path.parent
    around = source.at(folder.parent if folder.name.lower() in _APART else folder)
    file = source.path.resolve().relative_to(around.tree.root).as_posix()
    return _records(around, [file], all_listed=False)


def _records(source: Source, files: Sequence[str], *, all_listed: bool = True) -> Iterator[Record]:
    """Records of all files together.

    Args:
        source: a folder.
        files: the COCO files in it.
        all_listed: whether every picture of the folder is expected in one of them.
    """
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    entries: dict[str, _Listed] = {}
    for file in files:
        _Document(tree, file, entries, problems).read()
    for picture in tree.pictures if all_listed else ():
        if picture not in entries:
            problems.count("unlisted_image", picture)
    problems.close(
        "unlisted_image", "Wanted every picture in an annotation file, found {n} in none ({first}). Not loaded."
    )
    problems.close(
        "content_mismatch", "Wanted JPEG pictures as named, found PNG of the same name for {n} ({first}). Loaded."
    )
    problems.close("duplicate_id", "Wanted each annotation id once, found {n} used again ({first}). All are loaded.")
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
        """Add the pictures of this file, and its annotations, to what other files gave."""
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
                "an object with the lists 'images', 'annotations' and 'categories'",
                found="an object without the list 'images'",
                where=self.file,
                fix="Give a COCO file, or another --format.",
            )
        self._share()

    def _is_list(self, key: str, value: Any) -> bool:
        if value == [] or key == "images":
            return bool(value == [])
        found = type(value).__name__
        self.problems.add("broken_annotation", self.file, f"Wanted a list '{key}', found {found}. Ignored.")
        return False

    def _share(self) -> None:
        """Give every picture its annotations."""
        for image_id, start, stop in self.annotations.close():
            entry = self.by_id.get(image_id)
            if entry is not None:
                entry.annotations += ((self.annotations, start, stop, self.names),)
            elif image_id not in self.by_id:
                for place in self.annotations.places[start:stop].tolist():
                    message = f"Wanted the id of a listed image, found {image_id!r:.60}. Annotation left out."
                    self.problems.add("broken_annotation", self.annotations.where(place), message)

    def _category(self, at: int, category: Any) -> None:
        where = f"{self.file}, category {at}"
        if not isinstance(category, dict) or not is_id(category.get("id")) or "name" not in category:
            self.problems.add("broken_annotation", where, "Wanted an object with 'id' and 'name'. Category ignored.")
        elif category["id"] in self.names:
            message = f"Wanted each category id once, found {category['id']} again. The first one counts."
            self.problems.add("duplicate_id", where, message)
        else:
            points = category.get("keypoints")
            named = tuple(map(str, points)) if isinstance(points, list) else ()
            self.names[category["id"]] = Category(str(category["name"]), named)

    def _image(self, at: int, image: Any) -> None:
        where = _where(self.file, at)
        if not isinstance(image, dict) or not is_id(image.get("id")) or not isinstance(image.get("file_name"), str):
            message = "Wanted an object with 'id' and 'file_name'. Record left out."
            self.problems.add("broken_annotation", where, message, loses_record=True)
            return
        if image["id"] in self.by_id:
            message = f"Wanted each image id once, found {image['id']} again for {image['file_name']}. Record left out."
            self.problems.add("duplicate_id", where, message, loses_record=True)
            return
        found = self._locate(image["file_name"], where)
        if found is None:
            self.by_id[image["id"]] = None
            return
        before = self.entries.get(found)
        split = self._split(image, found, before)
        everything = {**_unpacked(before.packed), **image} if before else image
        annotations = before.annotations if before else ()
        entry = _Listed(split, _packed(everything), self.file, at, annotations)
        self.entries[found] = self.by_id[image["id"]] = entry

    def _split(self, image: Mapping[str, Any], file: str, before: _Listed | None) -> str | None:
        given = image.get("split")
        own = split_word(given) or given if isinstance(given, str) and given else None
        split = own or self.split or split_of_path(file.split("/"))
        if before is None or before.split in (None, split):
            return split
        return self._conflict(file, before.split, split) if split else before.split

    def _conflict(self, file: str, first: str, second: str) -> str:
        kept = most_protected((first, second))
        self.problems.add("split_conflict", file, f"Wanted one split, found {first} and {second}. Taken as {kept}.")
        return kept

    def _locate(self, file_name: str, where: str) -> str | None:
        near = self.near
        found = self.tree.find(file_name, near=near) or self._other_type(file_name, near, where)
        if len(found) > 1 and self.split:
            found = [file for file in found if split_of_path(file.split("/")) == self.split] or found
        if len(found) == 1 and f"/{found[0]}".endswith(f"/{file_name}"):  # nearly always
            return found[0]
        leaves = plain_parts(file_name)[1]
        if leaves and len(found) == 1:
            message = f"Wanted a path inside the folder, found {file_name}. {found[0]} inside is taken for it."
            self.problems.add("path_outside_folder", where, message)
        if len(found) == 1:
            return found[0]
        if found:
            message = f"Wanted one picture {file_name}, found {', '.join(found[:3])}. Record left out."
            self.problems.add("ambiguous_image", where, message, loses_record=True)
        elif leaves:
            message = f"Wanted a path inside the folder, found {file_name}. Record left out."
            self.problems.add("path_outside_folder", where, message, loses_record=True)
        else:
            message = f"Wanted the picture {file_name}, found no such file. Record left out."
            self.problems.add("missing_image", where, message, loses_record=True)
        return None

    def _other_type(self, file_name: str, near: list[str], where: str) -> list[str]:
        """The PNG where a JPEG is named: BlenderProc says ``.jpg`` whatever it wrote."""
        stem, dot, suffix = file_name.rpartition(".")
        found = self.tree.find(f"{stem}.png", near=near) if dot and suffix.lower() in ("jpg", "jpeg") else []
        if len(found) == 1:
            self.problems.count("content_mismatch", where)
        return found[:1] if len(found) == 1 else []


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
    """A record of an entry of ``images`` and its labels; what is wrong is named."""
    declared = (image.get("width"), image.get("height"))
    if None not in declared and declared != (header.width, header.height):
        size = f"{header.width} x {header.height}"
        found = f"{declared[0]} x {declared[1]}"
        message = f"Wanted {size}, the upright picture's size, found {found}. Boxes taken as pixels of {size}."
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
        message = f"The camera cannot be used ({cause!s:.80}); it needs fx, fy, cx, cy. Loaded without it."
        problems.add("broken_annotation", where, message)
        return None
