"""A sequence in a temporary file: memory does not grow with what its items hold. A megabyte needs no file."""

from __future__ import annotations

import os
import pickle
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import IO, Any, Generic, TypeVar, overload

from workbench.base.errors import OutputError

S = TypeVar("S")
T = TypeVar("T")
AHEAD_BYTES = 1 << 16  # read at once: items are mostly read in sequence
MEMORY_BYTES = 1 << 20  # that stay in memory: no file for the few


class Made(Sequence[T], Generic[T]):
    """A sequence whose items are made on access; a slice is a view, nothing is copied."""

    def _item(self, index: int) -> T:
        raise NotImplementedError

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...

    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        indices = range(len(self))[at]
        return Part(self, indices) if isinstance(indices, range) else self._item(indices)


class Spooled(Made[T]):
    """Items stored on disk and unpacked on each access; changes to an item are not kept.

    The file has no name and is removed with the object. Reading is safe from several threads.

    Args:
        items: written at once, in their order.
        pack: an item as a tuple of plain values.
        unpack: the item again.

    Raises:
        OutputError: the disk is full.

    >>> squares = Spooled(range(4), lambda n: (n * n,), lambda packed: packed[0])
    >>> len(squares), squares[2], list(squares[1:])
    (4, 4, [1, 4, 9])
    """

    def __init__(
        self, items: Iterable[T], pack: Callable[[T], tuple[Any, ...]], unpack: Callable[[tuple[Any, ...]], T]
    ) -> None:
        self._unpack = unpack
        self._starts = array("Q", [0])
        self._file: IO[bytes] | None = None
        at = 0
        waiting = bytearray()
        for item in items:
            data = pickle.dumps(pack(item), pickle.HIGHEST_PROTOCOL)
            at += len(data)
            waiting += data
            self._starts.append(at)
            if len(waiting) > MEMORY_BYTES:
                self._write(waiting)
                waiting.clear()
        if self._file:
            self._write(waiting)
        self._ahead = (at - len(waiting), bytes(waiting))  # where some bytes begin, and they

    def _write(self, data: bytearray) -> None:
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the sequence
            self._file.write(data)
            self._file.flush()
        except OSError as cause:
            fix = "Make room, or set TMPDIR to a folder on another disk."
            problem = f"Cannot write temporary files: {cause.strerror or type(cause).__name__}."
            raise OutputError(problem, at=tempfile.gettempdir(), fix=fix) from cause

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[T]:
        return (self._read(start, stop) for start, stop in pairwise(self._starts))

    def _item(self, index: int) -> T:
        return self._read(self._starts[index], self._starts[index + 1])

    def _read(self, start: int, stop: int) -> T:
        first, data = self._ahead  # both at once: another thread may read elsewhere
        if not first <= start <= stop <= first + len(data):
            assert self._file is not None  # else all of it is ahead
            first, data = start, os.pread(self._file.fileno(), max(stop - start, AHEAD_BYTES), start)
            self._ahead = (first, data)
        return self._unpack(pickle.loads(data[start - first : stop - first]))  # noqa: S301 - own file


class Viewed(Made[T]):
    """A sequence of the results of a function, computed on access.

    >>> list(Viewed(["a", "bc"], len))
    [1, 2]
    """

    def __init__(self, whole: Sequence[S], view: Callable[[S], T]) -> None:
        self._whole: Sequence[Any] = whole
        self._view = view

    def __len__(self) -> int:
        return len(self._whole)

    def __iter__(self) -> Iterator[T]:
        return map(self._view, self._whole)

    def _item(self, index: int) -> T:
        return self._view(self._whole[index])


class Part(Made[T]):
    """Some items of a sequence, by their indices; nothing is copied.

    >>> list(Part("abcd", [3, 0]))
    ['d', 'a']
    """

    def __init__(self, whole: Sequence[T], indices: Sequence[int]) -> None:
        self._whole, self._indices = whole, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __iter__(self) -> Iterator[T]:
        return map(self._whole.__getitem__, self._indices)

    def _item(self, index: int) -> T:
        return self._whole[self._indices[index]]
