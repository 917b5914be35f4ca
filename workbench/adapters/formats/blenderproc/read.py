"""BlenderProc's HDF5: one container per frame with the image, depth and segmentation in it.

The images lie inside the containers, so each is written once into the scratch folder, under the hash of its
container.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.contract import Counted, Found
from workbench.adapters.formats.toolkit.depth import MM, depth_bytes
from workbench.adapters.formats.toolkit.json_files import dicts_in
from workbench.adapters.formats.toolkit.names import attributes_of, split_of_path
from workbench.adapters.formats.toolkit.partial_labels import PartialLabel, labels_of
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree, stem_of
from workbench.base.errors import InputError
from workbench.base.files import sha256_file
from workbench.base.optional import require
from workbench.core.schema.fields import DEPTH, INSTANCES
from workbench.core.schema.labels import Attribute, Record

name = "blenderproc"
looks_for = "HDF5 containers (.hdf5, .h5) with 'colors'"
single_files = True

_MARK = b"\x89HDF\r\n\x1a\n"
_SUFFIXES = (".hdf5", ".h5")
_PURPOSE = "reading HDF5 containers"
_MOST_VALUES = 1 << 28  # of one data set: sixteen thousand pixels square
_LIMIT_BYTES, _RATIO = 256 << 20, 20  # what data sets that shrink this much may unpack to, together
_BACKGROUND = 0
_USED = frozenset({"idx", "name", "category_id"})
_CLOSING: Mapping[Kind, str] = {
    "unsupported_annotation": "{n} data sets other than colors, depth and instance_segmaps ({first}); left out.",
    "missing_annotation_file": "No instance_segmaps with attributes in {n} images ({first}); loaded without labels.",
}
_READ = frozenset({"colors", "depth", "instance_segmaps", "instance_attribute_maps", "blender_proc_version"})


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    """One image of a container, unpacked."""

    where: str
    instances: NDArray[Any] | None = None
    attributes: list[dict[str, Any]] = field(default_factory=list)
    depth: Path | None = None


def detect(source: Source) -> Found | None:
    """Look for HDF5 containers; what is in them is only known when they are read."""
    files = _files(source)
    first = next((file for file in files if _is_container(source.tree.path(file))), None)
    return None if first is None else Found(0.9, f"{first} is an HDF5 container", partial(_records, source, files))


def _files(source: Source) -> list[str]:
    return _containers(source.tree) if source.file is None else [source.file]


def _containers(tree: Tree) -> list[str]:
    containers = [file for file in tree.files if file.lower().endswith(_SUFFIXES)]
    return sorted(
        containers, key=lambda f: (f.rpartition("/")[0], int(stem_of(f)) if stem_of(f).isdecimal() else -1, f)
    )


def _is_container(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_MARK)) == _MARK


def read(source: Source) -> Iterator[Record]:
    """Unpack every container and read its images; see ``contract.Format.read``.

    Raises:
        MissingExtra: h5py is not installed.
    """
    return _records(source, _files(source))


def _records(source: Source, files: list[str]) -> Iterator[Record]:
    h5py = require("h5py", purpose=_PURPOSE)
    source.tree.name_junk(source.problems)
    if not files:
        problem = "There are no HDF5 files (.hdf5, .h5) in this folder."
        raise InputError(problem, at=str(source.path), fix="Give the folder that holds them.")
    return _Frames(h5py, source, files)


class _Frames(Counted):
    """The records of all containers, one container in memory at a time."""

    def __init__(self, h5py: Any, source: Source, files: list[str]) -> None:
        self._left = len(files)
        self._records = self._each(h5py, source, files)

    def _each(self, h5py: Any, source: Source, files: list[str]) -> Iterator[Record]:
        for file in files:
            self._left -= 1
            yield from Records(_entries(h5py, source, file), partial(_record, source), source)
        for kind, message in _CLOSING.items():
            source.problems.close(kind, message)


def _entries(h5py: Any, source: Source, file: str) -> list[_Entry]:
    """The images of a container: one, or two of a stereo camera."""
    tree, problems = source.tree, source.problems
    try:
        with h5py.File(tree.path(file), "r") as container:
            _require_sane(container, h5py)
            content = {str(key): _values(container, key, h5py) if _is_read(key) else None for key in container}
    except Exception as cause:  # the library raises nearly anything on a damaged or hostile container
        message = f"The HDF5 file cannot be read ({type(cause).__name__}: {cause!s:.150}); sample left out."
        problems.add("unreadable_image", file, message, loses_record=True)
        return []
    eyes = [suffix for suffix in ("", "_0", "_1") if f"colors{suffix}" in content]
    for key in content:
        if not _is_read(key):
            problems.count("unsupported_annotation", f"{file}, {key}")
    if not eyes:
        present = f"only {', '.join(content)[:100]}" if content else "nothing at all"
        message = f"The file has no data set 'colors', {present}; sample left out."
        problems.add("missing_image", file, message, loses_record=True)
    digest = sha256_file(tree.path(file)) if eyes else ""
    folder = f"hdf5/{digest[:2]}/{digest}"
    entries = []
    for eye in eyes:
        pair: dict[str, Any] = {key: content.get(f"{key}{eye}", content.get(key)) for key in _READ}
        stereo = isinstance(pair["colors"], np.ndarray) and pair["colors"].ndim == 4
        for at in range(len(pair["colors"]) if stereo else 1):
            single = {key: value[at] if stereo and _has_eyes(value) else value for key, value in pair.items()}
            entries += _entry(source, file, folder, f"{eye}_{at}" if stereo else eye, single)
    return entries


def _has_eyes(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim >= 3


def _is_read(key: str) -> bool:
    return key.removesuffix("_0").removesuffix("_1") in _READ


def _require_sane(container: Any, h5py: Any) -> None:
    """Check that what is read does not unpack to far more than it takes on disk."""
    claimed = 0
    for key in filter(_is_read, container):
        data_set = container[key] if isinstance(container.get(key, getlink=True), h5py.HardLink) else None
        if isinstance(data_set, h5py.Dataset) and data_set.size is not None:
            packed = data_set.id.get_storage_size()
            claimed += data_set.nbytes if data_set.nbytes > _RATIO * packed else 0
    if claimed > _LIMIT_BYTES:
        raise ValueError(f"it unpacks to {claimed >> 20:,} MB, over {_RATIO} times its size on disk")


def _values(container: Any, key: str, h5py: Any) -> Any:
    """A data set's values; nothing that is a group, lies in another file, or claims more than memory holds."""
    kind = container.get(key, getlink=True)
    data_set = container[key] if isinstance(kind, h5py.HardLink) else None
    if (
        not isinstance(data_set, h5py.Dataset)
        or data_set.size is None
        or data_set.size > _MOST_VALUES
        or data_set.external
    ):
        return None
    return data_set[()]


