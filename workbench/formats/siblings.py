"""Files that belong to a picture by their name: its mask, depth map and point cloud.

``x.png`` with ``x_mask.png``, ``images/x.jpg`` with ``masks/x.png``, ``rgb/x.png`` with ``depth/x.png`` and
``clouds/x.pcd``. TUM's RGB-D folders name pictures by their time; there the nearest depth map within 20 ms belongs to
a picture, and 5000 units are a metre (https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.formats.arrays import box_of, cut_out, packed, read_map
from workbench.formats.boxes import Frame
from workbench.formats.clouds import is_cloud, usable_cloud
from workbench.formats.depth import depth_map
from workbench.formats.pictures import Header
from workbench.formats.problems import Problems
from workbench.formats.tree import Tree, folder_of, stem_of
from workbench.schema.labels import Label

CLASS = "object"  # a mask does not tell what it shows
_PICTURES = frozenset({"rgb", "color", "colour", "image", "images", "img"})
_MASKS, _MASK_ENDS = ("masks", "mask"), ("_mask", "_masks")
_DEPTHS = ("depth",)
_CLOUDS = ("clouds", "cloud", "pointclouds", "pointcloud", "velodyne", "lidar")
_MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")  # a lossy mask has edges of its own
_DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".npy")
_MOST_OBJECTS = 1000  # more values in a mask are no instances
_NEAREST_S = 0.02
_TUM_MM = 0.2  # 5000 units are a metre
_FIRST_SECOND = 1e6  # smaller numbers are frames, not times

Index = Mapping[tuple[str, str], list[str]]  # files by folder and stem


@dataclass(frozen=True, slots=True)
class Siblings:
    """Files that belong to pictures.

    Attributes:
        masks, depths, clouds: file by picture.
        timed: depth maps of TUM's kind.
        strays: masks and depth maps without a picture.
    """

    masks: Mapping[str, str]
    depths: Mapping[str, str]
    clouds: Mapping[str, str]
    timed: frozenset[str]
    strays: tuple[str, ...]

    @property
    def parts(self) -> frozenset[str]:
        """Files that are no samples of their own."""
        return frozenset((*self.masks.values(), *self.depths.values(), *self.clouds.values(), *self.strays))


def siblings_of(tree: Tree) -> Siblings:
    """Find what belongs to each picture of a tree."""
    index: dict[tuple[str, str], list[str]] = {}
    for file in tree.files:
        index.setdefault((folder_of(file), stem_of(file)), []).append(file)
    pictures = [file for file in tree.pictures if not _is_part(file)]
    masks = dict(_pairs(pictures, index, _MASKS, _MASK_SUFFIXES))
    masks |= dict(_suffixed(pictures, index))
    depths = dict(_pairs(pictures, index, _DEPTHS, _DEPTH_SUFFIXES))
    timed = dict(_by_time(tree, [picture for picture in pictures if picture not in depths]))
    clouds = {
        **dict(_pairs(pictures, index, _CLOUDS, (".pcd", ".ply", ".bin", ".xyz"))),
        **{p: f for p in pictures for f in index[folder_of(p), stem_of(p)] if is_cloud(f)},
    }
    used = {*masks.values(), *depths.values(), *timed.values()}
    homes = {folder_of(file) for file in used if folder_of(file).rpartition("/")[2] in (*_MASKS, *_DEPTHS)}
    strays = tuple(file for file in tree.pictures if folder_of(file) in homes and file not in used)
    return Siblings(masks, depths | timed, clouds, frozenset(timed.values()), strays)


def _is_part(file: str) -> bool:
    folders = file.split("/")[:-1]
    return bool({*_MASKS, *_DEPTHS} & set(folders)) or stem_of(file).endswith(_MASK_ENDS)


def _pairs(
    pictures: Iterable[str], index: Index, folders: tuple[str, ...], suffixes: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for picture in pictures:
        for place in _places(folder_of(picture), folders):
            found = [f for f in index.get((place, stem_of(picture)), ()) if f.lower().endswith(suffixes)]
            if found:
                yield picture, found[0]
                break


def _places(folder: str, names: tuple[str, ...]) -> Iterator[str]:
    """Folders of that name below the picture's, or in place of ``images`` anywhere in its path.

    >>> list(_places("a/images/train", ("masks",)))
    ['a/images/train/masks', 'a/masks/train']
    """
    parts = folder.split("/") if folder else []
    for name in names:
        yield "/".join((*parts, name))
        for at in range(len(parts) - 1, -1, -1):
            if parts[at].lower() in _PICTURES:
                yield "/".join((*parts[:at], name, *parts[at + 1 :]))


def _suffixed(pictures: Iterable[str], index: Index) -> Iterator[tuple[str, str]]:
    for picture in pictures:
        for end in _MASK_ENDS:
            files = index.get((folder_of(picture), f"{stem_of(picture)}{end}"), ())
            found = [file for file in files if file.lower().endswith(_MASK_SUFFIXES)]
            if found:
                yield picture, found[0]
                break


def _by_time(tree: Tree, pictures: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The depth map nearest in time, for pictures whose names are seconds."""
    times: dict[str, list[tuple[float, str]]] = {}
    for file in tree.pictures:
        seconds = _seconds(file)
        if folder_of(file).rpartition("/")[2] in _DEPTHS and seconds is not None:
            times.setdefault(folder_of(file), []).append((seconds, file))
    for maps in times.values():
        maps.sort()
    for picture in pictures:
        seconds = _seconds(picture)
        for place in _places(folder_of(picture), _DEPTHS) if seconds is not None else ():
            assert seconds is not None
            maps = times.get(place, [])
            at = bisect.bisect(maps, (seconds, ""))
            near = min(maps[max(at - 1, 0) : at + 1], key=lambda m: abs(m[0] - seconds), default=None)
            if near is not None and abs(near[0] - seconds) <= _NEAREST_S:
                yield picture, near[1]
                break


