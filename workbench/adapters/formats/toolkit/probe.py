"""First read of image files: header, size and hash from one read. Worker processes import nothing but this."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

from workbench.adapters.formats.toolkit.headers import Content, Fault, Header, header_of

_MAPPED_BYTES = 32 << 20  # larger files are mapped, not read
_LFS_MARK = b"version https://git-lfs.github.com/spec/"
Seen = tuple[int, int, str, int, str]  # width, height, type, bytes, SHA-256; plain, as it crosses processes


def look_all(paths: Sequence[str]) -> list[Seen | Fault]:
    """Size, type and hash of each file, or why it cannot be used."""
    return [_look(path) for path in paths]


def _look(path: str) -> Seen | Fault:
    content = _content(path)
    if isinstance(content, Fault):
        return content
    header = header_of(content)
    if isinstance(header, Fault):
        return header
    return header.width, header.height, header.type, len(content), hashlib.sha256(content).hexdigest()


def read_header(path: Path) -> Header | Fault:
    """Size and type of an image, or why it cannot be used; see ``headers.header_of``."""
    content = _content(str(path))
    return content if isinstance(content, Fault) else header_of(content)


def _content(path: str) -> Content | Fault:
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - twice as fast as a Path, and there are many
            size = os.fstat(stream.fileno()).st_size
            if size > _MAPPED_BYTES:
                return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            content = stream.read()
    except OSError as cause:
        return Fault("unreadable_image", f"The file cannot be read ({type(cause).__name__}: {cause!s:.180})")
    if not content:
        return Fault("unreadable_image", "The file is empty")
    if content.startswith(_LFS_MARK):
        return Fault("lfs_pointer", "The file is a Git LFS pointer (run 'git lfs pull' where it came from)")
    return content
