"""COCO: one or several JSON files with ``images``, ``annotations`` and ``categories``.

Read: boxes, polygons, run-length masks (both forms), keypoints, class of the whole image, and every further
key of an image or annotation as an attribute. Several files may speak of the same images.
Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbench.adapters.formats.coco.document import Document, Listed, place_of, unpacked
from workbench.adapters.formats.coco.entries import IMAGE_KEYS
from workbench.adapters.formats.coco.labels import Given, ImageLabels, labels_of
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.json_stream import opened
from workbench.adapters.formats.toolkit.lineage import lineage_of
from workbench.adapters.formats.toolkit.names import attributes_of
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.table_rows import kept_class
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.base.spool import Viewed
from workbench.core.schema.labels import Camera, Record

name = "coco"
looks_for = "a .json file with 'images', 'annotations' and 'categories'"
single_files = True

_HEAD_BYTES = 1 << 16
_UNPACKED_BYTES = 1 << 20
_APART = frozenset({"annotations", "annotation", "labels", "json"})  # folders that hold JSON beside the images
_OF_BOP = "scene_gt_coco.json"  # BlenderProc writes it beside the poses, which say more
_ENDS = (".json", ".json.gz")
_LISTS = re.compile(rb'"(images|annotations)"\s*:\s*\[')
_CATEGORIES = re.compile(rb'"categories"\s*:\s*[\[{]')
_CONTENT = re.compile(rb'"(file_name|coco_url|bbox|image_id|category_id|supercategory)"\s*:')
_FIRST = re.compile(rb'(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*\{\s*"(info|licenses|images|annotations|categories)"')
_ENTRY = re.compile(rb'"(file_name|coco_url|image_id)"\s*:')
_CLOSING: Mapping[Kind, str] = {
    "missing_box": "{n} annotations without a box among others ({first}); loaded as classes of their images.",
    "missing_map": "No panoptic map for {n} annotations ({first}); boxes loaded without masks.",
    "unsupported_annotation": "{n} captions ({first}); not supported, left out.",
}
_USED = IMAGE_KEYS - {"attributes", "classes"}


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
    if not file.lower().endswith(_ENDS):
        return None
    certain = _looks_like(source.path)
    why = f"{file} has the lists of COCO" if certain else "a JSON file"
    return Found(0.9 if certain else 0.3, why, partial(_read_file, source))


def _json_files(tree: Tree) -> list[str]:
    return [file for file in tree.files if file.lower().endswith(_ENDS) and _looks_like(tree.peek(file))]


def _looks_like(path: Path) -> bool:
    """Whether a file has the lists of COCO, as far as its head and its end say."""
    head, rest = (part.replace(b"\0", b"") for part in _ends(path))  # of UTF-16 the Latin letters are left
    if _LISTS.search(head):
        return bool(_CONTENT.search(head) or _FIRST.match(head))
    return bool(_CATEGORIES.search(head) and _ENTRY.search(rest))  # LVIS begins with 1,203 categories


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first bytes of a file, and some that follow: its last ones, or where it is packed the next."""
    try:
        with opened(path) as stream:
            head = stream.read(_HEAD_BYTES)
            if isinstance(stream, gzip.GzipFile):
                return head, stream.read(_UNPACKED_BYTES)
            stream.seek(max(len(head), path.stat().st_size - _HEAD_BYTES))
            return head, stream.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):  # no gzip, or the end of it is missing
        return b"", b""


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
    entries: dict[str, Listed] = {}
    maps = _read_all(tree, files, entries, problems)
    for picture in tree.pictures if all_listed else ():
        if picture not in entries and picture not in maps:
            problems.count("unlisted_image", picture)
    problems.close("unlisted_image", "{n} images not listed in any annotation file ({first}); not loaded.")
    problems.close("content_mismatch", "{n} images listed as JPEG but stored as PNG ({first}); loaded from the PNG.")
    problems.close("duplicate_id", "{n} annotations with an id that is already used ({first}); all are loaded.")
    problems.close("duplicate_image", "{n} images listed twice ({first}); loaded once, with all labels.")
    drafts = Viewed(list(entries), lambda file: _entry(tree.path(file), file, entries[file]))
    return Records(drafts, lambda entry, header: _record(entry, header, problems), source, closing=_CLOSING)


def _read_all(tree: Tree, files: Sequence[str], entries: dict[str, Listed], problems: Problems) -> frozenset[str]:
    """Read the lists of all files into ``entries``; returns the panoptic maps, which are no images of their own."""
    maps: set[str] = set()
    for file in files:
        document = Document(tree, file, entries, problems)
        document.read()
        maps |= document.maps
    return frozenset(maps)


def _entry(path: Path, file: str, listed: Listed) -> _Entry:
    where = place_of(listed.file, listed.at)
    return _Entry(path, file, listed.split, unpacked(listed.packed), where, listed.annotations)


def _record(entry: _Entry, header: Header, problems: Problems) -> Record:
    labels = labels_of(entry.annotations, header, problems)
    return record_of(entry.image, entry, entry.split, labels, header, entry.where, problems)


def record_of(
    image: Mapping[str, Any],
    draft: Draft,
    split: str | None,
    content: ImageLabels,
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
    tags = image.get("tags")
    own = (str(image["classification"]),) if image.get("classification") else ()
    classes = list(dict.fromkeys(own + content.classes))
    attributes = attributes_of(image, known=_USED)
    if isinstance(image.get("attributes"), dict):  # datumaro and CVAT keep an image's attributes together
        attributes.pop("attributes", None)
        attributes = {**attributes_of(image["attributes"], known=frozenset()), **attributes}
    return Record(
        image_path=draft.image_path,
        origin=draft.origin,
        width=header.width,
        height=header.height,
        labels=content.labels,
        classification=kept_class(classes, attributes, where, problems),
        split=split,
        scene_id=str(image["scene_id"]) if image.get("scene_id") not in (None, "") else None,
        attributes=attributes,
        camera=_camera(image.get("camera"), header, where, problems),
        generation=lineage_of(image.get("generation"), where, problems),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        class_facts=content.facts,
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
