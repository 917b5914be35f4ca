"""Files and folders on their way: locked by the process that writes them, and swept once that one is dead.

The lock is the kernel's, so it ends with the process, however that ends, and tells a live one from a dead one across
containers. Only names that end in ``SUFFIX`` are ever swept, and where locks are not possible nothing is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".workbench-part"
_swept: set[str] = set()


@contextlib.contextmanager
def part_folder(parent: Path) -> Iterator[Path]:
    """A new, hidden folder in ``parent`` with the user's permissions; what is left of it in the end is deleted.

    Raises:
        OSError: ``parent`` refuses.
    """
    sweep(parent)
    path, lock = _locked(parent, folder=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def part_file(folder: Path) -> Iterator[tuple[Path, int]]:
    """A new, hidden file in a folder, and its descriptor; what is left of it in the end is deleted.

    The first one in a folder sweeps it.

    Raises:
        OSError: the folder refuses.
    """
    if str(folder) not in _swept:
        sweep(folder)
        _swept.add(str(folder))
    path, descriptor = _locked(folder, folder=False)
    try:
        yield path, descriptor
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder among the temporary files of the system, that only this user may read.

    >>> with scratch_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    with part_folder(Path(tempfile.gettempdir())) as folder:
        folder.chmod(0o700)
        yield folder


@contextlib.contextmanager
def claimed(path: Path, content: bytes) -> Iterator[None]:
    """Keep a file while the body runs, with what is needed to undo it; see ``abandoned``.

    Raises:
        OSError: the folder refuses.
    """
    with part_file(path.parent) as (temporary, descriptor):
        os.write(descriptor, content)
        os.fsync(descriptor)
        temporary.replace(path)  # the lock is the file's, whatever its name
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def abandoned(path: Path) -> bytes | None:
    """The content of a file of ``claimed`` whose process was killed; ``None`` when there is none, or it still works."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return stream.read()
    except OSError:
        return None


def is_in_part(path: Path) -> bool:
    """Whether a path lies in a folder that is on its way.

    >>> is_in_part(Path("out/.1f.workbench-part/labels/a.txt"))
    True
    """
    return any(parent.name.endswith(SUFFIX) for parent in path.parents)


def sweep(folder: Path) -> None:
    """Delete from a folder, not below it, what dead processes have left."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(".") and entry.name.endswith(SUFFIX)]:
            with contextlib.suppress(OSError):
                _delete_unless_locked(Path(entry.path), is_folder=entry.is_dir(follow_symlinks=False))


def sweep_temporary() -> None:
    """Delete from the temporary files of the system what dead processes of the workbench have left."""
    sweep(Path(tempfile.gettempdir()))


def _delete_unless_locked(path: Path, *, is_folder: bool) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _locked(parent: Path, *, folder: bool) -> tuple[Path, int]:
    """A new file or folder with the lock on it; tries again when another process swept it in between."""
    while True:
        path = parent / f".{secrets.token_hex(6)}{SUFFIX}"
        if folder:
            path.mkdir()
            descriptor = os.open(path, os.O_RDONLY)
        else:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        except OSError:  # a file system without locks: nobody can sweep here
            return path, descriptor
        if path.exists():
            return path, descriptor
        os.close(descriptor)
