"""Point clouds as the readers meet them: usable, or a named problem."""

from __future__ import annotations

from pathlib import Path

from workbench.adapters.formats.toolkit.pictures import Fault
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.plurals import counted
from workbench.core.clouds import Cloud, CloudHeader, is_cloud, read_cloud, read_header

__all__ = ["CloudHeader", "cloud_fault", "is_cloud", "read_cloud_header", "usable_cloud"]

_LFS_MARK = b"version https://git-lfs.github.com/spec/"


def usable_cloud(path: Path, where: str, problems: Problems) -> Path | None:
    """The path itself when the cloud holds points with a place, else ``None``; why is named."""
    fault = cloud_fault(path)
    if fault is None:
        return path
    problems.add(fault.kind, where, f"Wanted a point cloud, found {fault.found}. Cloud left out.")
    return None


def cloud_fault(path: Path) -> Fault | None:
    """Why a cloud cannot be used; all of its points are read, since a viewer would show a broken one as empty."""
    found = read_cloud_header(path)
    if isinstance(found, Fault):
        return found
    if found.faces:
        return Fault("not_a_cloud", f"a mesh of {found.faces:,} faces")
    try:
        cloud: Cloud = read_cloud(path)
    except (ValueError, OSError) as cause:
        return Fault("unreadable_cloud", f"{cause}"[:200])
    return None if len(cloud.xyz) else Fault("empty_cloud", f"{counted(found.points, 'point')}, none with a place")


def read_cloud_header(path: Path) -> CloudHeader | Fault:
    """Points and columns of a cloud, or why it cannot be used."""
    try:
        with path.open("rb") as stream:
            if is_cloud(path.name) and stream.read(len(_LFS_MARK)) == _LFS_MARK:
                return Fault("lfs_pointer", "a Git LFS pointer; run 'git lfs pull' where it came from")
        header = read_header(path)
    except (ValueError, OSError) as cause:  # the reader's own words, or the system's
        return Fault("unreadable_cloud", f"{cause}"[:200])
    if not header.has_place:
        return Fault("empty_cloud", f"points without x, y, z; they have {', '.join(header.fields) or 'nothing'}")
    return header if header.points else Fault("empty_cloud", "no points")