def _seconds(file: str) -> float | None:
    stem = stem_of(file)
    whole, _, rest = stem.partition(".")
    is_time = whole.isdecimal() and rest.isdecimal() and float(whole) > _FIRST_SECOND
    return float(stem) if is_time else None


def depth_of(tree: Tree, siblings: Siblings, picture: str, header: Header, problems: Problems) -> Path | None:
    """The depth map of a picture: 16 bits are millimetres (TUM: a fifth), floats are metres."""
    file = siblings.depths.get(picture)
    if file is None:
        return None
    unit = _TUM_MM if file in siblings.timed else None
    return depth_map(tree.path(file), file, problems, mm_per_unit=unit, shape=(header.height, header.width))


def cloud_of(tree: Tree, siblings: Siblings, picture: str, problems: Problems) -> Path | None:
    """The point cloud of a picture."""
    file = siblings.clouds.get(picture)
    return None if file is None else usable_cloud(tree.path(file), file, problems)


def labels_of(tree: Tree, siblings: Siblings, picture: str, header: Header, problems: Problems) -> tuple[Label, ...]:
    """One label per value of the mask other than 0 and black; a mask of two values is one object."""
    file = siblings.masks.get(picture)
    pixels = None if file is None else read_map(tree.path(file), file, problems)
    if pixels is None or file is None:
        return ()
    if pixels.shape[:2] != (header.height, header.width) or pixels.dtype.kind not in "uib":
        found = f"{pixels.shape[1]} x {pixels.shape[0]} of {pixels.dtype}"
        message = f"Wanted a mask of {header.width} x {header.height} whole numbers, found {found}. Mask left out."
        problems.add("unreadable_map", file, message)
        return ()
    is_gray = pixels.ndim == 2
    numbers = packed(pixels if is_gray or pixels.shape[2] < 3 else pixels[..., :3])  # alpha is no instance
    values = [int(value) for value in np.unique(numbers) if value]
    if len(values) > _MOST_OBJECTS:
        message = f"Wanted one value per object, found {len(values):,} values. Mask left out."
        problems.add("unreadable_map", file, message)
        return ()
    frame = Frame(header.width, header.height, problems)
    found_labels = []
    for value in values:
        mask = numbers == value
        box = box_of(mask)
        xyxy = None if box is None else frame.box(box, f"{file}, value {value}")
        if xyxy is not None:
            number = value if is_gray and len(values) > 1 else None
            found_labels.append(Label(CLASS, xyxy, mask=cut_out(mask, xyxy), instance_id=number))
    return tuple(found_labels)
