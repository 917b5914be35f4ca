"""Parquet files with images inside, as Hugging Face's ``datasets`` keeps them.

Each image is written once into the scratch folder, under the hash of its bytes. Labels come from the ``record``
that the workbench writes, else from ``objects`` with ``bbox`` (x, y, width, height in pixels) and ``category``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from workbench.adapters.formats.coco import sample_json
from workbench.adapters.formats.toolkit.boxes import Frame, numbers_of
from workbench.adapters.formats.toolkit.contract import Counted, Found
from workbench.adapters.formats.toolkit.names import attributes_of, split_in, split_of_path
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.scratch import keep
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import PICTURE_TYPES, Tree, folder_of, stem_of
from workbench.base.errors import InputError
from workbench.core.schema.fields import SCENE_ID
from workbench.core.schema.labels import Label, Labels, Record

name = "parquet"
looks_for = "Parquet files with a column of images (bytes and path)"
single_files = True

_ROWS = 64  # images in memory at once
_RECORD = "record"
_SUFFIX = ".parquet"
_USED = frozenset({"objects", "image_id", "width", "height", "split", SCENE_ID, _RECORD})
_MARKS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"BM": ".bmp", b"GIF8": ".gif"}


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    row: Mapping[str, Any]
    split: str | None
    where: str


@dataclass(frozen=True, slots=True)
class _Table:
    """One file: its column of images, and the names of its classes."""

    file: str
    column: str
    classes: tuple[str, ...] = field(default=())


Tables = Mapping[str, _Table | str | None]  # by file: the table, why it cannot be read, or None without images


def detect(source: Source) -> Found | None:
    """Look for a column of bytes with a path."""
    if source.file is not None and not source.file.lower().endswith(_SUFFIX):
        return None
    tables = _tables(source)
    first = next((table for table in tables.values() if isinstance(table, _Table)), None)
    if first is None:
        return None
    return Found(1.0, f"{first.file} has images in its column '{first.column}'", partial(_records, source, tables))


def _tables(source: Source) -> Tables:
    tree = source.tree
    files = [file for file in tree.files if file.lower().endswith(_SUFFIX)] if source.file is None else [source.file]
    return {file: _table(tree, file) for file in files}


def _table(tree: Tree, file: str) -> _Table | str | None:
    """The table, why it cannot be read, or ``None`` when it holds no images."""
    import pyarrow as pa  # deferred: few folders bring a table
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(tree.path(file))
    except (pa.ArrowException, OSError, ValueError) as cause:
        return f"{type(cause).__name__}: {cause!s:.150}"
    for column in schema:
        if pa.types.is_struct(column.type) and {"bytes", "path"} <= {inner.name for inner in column.type}:
            return _Table(file, column.name, _classes(schema.metadata))
    return None


def _classes(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...]:
    """Names of the classes that ``objects.category`` counts, from the metadata of ``datasets``."""
    try:
        objects = json.loads((metadata or {})[b"huggingface"])["info"]["features"]["objects"]
        objects = objects[0] if isinstance(objects, list) else objects.get("feature", objects)
        category = objects["category"]
        names = category.get("feature", category)["names"]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


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
    return _Rows(source, [table for table in tables.values() if isinstance(table, _Table)])


class _Rows(Counted):
    """The records of all files, some rows in memory at a time."""

    def __init__(self, source: Source, tables: list[_Table]) -> None:
        import pyarrow.parquet as pq

        self._left = sum(pq.read_metadata(source.tree.path(table.file)).num_rows for table in tables)
        self._records = self._each(source, tables)

    def _each(self, source: Source, tables: list[_Table]) -> Iterator[Record]:
        for table in tables:
            for start, rows in _batches(source.tree, table, source.problems):
                self._left -= len(rows)
                drafts = [_entry(source, table, start + at, row) for at, row in enumerate(rows)]
                entries = [entry for entry in drafts if entry is not None]
                yield from Records(entries, partial(_record, table, source.problems), source)


def _batches(tree: Tree, table: _Table, problems: Problems) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    start = 0
    try:
        with pq.ParquetFile(tree.path(table.file)) as file:
            for batch in file.iter_batches(_ROWS):
                rows = batch.to_pylist()
                yield start, rows
                start += len(rows)
    except (pa.ArrowException, OSError, ValueError) as cause:
        message = (
            f"Rows from {start:,} on cannot be read ({type(cause).__name__}: {cause!s:.150}); the rest is left out."
        )
        problems.add("broken_annotation", table.file, message, loses_record=True)


def _entry(source: Source, table: _Table, at: int, row: dict[str, Any]) -> _Entry | None:
    where = f"{table.file}, row {at}"
    cell = row.pop(table.column)
    data = cell.get("bytes") if isinstance(cell, dict) else None
    if not isinstance(data, bytes) or not data:
        message = "The row holds no image; sample left out."
        source.problems.add("missing_image", where, message, loses_record=True)
        return None
    given = PurePosixPath(str(cell.get("path") or f"{at:06d}").replace("\\", "/"))
    suffix = given.suffix.lower() if given.suffix.lower() in PICTURE_TYPES else _suffix(data)
    digest = sha256(data).hexdigest()
    target = source.scratch / "parquet" / digest[:2] / f"{digest}{suffix}"
    split = split_in(stem_of(table.file).partition("-")[0]) or split_of_path(table.file.split("/")[:-1])
    home = split or "/".join(part for part in (folder_of(table.file), stem_of(table.file)) if part)
    picture = target if target.exists() else keep(target, data)
    return _Entry(picture, f"{home}/{given.stem or at}{suffix}", row, split, where)


def _suffix(data: bytes) -> str:
    return next((suffix for mark, suffix in _MARKS.items() if data.startswith(mark)), ".tif")


def _record(table: _Table, problems: Problems, entry: _Entry, header: Header) -> Record:
    document = _document(entry.row.get(_RECORD))
    if document is not None:
        record = sample_json.record(document, entry, entry.split, header, entry.where, problems)
        if record.split and entry.split is None:  # a split of a name of its own
            record.origin = f"{record.split}/{PurePosixPath(entry.origin).name}"
        return record
    scene = entry.row.get(SCENE_ID)
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=Labels.of(_labels(entry, table, header, problems)),
        split=entry.split,
        scene_id=str(scene) if scene not in (None, "") else None,
        attributes=attributes_of(entry.row, known=_USED),
    )


def _document(text: Any) -> dict[str, Any] | None:
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return content if sample_json.is_document(content) else None


def _labels(entry: _Entry, table: _Table, header: Header, problems: Problems) -> Iterator[Label]:
    frame = Frame(header.width, header.height, problems)
    objects = entry.row.get("objects")
    if isinstance(objects, list):  # one struct per object
        objects = {
            key: [single.get(key) for single in objects if isinstance(single, dict)] for key in ("bbox", "category")
        }
    boxes, classes = ((objects or {}).get(key) or [] for key in ("bbox", "category"))
    for at, (box, number) in enumerate(zip(boxes, classes, strict=False)):
        where, numbers = f"{entry.where}, object {at}", numbers_of(box)
        if numbers is None or len(numbers) != 4:
            message = f"bbox is not [x, y, width, height] ({box!r:.60}); label left out."
            problems.add("broken_annotation", where, message)
            continue
        x, y, width, height = numbers
        xyxy = frame.box((x, y, x + width, y + height), where)
        known = isinstance(number, int) and 0 <= number < len(table.classes)
        if xyxy is not None:
            yield Label(table.classes[number] if known else str(number), xyxy)