def _entry(source: Source, file: str, folder: str, eye: str, content: Mapping[str, Any]) -> list[_Entry]:
    colors, problems = content["colors"], source.problems
    where = f"{file}, colors{eye}"
    if not isinstance(colors, np.ndarray) or colors.dtype != np.uint8 or colors.ndim not in (2, 3) or not colors.size:
        given = f"{colors.shape} of {colors.dtype}" if isinstance(colors, np.ndarray) else "not readable"
        message = f"'colors' is {given}, not an image (height, width, 3) of uint8; sample left out."
        problems.add("unreadable_image", where, message, loses_record=True)
        return []
    picture = _kept(source, f"{folder}/colors{eye}.png", colors, where)
    if picture is None:
        return []
    shape = colors.shape[:2]
    instances, depth = content["instance_segmaps"], content["depth"]
    attributes = _attribute_maps(content["instance_attribute_maps"], where, problems)
    origin = f"{file}/colors{eye}.png"
    return [
        _Entry(
            picture,
            origin,
            where,
            instances if _is_map(instances, shape, "ui", f"{file}, instance_segmaps", problems) else None,
            attributes,
            source.scratch.kept(f"{folder}/depth{eye}.png", lambda: depth_bytes(depth.astype(np.float64) * MM))
            if _is_map(depth, shape, "uif", f"{file}, depth", problems)
            else None,
        )
    ]


def _kept(source: Source, name: str, pixels: NDArray[Any], where: str) -> Path | None:
    try:
        return source.scratch.kept(name, lambda: _png(pixels))
    except (TypeError, ValueError) as cause:
        message = f"The array {pixels.shape} of {pixels.dtype} is not an image ({cause}); sample left out."
        source.problems.add("unreadable_image", where, message, loses_record=True)
        return None


def _png(pixels: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _is_map(values: Any, shape: tuple[int, ...], kinds: str, where: str, problems: Problems) -> bool:
    if values is None:
        return False
    if isinstance(values, np.ndarray) and values.shape == shape and values.dtype.kind in kinds:
        return True
    given = f"an array {values.shape} of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
    problems.add("unreadable_map", where, f"The map is {given}, the image is {shape}; map left out.")
    return False


def _attribute_maps(value: Any, where: str, problems: Problems) -> list[dict[str, Any]]:
    """JSON bytes ``[{"idx": 1, "category_id": 1, "name": "Cube"}, ...]``."""
    if value is None:
        return []
    try:
        raw = value.tobytes() if isinstance(value, np.ndarray) else value
        return dicts_in(json.loads(raw))
    except (ValueError, TypeError, RecursionError) as cause:
        message = f"instance_attribute_maps is not valid JSON ({type(cause).__name__}: {cause!s:.80}); labels left out."
        problems.add("broken_annotation", where, message)
        return []


def _record(source: Source, entry: _Entry, header: Header) -> Record:
    problems = source.problems
    if entry.instances is None or not entry.attributes:
        problems.count("missing_annotation_file", entry.where)
    maps = {DEPTH: entry.depth, INSTANCES: _instance_map(source, entry)}
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=labels_of(_partial_labels(entry), None, Frame(header.width, header.height, problems)),
        split=split_of_path(entry.origin.split("/")[:-1]),
        scene_id=f"{source.tree.root.name}/{entry.where.partition(',')[0]}",
        maps={name: path for name, path in maps.items() if path is not None},
    )


def _instance_map(source: Source, entry: _Entry) -> Path | None:
    ids = entry.instances
    if ids is None or ids.min() < 0 or ids.max() > np.iinfo(np.uint16).max:
        return None
    target = entry.image_path.with_name(entry.image_path.name.replace("colors", "instances"))
    name = target.relative_to(source.scratch.folder).as_posix()
    return source.scratch.kept(name, lambda: _png(ids.astype(np.uint16)))


def _partial_labels(entry: _Entry) -> Iterator[PartialLabel]:
    """One object per entry of the attribute map; the background has category 0."""
    instances = entry.instances
    for attributes_of_object in entry.attributes if instances is not None else ():
        number, category = attributes_of_object.get("idx"), attributes_of_object.get("category_id")
        if type(number) is not int or category == _BACKGROUND or abs(number) >= 1 << 63:
            continue
        title = attributes_of_object.get("name")
        named: dict[str, Attribute] = {"object": str(title)} if title else {}
        class_name = f"category_{category}" if type(category) is int else str(title or "object")
        assert instances is not None
        mask = np.asarray(instances == number)
        if mask.any():
            attributes = {**attributes_of(attributes_of_object, known=_USED), **named}
            yield PartialLabel(f"{entry.where}, {number}", class_name, None, mask, attributes, number)
