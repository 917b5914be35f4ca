"""An image of BasicWriter and the files of its other annotators."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.adapters.formats.toolkit.pictures import Draft
from workbench.adapters.formats.toolkit.tree import Tree

_ANNOTATORS = (
    ("bounding_box_2d_tight", "npy"), ("bounding_box_2d_loose", "npy"), ("bounding_box_3d", "npy"),
    ("camera_params", "json"), ("instance_segmentation", "png"), ("instance_id_segmentation", "png"),
    ("semantic_segmentation", "png"), ("distance_to_image_plane", "npy"), ("distance_to_camera", "npy"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shot(Draft):
    """One rgb image.

    Attributes:
        folder: where it lies.
        prefix: ``""`` or the render product with its ``_``.
        number: the frame as written, with the sequence before it.
    """

    folder: str
    prefix: str
    number: str

    @property
    def base(self) -> str:
        """The folder that holds all annotators' folders, or the files themselves."""
        above, _, last = self.folder.rpartition("/")
        return above if last == "rgb" else self.folder

    def file(self, tree: Tree, annotator: str, suffix: str, part: str = "") -> str | None:
        """The file of another annotator for the same frame, if it is there."""
        leaf = f"{self.prefix}{annotator}{part}_{self.number}.{suffix}"
        for folder in (self.folder, f"{self.base}/{annotator}", self.base):
            file = f"{folder}/{leaf}".lstrip("/")
            if file in tree.known:
                return file
        return None


def annotation_files(tree: Tree, shot: Shot) -> list[str]:
    """The annotation files of an image."""
    return [file for annotator, suffix in _ANNOTATORS if (file := shot.file(tree, annotator, suffix)) is not None]
