"""The kinds of problems, and the place where a reader collects them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from workbench.base.plurals import filled
from workbench.core.schema.report import Problem

Kind = Literal[
    "ambiguous_image",
    "annotation_conflict",
    "box_format",
    "box_outside_image",
    "broken_annotation",
    "class_name",
    "changed_labels",
    "content_mismatch",
    "duplicate_box",
    "duplicate_id",
    "duplicate_image",
    "duplicate_label",
    "edited_labels",
    "empty_cloud",
    "hidden_object",
    "ignored_junk",
    "inverted_box",
    "lfs_pointer",
    "missing_annotation_file",
    "missing_box",
    "missing_confidence",
    "missing_image",
    "missing_map",
    "missing_split",
    "mixed_types",
    "nan_box",
    "not_a_cloud",
    "not_a_file",
    "not_an_object",
    "path_outside_folder",
    "several_classes",
    "size_mismatch",
    "source_conflict",
    "split_conflict",
    "text_encoding",
    "truncated_image",
    "two_point_polygon",
    "unknown_category",
    "unlisted_image",
    "unnamed_class",
    "unread_file",
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
    "ambiguous_image": "several images match the name; the sample is left out",
    "annotation_conflict": "two entries for the same image or label that contradict each other; the first counts",
    "box_format": "boxes whose numbers nothing explains; read in the format in which they fit in their images",
    "box_outside_image": "a box that reaches beyond the image; clipped, or left out when nothing of it is inside",
    "broken_annotation": "an entry that does not follow the format; that entry is left out",
    "class_name": "a class name with spaces around it, or in another Unicode form; read without",
    "changed_labels": "a sample that has other labels than when it was loaded; kept, or replaced on request",
    "content_mismatch": "an image of another type than its file name says; loaded",
    "duplicate_box": "the same class and box twice in one image; both are loaded",
    "duplicate_id": "an id that is used twice; the first entry counts",
    "duplicate_image": "an image that is listed twice; loaded once, with the labels of all its entries",
    "duplicate_label": "the same label in two files; kept once",
    "edited_labels": "a sample whose labels were changed in the data and in the dataset; those of the dataset are kept",
    "empty_cloud": "a point cloud without points or without x, y, z; left out",
    "hidden_object": "objects without a visible pixel; counted, not labelled",
    "ignored_junk": "files that are not part of the data (hidden files, thumbnails); counted",
    "inverted_box": "a box whose right or bottom edge comes first; left out",
    "lfs_pointer": "a Git LFS pointer instead of an image, map or cloud; a sample without its image is left out",
    "missing_annotation_file": "an image without annotations; loaded without labels",
    "missing_box": "a label without a box among labels with boxes; loaded as the class of the whole image",
    "missing_confidence": "predictions without a confidence; they count at any confidence, and rank last for AP",
    "missing_image": "an entry whose image does not exist; the sample is left out",
    "missing_map": "a map, mask or cloud that does not exist; the rest is loaded",
    "missing_split": "a split whose images do not exist; left out",
    "mixed_types": "values that are not of the type of their field (text beside numbers); kept as text",
    "nan_box": "a box with an edge that is not a finite number; left out",
    "not_a_cloud": "a mesh (PLY with faces) where a point cloud belongs; left out",
    "not_a_file": "a link to a folder of the same data, a pipe, a socket or a device; never opened",
    "not_an_object": "entries that mark no object (DontCare regions); counted",
    "path_outside_folder": "a path that leads out of the folder; replaced by a file inside, or left out",
    "several_classes": "an image of several classes as a whole; the first is its class, all become an attribute",
    "size_mismatch": "width and height that differ from the image file; loaded with the size of the file",
    "source_conflict": "the data names another source than the load; loaded with that of the data",
    "split_conflict": "an image in two splits; it stays in the more protected one (test, then val)",
    "text_encoding": "a text file that is not UTF-8 or UTF-16; read as Windows-1252",
    "truncated_image": "an image file whose end is missing; the sample is left out",
    "two_point_polygon": "an outline with fewer than three points; that outline is left out",
    "unknown_category": "a class that is not declared; the label is left out",
    "unlisted_image": "images that no annotation file lists; not loaded",
    "unnamed_class": "a box without a class, or a class that is a number without a name; read as 'object' or by number",
    "unread_file": "files that may hold labels, splits or maps and that the format does not use; not read",
    "unreadable_cloud": "a point cloud that cannot be read; left out",
    "unreadable_image": "an image that cannot be opened; the sample is left out",
    "unreadable_map": "a depth map, mask or array that cannot be read; the rest is loaded",
    "unsupported_annotation": "a kind of annotation that is not supported (captions, normals); left out",
    "unsupported_camera": "a camera model that is not supported (fisheye, orthographic); loaded without intrinsics",
    "unsupported_media": "a sample that is not an image (a video, a 3D scene alone); left out",
    "unusable_name": "a file or folder whose name is not UTF-8; left out",
    "zero_area_box": "a box without area; left out, or kept where the format counts it as one pixel",
}

_SHOWN = 3


class Problems:
    """Everything that is wrong with one input, in the order of discovery.

    >>> problems = Problems()
    >>> problems.add("missing_image", "a.json, image 3", "There is no image 'x.jpg'; sample left out.")
    >>> for name in ("1.tmp", "2.tmp", "3.tmp", "4.tmp"):
    ...     problems.count("ignored_junk", name)
    >>> problems.close("ignored_junk", "{n} other files ({first}); ignored.")
    >>> [problem.message for problem in problems]  # doctest: +NORMALIZE_WHITESPACE
    ["There is no image 'x.jpg'; sample left out.",
     '4 other files (first: 1.tmp, 2.tmp, 3.tmp); ignored.']
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._counted: Counter[Kind] = Counter()
        self._first: dict[Kind, list[str]] = {}
        self.records_lost = 0
        self.files: set[str] = set()  # named by some problem
        self.lost_files: set[str] = set()  # named where a record was lost

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._problems)

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, kind: Kind, where: str, message: str, *, loses_record: bool = False) -> None:
        """Report one problem.

        Args:
            kind: its kind.
            where: the file, and the line or entry in it.
            message: what is wrong and what became of the record or label, as a sentence.
            loses_record: whether a whole record is left out because of it.
        """
        self._problems.append(Problem(where=where, kind=kind, message=message))
        self.files.add(where.partition(",")[0])
        self.records_lost += loses_record
        if loses_record:
            self.lost_files.add(where.partition(",")[0])

    def extend(self, others: Problems) -> None:
        """Add all problems of another collection."""
        self._problems += others._problems
        self.files |= others.files
        self.lost_files |= others.lost_files
        self.records_lost += others.records_lost

    def count(self, kind: Kind, where: str) -> None:
        """Count a problem; ``close`` reports all of its kind as one."""
        self._counted[kind] += 1
        self.files.add(where.partition(",")[0])
        first = self._first.setdefault(kind, [])
        if len(first) < _SHOWN:
            first.append(where)

    def close(self, kind: Kind, message: str, *, where: str = "") -> None:
        """Report what was counted of a kind, if anything, as one problem.

        Args:
            kind: the kind that was counted.
            message: a sentence; ``{n}`` becomes the number, with the noun behind it in the singular or plural,
                ``{first}`` the first places, after the word ``first:`` where there are more.
            where: the place to give; that of the first one where it is empty.
        """
        n = self._counted.pop(kind, 0)
        if n:
            first = self._first.pop(kind)
            shown = ("first: " if n > _SHOWN else "") + ", ".join(first)
            text = filled(message, n).replace("{first}", shown)
            self._problems.append(Problem(where=where or first[0], kind=kind, message=text))
