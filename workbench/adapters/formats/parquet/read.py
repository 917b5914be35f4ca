"""Parquet files with images inside, as Hugging Face's ``datasets`` keeps them.

Each image is written once into the scratch folder, under the hash of its bytes; one that is a path alone lies beside
the file. Labels come from the ``record`` that the workbench writes, else from boxes and classes in the columns
(``toolkit/table_rows.py``) and from a column with a mask. Of several columns of images the one of the best name counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.adapters.formats.coco import sample_json
from workbench.adapters.formats.parquet.features import Columns, columns_of, features_of, names_in_card, names_of
from workbench.adapters.formats.toolkit.arrays import read_map
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.contract import Counted, Found
from workbench.adapters.formats.toolkit.headers import header_of
from workbench.adapters.formats.toolkit.mask_labels import mask_labels
from workbench.adapters.formats.toolkit.names import split_in, split_of_path
from workbench.adapters.formats.toolkit.parquet_rows import BrokenParquet, Row, rows_of
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.table_rows import Names, RowReader, close_rows, kept_class, plan_of
from workbench.adapters.formats.toolkit.tree import PICTURE_TYPES, Tree, folder_of, stem_of
from workbench.base.errors import InputError
from workbench.core.schema.fields import SCENE_ID
from workbench.core.schema.labels import Labels, Record

name = "parquet"
looks_for = "Parquet files with a column of images (bytes and path)"
single_files = True

_RECORD = "record"
_SUFFIX = ".parquet"
_USED = frozenset({"image_id", "width", "height", "split", SCENE_ID, _RECORD})
_OWN = "objects"  # of rows with a record, which says the same
_MARKS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"BM": ".bmp", b"GIF8": ".gif",
          b"\0\0\0\x0cjP": ".jp2"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    row: Row
    split: str | None
    where: str
    mask: Path | None


@dataclass(frozen=True, slots=True)
class _Table:
    """One file: its columns of images, and the names of its classes by column."""

    file: str
    columns: Columns
    names: Names = field(default_factory=dict)


Tables = Mapping[str, _Table | str | None]  # by file: the table, why it cannot be read, or None without images


def detect(source: Source) -> Found | None:
    """Look for a column of bytes with a path."""
    if source.file is not None and not source.file.lower().endswith(_SUFFIX):
        return None
    tables = _tables(source)
    first = next((table for table in tables.values() if isinstance(table, _Table)), None)
    if first is None:
        return None
    why = f"{first.file} has images in its column '{first.columns.picture}'"
    return Found(1.0, why, partial(_records, source, tables))


def _tables(source: Source) -> Tables:
    tree = source.tree
    files = [file for file in tree.files if file.lower().endswith(_SUFFIX)] if source.file is None else [source.file]
    card = names_in_card(tree) if files else {}
    return {file: _table(tree, file, card) for file in files}


def _table(tree: Tree, file: str, card: Names) -> _Table | str | None:
    """The table, why it cannot be read, or ``None`` when it holds no images."""
    import pyarrow as pa  # deferred: few folders bring a table
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(tree.peek(file))
    except (pa.ArrowException, OSError, ValueError) as cause:
        return f"{type(cause).__name__}: {cause!s:.150}"
    columns = columns_of(schema)
    return None if columns is None else _Table(file, columns, {**card, **names_of(features_of(schema.metadata))})


def read(source: Source) -> Iterator[Record]:
    """Read every row; see ``contract.Format.read``."""
    return _records(source, _tables(source))


def _records(source: Source, tables: Tables) -> Iterator[Record]:
    problems = source.problems
    source.tree.name_junk(problems)
    for file, fault in tables.items():
        if isinstance(fault, str):
            message = f"The Parquet file cannot be read ({fault}); its samples are left out."
            problems.add("broken_annotation", file, message, loses_record=True)
    if not any(tables.values()):
        fix = "Give the folder that holds them, or another --format."
        raise InputError("There are no Parquet files with images here.", at=str(source.path), fix=fix)
    readable = [table for table in tables.values() if isinstance(table, _Table)]
    for table in readable:
        if table.columns.unread:
            message = (
                f"Columns of images or bytes that are not read ({', '.join(table.columns.unread)[:200]}); left out."
            )
            problems.add("unsupported_annotation", table.file, message)
    return _Rows(source, readable)


class _Rows(Counted):
    """The records of all files, some rows in memory at a time."""

    def __init__(self, source: Source, tables: list[_Table]) -> None:
        import pyarrow.parquet as pq

        self._left = sum(pq.read_metadata(source.tree.path(table.file)).num_rows for table in tables)
        self._records = self._each(source, tables)

    def _each(self, source: Source, tables: list[_Table]) -> Iterator[Record]:
        readers: dict[tuple[Columns, tuple[str, ...]], RowReader] = {}  # files of the same columns are one table
        for table in tables:
            for start, rows in _batches(source, table):
                self._left -= len(rows)
                known = [row for row in rows if row is not None]
                key = table.columns, tuple(known[0]) if known else ()
                reader = readers.get(key) or _reader(table, known, source.problems)
                if any(map(reader.plan.objects, known)):  # else the meaning of boxes is still open
                    readers[key] = reader
                drafts = [_entry(source, table, start + at, row) for at, row in enumerate(rows) if row is not None]
                entries = [entry for entry in drafts if entry is not None]
                yield from Records(entries, partial(_record, reader, source.problems), source)
        close_rows(source.problems, tables[0].file if tables else "")


def _reader(table: _Table, rows: Sequence[Row], problems: Problems) -> RowReader:
    """How the rows of a table are read, by some of them."""
    own = {table.columns.picture, table.columns.mask, *table.columns.unread}
    if all(_document(row.get(_RECORD)) is not None for row in rows):
        own.add(_OWN)
    plain = [{key: value for key, value in row.items() if key not in own} for row in rows]
    sizes = partial(_sizes, table.columns.picture, rows)
    return RowReader(plan_of(plain, table.names, sizes, table.file, problems), problems)


def _sizes(column: str, rows: Sequence[Row]) -> list[tuple[int, int] | None]:
    headers = (header_of(data) if (data := _data(row.get(column))) else None for row in rows)
    return [(header.width, header.height) if isinstance(header, Header) else None for header in headers]


def _batches(source: Source, table: _Table) -> Iterator[tuple[int, list[Row | None]]]:
    start, problems = 0, source.problems
    try:
        for rows in rows_of(source.tree.path(table.file)):
            for at, row in enumerate(rows, start):
                if row is None:
                    message = "The row unpacks to more than can be held in memory; sample left out."
                    problems.add("broken_annotation", f"{table.file}, row {at}", message, loses_record=True)
            yield start, rows
            start += len(rows)
    except BrokenParquet as cause:
        message = f"Rows from {start:,} on cannot be read ({cause!s:.200}); the rest is left out."
        problems.add("broken_annotation", table.file, message, loses_record=True)


def _entry(source: Source, table: _Table, at: int, row: Row) -> _Entry | None:
    where, columns = f"{table.file}, row {at}", table.columns
    cell = row.pop(columns.picture)
    if isinstance(cell, list):
        if len(cell) > 1:
            message = f"The row holds {len(cell)} images; kept the first one."
            source.problems.add("unlisted_image", where, message)
        cell = cell[0] if cell else None
    path = cell.get("path") if isinstance(cell, dict) else None
    given = PurePosixPath(str(path or f"{at:06d}").replace("\\", "/"))
    picture = _kept(source, cell, given) or _beside(source.tree, table.file, path)
    if picture is None:
        lacks = f"no image, and there is none at its path '{path!s:.150}'" if path else "no image"
        source.problems.add("missing_image", where, f"The row holds {lacks}; sample left out.", loses_record=True)
        return None
    split = split_in(stem_of(table.file).partition("-")[0]) or split_of_path(table.file.split("/")[:-1])
    home = split or "/".join(part for part in (folder_of(table.file), stem_of(table.file)) if part)
    mask = _kept(source, row.pop(columns.mask), PurePosixPath()) if columns.mask else None
    rest = {key: value for key, value in row.items() if key not in columns.unread}
    origin = f"{home}/{given.stem or at}{picture.suffix}"
    return _Entry(picture, origin, rest, split, where, mask)


def _data(cell: Any) -> bytes:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    return data if isinstance(data, bytes) else b""


def _kept(source: Source, cell: Any, given: PurePosixPath) -> Path | None:
    """The file of an image of a cell, ``None`` when the cell holds none."""
    data = _data(cell)
    if not data:
        return None
    suffix = given.suffix.lower() if given.suffix.lower() in PICTURE_TYPES else _suffix(data)
    digest = sha256(data).hexdigest()
    return source.scratch.kept(f"parquet/{digest[:2]}/{digest}{suffix}", lambda: data)


def _beside(tree: Tree, file: str, path: Any) -> Path | None:
    """The image at a path of a cell without bytes."""
    files = tree.find(path, near=[folder_of(file), ""]) if isinstance(path, str) else []
    pictures = [file for file in files if file in tree.picture_set]
    return tree.path(pictures[0]) if len(pictures) == 1 else None


def _suffix(data: bytes) -> str:
    return next((suffix for mark, suffix in _MARKS.items() if data.startswith(mark)), ".tif")


def _record(reader: RowReader, problems: Problems, entry: _Entry, header: Header) -> Record:
    document = _document(entry.row.get(_RECORD))
    if document is not None:
        record = sample_json.record(document, entry, entry.split, header, entry.where, problems)
        if record.split and entry.split is None:  # a split of a name of its own
            record.origin = f"{record.split}/{PurePosixPath(entry.origin).name}"
        return record
    scene = entry.row.get(SCENE_ID)
    frame = Frame(header.width, header.height, problems)
    labels = [*reader.labels(entry.row, frame, entry.where), *_of_mask(entry, header, problems)]
    facts = reader.facts(entry.row, _USED)
    whole = kept_class(reader.classes(entry.row, entry.where), facts, entry.where, problems)
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=Labels.of(labels),
        classification=whole,
        split=entry.split,
        scene_id=str(scene) if scene not in (None, "") else None,
        attributes=facts,
    )


def _of_mask(entry: _Entry, header: Header, problems: Problems) -> Labels:
    pixels = None if entry.mask is None else read_map(entry.mask, entry.where, problems)
    return Labels() if pixels is None else mask_labels(pixels, header, f"{entry.where}, mask", problems)


def _document(text: Any) -> dict[str, Any] | None:
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return content if sample_json.is_document(content) else None
