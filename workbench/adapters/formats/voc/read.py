"""Pascal VOC: one XML file per image, splits in ``ImageSets/Main``.

Dialect: the devkit counts pixels from 1 and includes the far edge, so ``xmin 1, xmax W`` is the whole
width; as edges that is ``(xmin - 1, ymin - 1, xmax, ymax)``, and ``xmin == xmax`` is one pixel wide.
Some tools write edges counted from 0 instead. A 0 cannot occur in the devkit's counting, so one
``xmin`` or ``ymin`` of at least 0 and below 1 anywhere in the data says that all its boxes are edges as written.
The writer follows the devkit.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import most_protected, split_of_path, split_word
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.same_objects import CLOSING, merged
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.text_files import content_of, encoding_of, head_of, lines_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, plain_parts, stem_of
from workbench.adapters.formats.voc.masks import with_masks
from workbench.adapters.formats.voc.objects import VocObject, label_of, number, parse_object
from workbench.core.schema.labels import Label, Labels, Record

name = "voc"
looks_for = "XML files with an <annotation>"
single_files = False

_HEAD_BYTES = 512
_MARK = re.compile(r"<annotation[\s>]")
_TRIED = 20
_STAGE = re.compile(r"[A-Za-z0-9-]+")  # with _ it is the list of one class: aeroplane_train
_NUMBERED_LISTS = ("Layout", "Action")
_CLASS_LIST = "labelmap.txt"  # of CVAT and datumaro; the objects say the same
_NUMBERED = re.compile(r"(\S.*?)\s+-?\d+(\s+-?\d+)*")
_CLOSING: Mapping[Kind, str] = {
    **CLOSING,
    "unsupported_annotation": "{n} masks that fit no label ({first}); left out.",
}
_NO_SPLITS = frozenset({"trainval", "default", "all"})


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One XML file; ``file_name`` is empty when it names no image."""

    file: str
    file_name: str
    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    annotations: tuple[_Annotation, ...]
    split: str | None
    masks: str | None = None  # an image with a value per object


def detect(source: Source) -> Found | None:
    """Look for XML files that begin with ``<annotation>``."""
    files = _xml_files(source.tree)
    first = next((file for file in files[:_TRIED] if _looks_like(source.tree.peek(file))), None)
    return None if first is None else Found(0.9, f"{first} holds an <annotation>", partial(_records, source, files))


def _xml_files(tree: Tree) -> list[str]:
    return [file for file in tree.files if file.lower().endswith(".xml")]


def _looks_like(path: Path) -> bool:
    return bool(_MARK.search(head_of(path, _HEAD_BYTES)))


def read(source: Source) -> Iterator[Record]:
    """Read every record; see ``contract.Format.read``."""
    return _records(source, _xml_files(source.tree))


def _records(source: Source, files: Sequence[str]) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    annotations = [parsed for file in files if (parsed := _parse(tree, file, problems)) is not None]
    problems.close("unsupported_annotation", "{n} parts of objects ({first}); left out.")
    shift_px = 0.0 if _counts_from_zero(annotations) else 1.0
    tree.mark_opened(tree.named(_CLASS_LIST))
    known = {stem_of(file) for file in (*tree.pictures, *files)}
    splits = _image_sets(tree, known, problems)
    entries = _entries(tree, annotations, splits, problems)
    return Records(
        entries, lambda entry, header: _record(tree, entry, header, shift_px, problems), source, closing=_CLOSING
    )


def _parse(tree: Tree, file: str, problems: Problems) -> _Annotation | None:
    data = content_of(tree.peek(file), file, problems)
    message = ""
    if data is None:
        return None
    bare = data.replace(b"\0", b"")  # whatever its encoding
    if b"<!ENTITY" in bare or b"<!DOCTYPE" in bare:
        message = "The XML has a document type or entities, which are never read; file left out."
    else:
        try:
            root = ET.fromstring(_decoded(data))  # noqa: S314 - no entities: checked above
        except (ET.ParseError, ValueError, LookupError) as cause:
            message = f"The file is not valid XML ({cause}); file left out."
        else:
            if root.tag == "annotation":
                tree.mark_opened([file])
                return _annotation(file, root, problems)
            if not _looks_like(tree.peek(file)):
                return None  # another kind of XML
            message = f"The root element is <{root.tag:.40}>, not <annotation>; file left out."
    problems.add("broken_annotation", file, message)
    return None


