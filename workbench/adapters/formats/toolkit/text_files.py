"""Small text files that come with one image or list images, read without trust."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from workbench.adapters.formats.toolkit.problems import Problems

LIMIT_BYTES: Final = 64 << 20


def lines_of(path: Path, where: str, problems: Problems) -> list[str]:
    """The lines of a text file; none when it is too large, which is reported.

    Bytes that are not UTF-8 are replaced, and a byte order mark is left away.
    """
    data = content_of(path, where, problems)
    return [] if data is None else data.decode("utf-8-sig", errors="replace").splitlines()


def content_of(path: Path, where: str, problems: Problems) -> bytes | None:
    """The bytes of a text file, or ``None`` when it is too large, which is reported."""
    size = path.stat().st_size
    if size <= LIMIT_BYTES:
        return path.read_bytes()
    message = f"The text file has {size >> 20:,} MB, the limit is {LIMIT_BYTES >> 20} MB; file left out."
    problems.add("broken_annotation", where, message)
    return None
