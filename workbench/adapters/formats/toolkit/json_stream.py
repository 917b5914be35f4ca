"""A JSON data set read piece by piece: memory for one element at a time, whatever the size of the file."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from workbench.adapters.formats.toolkit.text_files import encoding_of
from workbench.base.errors import InputError

_WINDOW_BYTES = 1 << 22
_VALUE_CHARS = 1 << 24  # of one element
_TOKEN_CHARS = 64  # a fault nearer to the end of the window may be one of the window
_LEAST_SPAN, _MOST_SPAN = 1 << 11, 1 << 18
_GUESSES = 8
_SPACE = " \t\n\r"
_decode = json.JSONDecoder().raw_decode


class Part(NamedTuple):
    """Some elements of a list, or a whole value that is no list.

    Attributes:
        key: key of the list or value in the outermost object.
        first: index of the first element in the list; -1 for what is no list, and for the list itself, which comes
            before its elements with the value ``[]``.
        values: the elements, or the one value.
    """

    key: str
    first: int
    values: list[Any]


def parts(path: Path, *, shown: str) -> Iterator[Part]:
    """Everything in the outermost object, its lists some elements at a time.

    Raises:
        InputError: the file is not JSON, or something else than an object; the message says where.
    """
    with opened(path) as stream:
        reader = _Reader(stream)
        try:
            yield from reader.document()
        except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
            raise InputError(
                f"The file is no whole gzip file ({cause!s:.80}).", at=shown, fix="Copy it again."
            ) from cause
        except RecursionError as cause:
            raise _refused(shown, "it is nested too deeply", reader.position()) from cause
        except UnicodeDecodeError as cause:
            raise _refused(
                shown, f"it contains bytes that are not UTF-8 ({cause.reason})", reader.position()
            ) from cause
        except json.JSONDecodeError as cause:
            raise _refused(shown, cause.msg, reader.position(cause.pos)) from cause
        except ValueError as cause:  # numbers of more digits than Python converts
            raise _refused(shown, str(cause), reader.position()) from cause


def opened(path: Path) -> BinaryIO | gzip.GzipFile:
    """The bytes of a file, unpacked where its name ends with ``.gz``."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _refused(shown: str, reason: str, position: str) -> InputError:
    problem = f"The file is not valid JSON: {reason[:160]} at {position}."
    return InputError(problem, at=shown, fix="Correct the file or export it again.")


class _Reader:
    """A window over the text."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None  # for the encoding that the first bytes say
        self._window, self._at, self._ended = "", 0, False
        self._lines, self._column = 0, 0  # of the beginning of the window
        self._span = _LEAST_SPAN  # characters to decode at once

    def position(self, at: int | None = None) -> str:
        """Line and column of an index in the window; by default of the next character to read."""
        at = self._at if at is None else at
        line_at = self._window.rfind("\n", 0, at) + 1
        column = at - line_at + (0 if line_at else self._column)
        return f"line {self._lines + self._window.count(chr(10), 0, at) + 1}, column {column + 1}"

    def document(self) -> Iterator[Part]:
        self._expect("{")
        if self._next() == "}":
            self._at += 1
        else:
            yield from self._pairs()
        if self._next():
            raise json.JSONDecodeError("Extra data", self._window, self._at)

    def _pairs(self) -> Iterator[Part]:
        while True:
            if self._next() != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self._window, self._at)
            key = self._value()
            self._expect(":")
            if self._next() == "[":
                self._at += 1
                yield Part(key, -1, [[]])
                yield from self._list(key)
            else:
                yield Part(key, -1, [self._value()])
            if self._separator("}"):
                return

    def _list(self, key: str) -> Iterator[Part]:
        if self._next() == "]":
            self._at += 1
            return
        at = 0
        while True:
            values = self._whole_objects() or [self._value()]
            yield Part(key, at, values)
            at += len(values)
            if self._separator("]"):
                return

    def _whole_objects(self) -> list[Any]:
        """Many objects of a list, decoded at once: twice as fast as one by one.

        Where the last of them ends is a guess; a wrong one, inside a text or behind the list, is never valid JSON.
        """
        self._next()
        end = min(self._at + self._span, len(self._window))
        for _ in range(_GUESSES):
            end = self._window.rfind("},", self._at, end)
            if end < 0:
                return []
            if self._window[end + 2 : end + _TOKEN_CHARS].lstrip().startswith("{"):
                break
        try:
            values: list[Any] = json.loads(f"[{self._window[self._at : end + 1]}]")
        except json.JSONDecodeError:  # one by one also says where a fault is
            self._span = max(self._span // 2, _LEAST_SPAN)
            return []
        self._span = min(self._span * 2, _MOST_SPAN)
        self._at = end + 1
        return values

    def _separator(self, end: str) -> bool:
        """Step over a comma, or over the end."""
        mark = self._next()
        if mark not in (",", end) or not mark:
            raise json.JSONDecodeError("Expecting ',' delimiter", self._window, self._at)
        self._at += 1
        return mark == end

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise json.JSONDecodeError(f"Expecting '{mark}'", self._window, self._at)
        self._at += 1

    def _next(self) -> str:
        """The next character that is no space, ``""`` at the end."""
        while True:
            window, at = self._window, self._at
            while at < len(window) and window[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(window):
                return window[at]
            if not self._more():
                return ""

    def _value(self) -> Any:
        """The value that begins here; the window grows until it is whole."""
        self._next()
        while True:
            try:
                value, end = _decode(self._window, self._at)
            except json.JSONDecodeError as cause:
                is_cut = cause.msg.startswith("Unterminated") or cause.pos > len(self._window) - _TOKEN_CHARS
                if is_cut and len(self._window) - self._at > _VALUE_CHARS:
                    raise ValueError(f"an element has more than {_VALUE_CHARS >> 20} MB, or no end") from cause
                if not is_cut or not self._more():
                    raise
                continue
            # 12 near the end of a window may be the half of 1234, or of 12e+34
            if len(self._window) - end > _TOKEN_CHARS or not self._more():
                self._at = end
                return value

    def _more(self) -> bool:
        """Read on: as much as is there already, so that a long value costs no more than twice its length."""
        content = b"" if self._ended else self._stream.read(max(_WINDOW_BYTES, len(self._window)))
        start = 0
        if self._decoder is None:
            encoding, start = encoding_of(content)
            self._decoder = codecs.getincrementaldecoder(encoding)()
        more = self._decoder.decode(content[start:], final=not content)
        if not content:
            self._ended = True
            return False
        line_at = self._window.rfind("\n", 0, self._at) + 1
        self._column = self._at - line_at + (0 if line_at else self._column)
        self._lines += self._window.count("\n", 0, self._at)
        self._window, self._at = self._window[self._at :] + more, 0
        return True
