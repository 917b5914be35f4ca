"""Files extracted or converted from others, named by the hash of their origin."""

from __future__ import annotations

from pathlib import Path

from workbench.base.files import home, refused, sync, write_bytes

_unsettled: set[Path] = set()


def default_folder() -> Path:
    """Where such files are kept: below the workbench's home."""
    return home() / "unpacked"


def keep(target: Path, data: bytes) -> Path:
    """Write a file, whole, with the folders above it; a load waits for the disk before it names it in the dataset.

    Raises:
        OutputError: the place refuses.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise refused(target.parent, cause) from cause
    write_bytes(target, data, durable=False)
    _unsettled.add(target.parent)
    return target


def settle() -> None:
    """Wait until all files kept so far are on the disk.

    Raises:
        OutputError: the disk refuses.
    """
    folders = set(_unsettled)
    _unsettled.difference_update(folders)
    # once for each disk; a folder that is gone took its files with it
    disks = {folder.stat().st_dev: folder for folder in folders if folder.is_dir()}
    for folder in disks.values():
        sync(folder)
