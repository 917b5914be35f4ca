"""KITTI object detection, 2D and 3D, and what Replicator's KittiWriter makes of it.

``image_2/000000.png`` has its rows in ``label_2``, its calibration in ``calib`` and its cloud in ``velodyne``.
Rows speak of the rectified camera 0; a camera of its own (P2) stands a little beside it, and poses and clouds are
moved into that camera here. KittiWriter names its folders ``rgb`` and ``object_detection``, writes class names as
quoted dictionaries, and fills all that it does not know with zeros, which are taken as absent.
Format: the ``readme.txt`` of the KITTI object development kit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from workbench.adapters.formats.kitti.labels import is_row, labels_of
from workbench.adapters.formats.toolkit.arrays import read_map
from workbench.adapters.formats.toolkit.clouds import usable_cloud
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import split_of_path
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import Floats, rigid
from workbench.adapters.formats.toolkit.text_files import first_line, lines_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, stem_of
from workbench.core.schema.fields import INSTANCES, SEMANTIC
from workbench.core.schema.labels import Camera, Record

name = "kitti"
looks_for = "label files of 15 columns in label_2, labels or object_detection beside their images"
single_files = False

_LABELS = {  # folder of images -> folder of rows
    "image_2": "label_2",
    "image_02": "label_02",
    "rgb": "object_detection",
    "images": "labels",
    "data": "labels",
}
_SURE = frozenset({"image_2", "image_02"})  # no other format has these; a test set has no rows
_TRIED = 20
_MATRICES = {"P2": (3, 4), "R0_rect": (3, 3), "Tr_velo_to_cam": (3, 4)}
_CLOSING: Mapping[Kind, str] = {
    "hidden_object": "{n} objects without a 2D box whose 3D box the camera does not see ({first}); not labelled.",
    "not_an_object": "{n} DontCare regions ({first}); not loaded as labels.",
    "missing_annotation_file": "No calibration for the 3D boxes of {n} images ({first}); "
    "loaded as poses before the camera of the image.",
}
_MAPS = {  # of the semantic benchmark: folder -> field
    "semantic": SEMANTIC,
    "semantics": SEMANTIC,
    "instance": INSTANCES,
    "instances": INSTANCES,
}
_OTHER_NAMES = {"R_rect": "R0_rect", "Tr_velo_cam": "Tr_velo_to_cam"}  # names in the tracking benchmark


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    label_file: str | None
    calib_file: str | None
    cloud_file: str | None
    maps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The content of a calib file, ``None`` for what it does not contain.

    Attributes:
        K: 3x3 of camera 2.
        T_cam_rect: 4x4, rectified camera 0 to camera 2, metres; the identity when not given.
        T_cam_velo: 4x4, laser scanner to camera 2; metres.
    """

    K: Floats | None = None
    T_cam_rect: Floats = field(default_factory=lambda: np.eye(4))
    T_cam_velo: Floats | None = None


Pairs = Mapping[str, str | None]  # label file by image, None where there is none


def detect(source: Source) -> Found | None:
    """Look for rows of 15 columns beside images."""
    pairs = _pairs(source.tree)
    for label in [label for label in pairs.values() if label][:_TRIED]:
        if _has_rows(source.tree, label):
            return Found(
                0.9, f"{label} has rows of 15 columns and belongs to an image", partial(_records, source, pairs)
            )
    sure = next((picture for picture in pairs if picture.split("/")[-2] in _SURE), None)
    return Found(0.8, f"{sure} lies in a folder of KITTI", partial(_records, source, pairs)) if sure else None


def _pairs(tree: Tree) -> Pairs:
    homes = {folder for folder in tree.folders if _is_home(tree, folder)}
    return {
        picture: _beside(tree, picture, _LABELS[picture.split("/")[-2]], "txt")
        for picture in (tree.pictures if homes else ())  # other formats do not pay for a look at every image
        if folder_of(picture) in homes
    }


def _is_home(tree: Tree, folder: str) -> bool:
    above, _, last = folder.rpartition("/")
    return last in _SURE or (last in _LABELS and f"{above}/{_LABELS[last]}".lstrip("/") in tree.folders)


def _beside(tree: Tree, picture: str, folder: str, suffix: str) -> str | None:
    above = folder_of(folder_of(picture))
    file = f"{above}/{folder}/{stem_of(picture)}.{suffix}".lstrip("/")
    return file if file in tree.known else None


def _has_rows(tree: Tree, file: str) -> bool:
    return is_row(first_line(tree.peek(file)))


def read(source: Source) -> Iterator[Record]:
    """Read every record; see ``contract.Format.read``."""
    return _records(source, _pairs(source.tree))


def _records(source: Source, pairs: Pairs) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    entries = [_entry(tree, picture, label) for picture, label in pairs.items()]
    maps = {file for entry in entries for file in entry.maps.values()}
    for picture in tree.pictures:
        if picture not in pairs and picture not in maps:
            problems.count("unlisted_image", picture)
    problems.close("unlisted_image", "{n} images outside the folders of camera 2 ({first}); not loaded.")
    _name_stray(tree, pairs, problems)
    return Records(entries, lambda entry, header: _record(tree, entry, header, problems), source, closing=_CLOSING)


