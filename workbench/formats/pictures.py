"""Pictures as a load meets them: each file is read once, in parallel, for its header and its hash."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from workbench.formats.headers import Content, Fault, Header, header_of
from workbench.formats.problems import Kind, Problems
from workbench.processes import WorkerProcesses
from workbench.schema.labels import Record

THREADS = 8
MANY = 4_000  # drafts from which processes pay for their start
CHUNK = 256  # drafts that one call looks at
_AHEAD = 2  # calls per worker that wait
_MAPPED_BYTES = 32 << 20  # larger files are mapped, not read
_LFS_MARK = b"version https://git-lfs.github.com/spec/"
_SUFFIXES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before its picture was looked at.

    Attributes:
        image_path, origin: as in ``Record``.
    """

    image_path: Path
    origin: str


D = TypeVar("D", bound=Draft)
Seen = tuple[Header, int, str]  # header, size in bytes, SHA-256 of the content


class Records(Generic[D]):
    """Records of drafts, one by one; the length hint says how many drafts are left.

    Pictures are opened ahead, in threads, or in processes when there are many. A picture that cannot be used is
    named and left out. At the end, what was counted is told with the sentences of ``closing``.
    """

    def __init__(
        self,
        drafts: Sequence[D],
        build: Callable[[D, Header], Record],
        problems: Problems,
        *,
        closing: Mapping[Kind, str] | None = None,
    ) -> None:
        self._left = len(drafts)
        self._records = self._each(drafts, build, problems, closing or {})

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        return next(self._records)

    def __length_hint__(self) -> int:
        return self._left

    def _each(
        self,
        drafts: Sequence[D],
        build: Callable[[D, Header], Record],
        problems: Problems,
        closing: Mapping[Kind, str],
    ) -> Iterator[Record]:
        for draft, seen in _looked_at(drafts):
            self._left -= 1
            if isinstance(seen, Fault):
                message = f"Wanted a picture, found {seen.found}. Left out."
                problems.add(seen.kind, draft.origin, message, loses_record=True)
            else:
                header, size_bytes, sha256 = seen
                _check_type(draft, header, problems)
                record = replace(build(draft, header), size_bytes=size_bytes, content_sha256=sha256)
                _name_repeated(record, problems)
                yield record
        problems.close("duplicate_box", "Wanted each box of a class once, found {n} again ({first}). All are loaded.")
        for kind, message in closing.items():
            problems.close(kind, message)


def _name_repeated(record: Record, problems: Problems) -> None:
    """Count boxes of the same class in the same place; two instances may share a place."""
    keys = [(label.name, label.xyxy, label.instance_id) for label in record.labels]
    if len(set(keys)) != len(keys):
        for at, key in enumerate(keys):
            if key in keys[:at]:
                problems.count("duplicate_box", f"{record.origin}, label {at}")


def _looked_at(drafts: Sequence[D]) -> Iterator[tuple[D, Seen | Fault]]:
    """Every draft with what its file says, in order."""
    if not drafts:
        return
    workers = min(THREADS, os.cpu_count() or 1)
    many = len(drafts) >= MANY
    pool: Executor = WorkerProcesses(workers) if many else ThreadPoolExecutor(THREADS, thread_name_prefix="headers")
    chunk = CHUNK if many else max(1, min(CHUNK, len(drafts) // THREADS))
    chunks = (drafts[start : start + chunk] for start in range(0, len(drafts), chunk))
    waiting: deque[tuple[Sequence[D], Future[list[Seen | Fault]]]] = deque()

    def submit(n: int) -> None:
        for some in islice(chunks, n):
            waiting.append((some, pool.submit(look_all, [str(draft.image_path) for draft in some])))

    try:
        submit(_AHEAD * (workers if many else THREADS))
        while waiting:
            some, future = waiting.popleft()
            found = future.result()
            submit(1)
            yield from zip(some, found, strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def look_all(paths: Sequence[str]) -> list[Seen | Fault]:
    """Header, size and hash of each file, or why it cannot be used."""
    return [_look(path) for path in paths]


def _look(path: str) -> Seen | Fault:
    content = _content(path)
    if isinstance(content, Fault):
        return content
    header = header_of(content)
    return header if isinstance(header, Fault) else (header, len(content), hashlib.sha256(content).hexdigest())


def read_header(path: Path) -> Header | Fault:
    """Size and type of a picture, or why it cannot be used; see ``headers.header_of``."""
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
        return Fault("unreadable_image", f"{type(cause).__name__}: {cause}"[:200])
    if not content:
        return Fault("unreadable_image", "an empty file")
    if content.startswith(_LFS_MARK):
        return Fault("lfs_pointer", "a Git LFS pointer; run 'git lfs pull' where it came from")
    return content


def _check_type(draft: Draft, header: Header, problems: Problems) -> None:
    named = _SUFFIXES.get(draft.image_path.suffix.lower())
    if named is not None and named != header.type:
        message = f"Wanted {named} as the name says, found {header.type}. Loaded as it is."
        problems.add("content_mismatch", draft.origin, message)


__all__ = ["Draft", "Fault", "Header", "Records", "look_all", "read_header"]
