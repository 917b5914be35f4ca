"""One COCO file of a folder: its lists, and which image of the folder each entry means."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from workbench.adapters.formats.coco.annotations import Annotations
from workbench.adapters.formats.coco.categories import Categories
from workbench.adapters.formats.coco.ids import ById, as_id
from workbench.adapters.formats.coco.labels import Given
from workbench.adapters.formats.coco.merge import joined
from workbench.adapters.formats.toolkit.json_files import json_type
from workbench.adapters.formats.toolkit.json_stream import parts
from workbench.adapters.formats.toolkit.names import most_protected, split_in, split_of_path, split_word
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, plain_parts, stem_of
from workbench.base.errors import InputError

_NAMES = ("file_name", "filename", "path")
_URLS = ("coco_url", "flickr_url", "url")  # LVIS has no other name
_UPLOADED = re.compile(r"(?:^|.*/)(?:images|upload)/\d+/([^/]+)")  # Label Studio: the project's number is no folder


@dataclass(slots=True)
class Listed:
    """The entries of all files for one image; small, as there may be a million of them.

    Attributes:
        split: as in ``Record``.
        packed: its objects in ``images`` as one, as ``unpacked`` reads it.
        file, at: the first file that lists it, and where in its list.
        annotations: of each file.
    """

    split: str | None
    packed: bytes
    file: str
    at: int
    annotations: tuple[Given, ...] = ()


class Document:
    """One JSON file of a tree."""

    def __init__(self, tree: Tree, file: str, entries: dict[str, Listed], problems: Problems) -> None:
        self.tree, self.file, self.entries, self.problems = tree, file, entries, problems
        self.split = split_in(stem_of(file)) or split_of_path(file.split("/")[:-1])
        here = folder_of(file)
        self.maps_in = f"{here}/{stem_of(file)}" if here else stem_of(file)  # where a panoptic file has its maps
        near = [here, "", f"images/{self.split}" if self.split else "images", f"{here}/images" if here else "images"]
        self.near = [folder for folder in near if folder in tree.folders]
        self.categories = Categories(file, problems)
        self.annotations = Annotations(file, self.categories, problems)
        self.by_id: ById[Listed | None] = ById()
        self.listed: set[str] = set()
        self.guessed: dict[str, str] = {}
        self.maps: set[str] = set()
        self.licenses: dict[int | str, dict[str, Any]] = {}

    def read(self) -> None:
        """Add the images of this file, and its annotations, to what other files gave."""
        lists = dict.fromkeys(("images", "annotations", "categories"), False)
        for key, first, values in parts(self.tree.path(self.file), shown=self.file):
            if key in ("info", "licenses"):
                self._about(key, values)
                continue
            if key not in lists:
                continue
            if first < 0:
                lists[key] = self._is_list(key, values[0])
            elif key == "annotations":
                self.annotations.add(first, values)
            else:
                take = self._image if key == "images" else self.categories.add
                for at, value in enumerate(values, first):
                    take(at, value)
        if not lists["images"]:
            raise InputError(
                "The file has no list 'images', so it is not COCO.",
                at=self.file,
                fix="Give a file with the lists 'images', 'annotations' and 'categories', or another --format.",
            )
        self._name_licenses()
        self._locate_maps()
        self._share()

    def _about(self, key: str, values: Sequence[Any]) -> None:
        """Note what the file says of itself: its licenses, and facts that no image has."""
        if key == "licenses":
            entries = [value for value in values if isinstance(value, dict) and isinstance(value.get("id"), int | str)]
            self.licenses |= {entry["id"]: entry for entry in entries}
            return
        facts = [name for value in values if isinstance(value, dict) for name, fact in value.items() if fact]
        if facts:
            message = f"'info' says {', '.join(map(str, facts))[:120]} of the whole file; no image has it, left out."
            self.problems.add("unsupported_annotation", self.file, message)

    def _name_licenses(self) -> None:
        """Give every image the name and address of its license, whose number means nothing without this file."""
        for file in self.listed if self.licenses else ():
            listed = self.entries[file]
            image = unpacked(listed.packed)
            number = image.get("license")
            entry = self.licenses.get(number, {}) if isinstance(number, int | str) else {}
            if named := {f"license_{key}": entry[key] for key in ("name", "url") if entry.get(key)}:
                listed.packed = marshal.dumps({**named, **image})

    def _locate_maps(self) -> None:
        """The panoptic maps that annotations name: beside the file, in a folder of its name."""
        maps = self.annotations.maps
        for name in list(maps):
            files = [file for file in self.tree.find(name, near=[self.maps_in]) if file not in self.listed]
            if len(files) == 1:
                maps[name] = self.tree.path(files[0])
                self.maps.add(files[0])

    def _is_list(self, key: str, value: Any) -> bool:
        if key == "categories" and isinstance(value, dict):
            self.categories.add_mapping(value)
            return False
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
                entry.annotations += ((self.annotations, start, stop),)
            elif image_id not in self.by_id:
                for index in self.annotations.indices[start:stop].tolist():
                    message = f"No image has the id {image_id!r:.60}; label left out."
                    self.problems.add("broken_annotation", self.annotations.where(index), message)

    def _image(self, at: int, image: Any) -> None:
        where = place_of(self.file, at)
        id = as_id(image.get("id")) if isinstance(image, dict) else None
        names = list(_names(image)) if id is not None else []
        if id is None or not names:
            message = "The image is not an object with 'id' and 'file_name'; sample left out."
            self.problems.add("broken_annotation", where, message, loses_record=True)
            return
        file = self._locate(names, where)
        listed = self.by_id.get(id) if self.by_id.has_exactly(id) else None
        if self.by_id.has_exactly(id) and (listed is None or listed is not self.entries.get(file or "")):
            message = f"The id {id!r:.60} of '{names[0]:.200}' is already used; sample left out."
            self.problems.add("duplicate_id", where, message, loses_record=file is not None)
            return
        self.by_id[id] = None if file is None else self._listed(file, at, image)

    def _listed(self, file: str, at: int, image: Mapping[str, Any]) -> Listed:
        """The entries of an image with one more."""
        where, entry = place_of(self.file, at), self.entries.get(file)
        if file in self.listed:
            self.problems.count("duplicate_image", f"{where}: {file}")
        self.listed.add(file)
        known = ("id", *(_NAMES[:1] if _NAMES[0] in image else _NAMES))
        own = {key: value for key, value in image.items() if key not in known}
        if entry is None:
            entry = Listed(self._split(image, file, None), marshal.dumps(own), self.file, at)
            self.entries[file] = entry
        else:
            entry.split = self._split(image, file, entry)
            first = place_of(entry.file, entry.at)
            whole = joined(unpacked(entry.packed), own, where, first, self.problems, apart=frozenset({"split"}))
            entry.packed = marshal.dumps(whole)
        return entry

    def _split(self, image: Mapping[str, Any], file: str, before: Listed | None) -> str | None:
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

    def _locate(self, names: list[str], where: str) -> str | None:
        """The image that an entry means by the first of its names that leads to one."""
        name, files = names[0], self._files(names[0], where)
        for other in names[1:] if not files else ():
            guess = self._files(other, where)
            if guess and self.guessed.setdefault(guess[0], names[0]) == names[0]:  # not of two entries
                name, files = other, guess
                break
        if len(files) == 1 and f"/{files[0]}".endswith(f"/{name}"):  # nearly always
            return files[0]
        leaves = plain_parts(name)[1]
        if leaves and len(files) == 1:
            message = f"The path '{name:.200}' leads out of the folder; loaded '{files[0]}' instead."
            self.problems.add("path_outside_folder", where, message)
        if len(files) == 1:
            return files[0]
        if files:
            message = f"Several images match '{name:.200}' ({', '.join(files[:3])}); sample left out."
            self.problems.add("ambiguous_image", where, message, loses_record=True)
        elif leaves:
            message = f"The path '{name:.200}' leads out of the folder; sample left out."
            self.problems.add("path_outside_folder", where, message, loses_record=True)
        else:
            message = f"There is no image '{name:.200}'; sample left out."
            self.problems.add("missing_image", where, message, loses_record=True)
        return None

    def _files(self, name: str, where: str) -> list[str]:
        """The images that a name can mean."""
        files = self.tree.find(name, near=self.near) or self._other_type(name, self.near, where)
        if len(files) > 1:  # a panoptic map has the name of its image
            files = [file for file in files if folder_of(file) != self.maps_in] or files
        if len(files) > 1 and self.split:
            files = [file for file in files if split_of_path(file.split("/")) == self.split] or files
        return files

    def _other_type(self, file_name: str, near: list[str], where: str) -> list[str]:
        """The PNG where a JPEG is listed: BlenderProc lists ``.jpg`` whatever it wrote."""
        stem, dot, suffix = file_name.rpartition(".")
        files = self.tree.find(f"{stem}.png", near=near) if dot and suffix.lower() in ("jpg", "jpeg") else []
        if len(files) == 1:
            self.problems.count("content_mismatch", where)
        return files[:1] if len(files) == 1 else []


def _names(image: Mapping[str, Any]) -> Iterator[str]:
    """What an entry may call its image, the plainest first.

    >>> list(_names({"file_name": "images/3/a.jpg"})), list(_names({"coco_url": "http://x.org/val2017/1.jpg"}))
    (['images/3/a.jpg', 'images/a.jpg'], ['val2017/1.jpg', '1.jpg'])
    """
    given = [image[key] for key in (*_NAMES, *_URLS) if isinstance(image.get(key), str) and image[key]]
    for text in given:
        if "://" in text:
            folders, _, name = unquote(urlsplit(text).path).rpartition("/")
            yield from (f"{folders.rpartition('/')[2]}/{name}", name) if folders.strip("/") else (name,)
            continue
        yield text
        uploaded = _UPLOADED.fullmatch(text.replace("\\", "/"))
        if uploaded:
            yield f"images/{uploaded[1]}"


def place_of(file: str, at: int) -> str:
    """Name of an entry of ``images``, for messages."""
    return f"{file}, image {at}"


def unpacked(packed: bytes) -> dict[str, Any]:
    """An object of ``images`` without its id and name, which are known by then."""
    image: dict[str, Any] = marshal.loads(packed)  # noqa: S302 - our own bytes, never written anywhere
    return image
