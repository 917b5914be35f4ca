"""BOP, image-wise: ``KEY.rgb.jpg`` with ``KEY.camera.json``, ``KEY.gt.json`` and its sisters, one set per image.

The training sets of the BOP challenge come so, mostly in tar shards. Masks are run lengths by object.
Format: ``bop_toolkit_lib/dataset/bop_imagewise.py`` of the BOP toolkit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.boxes import numbers_of
from workbench.adapters.formats.toolkit.json_files import read_json
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.tree import Tree, folder_of

_PICTURES = ("rgb.jpg", "rgb.jpeg", "rgb.png", "gray.jpg", "gray.png", "gray.tif")
_DEPTHS = ("depth.png", "depth.tif", "depth.tiff")
_MARKS = ("camera.json", "gt.json")
_PARTS = {"camera": "camera.json", "gt": "gt.json", "gt_info": "gt_info.json", "masks": "mask_visib.json"}
_NUMBERED = re.compile(r"(\d+)_\d+")  # scene and image


@dataclass(frozen=True, slots=True)
class Shot:
    """The files of one image.

    Attributes:
        key: path of the files up to the first dot.
        picture, depth: ``None`` where there is none.
    """

    key: str
    picture: str | None
    depth: str | None

    @property
    def files(self) -> dict[str, str]:
        """Names of the JSON files by what they hold, whether they are there or not."""
        return {part: f"{self.key}.{ending}" for part, ending in _PARTS.items()}

    @property
    def scene_id(self) -> str:
        """The scene that the key names, else the folder."""
        numbered = _NUMBERED.fullmatch(self.key.rpartition("/")[2])
        return "/".join(part for part in (folder_of(self.key), numbered[1] if numbered else "") if part)


def shots_in(tree: Tree) -> list[Shot]:
    """All images that have a camera or poses, and poses that have no image."""
    keys = {file.removesuffix(f".{mark}"): None for file in tree.files for mark in _MARKS if file.endswith(f".{mark}")}
    shots = (Shot(key, _first(tree, key, _PICTURES), _first(tree, key, _DEPTHS)) for key in keys)
    return [shot for shot in shots if shot.picture is not None or f"{shot.key}.gt.json" in tree.known]


def _first(tree: Tree, key: str, endings: tuple[str, ...]) -> str | None:
    return next((file for ending in endings if (file := f"{key}.{ending}") in tree.known), None)


def contents_of(tree: Tree, shot: Shot, problems: Problems) -> dict[str, Any]:
    """What the JSON files of an image say; nothing for those that are absent or cannot be read."""
    files = {part: file for part, file in shot.files.items() if file in tree.known}
    contents = {part: read_json(tree.path(file), file, problems) for part, file in files.items()}
    return {part: content for part, content in contents.items() if content is not None}


def run_length_masks(content: Any) -> dict[int, Mapping[str, Any]]:
    """Run lengths by index of the object.

    >>> run_length_masks({"0": {"counts": [1], "size": [1, 1]}, "x": {}})
    {0: {'counts': [1], 'size': [1, 1]}}
    """
    masks = content if isinstance(content, dict) else {}
    return {int(key): runs for key, runs in masks.items() if key.isdecimal() and isinstance(runs, dict)}


def decoded(
    mask: Mapping[str, Any], shape: tuple[int, int], where: str, problems: Problems
) -> NDArray[np.bool_] | None:
    """The mask of run lengths, or ``None``; the reason is reported."""
    counts, size = mask.get("counts"), mask.get("size")
    try:
        runs = rle.unpack(counts) if isinstance(counts, str) else counts
        if size != list(shape) or numbers_of(runs) is None:
            raise ValueError(f"size {size!r:.40}, counts {counts!r:.40}")
        return rle.decode(runs or [], *shape)
    except (ValueError, OverflowError) as cause:
        message = f"The run-length mask does not fit the image of {shape[1]} x {shape[0]} ({cause}); mask left out."
        problems.add("unreadable_map", where, message)
        return None
