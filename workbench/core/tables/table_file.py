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


def write(path: Path, table: Table, said: Mapping[str, Any]) -> None:
    """Write a table and what is to be known about it (plain JSON values).

    Raises:
        OutputError: the folder is read-only or full.
    """
    arrays: dict[str, NDArray[Any]] = {"ids": table.ids.astype("S24")}
    columns = []
    for place, (name, column) in enumerate(table.columns.items()):
        kind, names = type(column).__name__, getattr(column, "names", ())
        columns.append({"name": name, "kind": kind, "names": list(names)})
        for part in ("values", "codes", "starts"):
            if hasattr(column, part):
                arrays[f"{place}.{part}"] = getattr(column, part)
    about = json.dumps({"version": VERSION, "columns": columns, "said": said}).encode()
    stream = io.BytesIO()
    np.savez(stream, about=np.frombuffer(about, np.uint8), **arrays)  # type: ignore[arg-type]  # NumPy's own stub
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, stream.getvalue())


def read(path: Path) -> tuple[Table, dict[str, Any]] | None:
    """The table and what was said about it; ``None`` when there is no file, or none of this version that is whole."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if about["version"] != VERSION:
                return None
            columns = {one["name"]: _column(one, place, arrays) for place, one in enumerate(about["columns"])}
            return Table(arrays["ids"].astype("U24"), columns), about["said"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None  # it is only a copy: the database has it all


def _column(one: Mapping[str, Any], place: int, arrays: Mapping[str, NDArray[Any]]) -> Column:
    if one["kind"] == "NumberColumn":
        return NumberColumn(arrays[f"{place}.values"])
    names = tuple(map(str, one["names"]))
    if one["kind"] == "SetColumn":
        return SetColumn(arrays[f"{place}.starts"], arrays[f"{place}.codes"], names)
    return CategoryColumn(arrays[f"{place}.codes"], names)
