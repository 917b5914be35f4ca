"""Archives (zip, tar with gzip, bzip2 or xz), unpacked once below the workbench's home, under the hash of the file.

An archive is written by strangers: no entry may leave its folder or be a link or a device, and what it unpacks to
is limited while it is written, whatever its own table of contents claims.
"""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.tree import plain_parts
from workbench.base.errors import InputError
from workbench.base.files import sha256_file, whole_folder

SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may become.

    Attributes:
        entries: files and folders.
        bytes: of all files together; never more than half of the free disk.
        ratio: unpacked bytes per packed byte, once ``ratio_from_bytes`` are unpacked.
        ratio_from_bytes: below this much nothing is called a bomb.
    """

    entries: int = 5_000_000
    bytes: int = 1 << 40
    ratio: float = 200.0
    ratio_from_bytes: int = 1 << 30


_LIMITS: Final = Limits()
_CHUNK_BYTES = 1 << 20
_PATH_CHARS = 1000
_HEADER_BYTES = 1 << 20
_TEXT_HEADERS = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError,
    NotImplementedError, KeyError, IndexError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Entry:
    """One regular file of an archive."""

    name: str
    stream: IO[bytes]


def is_archive(path: Path) -> bool:
    """Whether a path is a file with the suffix of an archive.

    >>> is_archive(Path("absent.zip"))
    False
    """
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def opened(path: Path, *, scratch: Scratch | None = None, limits: Limits = _LIMITS) -> Path:
    """The folder that an archive unpacks to; any other path is given back as it is.

    Unpacking the same content again costs only its hash.

    Args:
        path: an archive, or anything else that can be loaded.
        scratch: where to unpack; below the workbench's home when not given.
        limits: what an archive may become.

    Raises:
        InputError: it is no file or folder, damaged, encrypted, too large, or holds links or paths that lead out.
        OutputError: there is no room for it.
    """
    if not path.is_file() and not path.is_dir():
        problem = "This is a pipe, a socket or a device, which cannot be loaded."
        raise InputError(problem, at=str(path), fix="Give the path of a file, folder or archive.")
    if not is_archive(path):
        return path
    target = (scratch or Scratch()).folder / "archives" / sha256_file(path)
    if not target.exists():
        with whole_folder(target) as folder:
            _unpack(path, folder, limits)
    return target


def _unpack(path: Path, folder: Path, limits: Limits) -> None:
    room = min(limits.bytes, shutil.disk_usage(folder).free // 2)
    packed, written = max(path.stat().st_size, 1), 0
    try:
        entries = _zip(path) if path.suffix.lower() == ".zip" else _tar(path)
        for at, entry in enumerate(entries, 1):
            if at > limits.entries:
                raise _refused(path, f"it holds more than {limits.entries:,} files (at '{entry.name:.80}')")
            for chunk in _into(folder, entry, path):
                written += chunk
                if written > room:
                    raise _refused(path, f"it unpacks to more than {room:,} bytes (at '{entry.name:.80}')")
                if written > limits.ratio_from_bytes and written / packed > limits.ratio:
                    size = (
                        f"{written / packed:,.0f} times its own size and more, the limit is {limits.ratio:,.0f} times"
                    )
                    raise _refused(path, f"it unpacks to {size} (at '{entry.name:.80}')")
    except _BROKEN as cause:
        problem = f"The archive cannot be unpacked ({type(cause).__name__}: {cause!s:.180})."
        raise InputError(problem, at=str(path), fix="Pack or download it again.") from cause


def _into(folder: Path, entry: _Entry, path: Path) -> Iterator[int]:
    """Write one file; yields the size of each piece."""
    target = folder.joinpath(*_inside(entry.name, path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := _read(entry.stream):
                out.write(chunk)
                yield len(chunk)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as cause:
        raise _refused(path, f"it holds '{entry.name:.80}' twice") from cause


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(_CHUNK_BYTES)
    except OSError as cause:  # what gzip and bz2 call damaged data
        raise EOFError(str(cause)) from cause


def _inside(name: str, path: Path) -> tuple[str, ...]:
    parts, leaves = plain_parts(name)
    if leaves or not parts or ".." in name.replace("\\", "/").split("/"):
        raise _refused(path, f"the path '{name:.80}' leads out of it")
    if "\0" in name or len(name) > _PATH_CHARS:
        raise _refused(path, f"a name has a NUL byte or more than {_PATH_CHARS} characters ({name!r:.80})")
    return parts


def _zip(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = info.external_attr >> 28  # the upper bits of Unix's mode: 8 a file, 4 a folder, 10 a link
            if kind not in (0, 4, 8):
                raise _refused(path, f"'{info.filename:.80}' is a link or a device")
            if info.flag_bits & 1:
                raise _refused(path, f"'{info.filename:.80}' is encrypted")
            if info.is_dir():
                _inside(info.filename.rstrip("/") or "/", path)
                continue
            with archive.open(info) as stream:
                yield _Entry(info.filename, stream)


class _Member(tarfile.TarInfo):
    """A header whose own text is limited: those of long names and of pax are read into memory whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _TEXT_HEADERS and self.size > _HEADER_BYTES:
            raise ValueError(f"a header of {self.size >> 20:,} MB, the limit is {_HEADER_BYTES >> 20} MB")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member


def open_tar(path: Path) -> tarfile.TarFile:
    """A tar file of any packing, for reading; a header that is too large ends in ``ValueError``."""
    return tarfile.open(path, "r:*", tarinfo=_Member)


def _tar(path: Path) -> Iterator[_Entry]:
    with open_tar(path) as archive:
        for member in _members(archive):
            if member.isdir():
                if member.name.strip("./"):
                    _inside(member.name, path)
                continue
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is None:
                raise _refused(path, f"'{member.name:.80}' is a link or a device")
            with stream:
                yield _Entry(member.name, stream)


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    try:
        yield from archive
    except OSError as cause:  # what gzip and bz2 call damaged data
        raise EOFError(str(cause)) from cause


def _refused(path: Path, reason: str) -> InputError:
    fix = "If you trust it, unpack it yourself and load the folder."
    return InputError(f"The archive was not unpacked: {reason}.", at=str(path), fix=fix)
