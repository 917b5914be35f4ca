"""Files that belong to an image by their name: its mask, depth map and point cloud.

``x.png`` with ``x_mask.png``, ``images/x.jpg`` with ``masks/x.png``, ``rgb/x.png`` with ``depth/x.png`` and
``clouds/x.pcd``. Images of TUM's RGB-D sequences are paired by time, by their lists or their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.formats.images.tum import MM_PER_UNIT, Sequences, nearest
from workbench.adapters.formats.toolkit.arrays import read_map
from workbench.adapters.formats.toolkit.clouds import is_cloud, usable_cloud
from workbench.adapters.formats.toolkit.depth import depth_map
from workbench.adapters.formats.toolkit.mask_labels import mask_labels
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, stem_of
from workbench.core.schema.labels import Labels

_PICTURES = frozenset({"rgb", "color", "colour", "image", "images", "img"})
_MASKS, _MASK_ENDS = ("masks", "mask"), ("_mask", "_masks")
_DEPTHS = ("depth",)
_CLOUDS = ("clouds", "cloud", "pointclouds", "pointcloud", "velodyne", "lidar")
_MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")  # a lossy mask has edges of its own
_DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".npy")
_CLOUD_SUFFIXES = (".pcd", ".ply", ".bin", ".xyz")
_PART_SUFFIXES = tuple({*_MASK_SUFFIXES, *_DEPTH_SUFFIXES, *_CLOUD_SUFFIXES})
_PART_FOLDERS = frozenset({*_MASKS, *_DEPTHS})
_FIRST_SECOND = 1e6  # smaller numbers are frames, not times

Index = Mapping[tuple[str, str], list[str]]  # files by folder and stem
Groups = Mapping[str, list[str]]  # images by folder


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Files that belong to images.

    Attributes:
        masks, depths, clouds: file by image.
        timed: depth maps of TUM's kind.
        strays: masks and depth maps without an image.
        idle: depth maps of a sequence in which no image was taken near their time.
    """

    masks: Mapping[str, str]
    depths: Mapping[str, str]
    clouds: Mapping[str, str]
    timed: frozenset[str]
    strays: tuple[str, ...]
    idle: frozenset[str] = frozenset()

    @property
    def parts(self) -> frozenset[str]:
        """Files that are no samples of their own."""
        return frozenset((*self.masks.values(), *self.depths.values(), *self.clouds.values(), *self.strays, *self.idle))


def sidecars_of(tree: Tree, sequences: Sequences) -> Sidecars:
    """Find what belongs to each image of a tree; in TUM's sequences by time."""
    index: dict[tuple[str, str], list[str]] = {}
    for file in tree.files:
        if file.lower().endswith(_PART_SUFFIXES):
            index.setdefault((folder_of(file), stem_of(file)), []).append(file)
    groups: dict[str, list[str]] = {}  # images by folder: few folders, many images
    for picture in tree.pictures:
        if not _is_part(picture):
            groups.setdefault(folder_of(picture), []).append(picture)
    masks = {**_pairs(tree, groups, index, _MASKS, _MASK_SUFFIXES), **_suffixed(groups, index)}
    depths = _pairs(tree, groups, index, _DEPTHS, _DEPTH_SUFFIXES)
    listed = {picture: moment.depth for picture, moment in sequences.moments.items() if moment.depth is not None}
    timed = {**_by_time(tree, groups, depths), **listed}
    clouds = {**_pairs(tree, groups, index, _CLOUDS, _CLOUD_SUFFIXES), **_same_stem(tree, groups, index)}
    used = {*masks.values(), *depths.values(), *timed.values(), *sequences.depths}
    homes = {folder_of(file) for file in used if folder_of(file).rpartition("/")[2] in (*_MASKS, *_DEPTHS)}
    strays = tuple(file for file in tree.pictures if homes and folder_of(file) in homes and file not in used)
    return Sidecars(masks, depths | timed, clouds, frozenset(timed.values()), strays, sequences.depths)


def _is_part(file: str) -> bool:
    return not _PART_FOLDERS.isdisjoint(file.split("/")[:-1]) or stem_of(file).endswith(_MASK_ENDS)