def _decoded(data: bytes) -> bytes | str:
    """Text where the first bytes say the encoding; else bytes, whose declaration says it."""
    encoding, start = encoding_of(data)
    return data if encoding == "utf-8" else data[start:].decode(encoding, errors="replace")


def _annotation(file: str, root: ET.Element, problems: Problems) -> _Annotation:
    width, height = number(root.findtext("size/width")), number(root.findtext("size/height"))
    objects = []
    for at, node in enumerate(root.findall("object")):
        parsed = parse_object(node)
        if parsed is None:
            message = "The object has no name, or neither a bndbox of four numbers nor an outline; label left out."
            problems.add("broken_annotation", f"{file}, object {at}", message)
        else:
            objects.append(parsed)
            for part in range(parsed.parts):
                problems.count("unsupported_annotation", f"{file}, object {at}, part {part}")
    size = (int(width), int(height)) if width and height and max(width, height) < 1e6 else None
    return _Annotation(file, (root.findtext("filename") or "").strip(), size, tuple(objects))


def _counts_from_zero(annotations: Sequence[_Annotation]) -> bool:
    edges = (edge for annotation in annotations for entry in annotation.objects for edge in (entry.xyxy or ())[:2])
    return any(0 <= edge < 1 for edge in edges)


def _image_sets(tree: Tree, known: Container[str], problems: Problems) -> dict[str, str]:
    """Split by image name without suffix.

    Args:
        tree: the files.
        known: names without suffix of images and XML files.
        problems: where images of several splits are named.
    """
    splits: dict[str, str] = {}
    for file in tree.files:
        if "ImageSets" not in file.split("/") or not file.endswith(".txt"):
            continue
        stem = stem_of(file)
        tree.mark_opened([file])  # trainval, and the list of each class, say nothing more
        split = split_word(stem) or (stem if _STAGE.fullmatch(stem) and stem not in _NO_SPLITS else None)
        for line in lines_of(tree.path(file), file, problems) if split is not None else ():
            listed = _listed(line, known, numbered=folder_of(file).endswith(_NUMBERED_LISTS))
            before = splits.get(listed, split)
            if before != split:
                problems.count("split_conflict", listed)
            if listed and split is not None and before is not None:
                splits[listed] = most_protected((before, split))
    problems.close(
        "split_conflict",
        "{n} images listed in several splits ({first}); kept in the more protected one (test, then val).",
    )
    return splits


def _listed(line: str, known: Container[str], *, numbered: bool) -> str:
    """The image that a line names; in the lists of Layout and Action a number of the object follows it.

    >>> _listed("2007_000027 1", {"2007_000027"}, numbered=False), _listed("a 1", {"a 1"}, numbered=True)
    ('2007_000027', 'a 1')
    >>> _listed("absent 1", set(), numbered=True), _listed("absent 1", set(), numbered=False)
    ('absent', 'absent 1')
    """
    text = line.strip()
    match = _NUMBERED.fullmatch(text)
    return match[1] if match and text not in known and (numbered or match[1] in known) else text


def _entries(
    tree: Tree, annotations: Sequence[_Annotation], splits: dict[str, str], problems: Problems
) -> list[_Entry]:
    entries: dict[str, _Entry] = {}
    stems: set[str] = set()
    by_stem: dict[str, list[str]] = {}
    for picture in tree.pictures:
        by_stem.setdefault(stem_of(picture), []).append(picture)
    for annotation in annotations:
        stem = stem_of(annotation.file)
        stems.add(stem)
        picture_file = _picture(tree, annotation, by_stem.get(stem, []), problems)
        if picture_file is None:
            continue
        if picture_file in entries:
            entry = entries[picture_file]
            masks = entry.masks or _masks(tree, annotation.file)
            entries[picture_file] = replace(entry, annotations=(*entry.annotations, annotation), masks=masks)
            continue
        split = _split(picture_file, splits)
        masks = _masks(tree, annotation.file)
        entries[picture_file] = _Entry(tree.path(picture_file), picture_file, (annotation,), split, masks)
    _without_annotation(tree, entries, splits, problems)
    for stem in sorted(set(splits) - stems - set(by_stem)):
        message = f"There is no image '{stem:.200}', which the split '{splits[stem]}' lists; sample left out."
        problems.add("missing_image", f"ImageSets, {stem}", message, loses_record=True)
    return list(entries.values())