def _entry(tree: Tree, picture: str, label: str | None) -> _Entry:
    cloud = _beside(tree, picture, "velodyne", "bin")
    maps = {name: file for folder, name in _MAPS.items() if (file := _beside(tree, picture, folder, "png"))}
    return _Entry(tree.path(picture), picture, label, _beside(tree, picture, "calib", "txt"), cloud, maps)


def _name_stray(tree: Tree, pairs: Pairs, problems: Problems) -> None:
    used = set(pairs.values())
    homes = set(_LABELS.values())
    for file in tree.files:
        home = file.split("/")[-2] if "/" in file else ""
        if file.endswith(".txt") and home in homes and file not in used and _has_rows(tree, file):
            message = "No image has the name of this label file; sample left out."
            problems.add("missing_image", file, message, loses_record=True)
    for picture, label in pairs.items():
        if label is None:
            problems.count("missing_annotation_file", picture)
    message = "No label file for {n} images ({first}); loaded without labels."
    problems.close("missing_annotation_file", message)


def _record(tree: Tree, entry: _Entry, header: Header, problems: Problems) -> Record:
    calibration = _calibration(tree, entry.calib_file, problems)
    camera = None if calibration.K is None else _camera(calibration.K, header)
    cloud = None
    if entry.cloud_file is not None:
        cloud = usable_cloud(tree.path(entry.cloud_file), entry.cloud_file, problems)
    labels = labels_of(tree, entry.label_file, calibration.T_cam_rect, camera, header, problems)
    if entry.calib_file is None and "T_cam_obj" in labels.columns:
        problems.count("missing_annotation_file", str(entry.label_file))
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=labels,
        split=split_of_path(entry.origin.split("/")[:-1]),
        camera=camera,
        maps={name: tree.path(file) for name, file in entry.maps.items() if _fits(tree, file, header, problems)},
        cloud=cloud,
        T_cam_cloud=None if cloud is None else calibration.T_cam_velo,
    )


def _fits(tree: Tree, file: str, header: Header, problems: Problems) -> bool:
    """Whether a map has the size of its image; reports it otherwise."""
    pixels = read_map(tree.path(file), file, problems)
    if pixels is not None and pixels.shape[:2] != (header.height, header.width):
        given, size = f"{pixels.shape[1]} x {pixels.shape[0]}", f"{header.width} x {header.height}"
        problems.add("unreadable_map", file, f"The map has {given} pixels, the image {size}; map left out.")
        return False
    return pixels is not None


def _camera(K: Floats, header: Header) -> Camera:
    fx, fy, cx, cy = (float(value) for value in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
    return Camera(header.width, header.height, fx, fy, cx, cy)


def _calibration(tree: Tree, file: str | None, problems: Problems) -> Calibration:
    """P2 = K [I | t]: the camera's own matrix, and its place beside the rectified camera 0."""
    if file is None:
        return Calibration()
    matrices = _matrices(tree, file, problems)
    P2 = matrices.get("P2")
    if P2 is None or abs(np.linalg.det(P2[:, :3])) < 1e-9 or min(P2[0, 0], P2[1, 1]) <= 0:
        message = "P2 is not 12 numbers with focal lengths; camera and pose of the cloud left out."
        problems.add("broken_annotation", file, message)
        return Calibration()
    K = P2[:, :3]
    T_cam_rect = rigid(np.eye(3), np.asarray(np.linalg.solve(K, P2[:, 3])))
    velo, turn = matrices.get("Tr_velo_to_cam"), matrices.get("R0_rect")
    if velo is None or turn is None:
        return Calibration(K, T_cam_rect)
    T_rect_velo = rigid(turn, np.zeros(3)) @ np.vstack([velo, [0.0, 0.0, 0.0, 1.0]])
    return Calibration(K, T_cam_rect, T_cam_rect @ T_rect_velo)


def _matrices(tree: Tree, file: str, problems: Problems) -> dict[str, Floats]:
    matrices: dict[str, Floats] = {}
    lines = lines_of(tree.path(file), file, problems)
    for at, line in enumerate(lines, 1):
        key, _, rest = line.strip().partition(" ")
        word = key.rstrip(":")
        shape = _MATRICES.get(_OTHER_NAMES.get(word, word))
        if shape is None:
            continue
        try:
            values = np.array([float(text) for text in rest.split()]).reshape(shape)
            if not np.isfinite(values).all():
                raise ValueError("not all numbers are finite")
        except ValueError as cause:
            message = f"{word} is not {shape[0] * shape[1]} finite numbers ({cause}); matrix left out."
            problems.add("broken_annotation", f"{file}, line {at}", message)
        else:
            matrices[_OTHER_NAMES.get(word, word)] = values
    return matrices
