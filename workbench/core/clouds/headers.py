"""The header of a point-cloud file, and whether its body is long enough for it.

Renderers and viewers answer a cloud they cannot read with no points and no word, so the header is read here
first, and the size of the body is compared with what the header claims.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

import numpy as np

from workbench.base.plurals import counted

Encoding = Literal["ascii", "binary", "binary_compressed"]
XYZ = ("x", "y", "z")
MOST_POINTS, MOST_BYTES = 50_000_000, 8_000_000_000  # no viewer shows more, and memory is finite
_HEADER_LINES = 200
_LINE_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_VELODYNE = (("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("reflectance", "<f4"))
_PLY_TYPES = {
    "char": "i1", "uchar": "u1", "int8": "i1", "uint8": "u1", "short": "i2", "ushort": "u2", "int16": "i2",
    "uint16": "u2", "int": "i4", "uint": "u4", "int32": "i4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_PLY_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "<"}
_MOST_VALUES = 1 << 16  # of one field of one point
_PCD_KINDS = {"F": (4, 8), "I": (1, 2, 4, 8), "U": (1, 2, 4, 8)}


@dataclass(frozen=True, slots=True)
class Column:
    """One value, or several, of each point.

    Attributes:
        name: as written; ``_`` is padding.
        kind: NumPy's word for the type, byte order first.
        count: how many values.
    """

    name: str
    kind: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class CloudHeader:
    """The header of a point-cloud file.

    Attributes:
        type: ``pcd``, ``ply``, ``bin`` or ``xyz``.
        points: number of points, those without a place (NaN) counted too.
        columns: what each point has, in the order of the file.
        encoding: how the points are written.
        start: where they begin, in bytes.
        skipped_rows: rows of text before the points (PLY elements of another kind).
        faces: number of faces; more than none make it a mesh.
    """

    type: str
    points: int
    columns: tuple[Column, ...]
    encoding: Encoding
    start: int = 0
    skipped_rows: int = 0
    faces: int = 0

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def has_xyz(self) -> bool:
        """Whether the points have x, y and z."""
        return set(XYZ) <= set(self.fields)

    @property
    def point_dtype(self) -> np.dtype[np.void]:
        """The type of one binary point; columns of the same name get a number behind it."""
        seen: set[str] = set()
        parts: list[tuple[str, str, int]] = []
        for at, column in enumerate(self.columns):
            name = column.name if column.name not in seen else f"{column.name}.{at}"
            seen.add(name)
            parts.append((name, column.kind, column.count))
        return np.dtype([(name, kind) if count == 1 else (name, kind, (count,)) for name, kind, count in parts])


def is_cloud(path: str) -> bool:
    """Whether a path has the suffix of a point cloud.

    >>> is_cloud("a/b.PCD"), is_cloud("a/b.png")
    (True, False)
    """
    return "." + path.lower().rpartition(".")[2] in _READERS


def read_header(path: Path) -> CloudHeader:
    """Points and columns of a cloud.

    Raises:
        ValueError: it is not of the type of its suffix, or shorter than its header claims.
        OSError: it cannot be opened.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"a file of another type, {path.suffix or 'without suffix'}")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"{size:,} bytes, more than {MOST_BYTES:,}")
    with path.open("rb") as stream:
        header = reader(stream, size)
    if header.points > MOST_POINTS:
        raise ValueError(f"{counted(header.points, 'point')}, more than {MOST_POINTS:,}")
    return header


def _lines(stream: BinaryIO, end: str) -> list[list[str]]:
    """The words of each header line, up to the one that begins with ``end``."""
    lines: list[list[str]] = []
    for _ in range(_HEADER_LINES):
        line = stream.readline(_LINE_BYTES)
        if not line or b"\0" in line:
            break
        words = line.decode("ascii", errors="replace").split()
        if words:
            lines.append(words)
        if words and words[0] == end:
            return lines
    raise ValueError(f"a header without '{end}'")


def _number(word: str, name: str) -> int:
    if not (word.isascii() and word.isdecimal()) or len(word) > 15:
        raise ValueError(f"{name} {word!r:.40} where a whole number belongs")
    return int(word)


def _pcd(stream: BinaryIO, size: int) -> CloudHeader:
    entries = {words[0].upper(): words[1:] for words in _lines(stream, "DATA") if not words[0].startswith("#")}
    columns = _pcd_columns(entries)
    grid = [_number((entries.get(key) or ["1"])[0], key) for key in ("WIDTH", "HEIGHT")]
    points = _number(entries["POINTS"][0], "POINTS") if entries.get("POINTS") else math.prod(grid)
    start, step = stream.tell(), sum(np.dtype(column.kind).itemsize * column.count for column in columns)
    match (entries["DATA"] or [""])[0].lower():
        case "ascii":
            _require(_count_rows(stream), points, "rows")
            return CloudHeader("pcd", points, columns, "ascii", start)
        case "binary":
            _require(size - start, points * step, "bytes")
            return CloudHeader("pcd", points, columns, "binary", start)
        case "binary_compressed":
            _check_compressed(stream, size - start, points, step)
            return CloudHeader("pcd", points, columns, "binary_compressed", start)
        case other:
            raise ValueError(f"DATA {other!r:.40}, which is none of ascii, binary, binary_compressed")


