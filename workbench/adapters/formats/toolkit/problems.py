"""The kinds of problems, and the place where a reader collects them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from workbench.base.plurals import filled
from workbench.core.schema.report import Problem

Kind = Literal[
    "ambiguous_image",
    "box_outside_image",
    "broken_annotation",
    "content_mismatch",
    "duplicate_box",
    "duplicate_id",
    "duplicate_label",
    "empty_cloud",
    "hidden_object",
    "ignored_junk",
    "inverted_box",
    "lfs_pointer",
    "missing_annotation_file",
    "missing_image",
    "missing_map",
    "missing_split",
    "nan_box",
    "not_a_cloud",
    "not_a_file",
    "not_an_object",
    "path_outside_folder",
    "size_mismatch",
    "source_conflict",
    "split_conflict",
    "truncated_image",
    "two_point_polygon",
    "unknown_category",
    "unlisted_image",
    "unreadable_cloud",
    "unreadable_image",
    "unreadable_map",
    "unsupported_annotation",
    "unsupported_camera",
    "unsupported_media",
    "unusable_name",
    "zero_area_box",
]

KINDS: Final[dict[Kind, str]] = {
    "ambiguous_image": "several pictures fit the name; the record is left out",
    "box_outside_image": "a box beyond the picture; clipped, or left out when nothing of it is inside",
    "broken_annotation": "an entry that is not what the format says; that entry is left out",
    "content_mismatch": "the file's content is of another type than its name says; loaded",
    "duplicate_box": "the same class and box twice in one picture; both are loaded",
    "duplicate_id": "an id that is used twice; the first entry counts",
    "duplicate_label": "the same label in two files; kept once",
    "empty_cloud": "a point cloud without points or without x, y, z; left out",
    "hidden_object": "objects of which no pixel is seen; counted, they get no label",
    "ignored_junk": "files that no data set needs (hidden files, thumbnails), counted",
    "inverted_box": "a box whose right or bottom edge comes first; left out",
    "lfs_pointer": "a Git LFS pointer instead of a picture or map; a record without picture is left out",
    "missing_annotation_file": "a picture without its annotation; loaded without labels",
    "missing_image": "an entry without its picture; the record is left out",
    "missing_map": "a map, mask or cloud that is named but not there; the rest is loaded",
    "missing_split": "a split that is named but not there",
    "nan_box": "a box with an edge that is no finite number; left out",
    "not_a_cloud": "a mesh (PLY with faces) where a point cloud belongs; left out",
    "not_a_file": "a link to a folder inside, a pipe, a socket or a device; never opened",
    "not_an_object": "entries that mark no object (DontCare regions), counted",
    "path_outside_folder": "a path that leads out of the folder; found inside, or left out",
    "size_mismatch": "width and height as written differ from the picture's; loaded, the picture's count",
    "source_conflict": "the data names another source than was asked for; the data's counts",
    "split_conflict": "a picture in two splits; it stays in the more protected one",
    "truncated_image": "a picture whose end is missing; the record is left out",
    "two_point_polygon": "an outline of fewer than three points; that outline is left out",
    "unknown_category": "a class that is not declared; that label is left out",
    "unlisted_image": "pictures that no annotation file names; not loaded",
    "unreadable_cloud": "a point cloud that cannot be read; left out",
    "unreadable_image": "a picture that cannot be opened; the record is left out",
    "unreadable_map": "a depth map, mask or array that cannot be read; the rest is loaded",
    "unsupported_annotation": "a kind of annotation that is not read (captions, normals), counted",
    "unsupported_camera": "a camera model that is not known (fisheye, orthographic); loaded without intrinsics",
    "unsupported_media": "a sample that is no picture (a video, a 3D scene alone); the record is left out",
    "unusable_name": "a file or folder whose name is not UTF-8; left out",
    "zero_area_box": "a box without area; left out, or kept where the format counts it as one pixel",
}

_SHOWN = 3


class Problems:
    """Everything that is wrong with one input, in the order found.

    >>> problems = Problems()
    >>> problems.add("missing_image", "a.json, image 3", "Wanted x.jpg, found nothing. Left out.")
    >>> problems.count("ignored_junk", ".DS_Store")
    >>> problems.close("ignored_junk", "Ignored {n} files ({first}).")
    >>> [p.kind for p in problems]
    ['missing_image', 'ignored_junk']
    """

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._counted: Counter[Kind] = Counter()
        self._first: dict[Kind, list[str]] = {}
        self.records_lost = 0

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, kind: Kind, where: str, message: str, *, loses_record: bool = False) -> None:
        """Name one problem; ``loses_record`` when a whole record is left out because of it."""
        self._found.append(Problem(where=where, kind=kind, message=message))
        self.records_lost += loses_record

    def extend(self, others: Problems) -> None:
        """Take over everything that another collection named."""
        self._found += others._found
        self.records_lost += others.records_lost

    def count(self, kind: Kind, where: str) -> None:
        """Count a problem that is named once for all its places, by ``close``."""
        self._counted[kind] += 1
        first = self._first.setdefault(kind, [])
        if len(first) < _SHOWN:
            first.append(where)

    def close(self, kind: Kind, message: str, *, where: str = "") -> None:
        """Name what was counted, if anything; ``{n}`` and ``{first}`` are filled in."""
        n = self._counted.pop(kind, 0)
        if n:
            first = self._first.pop(kind)
            text = filled(message, n).replace("{first}", ", ".join(first))
            self._found.append(Problem(where=where or first[0], kind=kind, message=text))
