"""Classes of whole images from the names of their folders: ``cats/1.jpg``, ``train/dogs/2.jpg``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from workbench.adapters.formats.toolkit.names import split_word
from workbench.adapters.formats.toolkit.tree import fold

# what folders are called that say which sensor, part, run or kind of file, not which class
NOT_CLASSES = frozenset({
    "image", "images", "img", "imgs", "jpegimages", "photo", "photos", "picture", "pictures", "frame", "frames",
    "data", "raw", "input", "inputs", "output", "outputs", "label", "labels", "annotation", "annotations",
    "mask", "masks", "gt", "ground_truth", "groundtruth", "seg", "segmentation", "target", "targets", "rgb",
    "color", "colour", "gray", "grey", "mono", "ir", "nir", "infrared", "thermal", "depth", "disparity",
    "normals", "left", "right", "front", "back", "rear", "top", "bottom", "side", "center", "centre", "middle",
    "real", "synthetic", "sim", "simulated", "original", "originals", "augmented", "processed", "unlabeled",
    "unlabelled", "all", "new", "old", "misc", "other", "various", "tmp", "temp", "backup", "dataset",
    "datasets", "export", "exports", "dcim",
})  # fmt: skip
_NUMBERED = re.compile(  # batch_2, cam0, 2024-05-01, 000123, New folder (2), 100CANON
    r"(batch|session|set|seq|sequence|part|run|scene|scenes|recording|rec|episode|take|shot|cam|camera|sensor|view|folder"
    r"|new folder|day|date|week|robot|station|line|site|user|group|fold|chunk|shard|video|clip|dji|gopro)s?"
    r"[ _.-]*\(?\d*\)?"
    r"|0\d{2,}|\d{4,}|\d{4}[-_.]\d{2}[-_.]\d{2}.*|\d{3}[a-z_]{5}"
)


def class_names(files: Sequence[str]) -> dict[str, str | None]:
    """Class by file: the one folder level below the splits, when there are at least two such folders.

    Folders that all files share say nothing. When one of the folders has a name that is no class (``left``, ``images``,
    ``cam0``, ``2024-05-01``), none of them is.

    >>> class_names(["pets/train/cat/1.jpg", "pets/test/dog/2.jpg"])
    {'pets/train/cat/1.jpg': 'cat', 'pets/test/dog/2.jpg': 'dog'}
    >>> class_names(["left/1.jpg", "right/1.jpg"])
    {'left/1.jpg': None, 'right/1.jpg': None}
    """
    folders = {file: file.split("/")[:-1] for file in files}
    first, last = min(folders.values(), default=[]), max(folders.values(), default=[])
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    below = {}
    for file, parts in folders.items():
        rest = parts[shared:]
        below[file] = rest[1:] if rest and split_word(rest[0]) else rest
    names = {parts[0] for parts in below.values() if parts}
    plain = all(len(parts) == 1 for parts in below.values()) and len(names) > 1
    if plain and all(map(may_be_class, names)):
        return {file: parts[0] for file, parts in below.items()}
    return dict.fromkeys(files, None)


def may_be_class(name: str) -> bool:
    """Whether a folder's name can be that of a class.

    >>> [may_be_class(name) for name in ("scratch", "7", "cam0", "Left", "000123", "New folder (2)")]
    [True, True, False, False, False, False]
    """
    folded = fold(name)
    return folded not in NOT_CLASSES and split_word(folded) is None and _NUMBERED.fullmatch(folded) is None


def summary(names: dict[str, str | None]) -> str:
    """The classes with their numbers of images, for the report; empty without any.

    >>> summary({"cat/1.jpg": "cat", "cat/2.jpg": "cat", "dog/1.jpg": "dog"})
    'classes from folder names (cat 2, dog 1)'
    """
    counts = Counter(name for name in names.values() if name)
    shown = ", ".join(f"{name} {n:,}" for name, n in counts.most_common(5)) + (", ..." if len(counts) > 5 else "")
    return f"classes from folder names ({shown})" if counts else ""
