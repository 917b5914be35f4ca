"""Isaac Sim's Replicator: BasicWriter 0.0.1 and 0.0.2 in all its folders, and PoseWriter.

BasicWriter writes ``<annotator>_<sequence><frame>``: all in one folder, below ``<render product>/<annotator>/``,
or as ``<annotator>/<render product>_<annotator>_...``. PoseWriter writes one JSON per image, whose poses in the
camera frame are wrong for anything that is turned or scaled; they are made again of the world transforms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from workbench.adapters.formats.replicator import frame as replicator_frame
from workbench.adapters.formats.replicator import pose as replicator_pose
from workbench.adapters.formats.replicator.shot import Shot, annotation_files
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import split_of_path
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.text_files import head_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, stem_of
from workbench.core.schema.labels import Record

name = "replicator"
looks_for = "a metadata.txt of BasicWriter, rgb_0000.png beside its annotations, or PoseWriter's JSON"
single_files = False

_SHOT = re.compile(r"(?P<prefix>.+_)?rgb_(?P<number>(?:\d+_)?\d+)")
_LABELLED = re.compile(
    r"(?P<prefix>.+_)?(?:bounding_box_(?:2d_tight|2d_loose|3d)|camera_params)_(?P<number>(?:\d+_)?\d+)"
)
_NOT_READ = re.compile(
    r"(.+_)?(semantic_segmentation|normals|motion_vectors|pointcloud|pointcloud_\w+|skeleton)_(\d+_)?\d+"
)
_OTHERS = re.compile(r"(.+_)?(instance_(id_)?segmentation|distance_to_(camera|image_plane))_(\d+_)?\d+|\d+_overlay")
_HEAD_BYTES = 4096
_TRIED = 20
_CLOSING: Mapping[Kind, str] = {
    "duplicate_label": "{n} rows of parts of a labelled object ({first}); left out.",
    "hidden_object": "{n} objects without a visible pixel ({first}); not labelled.",
    "unsupported_camera": "{n} cameras other than pinhole ({first}); loaded without intrinsics.",
    "unsupported_annotation": "No camera for the 3D boxes of {n} images ({first}); 3D boxes left out.",
    "missing_annotation_file": "No annotations for {n} images ({first}); loaded without labels.",
}


@dataclass(frozen=True, slots=True)
class _Posed(Draft):
    """An image of PoseWriter with its JSON."""

    json_file: str


class _Layout:
    """The images of a tree that are Replicator's, each kind looked for when it is first asked for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    @cached_property
    def shots(self) -> list[Shot]:
        """Images of BasicWriter, in the order of their numbers."""
        return _shots(self._tree)

    @cached_property
    def posed(self) -> list[_Posed]:
        """Images of PoseWriter, which may be missing."""
        return _posed(self._tree)


def detect(source: Source) -> Found | None:
    """Look for BasicWriter's metadata, its file names, or PoseWriter's keys."""
    tree, layout = source.tree, _Layout(source.tree)
    match = partial(Found, read=partial(_records, source, layout))
    for file in tree.files:
        if file.rpartition("/")[2] == "metadata.txt" and _is_metadata(tree.peek(file)):
            return match(0.95, f"{file} names BasicWriter")
    for shot in layout.shots[:_TRIED]:
        files = annotation_files(tree, shot)
        if files:
            return match(0.92, f"{shot.origin} has {files[0]}")
    posed = layout.posed
    return match(0.9, f"{posed[0].json_file} has camera_view_matrix and objects") if posed else None


def _is_metadata(path: Path) -> bool:
    try:
        content = json.loads(head_of(path, _HEAD_BYTES))
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("name") == "BasicWriter"


def _shots(tree: Tree) -> list[Shot]:
    shots = []
    for picture in (picture for picture in tree.pictures if "rgb_" in picture):
        match, folder = _SHOT.fullmatch(stem_of(picture)), folder_of(picture)
        if match and (not match["prefix"] or folder.rpartition("/")[2] == "rgb"):
            shots.append(Shot(tree.path(picture), picture, folder, match["prefix"] or "", match["number"]))
    return sorted(shots, key=lambda shot: (shot.folder, shot.prefix, [int(n) for n in shot.number.split("_")]))


def _posed(tree: Tree) -> list[_Posed]:
    posed = []
    for file in tree.files:
        if file.endswith(".json") and stem_of(file).isdecimal() and _is_pose(tree.peek(file)):
            picture = next((p for s in ("png", "jpg", "jpeg") if (p := f"{file[:-5]}.{s}") in tree.known), "")
            posed.append(_Posed(tree.path(picture or f"{file[:-5]}.png"), picture or f"{file[:-5]}.png", file))
    return posed


def _is_pose(path: Path) -> bool:
    head = head_of(path, _HEAD_BYTES)
    return '"camera_data"' in head and '"camera_view_matrix"' in head


def read(source: Source) -> Iterator[Record]:
    """Read every record; see ``contract.Format.read``."""
    return _records(source, _Layout(source.tree))


def _records(source: Source, layout: _Layout) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    shots, posed = layout.shots, layout.posed
    tree.mark_opened(tree.named("metadata.txt"))
    _name_others(tree, {draft.origin for draft in (*shots, *posed)}, problems)
    _name_missing(tree, shots, problems)
    there = [draft for draft in posed if draft.origin in tree.known]
    for draft in posed:
        if draft.origin not in tree.known:
            message = f"There is no image '{draft.origin}'; sample left out."
            problems.add("missing_image", draft.json_file, message, loses_record=True)

    def build(draft: Draft, header: Header) -> Record:
        split = split_of_path(draft.origin.split("/")[:-1])
        if isinstance(draft, _Posed):
            return replicator_pose.record(tree, draft, draft.json_file, header, split, problems)
        assert isinstance(draft, Shot)
        return replicator_frame.record(source, draft, header, split)

    drafts: list[Draft] = [*shots, *there]
    return Records(drafts, build, source, closing=_CLOSING)


def _name_others(tree: Tree, used: set[str], problems: Problems) -> None:
    for file in tree.files:
        stem = stem_of(file)
        if _NOT_READ.fullmatch(stem):
            problems.count("unsupported_annotation", file)
        elif is_picture(file) and file not in used and not _OTHERS.fullmatch(stem):
            problems.count("unlisted_image", file)
    message = "{n} files of annotators that are not supported ({first}); left out."
    problems.close("unsupported_annotation", message)
    problems.close("unlisted_image", "{n} images other than rgb ({first}); not loaded.")


def _name_missing(tree: Tree, shots: list[Shot], problems: Problems) -> None:
    """Report frames that have annotations but no image, once each."""
    known = {(shot.base, shot.prefix, shot.number) for shot in shots}
    for file in tree.files:
        match = _LABELLED.fullmatch(stem_of(file))
        if match is None:
            continue
        folder, annotator = folder_of(file), stem_of(file)[len(match["prefix"] or "") : -len(match["number"]) - 1]
        above, _, last = folder.rpartition("/")
        key = (above if last == annotator else folder, match["prefix"] or "", match["number"])
        if key not in known:
            known.add(key)
            message = "There is no rgb image of this frame; sample left out."
            problems.add("missing_image", file, message, loses_record=True)
