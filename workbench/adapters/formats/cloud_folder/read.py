"""A folder of point clouds without pictures: PCD, PLY, velodyne ``.bin`` and XYZ, at any depth.

Class folders and split folders mean what they mean for pictures (``folder``). A PLY with faces is a mesh, not a
cloud; a ``.bin`` is a cloud only when its numbers can be coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from workbench.adapters.formats.images.read import class_names
from workbench.adapters.formats.toolkit.clouds import cloud_fault
from workbench.adapters.formats.toolkit.contract import Counted, Evidence
from workbench.adapters.formats.toolkit.names import split_of_path
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.tree import Tree, tree_of
from workbench.base.errors import InputError
from workbench.core.clouds import is_cloud
from workbench.core.schema.labels import Record

name = "cloud"
looks_for = "point clouds (.pcd .ply .bin .xyz) without pictures"

_TRIED = 20
_THREADS = 4
_WINDOW = 64
_AMBIGUOUS = (".bin", ".ply", ".xyz")  # other data has these names too, so their content decides


def evidence(path: Path) -> Evidence | None:
    """Clouds, and no pictures: where there are any, a cloud belongs to its picture."""
    if path.is_file():
        return Evidence(0.5, f"{path.name} is a point cloud") if _is_meant(path) else None
    tree = tree_of(path)
    clouds = [] if tree.pictures else [file for file in tree.files if is_cloud(file)]
    found = next((file for file in clouds[:_TRIED] if _is_meant(tree.path(file))), None)
    return (
        None if found is None else Evidence(0.2, f"{len(clouds):,} point clouds and no pictures, {found} one of them")
    )


def _is_meant(path: Path) -> bool:
    """Whether a file is a cloud, be it a broken one; a name that others use too needs a good one."""
    if not is_cloud(path.name):
        return False
    if path.suffix.lower() not in _AMBIGUOUS:
        return True
    fault = cloud_fault(path)
    return fault is None or fault.kind == "lfs_pointer"


def read(path: Path, problems: Problems) -> Iterator[Record]:
    """Read every cloud; see ``contract.Format.read``."""
    tree = tree_of(path.parent if path.is_file() else path)
    if path.is_file():
        if not is_cloud(path.name):
            fix = "Give a folder of clouds, or say another format."
            raise InputError("a point cloud (.pcd .ply .bin .xyz)", found=path.name, where=str(path), fix=fix)
        return _Clouds(tree, [path.name], problems)
    tree.name_junk(problems)
    clouds = [file for file in tree.files if is_cloud(file)]
    known = set(clouds)
    for file in tree.files:
        if file not in known:
            problems.count("ignored_junk", file)
    problems.close("ignored_junk", "Wanted point clouds, found {n} other files ({first}). Ignored.")
    return _Clouds(tree, clouds, problems)


class _Clouds(Counted):
    """Records of clouds, one by one; the length hint says how many files are left."""

    def __init__(self, tree: Tree, files: Sequence[str], problems: Problems) -> None:
        self._left = len(files)
        self._records = self._each(tree, files, problems)

    def _each(self, tree: Tree, files: Sequence[str], problems: Problems) -> Iterator[Record]:
        classes = class_names(files)
        waiting = iter(files)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="clouds") as pool:
            while window := list(islice(waiting, _WINDOW)):
                faults = pool.map(cloud_fault, map(tree.path, window))
                for file, fault in zip(window, faults, strict=True):
                    self._left -= 1
                    if fault is not None:
                        message = f"Wanted a point cloud, found {fault.found}. Record left out."
                        problems.add(fault.kind, file, message, loses_record=True)
                    else:
                        yield _record(tree, file, classes[file])


def _record(tree: Tree, file: str, class_name: str | None) -> Record:
    split = split_of_path(file.split("/")[:-1])
    return Record(None, file, 0, 0, classification=class_name, split=split, cloud=tree.path(file))
