"""Maps and clouds that FiftyOne's samples name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adapters.formats.fiftyone.fields import Chosen
from workbench.adapters.formats.fiftyone.labels import part_of
from workbench.adapters.formats.toolkit.clouds import usable_cloud
from workbench.adapters.formats.toolkit.depth import depth_map
from workbench.adapters.formats.toolkit.json_files import dicts_in, read_object
from workbench.adapters.formats.toolkit.pictures import Fault, Header, read_header
from workbench.adapters.formats.toolkit.problems import Kind
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import folder_of
from workbench.core.schema import fields


@dataclass(frozen=True, slots=True)
class Named:
    """A sample whose files are looked for.

    Attributes:
        source: what is read, with all files.
        folder: where the data set lies in the tree.
        chosen: the fields that are read.
        sample: the sample of an image.
        cloud: the sample of a cloud of the same group, if any.
        where: name of the sample for problems.
    """

    source: Source
    folder: str
    chosen: Chosen
    sample: Mapping[str, Any]
    cloud: Mapping[str, Any] | None
    where: str


def maps_of(entry: Named, header: Header) -> dict[str, Path]:
    """Paths of depth and instances, where they can be used."""
    depth = _map_file(entry, entry.chosen.depth, "map")
    instances = _map_file(entry, entry.chosen.instances, "mask")
    maps: dict[str, Path | None] = {}
    if depth is not None:
        shape = (header.height, header.width)
        maps[fields.DEPTH] = depth_map(entry.source, depth, mm_per_unit=None, shape=shape)
    if instances is not None:
        maps[fields.INSTANCES] = _instances(entry.source, instances, header)
    return {name: path for name, path in maps.items() if path is not None}


def _map_file(entry: Named, field: str | None, key: str) -> str | None:
    given = entry.sample.get(field) if field is not None else None
    if not isinstance(given, dict):
        return None
    path = given.get(f"{key}_path")
    if path is None and given.get(key) is not None:
        entry.source.problems.count("unsupported_annotation", f"{entry.where}, {field} inside samples.json")
    where = f"{entry.where}, {field}"
    return None if path is None else part_of(entry.source.tree, entry.folder, path, where, entry.source.problems)


def _instances(source: Source, file: str, header: Header) -> Path | None:
    tree, problems = source.tree, source.problems
    size = read_header(tree.path(file))
    if isinstance(size, Fault):
        kind: Kind = "lfs_pointer" if size.kind == "lfs_pointer" else "unreadable_map"
        problems.add(kind, file, f"{size.reason}; map left out.")
        return None
    if (size.width, size.height) != (header.width, header.height):
        image = f"the image {header.width} x {header.height}"
        problems.add("unreadable_map", file, f"The map has {size.width} x {size.height} pixels, {image}; map left out.")
        return None
    return tree.path(file)


def cloud_of(entry: Named) -> Path | None:
    """The cloud of the group, else the one that the sample names."""
    tree, problems, folder = entry.source.tree, entry.source.problems, entry.folder
    path = entry.cloud["filepath"] if entry.cloud is not None else entry.sample.get(fields.POINT_CLOUD)
    where = f"{entry.where}, cloud"
    file = part_of(tree, folder, path, where, problems) if isinstance(path, str) else None
    if file is not None and file.lower().endswith(".fo3d"):
        inner = _cloud_of_scene(entry.source, file)
        file = None if inner is None else part_of(tree, folder_of(file), inner, where, problems)
    return None if file is None else usable_cloud(tree.path(file), file, problems)


def _cloud_of_scene(source: Source, file: str) -> str | None:
    """The first cloud of FiftyOne's 3D scene, which is a tree of nodes."""
    waiting = dicts_in([read_object(source.tree.path(file), file, source.problems)])
    while waiting:
        node = waiting.pop()
        if isinstance(node.get("pcdPath"), str):
            return str(node["pcdPath"])
        waiting += reversed(dicts_in(node.get("children")))
    source.problems.add("missing_map", file, "The 3D scene names no point cloud; cloud left out.")
    return None
