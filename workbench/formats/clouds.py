"""Headers of point-cloud files (PCD, PLY, velodyne ``.bin``, XYZ): how many points, and whether they have a place.

Renderers and viewers answer a cloud they cannot read with no points and no word, so the header is read here
first, and the size of the body is compared with what the header claims.
Formats: https://pointclouds.org/documentation/tutorials/pcd_file_format.html,
https://paulbourke.net/dataformats/ply/, the KITTI object devkit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from workbench.formats.pictures import Fault
from workbench.formats.problems import Problems

_XYZ = ("x", "y", "z")
_LFS_MARK = b"version https://git-lfs.github.com/spec/"
_HEADER_LINES = 200
_LINE_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_VELODYNE_POINT_BYTES = 16  # x y z reflectance, float32
_PLY_BYTES = {
    "char": 1, "uchar": 1, "int8": 1, "uint8": 1, "short": 2, "ushort": 2, "int16": 2, "uint16": 2,
    "int": 4, "uint": 4, "int32": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CloudHeader:
    """What a point-cloud file says of itself.

    Attributes:
        type: ``pcd``, ``ply``, ``bin`` or ``xyz``.
        points: number of points, those without a place (NaN) counted too.
        fields: names of what each point has; ``x``, ``y``, ``z`` are among them.
    """

    type: str
    points: int
    fields: tuple[str, ...]


def is_cloud(path: str) -> bool:
    """Whether a path has the suffix of a point cloud.

    >>> is_cloud("a/b.PCD"), is_cloud("a/b.png")
    (True, False)
    """
    return "." + path.lower().rpartition(".")[2] in _READERS


def usable_cloud(path: Path, where: str, problems: Problems) -> Path | None:
    """The path itself when the cloud holds points with a place, else ``None``; why is named."""
    found = read_cloud_header(path)
    if isinstance(found, CloudHeader):
        return path
    problems.add(found.kind, where, f"Wanted a point cloud, found {found.found}. Cloud left out.")
    return None


def read_cloud_header(path: Path) -> CloudHeader | Fault:
    """Points and fields of a cloud, or why it cannot be used."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return Fault("unreadable_cloud", f"a file of another type, {path.suffix or 'without suffix'}")
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            if stream.read(len(_LFS_MARK)) == _LFS_MARK:
                return Fault("lfs_pointer", "a Git LFS pointer; run 'git lfs pull' where it came from")
            stream.seek(0)
            header = reader(stream, size)
    except (ValueError, OSError) as cause:  # the readers' own words, or the system's
        return Fault("unreadable_cloud", f"{cause}"[:200])
    if not set(_XYZ) <= set(header.fields):
        return Fault("empty_cloud", f"points without x, y, z; they have {', '.join(header.fields) or 'nothing'}")
    return header if header.points else Fault("empty_cloud", "no points")


def _lines(stream: BinaryIO, end: tuple[str, ...]) -> list[list[str]]:
    """The words of each header line, up to the one that begins with ``end``."""
    found: list[list[str]] = []
    for _ in range(_HEADER_LINES):
        line = stream.readline(_LINE_BYTES)
        if not line or b"\0" in line:
            break
        words = line.decode("ascii", errors="replace").split()
        if words:
            found.append(words)
        if words and words[0] in end:
            return found
    raise ValueError(f"a header without '{end[0]}'")


def _number(word: str, name: str) -> int:
    if not (word.isascii() and word.isdecimal()) or len(word) > 15:
        raise ValueError(f"{name} {word!r:.40} where a whole number belongs")
    return int(word)


