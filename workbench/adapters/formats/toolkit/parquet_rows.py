"""Rows of a Parquet file, some at a time and without trust: what they unpack to is limited before it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.adapters.formats.toolkit.parquet_pages import LIMIT_BYTES, require_sane

ROWS = 64  # in memory at once
_NUMBER_BYTES = 32  # of a number as a Python object
_POINTER_BYTES = 8
_BUFFER_BYTES = 1 << 20

Row = dict[str, Any]


class BrokenParquet(ValueError):
    """A Parquet file that cannot be read, or not from some row on."""


def rows_of(path: Path) -> Iterator[list[Row | None]]:
    """All rows in order, some at a time; ``None`` for a row that unpacks to more than the limit.

    Texts that a dictionary of the file repeats are counted before they are repeated in memory.

    Raises:
        BrokenParquet: the file is damaged, or a bomb.
    """
    import pyarrow as pa  # deferred: few folders bring a table
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        require_sane(path, metadata)
        with pq.ParquetFile(path, read_dictionary=_repeated(metadata), buffer_size=_BUFFER_BYTES) as file:
            for batch in file.iter_batches(ROWS):
                for part in _parts(batch):
                    yield [None] if _unpacked_bytes(part) > LIMIT_BYTES else part.to_pylist()
    except (pa.ArrowException, OSError, ValueError, MemoryError) as cause:
        raise BrokenParquet(f"{type(cause).__name__}: {cause!s:.150}") from cause


def _repeated(metadata: Any) -> list[str]:
    """The columns of texts and bytes whose values stand in a dictionary."""
    columns: dict[str, None] = {}
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(at)
            if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page:
                columns[chunk.path_in_schema] = None
    return list(columns)


def _parts(batch: Any) -> Iterator[Any]:
    """A batch in halves until each unpacks to less than the limit, or is a single row."""
    if len(batch) <= 1 or _unpacked_bytes(batch) <= LIMIT_BYTES:
        yield batch
        return
    middle = len(batch) // 2
    yield from _parts(batch.slice(0, middle))
    yield from _parts(batch.slice(middle))


def _unpacked_bytes(batch: Any) -> int:
    return sum(_array_bytes(column) for column in batch.columns)


def _array_bytes(array: Any) -> int:
    """Memory that the values of an array take as Python objects, about."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.take(pc.binary_length(array.dictionary), array.indices)
        return int(pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(_array_bytes(child) for child in array.flatten())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _array_bytes(array.flatten()) + _POINTER_BYTES * len(array)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_string(kind):
        return int(pc.sum(pc.cast(pc.binary_length(array), pa.int64())).as_py() or 0)
    return max(int(array.nbytes), _NUMBER_BYTES * len(array))
