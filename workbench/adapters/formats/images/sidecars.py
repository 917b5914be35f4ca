"""Files that belong to an image by their name: its mask, depth map and point cloud.

``x.png`` with ``x_mask.png``, ``images/x.jpg`` with ``masks/x.png`` or ``labels/x.png``, ``test/scratch/x.png`` with
``ground_truth/scratch/x_mask.png`` (MVTec), ``leftImg8bit`` with ``gtFine`` (Cityscapes), ``x.jpg`` with a mask
``x.png``, ``rgb/x.png`` with ``depth/x.png`` and ``clouds/x.pcd``. Images of TUM's RGB-D sequences are paired by time,
by their lists or their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.adapters.formats.images.tum import MM_PER_UNIT, Sequences, nearest
from workbench.adapters.formats.toolkit.arrays import packed, read_map
from workbench.adapters.formats.toolkit.clouds import is_cloud, usable_cloud
from workbench.adapters.formats.toolkit.depth import depth_map
from workbench.adapters.formats.toolkit.mask_labels import mask_labels
from workbench.adapters.formats.toolkit.pictures import Fault, Header, read_header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree, fold, folder_of, stem_of
from workbench.core.schema.labels import Labels

# names of folders, as they are compared: of images, of masks, of depth maps, of point clouds
PICTURE_FOLDERS = frozenset({
    "rgb", "color", "colour", "image", "images", "img", "imgs", "leftimg8bit", "jpegimages", "input", "inputs",
    "photo", "photos", "frames", "data", "raw",
})  # fmt: skip
_MASKS = (
    "masks", "mask", "label", "labels", "annotation", "annotations", "gt", "ground_truth", "groundtruth",
    "gtfine", "gtcoarse", "seg", "segmentation", "segmentations", "segmentationobject", "segmentationclass",
    "instance", "instances", "target", "targets",
)  # fmt: skip
_SURE_MASKS = frozenset({"masks", "mask", "ground_truth", "groundtruth", "gtfine", "gtcoarse"})  # never photos
_DEPTHS = ("depth", "depths", "depth_maps", "depthmaps")
_CLOUDS = ("clouds", "cloud", "pointclouds", "pointcloud", "velodyne", "lidar")
PART_FOLDERS = frozenset({*_MASKS, *_DEPTHS})
_MASK_ENDS = ("_mask", "_masks", "-mask", "_label", "_labels", "_gt", "_seg", "_segmentation", "_annotation", "_l")
_SURE_ENDS = ("_mask", "_masks", "-mask")
_PICTURE_END = "_leftImg8bit"
_MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")  # a lossy mask has edges of its own
_LOSSY_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".mpo", ".avif", ".heic")
_DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".npy")
_CLOUD_SUFFIXES = (".pcd", ".ply", ".bin", ".xyz")
_PART_SUFFIXES = tuple({*_MASK_SUFFIXES, *_DEPTH_SUFFIXES, *_CLOUD_SUFFIXES})
_NO_DEFECT = frozenset({
    "good", "ok", "normal", "nominal", "healthy", "clean", "negative", "background", "empty", "defect_free",
    "defectfree", "no_defect", "nodefect", "non_defective", "without_defect", "no_anomaly", "anomaly_free", "no_crack",
    "non_crack", "uncracked",
})  # fmt: skip
_MOST_VALUES = 64  # of a mask beside an image of the same name
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
            index.setdefault((fold(folder_of(file)), fold(stem_of(file))), []).append(file)
    groups: dict[str, list[str]] = {}  # images by folder: few folders, many images
    for picture in tree.pictures:
        if not _is_part(picture):
            groups.setdefault(folder_of(picture), []).append(picture)
    masks = _masks(tree, groups, index)
    parts = set(masks.values())
    groups = {folder: [p for p in pictures if p not in parts] for folder, pictures in groups.items()}
    depths = _pairs(groups, index, _DEPTHS, _DEPTH_SUFFIXES)
    listed = {picture: moment.depth for picture, moment in sequences.moments.items() if moment.depth is not None}
    timed = {**_by_time(tree, groups, depths), **listed}
    clouds = {**_pairs(groups, index, _CLOUDS, _CLOUD_SUFFIXES), **_same_stem(tree, groups, index)}
    used = {*masks.values(), *depths.values(), *timed.values(), *sequences.depths}
    homes = {folder_of(file) for file in used if fold(folder_of(file)).rpartition("/")[2] in PART_FOLDERS}
    strays = tuple(file for file in tree.pictures if homes and folder_of(file) in homes and file not in used)
    return Sidecars(masks, depths | timed, clouds, frozenset(timed.values()), strays, sequences.depths)


def without_defect(pictures: Iterable[str], masks: Mapping[str, str]) -> frozenset[str]:
    """Pictures that have no mask because there is nothing to mask: of folders named so (MVTec's ``good``).

    Where a picture of such a folder has a mask, an empty one, the others lack theirs.

    >>> sorted(without_defect(["test/good/0.png", "test/scratch/0.png"], {"test/scratch/0.png": "gt/scratch/0.png"}))
    ['test/good/0.png']
    """
    folders: dict[str, list[str]] = {}
    for picture in pictures:
        folders.setdefault(folder_of(picture), []).append(picture)
    named = (own for folder, own in folders.items() if any(_means_no_defect(part) for part in folder.split("/")))
    return frozenset(picture for own in named if not any(picture in masks for picture in own) for picture in own)


def _means_no_defect(folder: str) -> bool:
    return re.sub(r"[\s-]+", "_", fold(folder)) in _NO_DEFECT


def _is_part(file: str) -> bool:
    """Whether a picture can be no photo, by its name alone."""
    folders = {fold(part) for part in file.split("/")[:-1]}
    sure = not folders.isdisjoint(_SURE_MASKS) or not folders.isdisjoint(_DEPTHS)
    return sure or fold(stem_of(file)).endswith(_SURE_ENDS)


def _masks(tree: Tree, groups: Groups, index: Index) -> dict[str, str]:
    """Mask by image: in a folder of masks, under a name that ends so, or the lossless file beside a lossy one."""
    masks = {**_pairs(groups, index, _MASKS, _MASK_SUFFIXES), **_suffixed(groups, index)}
    known = set(masks.values())
    # two photos that are masks of each other's folder are none
    masks = {picture: mask for picture, mask in masks.items() if picture not in known}
    return masks or _beside(tree, groups, index)


def _pairs(groups: Groups, index: Index, names: Sequence[str], suffixes: tuple[str, ...]) -> dict[str, str]:
    """The file of the same stem in a folder of one of the names, by image."""
    folders = {folder for folder, _ in index}
    pairs: dict[str, str] = {}
    for folder, pictures in groups.items():
        for home in [home for home in _homes(folder, names) if home in folders]:
            for picture in pictures:
                files = [f for f in _of_stem(index, home, picture) if f.lower().endswith(suffixes)]
                if files:
                    pairs.setdefault(picture, files[0])
    return pairs


def _of_stem(index: Index, home: str, picture: str) -> list[str]:
    """The files of a folder whose stem is the image's, with or without the ending of a mask."""
    stem = fold(stem_of(picture).removesuffix(_PICTURE_END))
    ends = ("", *_MASK_ENDS, "_gtfine_instanceids", "_gtfine_labelids", "_gtcoarse_instanceids", "_gtcoarse_labelids")
    return [file for end in ends for file in index.get((home, f"{stem}{end}"), ()) if file != picture]


def _beside(tree: Tree, groups: Groups, index: Index) -> dict[str, str]:
    """``x.png`` with few values beside ``x.jpg`` of the same size; one file of a folder speaks for the others."""
    masks: dict[str, str] = {}
    for folder, pictures in groups.items():
        pairs = {
            picture: file
            for picture in pictures
            if picture.lower().endswith(_LOSSY_SUFFIXES)
            for file in index.get((fold(folder), fold(stem_of(picture))), ())
            if file.lower().endswith(_MASK_SUFFIXES)
        }
        if pairs and _is_mask_of(tree, *next(iter(pairs.items()))):
            masks.update(pairs)
    return masks


def _is_mask_of(tree: Tree, picture: str, file: str) -> bool:
    pixels = read_map(tree.peek(file), file, Problems())
    header = read_header(tree.peek(picture))
    if pixels is None or isinstance(header, Fault) or pixels.shape[:2] != (header.height, header.width):
        return False
    return pixels.dtype.kind in "uib" and len(np.unique(packed(pixels))) <= _MOST_VALUES


def _same_stem(tree: Tree, groups: Groups, index: Index) -> dict[str, str]:
    """Clouds that lie beside their images."""
    homes = {folder_of(file) for file in tree.files if is_cloud(file)}
    beside = (
        (p, f) for home in homes for p in groups.get(home, ()) for f in index.get((fold(home), fold(stem_of(p))), ())
    )
    return {picture: file for picture, file in beside if is_cloud(file)}


def _homes(folder: str, names: Sequence[str]) -> Iterator[str]:
    """Folders of that name below the image's, or in place of a part of its path; folded, the nearest first.

    >>> list(_homes("a/images/train", ("masks",)))
    ['a/images/train/masks', 'a/images/masks', 'a/masks/train', 'masks/images/train']
    """
    parts = [fold(part) for part in folder.split("/")] if folder else []
    for name in names:
        yield "/".join((*parts, name))
        for at in range(len(parts) - 1, -1, -1):
            yield "/".join((*parts[:at], name, *parts[at + 1 :]))


def _suffixed(groups: Groups, index: Index) -> dict[str, str]:
    """Masks named after their image in the same folder: ``x_mask.png``."""
    masks: dict[str, str] = {}
    for folder, pictures in groups.items():
        for picture in pictures:
            for end in _SURE_ENDS:
                files = index.get((fold(folder), f"{fold(stem_of(picture))}{end}"), ())
                masks.update((picture, file) for file in files[:1] if file.lower().endswith(_MASK_SUFFIXES))
    return masks


def _by_time(tree: Tree, groups: Groups, paired: Mapping[str, str]) -> dict[str, str]:
    """The depth map nearest in time, for images whose names are seconds."""
    times: dict[str, list[tuple[float, str]]] = {}
    for file in tree.pictures:
        if fold(folder_of(file).rpartition("/")[2]) in _DEPTHS and (seconds := _seconds(file)) is not None:
            times.setdefault(fold(folder_of(file)), []).append((seconds, file))
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
