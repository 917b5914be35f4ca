"""Files that are written whole or not at all: to a temporary name, then, when they are on the disk, renamed."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench.base.errors import InputError, OutputError
from workbench.base.parts import is_in_part, part_file, part_folder, sweep

CHUNK_BYTES = 1 << 20
Together = Callable[[Path], contextlib.AbstractContextManager[None]]


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - twice as fast as a Path, and there are many
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_text(text: str) -> str:
    """Hexadecimal SHA-256 of a text in UTF-8.

    >>> sha256_text("")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON text that is the same for equal values, whatever the order of keys.

    >>> canonical_json({"b": 1, "a": [1.5]})
    '{"a":[1.5],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file or none; an existing file is replaced at once.

    Args:
        path: of the file.
        data: all of it.
        durable: return when it is on the disk, also after a power failure. For many files rather call ``sync`` once,
            before anybody is told that they are there; what lies in a folder of ``whole_folder`` waits for that.

    Raises:
        OutputError: the folder is missing, read-only or full.
    """
    durable = durable and not is_in_part(path)
    try:
        with part_file(path.parent) as (temporary, descriptor):
            with open(descriptor, "wb", closefd=False) as stream:
                stream.write(data)
            if durable:
                os.fsync(descriptor)
            temporary.replace(path)
        if durable:
            _sync_entries(path.parent)
    except OSError as cause:
        raise refused(path, cause) from cause


def sync(folder: Path) -> None:
    """Wait until all files of a folder are on the disk; of thousands this costs a fraction of waiting for each.

    Raises:
        OutputError: the disk refuses.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
            if syncfs is None:
                os.sync()
            elif syncfs(descriptor) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)
    except OSError as cause:
        raise refused(folder, cause) from cause


def _sync_entries(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as cause:
        if cause.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot sync folders
            raise
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Indented JSON with sorted keys, as it is written."""
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def require_empty(target: Path) -> None:
    """Check that a folder is new or empty, before long work.

    Raises:
        OutputError: it exists and is not empty, or is a file.
    """
    sweep(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        problem = "The folder is not empty." if target.is_dir() else "There is a file with this name."
        raise OutputError(problem, at=str(target), fix="Choose an empty or new folder.")


@contextlib.contextmanager
def whole_folder(target: Path, *, together: Together | None = None) -> Iterator[Path]:
    """Give a temporary folder beside ``target`` and move it in at the end, when it is on the disk.

    Nothing appears under ``target`` when the body fails, and what a killed process left is deleted by the next one.

    Args:
        target: new or empty.
        together: makes a context from the temporary folder, in which that one is renamed; for what has to come into
            being together with it.

    Raises:
        OutputError: ``target`` exists and is not empty, or the place refuses.
    """
    require_empty(target)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part_folder(target.parent) as temporary:
            yield temporary
            sync(temporary)
            if target.exists():
                target.rmdir()
            with together(temporary) if together else contextlib.nullcontext():
                temporary.replace(target)
                _sync_entries(target.parent)
    except OSError as cause:
        raise refused(target, cause) from cause
    except OutputError as cause:
        if temporary is None or not cause.at.startswith(str(temporary)):
            raise
        raise OutputError(cause.problem, at=str(target), fix=cause.fix) from cause


def refused(path: Path, cause: OSError) -> OutputError:
    """Translate an operating-system error about a place to write to."""
    reason = os.strerror(cause.errno) if cause.errno else type(cause).__name__  # libraries word it in their own ways
    if isinstance(cause, FileExistsError | NotADirectoryError):
        reason = "a file is where a folder is needed"
    fix = "Choose another folder, make room or change its permissions."
    return OutputError(f"Cannot write to this path: {reason}.", at=str(path), fix=fix)


def existing(path: Path, *, wanted: str) -> Path:
    """The path, resolved, if it exists; ``wanted`` names what it should be, e.g. ``"a scenario file"``.

    Raises:
        InputError: there is nothing at that path.
    """
    full = path.expanduser().absolute()
    if full.exists():
        return full.resolve()
    near = full.parent
    while not near.exists():
        near = near.parent
    fix = f"The nearest folder that exists is {near}."
    raise InputError(f"This path does not exist; {wanted} is needed.", at=str(path), fix=fix)


def inside(root: Path, path: Path) -> bool:
    """Whether ``path``, links followed, lies in the folder ``root``.

    >>> inside(Path("/a"), Path("/a/../b"))
    False
    """
    return path.resolve().is_relative_to(root.resolve())


def home() -> Path:
    """Folder for generated media and caches: ``$WORKBENCH_HOME``, else ``~/.workbench``."""
    return Path(os.environ.get("WORKBENCH_HOME") or Path.home() / ".workbench")
