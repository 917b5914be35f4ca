"""A folder of point clouds without images: PCD, PLY, velodyne ``.bin`` and XYZ, at any depth.

Class folders and split folders have the same meaning as for images (``folder``). A PLY with faces is a mesh, not a
cloud; a ``.bin`` is a cloud only when its numbers can be coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from workbench.adapters.formats.toolkit.class_folders import class_names
from workbench.adapters.formats.toolkit.clouds import cloud_fault
from workbench.adapters.formats.toolkit.contract import Counted, Found
from workbench.adapters.formats.toolkit.names import split_of_path
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.clouds import is_cloud
from workbench.core.schema.labels import Record

name = "cloud"
looks_for = "point clouds (.pcd .ply .bin .xyz) without images"
single_files = True

_TRIED = 20
_THREADS = 4
_WINDOW = 64
_AMBIGUOUS = (".bin", ".ply", ".xyz")  # other data has these names too, so their content decides


def detect(source: Source) -> Found | None:
    """Clouds, and no images: where there are any, a cloud belongs to its image."""
    if source.file is not None:
        meant = _is_meant(source.path)
        return (
            Found(0.5, f"{source.file} is a point cloud", partial(_read_file, source, source.file)) if meant else None
        )
    tree = source.tree
    clouds = [] if tree.pictures else _cloud_files(tree)
    first = next((file for file in clouds[:_TRIED] if _is_meant(tree.path(file))), None)
    if first is None:
        return None
    why = f"{counted(len(clouds), 'point cloud')} (such as {first}) and no images"
    return Found(0.2, why, partial(_records, source, clouds))


def _cloud_files(tree: Tree) -> list[str]:
    return [file for file in tree.files if is_cloud(file)]


def _is_meant(path: Path) -> bool:
    """Whether a file is a cloud, possibly a broken one; where others use the suffix too, it must be readable."""
    if not is_cloud(path.name):
        return False
    if path.suffix.lower() not in _AMBIGUOUS:
        return True
    fault = cloud_fault(path)
    return fault is None or fault.kind == "lfs_pointer"


def read(source: Source) -> Iterator[Record]:
    """Read every cloud; see ``contract.Format.read``."""
    if source.file is not None:
        return _read_file(source, source.file)
    return _records(source, _cloud_files(source.tree))


def _read_file(source: Source, file: str) -> Iterator[Record]:
    if not is_cloud(file):
        problem = f"'{file}' is not a point cloud (.pcd .ply .bin .xyz)."
        raise InputError(problem, at=str(source.path), fix="Give a folder of point clouds, or another --format.")
    return _Clouds(source.tree, [file], source.problems)


def _records(source: Source, clouds: Sequence[str]) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
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
                        problems.add(fault.kind, file, f"{fault.reason}; sample left out.", loses_record=True)
                    else:
                        yield _record(tree, file, classes[file])


def _record(tree: Tree, file: str, class_name: str | None) -> Record:
    split = split_of_path(file.split("/")[:-1])
    return Record(None, file, 0, 0, classification=class_name, split=split, cloud=tree.path(file))