def _pairs(
    tree: Tree, groups: Groups, index: Index, names: tuple[str, ...], suffixes: tuple[str, ...]
) -> dict[str, str]:
    """The file of the same stem in a folder of one of the names, by image."""
    pairs: dict[str, str] = {}
    for folder, pictures in groups.items():
        for home in [home for home in _homes(folder, names) if home in tree.folders]:
            for picture in pictures:
                files = [f for f in index.get((home, stem_of(picture)), ()) if f.lower().endswith(suffixes)]
                if files:
                    pairs.setdefault(picture, files[0])
    return pairs


def _same_stem(tree: Tree, groups: Groups, index: Index) -> dict[str, str]:
    """Clouds that lie beside their images."""
    homes = {folder_of(file) for file in tree.files if is_cloud(file)}
    beside = ((p, f) for home in homes for p in groups.get(home, ()) for f in index.get((home, stem_of(p)), ()))
    return {picture: file for picture, file in beside if is_cloud(file)}


def _homes(folder: str, names: tuple[str, ...]) -> Iterator[str]:
    """Folders of that name below the image's, or in place of ``images`` anywhere in its path.

    >>> list(_homes("a/images/train", ("masks",)))
    ['a/images/train/masks', 'a/masks/train']
    """
    parts = folder.split("/") if folder else []
    for name in names:
        yield "/".join((*parts, name))
        for at in range(len(parts) - 1, -1, -1):
            if parts[at].lower() in _PICTURES:
                yield "/".join((*parts[:at], name, *parts[at + 1 :]))


def _suffixed(groups: Groups, index: Index) -> dict[str, str]:
    """Masks named after their image: ``x_mask.png``."""
    named = {key: files for key, files in index.items() if key[1].endswith(_MASK_ENDS)}
    masks: dict[str, str] = {}
    for folder, pictures in groups.items() if named else ():
        for picture in pictures:
            for end in _MASK_ENDS:
                files = named.get((folder, f"{stem_of(picture)}{end}"), ())
                masks.update((picture, file) for file in files[:1] if file.lower().endswith(_MASK_SUFFIXES))
    return masks


def _by_time(tree: Tree, groups: Groups, paired: Mapping[str, str]) -> dict[str, str]:
    """The depth map nearest in time, for images whose names are seconds."""
    times: dict[str, list[tuple[float, str]]] = {}
    for file in tree.pictures:
        if folder_of(file).rpartition("/")[2] in _DEPTHS and (seconds := _seconds(file)) is not None:
            times.setdefault(folder_of(file), []).append((seconds, file))
    depths: dict[str, str] = {}
    for folder, pictures in groups.items():
        for home in [home for home in _homes(folder, _DEPTHS) if home in times]:
            maps = sorted(times[home])
            moments = [time for time, _ in maps]
            for picture in pictures:
                seconds = _seconds(picture) if picture not in paired else None
                at = None if seconds is None else nearest(moments, seconds)
                if at is not None:
                    depths[picture] = maps[at][1]
    return depths


def _seconds(file: str) -> float | None:
    stem = stem_of(file)
    whole, _, rest = stem.partition(".")
    is_time = whole.isdecimal() and rest.isdecimal() and float(whole) > _FIRST_SECOND
    return float(stem) if is_time else None


def depth_of(source: Source, sidecars: Sidecars, picture: str, header: Header) -> Path | None:
    """The depth map of an image: 16 bits are millimetres (TUM: a fifth), floats are metres."""
    file = sidecars.depths.get(picture)
    if file is None:
        return None
    unit = MM_PER_UNIT if file in sidecars.timed else None
    return depth_map(source, file, mm_per_unit=unit, shape=(header.height, header.width))


def cloud_of(tree: Tree, sidecars: Sidecars, picture: str, problems: Problems) -> Path | None:
    """The point cloud of an image."""
    file = sidecars.clouds.get(picture)
    return None if file is None else usable_cloud(tree.path(file), file, problems)


def labels_of(tree: Tree, sidecars: Sidecars, picture: str, header: Header, problems: Problems) -> Labels:
    """The labels of the mask of an image; see ``mask_labels``."""
    file = sidecars.masks.get(picture)
    pixels = None if file is None else read_map(tree.path(file), file, problems)
    return Labels() if pixels is None or file is None else mask_labels(pixels, header, file, problems)