def _pcd_columns(entries: dict[str, list[str]]) -> tuple[Column, ...]:
    names = entries.get("FIELDS") or entries.get("COLUMNS") or []
    sizes = [_number(word, "SIZE") for word in entries.get("SIZE", [])]
    counts = [_number(word, "COUNT") for word in entries.get("COUNT", ["1"] * len(names))]
    kinds = [word.upper() for word in entries.get("TYPE", ["F"] * len(names))]
    if not names or not len(names) == len(sizes) == len(counts) == len(kinds):
        raise ValueError(
            f"a PCD header with {len(names)} fields, {len(sizes)} sizes, {len(kinds)} types and {len(counts)} counts"
        )
    for kind, size, count in zip(kinds, sizes, counts, strict=True):
        if size not in _PCD_KINDS.get(kind, ()) or not 0 < count < _MOST_VALUES:
            raise ValueError(f"a PCD field of TYPE {kind:.10}, SIZE {size} and COUNT {count}")
    rows = zip(names, kinds, sizes, counts, strict=True)
    return tuple(Column(name, f"<{kind.lower()}{size}", count) for name, kind, size, count in rows)


def _check_compressed(stream: BinaryIO, left: int, points: int, step: int) -> None:
    lengths = stream.read(8)
    if len(lengths) < 8 and points:
        raise ValueError("a body that ends before its length")
    _require(left - 8, int.from_bytes(lengths[:4], "little"), "compressed bytes")
    _require(int.from_bytes(lengths[4:], "little"), points * step, "bytes")


@dataclass(slots=True)
class _Element:
    """One element of a PLY header; ``columns`` is ``None`` once it has a list, and so no fixed size."""

    name: str
    count: int
    columns: list[Column] | None


def _ply(stream: BinaryIO, size: int) -> CloudHeader:
    lines = _lines(stream, "end_header")
    kinds = [words[1] for words in lines if words[0] == "format" and len(words) > 1]
    if lines[0] != ["ply"] or not kinds:
        raise ValueError("a header that does not begin with 'ply' and a format")
    order = _PLY_ORDER.get(kinds[0])
    if order is None:
        raise ValueError(f"format {kinds[0]!r:.40}, which is none of {', '.join(sorted(_PLY_ORDER))}")
    before, vertex, faces = _ply_vertices(_ply_elements(lines, order))
    if vertex.columns is None or any(element.columns is None for element in before):
        raise ValueError("points that have lists, or stand behind lists")
    columns, start = tuple(vertex.columns), stream.tell()
    if kinds[0] == "ascii":
        skipped = sum(element.count for element in before)
        _require(_count_rows(stream), skipped + vertex.count, "rows")
        return CloudHeader("ply", vertex.count, columns, "ascii", start, skipped, faces)
    start += sum(element.count * _step(element) for element in before)
    _require(size - start, vertex.count * _step(vertex), "bytes")
    return CloudHeader("ply", vertex.count, columns, "binary", start, 0, faces)


def _step(element: _Element) -> int:
    return sum(np.dtype(column.kind).itemsize for column in element.columns or ())


def _ply_vertices(elements: list[_Element]) -> tuple[list[_Element], _Element, int]:
    """The elements before the points, the points, and how many faces there are."""
    names = [element.name for element in elements]
    faces = sum(element.count for element in elements if element.name == "face")
    if "vertex" not in names:
        return [], _Element("vertex", 0, []), faces
    at = names.index("vertex")
    return elements[:at], elements[at], faces


def _ply_elements(lines: list[list[str]], order: str) -> list[_Element]:
    elements: list[_Element] = []
    for words in lines:
        if words[0] == "element" and len(words) == 3:
            elements.append(_Element(words[1], _number(words[2], f"element {words[1]}"), []))
        elif words[0] == "property" and elements:
            columns, kind = elements[-1].columns, _PLY_TYPES.get(words[1]) if len(words) == 3 else None
            if len(words) > 1 and words[1] == "list":
                elements[-1].columns = None
            elif kind is None:
                raise ValueError(f"a property {' '.join(words[1:])!r:.60} of no known type")
            elif columns is not None:
                columns.append(Column(words[2], f"{order}{kind}"))
    return elements


def _bin(stream: BinaryIO, size: int) -> CloudHeader:
    columns = tuple(Column(name, kind) for name, kind in _VELODYNE)
    step = 4 * len(columns)
    if size % step:
        raise ValueError(f"{size:,} bytes, no multiple of the {step} of x, y, z, reflectance")
    return CloudHeader("bin", size // step, columns, "binary")


def _xyz(stream: BinaryIO, size: int) -> CloudHeader:
    columns = tuple(Column(name, "<f8") for name in XYZ)
    first = next((line for line in iter(lambda: stream.readline(_LINE_BYTES), b"") if line[:1] not in b"#/\r\n"), b"")
    words = first.replace(b",", b" ").split()
    if first and (len(words) < 3 or not all(_is_float(word) for word in words[:3])):
        raise ValueError(f"a first row {first[:40]!r} that is not x y z")
    return CloudHeader("xyz", int(bool(first)) + _count_rows(stream), columns, "ascii")


def _is_float(word: bytes) -> bool:
    try:
        return not math.isnan(float(word)) or word.lower() == b"nan"
    except ValueError:
        return False


def _count_rows(stream: BinaryIO) -> int:
    rows, last = 0, b"\n"
    while chunk := stream.read(_CHUNK_BYTES):
        rows += chunk.count(b"\n")
        last = chunk[-1:]
    return rows + (last != b"\n")


def _require(available: int, wanted: int, unit: str) -> None:
    if available < wanted:
        raise ValueError(f"{counted(max(available, 0), unit.removesuffix('s'))} where the header claims {wanted:,}")


_READERS: Final[dict[str, Callable[[BinaryIO, int], CloudHeader]]] = {
    ".pcd": _pcd,
    ".ply": _ply,
    ".bin": _bin,
    ".xyz": _xyz,
}
SUFFIXES: Final = tuple(_READERS)
