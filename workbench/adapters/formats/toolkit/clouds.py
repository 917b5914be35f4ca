"""Point clouds: usable, or a reported problem."""

from __future__ import annotations

from pathlib import Path

from workbench.adapters.formats.toolkit.pictures import Fault
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.plurals import counted
from workbench.core.clouds import Cloud, CloudHeader, is_cloud, read_cloud, read_header

__all__ = ["CloudHeader", "cloud_fault", "is_cloud", "read_cloud_header", "usable_cloud"]

_LFS_MARK = b"version https://git-lfs.github.com/spec/"


def usable_cloud(path: Path, where: str, problems: Problems) -> Path | None:
    """The path itself when the cloud has points with coordinates, else ``None``; the reason is reported."""
    fault = cloud_fault(path)
    if fault is None:
        return path
    problems.add(fault.kind, where, f"{fault.reason}; cloud left out.")
    return None


def cloud_fault(path: Path) -> Fault | None:
    """Why a cloud cannot be used; all of its points are read, since a viewer would show a broken one as empty."""
    header = read_cloud_header(path)
    if isinstance(header, Fault):
        return header
    if header.faces:
        return Fault("not_a_cloud", f"The file is a mesh with {counted(header.faces, 'face')}, not a point cloud")
    try:
        cloud: Cloud = read_cloud(path)
    except (ValueError, OSError) as cause:
        return _unreadable(cause)
    return (
        None if len(cloud.xyz) else Fault("empty_cloud", f"None of {counted(header.points, 'point')} has coordinates")
    )


def read_cloud_header(path: Path) -> CloudHeader | Fault:
    """Points and columns of a cloud, or why it cannot be used."""
    try:
        with path.open("rb") as stream:
            if is_cloud(path.name) and stream.read(len(_LFS_MARK)) == _LFS_MARK:
                return Fault("lfs_pointer", "The file is a Git LFS pointer (run 'git lfs pull' where it came from)")
        header = read_header(path)
    except (ValueError, OSError) as cause:
        return _unreadable(cause)
    if not header.has_xyz:
        return Fault("empty_cloud", f"The points have no x, y, z, but {', '.join(header.fields) or 'no fields at all'}")
    return header if header.points else Fault("empty_cloud", "The point cloud has no points")


def _unreadable(cause: Exception) -> Fault:
    return Fault("unreadable_cloud", f"The point cloud cannot be read ({cause!s:.180})")