def _pcd(stream: BinaryIO, size: int) -> CloudHeader:
    said = {words[0].upper(): words[1:] for words in _lines(stream, ("DATA",)) if not words[0].startswith("#")}
    fields = tuple(said.get("FIELDS") or said.get("COLUMNS") or ())
    sizes = [_number(word, "SIZE") for word in said.get("SIZE", [])]
    counts = [_number(word, "COUNT") for word in said.get("COUNT", ["1"] * len(fields))]
    if not fields or not len(fields) == len(sizes) == len(counts):
        raise ValueError(f"a PCD header with {len(fields)} fields, {len(sizes)} sizes and {len(counts)} counts")
    grid = [_number((said.get(key) or ["1"])[0], key) for key in ("WIDTH", "HEIGHT")]
    points = _number(said["POINTS"][0], "POINTS") if said.get("POINTS") else math.prod(grid)
    kind = (said["DATA"] or [""])[0].lower()
    step = sum(a * b for a, b in zip(sizes, counts, strict=True))
    _check_pcd_body(stream, size - stream.tell(), kind, points, step)
    return CloudHeader("pcd", points, fields)


def _check_pcd_body(stream: BinaryIO, left: int, kind: str, points: int, step: int) -> None:
    if kind == "ascii":
        _require(_count_rows(stream), points, "rows")
    elif kind == "binary":
        _require(left, points * step, "bytes")
    elif kind == "binary_compressed":
        lengths = stream.read(8)
        if len(lengths) < 8 and points:
            raise ValueError("a body that ends before its length")
        _require(left - 8, int.from_bytes(lengths[:4], "little"), "compressed bytes")
        _require(int.from_bytes(lengths[4:], "little"), points * step, "bytes")
    else:
        raise ValueError(f"DATA {kind!r:.40}, which is none of ascii, binary, binary_compressed")


def _ply(stream: BinaryIO, size: int) -> CloudHeader:
    lines = _lines(stream, ("end_header",))
    kinds = [words[1] for words in lines if words[0] == "format" and len(words) > 1]
    if lines[0] != ["ply"] or not kinds:
        raise ValueError("a header that does not begin with 'ply' and a format")
    points, properties = _ply_vertices(lines)
    if kinds[0] == "ascii":
        _require(_count_rows(stream), points, "rows")
    elif kinds[0] not in ("binary_little_endian", "binary_big_endian"):
        raise ValueError(f"format {kinds[0]!r:.40}, which is none of ascii, binary_little_endian, binary_big_endian")
    else:
        _require(size - stream.tell(), points * sum(properties.values()), "bytes")
    return CloudHeader("ply", points, tuple(properties))


def _ply_vertices(lines: list[list[str]]) -> tuple[int, Mapping[str, int]]:
    """Number of vertices, and bytes by property of a vertex."""
    points, properties, element = 0, {}, ""
    for words in lines:
        if words[0] == "element" and len(words) == 3:
            element = words[1]
            points = _number(words[2], "element vertex") if element == "vertex" else points
        elif words[0] == "property" and element == "vertex":
            properties[words[-1]] = _PLY_BYTES.get(words[1], 1) if len(words) == 3 else 1  # a list has a length byte
    return points, properties


def _bin(stream: BinaryIO, size: int) -> CloudHeader:
    if size % _VELODYNE_POINT_BYTES:
        raise ValueError(f"{size:,} bytes, no multiple of the {_VELODYNE_POINT_BYTES} of x, y, z, reflectance")
    return CloudHeader("bin", size // _VELODYNE_POINT_BYTES, (*_XYZ, "reflectance"))


def _xyz(stream: BinaryIO, size: int) -> CloudHeader:
    first = next((line for line in iter(lambda: stream.readline(_LINE_BYTES), b"") if line[:1] not in b"#/\r\n"), b"")
    words = first.replace(b",", b" ").split()
    if first and (len(words) < 3 or not all(_is_float(word) for word in words[:3])):
        raise ValueError(f"a first row {first[:40]!r} that is not x y z")
    return CloudHeader("xyz", int(bool(first)) + _count_rows(stream), _XYZ)


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


def _require(found: int, wanted: int, unit: str) -> None:
    if found < wanted:
        raise ValueError(f"{max(found, 0):,} {unit} where the header claims {wanted:,}")


_READERS: Final[dict[str, Callable[[BinaryIO, int], CloudHeader]]] = {
    ".pcd": _pcd,
    ".ply": _ply,
    ".bin": _bin,
    ".xyz": _xyz,
}
