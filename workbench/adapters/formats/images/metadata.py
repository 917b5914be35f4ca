"""Tables about images: CSV, JSON lines or Parquet with a column of file names, facts, and labels in further columns.

``metadata.csv``, ``.jsonl`` and ``.parquet`` are those of Hugging Face's ``ImageFolder``; ``_classes.csv`` is
Roboflow's, with a column of 0 and 1 for each class.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.adapters.formats.toolkit.json_files import LIMIT_BYTES
from workbench.adapters.formats.toolkit.names import holds_bytes
from workbench.adapters.formats.toolkit.parquet_rows import BrokenParquet, rows_of
from workbench.adapters.formats.toolkit.text_files import text_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of
from workbench.base.errors import InputError

_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")
_FLAGS = "_classes.csv"
_PREFERRED = ("metadata.csv", "metadata.parquet", "metadata.jsonl", _FLAGS)
_COLUMNS = ("file_name", "filename", "file", "image", "image_path", "path", "filepath", "image_name", "name")
_CODE = re.compile(r"\s*-?0\d")  # 007 is a name, not a number
_TRIED_ROWS = 50
_SNIFFED_CHARS = 8192


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        file: its path inside the tree.
        column: the column of file names.
        rows: row number (the header is 1) and cells by column.
        broken: row number and text of rows with too few or too many cells.
        unread: columns of bytes.
    """

    file: str
    column: str
    rows: list[tuple[int, dict[str, Any]]]
    broken: list[tuple[int, str]] = field(default_factory=list)
    unread: tuple[str, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """Columns of 0 and 1, each of which is a class of the image; of Roboflow's table alone.

        >>> Table("train/_classes.csv", "filename", [(2, {"filename": "a.jpg", "wet": 1, "n": 3})]).flags
        ('wet',)
        """
        if self.file.rpartition("/")[2].lower() != _FLAGS or not self.rows:
            return ()
        return tuple(
            key for key in self.rows[0][1] if all(type(row[key]) is int and row[key] in (0, 1) for _, row in self.rows)
        )

    def find(self, tree: Tree, file_name: str) -> list[str]:
        """The images that a cell can mean."""
        return [file for file in tree.find(file_name, near=[folder_of(self.file), ""]) if file in tree.picture_set]


def tables_in(tree: Tree) -> list[Table]:
    """The tables to use: every one with a name of the usual ones, else the only table with file names."""
    files = [file for file in tree.files if file.lower().endswith(_SUFFIXES)]
    preferred = [file for file in files if file.rpartition("/")[2].lower() in _PREFERRED]
    if preferred:
        return [table_of(tree, file) for file in preferred]
    tables = [table for file in files if (table := _with_file_names(tree, file, strict=False)) is not None]
    return tables if len(tables) == 1 else []


def table_of(tree: Tree, file: str) -> Table:
    """A table that must have a column of file names.

    Raises:
        InputError: it cannot be read, or no column names images of the tree.
    """
    table = _with_file_names(tree, file, strict=True)
    if table is None:
        fix = f"Add a column '{_COLUMNS[0]}' with the paths of images inside the folder."
        raise InputError("No column of the table names images of this folder.", at=file, fix=fix)
    return table


def _with_file_names(tree: Tree, file: str, *, strict: bool) -> Table | None:
    try:
        _require_small(tree, file)
        rows, broken = _READERS.get(file[file.rfind(".") :].lower(), _csv)(tree, file)
    except InputError:
        if strict:
            raise
        return None
    columns = dict.fromkeys(key for _, row in rows[:_TRIED_ROWS] for key in row)
    unread = tuple(key for key in columns if any(holds_bytes(row.get(key)) for _, row in rows))
    tables = [Table(file, column, rows, broken, unread) for column in columns]
    hits = {table.column: _hits(table, tree) for table in tables}
    best = max(tables, key=lambda table: (hits[table.column], table.column.lower() in _COLUMNS), default=None)
    return best if best is not None and hits[best.column] else None


def _require_small(tree: Tree, file: str) -> None:
    size = tree.peek(file).stat().st_size
    if size > LIMIT_BYTES:
        problem = f"The table has {size >> 20:,} MB, the limit is {LIMIT_BYTES >> 20} MB."
        raise InputError(problem, at=file, fix="Split it, or leave out columns.")


def _hits(table: Table, tree: Tree) -> int:
    cells = [row.get(table.column) for _, row in table.rows[:_TRIED_ROWS]]
    return sum(isinstance(cell, str) and bool(table.find(tree, cell)) for cell in cells)


def _parquet(tree: Tree, file: str) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    try:
        rows = [row for batch in rows_of(tree.peek(file)) for row in batch]
    except BrokenParquet as cause:
        problem = f"The Parquet table cannot be read ({cause!s:.200})."
        raise InputError(problem, at=file, fix="Write it again.") from cause
    large = [(at, "(too large)") for at, row in enumerate(rows, 2) if row is None]
    return [(at, row) for at, row in enumerate(rows, 2) if row is not None], large


def _jsonl(tree: Tree, file: str) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    """Row numbers are those of the lines."""
    rows: list[tuple[int, dict[str, Any]]] = []
    broken: list[tuple[int, str]] = []
    for at, line in enumerate(text_of(tree.peek(file).read_bytes()).split("\n"), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            row = line
        if isinstance(row, dict):
            rows.append((at, row))
        elif line.strip():
            broken.append((at, line.strip()))
    return rows, broken


def _csv(tree: Tree, file: str) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    text = text_of(tree.peek(file).read_bytes())
    lines = _cells(text, file)
    header = [cell.strip() for cell in next(lines, [])]
    if not header or len(set(header)) != len(header):
        problem = f"The first row is not a header of distinct column names ({header!r:.100})."
        raise InputError(problem, at=file, fix="Give every column a name of its own in the first row.")
    rows: list[tuple[int, list[str]]] = []
    broken: list[tuple[int, str]] = []
    for at, cells in enumerate(lines, 2):
        if len(cells) == len(header):
            rows.append((at, cells))
        elif cells:
            broken.append((at, ",".join(cells)))
    columns = [_typed([cells[at] for _, cells in rows]) for at in range(len(header))]
    return [
        (at, {key: column[n] for key, column in zip(header, columns, strict=True)}) for n, (at, _) in enumerate(rows)
    ], broken


def _cells(text: str, file: str) -> Iterator[list[str]]:
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:_SNIFFED_CHARS], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        yield from csv.reader(io.StringIO(text, newline=""), dialect)
    except csv.Error as cause:
        raise InputError(f"The CSV table cannot be read ({cause}).", at=file, fix="Write it again.") from cause


def _typed(cells: Sequence[str]) -> list[Any]:
    """A column as whole numbers, numbers, flags or text: the first that every filled cell fits.

    >>> _typed(["1", ""]), _typed(["1", "2.5"]), _typed(["true", "False"]), _typed(["1", "dim"])
    ([1, None], [1.0, 2.5], [True, False], ['1', 'dim'])
    """
    for convert in (_whole, _number, _flag):
        try:
            return [convert(cell) if cell.strip() else None for cell in cells]
        except ValueError:
            continue
    return [cell.strip() or None for cell in cells]


_READERS = {".parquet": _parquet, ".jsonl": _jsonl}


def _whole(cell: str) -> int:
    if _CODE.match(cell):
        raise ValueError(cell)
    return int(cell)


def _number(cell: str) -> float:
    if _CODE.match(cell):
        raise ValueError(cell)
    return float(cell)


def _flag(cell: str) -> bool:
    word = cell.strip().lower()
    if word not in ("true", "false"):
        raise ValueError(cell)
    return word == "true"
