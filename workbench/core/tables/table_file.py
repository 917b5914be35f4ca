"""A table on disk: one file of plain arrays, whole or not there."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.files import write_bytes
from workbench.core.tables.column import CategoryColumn, Column, NumberColumn, SetColumn
from workbench.core.tables.table import Table

VERSION = 1


def write(path: Path, table: Table, facts: Mapping[str, Any]) -> None:
    """Write a table and facts about it (plain JSON values).

    Raises:
        OutputError: the folder is read-only or full.
    """
    arrays: dict[str, NDArray[Any]] = {"ids": table.ids.astype("S24")}
    columns = []
    for number, (name, column) in enumerate(table.columns.items()):
        kind, names = type(column).__name__, getattr(column, "names", ())
        columns.append({"name": name, "kind": kind, "names": list(names)})
        for part in ("values", "codes", "starts"):
            if hasattr(column, part):
                arrays[f"{number}.{part}"] = getattr(column, part)
    about = json.dumps({"version": VERSION, "columns": columns, "said": facts}).encode()
    stream = io.BytesIO()
    np.savez(stream, about=np.frombuffer(about, np.uint8), **arrays)  # type: ignore[arg-type]  # NumPy's own stub
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, stream.getvalue())


def read(path: Path) -> tuple[Table, dict[str, Any]] | None:
    """The table and the facts about it; ``None`` without a whole file of this version."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if about["version"] != VERSION:
                return None
            columns = {entry["name"]: _column(entry, k, arrays) for k, entry in enumerate(about["columns"])}
            return Table(arrays["ids"].astype("U24"), columns), about["said"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None  # it is only a copy: the database has it all


def _column(entry: Mapping[str, Any], number: int, arrays: Mapping[str, NDArray[Any]]) -> Column:
    if entry["kind"] == "NumberColumn":
        return NumberColumn(arrays[f"{number}.values"])
    names = tuple(map(str, entry["names"]))
    if entry["kind"] == "SetColumn":
        return SetColumn(arrays[f"{number}.starts"], arrays[f"{number}.codes"], names)
    return CategoryColumn(arrays[f"{number}.codes"], names)