def _without_annotation(tree: Tree, entries: dict[str, _Entry], splits: dict[str, str], problems: Problems) -> None:
    homes = {folder_of(picture) for picture in entries} | {f for f in tree.folders if f.endswith("JPEGImages")}
    for picture in tree.pictures:
        if picture in entries or folder_of(picture) not in homes:
            continue
        problems.add("missing_annotation_file", picture, "No XML file for this image; loaded without labels.")
        entries[picture] = _Entry(tree.path(picture), picture, (), _split(picture, splits), _masks(tree, picture))


def _masks(tree: Tree, file: str) -> str | None:
    """The image of masks that belongs to an XML file."""
    above = folder_of(folder_of(file))
    return tree.existing(f"{above}/SegmentationObject/{stem_of(file)}.png".lstrip("/"))


def _split(picture: str, splits: dict[str, str]) -> str | None:
    return splits.get(stem_of(picture)) or split_of_path(picture.split("/")[:-1])


def _picture(tree: Tree, annotation: _Annotation, same_stem: Sequence[str], problems: Problems) -> str | None:
    """The image of an XML file: of the same name in the usual places, else by its ``filename``."""
    here = folder_of(annotation.file)
    above = folder_of(here)
    near = [f"{above}/JPEGImages" if above else "JPEGImages", here, f"{above}/images" if above else "images"]
    files = [picture for picture in same_stem if folder_of(picture) in near]
    if len(files) == 1:
        return files[0]
    file_name, leaves = annotation.file_name, plain_parts(annotation.file_name)[1]
    files = (tree.find(file_name, near=near) if file_name else []) or list(same_stem)
    if leaves:
        outcome = f"loaded '{files[0]}' instead" if len(files) == 1 else "sample left out"
        message = f"The path '{file_name:.200}' leads out of the folder; {outcome}."
        problems.add("path_outside_folder", annotation.file, message, loses_record=len(files) != 1)
    if len(files) == 1:
        return files[0]
    if files:
        message = f"Several images match this file ({', '.join(files[:3])}); sample left out."
        problems.add("ambiguous_image", annotation.file, message, loses_record=not leaves)
    elif not leaves:
        message = f"There is no image '{file_name or stem_of(annotation.file):.200}'; sample left out."
        problems.add("missing_image", annotation.file, message, loses_record=True)
    return None


def _record(tree: Tree, entry: _Entry, header: Header, shift_px: float, problems: Problems) -> Record:
    frame = Frame(header.width, header.height, problems)
    labels = merged([(each.file, _labels(each, shift_px, frame)) for each in entry.annotations], problems)
    if entry.masks is not None:
        labels = with_masks(tree, entry.masks, labels, frame)
    return Record(entry.image_path, entry.origin, header.width, header.height, Labels.of(labels), split=entry.split)


def _labels(annotation: _Annotation, shift_px: float, frame: Frame) -> list[Label]:
    """The labels of one XML file."""
    size = (frame.width, frame.height)
    if annotation.size is not None and annotation.size != size:
        says, file_size = f"{annotation.size[0]} x {annotation.size[1]}", f"{size[0]} x {size[1]}"
        message = f"The file says {says}, the upright image is {file_size}; boxes are loaded as pixels of the image."
        frame.problems.add("size_mismatch", annotation.file, message)
    labels = (
        label_of(each, shift_px, f"{annotation.file}, object {at}", frame) for at, each in enumerate(annotation.objects)
    )
    return [label for label in labels if label is not None]
