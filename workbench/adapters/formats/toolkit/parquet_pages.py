"""What the pages of a Parquet file claim to unpack to, read from their headers before anything is unpacked.

Layouts: ``PageHeader`` of parquet-format's ``parquet.thrift``, in Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

LIMIT_BYTES = 256 << 20
_RATIO = 20  # images hardly shrink; texts and numbers shrink less than this
_LEAST_VALUE_BYTES = 8
_HEADER_BYTES = 1 << 16
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_DEPTH = 16
_DATA, _DICTIONARY, _DATA_V2 = 5, 7, 8  # headers inside a page's header; the first field of each counts its values


@dataclass(frozen=True, slots=True)
class _Page:
    unpacked: int
    packed: int
    values: int
    header: int


def require_sane(path: Path, metadata: Any) -> None:
    """Check that no page unpacks to far more than it takes on disk.

    Args:
        path: a Parquet file.
        metadata: its footer, as pyarrow gives it.

    Raises:
        ValueError: a page is a bomb, or its header is damaged.
    """
    status = path.stat()
    on_disk = min(status.st_size, status.st_blocks * 512)  # less than it seems where the file has holes
    with path.open("rb") as stream:
        for group in range(metadata.num_row_groups):
            claimed = 0
            for at in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(at)
                lists = metadata.schema.column(at).max_repetition_level > 0  # one row may hold all values of a page
                pages = _pages(stream, chunk, status.st_size)
                claimed += max((_suspicious(page, on_disk, lists=lists) for page in pages), default=0)
                if claimed > LIMIT_BYTES:
                    text = f"row group {group} unpacks to more than {LIMIT_BYTES >> 20:,} MB per page"
                    raise ValueError(f"{text}, over {_RATIO} times its size on disk (column '{chunk.path_in_schema}')")


def _suspicious(page: _Page, on_disk: int, *, lists: bool) -> int:
    """Bytes that a page unpacks to, 0 when that is in proportion to its size on disk."""
    size = max(page.unpacked, page.values * _LEAST_VALUE_BYTES if lists else 0)
    return size if size > _RATIO * min(page.packed, on_disk) else 0


def _pages(stream: BinaryIO, chunk: Any, size: int) -> Iterator[_Page]:
    at = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        at = min(at, chunk.dictionary_page_offset)
    left = chunk.total_compressed_size
    while left > 0 and 0 <= at < size:
        stream.seek(at)
        page = _page(stream.read(_HEADER_BYTES))
        yield page
        step = page.header + page.packed
        at, left = at + step, left - step


def _page(data: bytes) -> _Page:
    try:
        fields, at = _struct(data, 0, 0)
    except (IndexError, RecursionError) as cause:
        raise ValueError("the header of a page is damaged") from cause
    unpacked, packed = fields.get(2), fields.get(3)
    inner: Any = next((fields[key] for key in (_DATA, _DATA_V2, _DICTIONARY) if key in fields), None)
    values = inner.get(1) if isinstance(inner, Mapping) else None
    if not isinstance(unpacked, int) or not isinstance(packed, int) or min(unpacked, packed) < 0:
        raise ValueError("the header of a page is damaged")
    return _Page(unpacked, packed, values if isinstance(values, int) else 0, at)


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Whole numbers and structs of a struct by field number, and the place behind it."""
    if depth > _DEPTH:
        raise ValueError("the header of a page is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != _STOP:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _number(data, at)
        fields[number], at = _value(data, at, head & 15, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind == _BYTE:
        return data[at], at + 1
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    if kind in (_LIST, _SET, _MAP):
        raise ValueError("the header of a page holds lists")
    return _number(data, at)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A whole number in zigzag coding."""
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("the header of a page is damaged")
