"""The image files of a load: each is read once, in parallel, for its header and its hash."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from workbench.adapters.formats.toolkit.contract import Counted
from workbench.adapters.formats.toolkit.headers import Fault, Header
from workbench.adapters.formats.toolkit.probe import Seen, look_all, read_header
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import PICTURE_TYPES
from workbench.base.processes import WorkerProcesses
from workbench.core.schema.labels import Record

THREADS = 8
MANY = 4_000  # drafts from which processes pay for their start
CHUNK = 256  # drafts that one call looks at
_AHEAD = 2  # calls per worker that wait


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before its image was looked at.

    Attributes:
        image_path, origin: as in ``Record``.
    """

    image_path: Path
    origin: str


D = TypeVar("D", bound=Draft)


class Records(Counted, Generic[D]):
    """Records of drafts, one by one; the length hint says how many drafts are left.

    Images are opened ahead, in threads, or in processes when there are many. An image that cannot be used is
    reported and left out. At the end, what was counted is reported with the sentences of ``closing``.
    """

    def __init__(
        self,
        drafts: Sequence[D],
        build: Callable[[D, Header], Record],
        source: Source,
        *,
        closing: Mapping[Kind, str] | None = None,
    ) -> None:
        self._left = len(drafts)
        self._records = self._each(drafts, build, source, closing or {})

    def _each(
        self,
        drafts: Sequence[D],
        build: Callable[[D, Header], Record],
        source: Source,
        closing: Mapping[Kind, str],
    ) -> Iterator[Record]:
        problems = source.problems
        for draft, seen in _looked_at(drafts, source.workers):
            self._left -= 1
            if isinstance(seen, Fault):
                problems.add(seen.kind, draft.origin, f"{seen.reason}; sample left out.", loses_record=True)
            else:
                width, height, kind, size_bytes, sha256 = seen
                header = Header(width, height, kind)
                _check_type(draft, header, problems)
                record = build(draft, header)
                record.size_bytes, record.content_sha256 = size_bytes, sha256
                _name_repeated(record, problems)
                yield record
        problems.close("duplicate_box", "{n} labels with the class and box of another label ({first}); all are loaded.")
        for kind, message in closing.items():
            problems.close(kind, message)


def _name_repeated(record: Record, problems: Problems) -> None:
    """Count boxes of the same class in the same place; two instances may share a place."""
    labels = record.labels
    if len(set(labels.boxes())) == len(labels):
        return  # nearly always
    keys = [(label.name, label.xyxy, label.instance_id) for label in labels]
    known: set[object] = set()
    for at, key in enumerate(keys):
        if key in known:
            problems.count("duplicate_box", f"{record.origin}, label {at}")
        known.add(key)


def _looked_at(drafts: Sequence[D], started: Executor | None) -> Iterator[tuple[D, Seen | Fault]]:
    """Every draft with what its file says, in order."""
    if not drafts:
        return
    workers, many = _workers(), len(drafts) >= MANY
    pool = started or _pool(len(drafts))
    chunk = CHUNK if many else max(1, min(CHUNK, len(drafts) // THREADS))
    chunks = (list(drafts[start : start + chunk]) for start in range(0, len(drafts), chunk))
    waiting: deque[tuple[Sequence[D], Future[list[Seen | Fault]]]] = deque()

    def submit(n: int) -> None:
        for batch in islice(chunks, n):
            waiting.append((batch, pool.submit(look_all, [str(draft.image_path) for draft in batch])))

    try:
        submit(_AHEAD * (workers if many else THREADS))
        while waiting:
            batch, future = waiting.popleft()
            results = future.result()
            submit(1)
            yield from zip(batch, results, strict=True)
    finally:
        if pool is not started:
            pool.shutdown(cancel_futures=True)


def _workers() -> int:
    return min(THREADS, max(1, (os.cpu_count() or 1) - 1))  # one core is left for this process


def _pool(n: int) -> Executor:
    return WorkerProcesses(_workers()) if n >= MANY else ThreadPoolExecutor(THREADS, thread_name_prefix="headers")


@contextlib.contextmanager
def started_workers(n: int) -> Iterator[Executor]:
    """Workers for so many images, to be started before the ``Source`` that uses them: starting takes time."""
    pool = _pool(n)
    try:
        for _ in range(_workers()):
            pool.submit(look_all, [])
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _check_type(draft: Draft, header: Header, problems: Problems) -> None:
    named = PICTURE_TYPES.get(draft.image_path.suffix.lower())
    if named is not None and named != header.type:
        message = f"The file name says {named}, the content is {header.type}; loaded as {header.type}."
        problems.add("content_mismatch", draft.origin, message)


__all__ = ["Draft", "Fault", "Header", "Records", "read_header"]
