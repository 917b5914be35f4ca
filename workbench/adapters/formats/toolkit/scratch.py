"""Files extracted or converted from others, named by the hash of their origin."""

from __future__ import annotations

from pathlib import Path

from workbench.base.files import home, refused, write_bytes


def default_folder() -> Path:
    """Where such files are kept: below the workbench's home."""
    return home() / "unpacked"


def keep(target: Path, data: bytes) -> Path:
    """Write a file, whole, with the folders above it.

    Raises:
        OutputError: the place refuses.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise refused(target.parent, cause) from cause
    write_bytes(target, data)
    return target
