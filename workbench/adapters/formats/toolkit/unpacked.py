"""Files made of what lies inside other files; they live below the workbench's home, named by what they were made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from workbench.base.files import home, refused, write_bytes

_elsewhere: ContextVar[Path | None] = ContextVar("elsewhere", default=None)


@contextlib.contextmanager
def within(folder: Path) -> Iterator[None]:
    """Within, files are made below this folder instead: for a look at what is soon thrown away."""
    token = _elsewhere.set(folder)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def place(kind: str, *parts: str) -> Path:
    """Where such a file belongs; nothing is made yet."""
    root = _elsewhere.get() or home() / "unpacked"
    return root.joinpath(kind, *parts)


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
