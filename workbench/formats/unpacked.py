"""Files made of what lies inside other files; they live below the workbench's home, named by what they were made of."""

from __future__ import annotations

from pathlib import Path

from workbench.files import home, refused, write_bytes


def place(kind: str, *parts: str) -> Path:
    """Where such a file belongs; nothing is made yet."""
    return home().joinpath("unpacked", kind, *parts)


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
