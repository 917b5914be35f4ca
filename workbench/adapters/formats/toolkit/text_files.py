"""Small text files that come with one image or list images, read without trust, whatever system wrote them."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final

from workbench.adapters.formats.toolkit.problems import Problems

LIMIT_BYTES: Final = 64 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the mark of that
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FALLBACK: Final = "cp1252"  # what Western Windows writes
_SAMPLE_BYTES: Final = 256


def text_of(data: bytes, where: str = "", problems: Problems | None = None) -> str:
    r"""The text of a file, without its byte order mark: UTF-8, UTF-16, UTF-32, else Windows-1252, which is reported.

    >>> text_of(b"\xef\xbb\xbfnut"), text_of("nut".encode("utf-16")), text_of("nut".encode("utf-16-le"))
    ('nut', 'nut', 'nut')
    >>> text_of("Prüfstück".encode("latin-1"))
    'Prüfstück'
    """
    encoding, start = encoding_of(data)
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8" or start:
            return data[start:].decode(encoding, errors="replace")
    if problems is not None:
        message = "The text is not UTF-8; read as Windows-1252. Save the file as UTF-8 if names look wrong."
        problems.add("text_encoding", where, message)
    return data.decode(_FALLBACK, errors="replace")


def encoding_of(head: bytes) -> tuple[str, int]:
    r"""The encoding of a text by its first bytes, and the length of its byte order mark.

    >>> encoding_of(b"\xff\xfen\x00"), encoding_of(b"n\x00u\x00t\x00"), encoding_of(b"nut")
    (('utf-16-le', 2), ('utf-16-le', 0), ('utf-8', 0))
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    sample = head[: min(_SAMPLE_BYTES, len(head) // 2 * 2)]
    even, odd = sample[::2], sample[1::2]
    for encoding, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if sample and 2 * zeros.count(0) > len(zeros) and not letters.count(0):  # mostly Latin letters
            return encoding, 0
    return "utf-8", 0


def lines_of(path: Path, where: str, problems: Problems) -> list[str]:
    """The lines of a text file in any encoding; none when it is too large, which is reported."""
    data = content_of(path, where, problems)
    return [] if data is None else text_of(data, where, problems).splitlines()


def head_of(path: Path, n_bytes: int) -> str:
    """The beginning of a text file; its last character may be a replacement."""
    with path.open("rb") as stream:
        data = stream.read(n_bytes)
    encoding, start = encoding_of(data)
    return data[start:].decode(encoding, errors="replace")


def first_line(path: Path, n_bytes: int = 4096) -> str:
    """The first line of a text file, as far as it lies in the first bytes."""
    return head_of(path, n_bytes).partition("\n")[0]


def content_of(path: Path, where: str, problems: Problems) -> bytes | None:
    """The bytes of a text file, or ``None`` when it is too large, which is reported."""
    size = path.stat().st_size
    if size <= LIMIT_BYTES:
        return path.read_bytes()
    message = f"The text file has {size >> 20:,} MB, the limit is {LIMIT_BYTES >> 20} MB; file left out."
    problems.add("broken_annotation", where, message)
    return None
