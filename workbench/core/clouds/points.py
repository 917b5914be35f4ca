"""The points of a cloud as arrays, and PCD made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.base.plurals import counted
from workbench.core.clouds.headers import XYZ, CloudHeader, read_header

_FARTHEST = 1e7  # map coordinates in metres end below; what is beyond is no place
_LINE_BYTES = 1 << 16
_INTENSITY = ("intensity", "reflectance")
_COLOUR = ("rgb", "rgba")


@dataclass(frozen=True, slots=True)
class Cloud:
    """Points that have a place.

    Attributes:
        header: header of the file.
        xyz: ``(n, 3)`` float64, in the frame and unit of the file, all finite.
        intensity: ``(n,)`` float32, or ``None``.
        rgb: ``(n,)`` uint32 of 0x00RRGGBB, or ``None``.
    """

    header: CloudHeader
    xyz: NDArray[np.float64]
    intensity: NDArray[np.float32] | None = None
    rgb: NDArray[np.uint32] | None = None


def read_cloud(path: Path) -> Cloud:
    """All points with a finite place; those without (NaN, as depth cameras write them) are dropped.

    Raises:
        ValueError: the body cannot be read, or its numbers are no coordinates.
        OSError: it cannot be opened.
    """
    header = read_header(path)
    if not header.has_xyz:
        raise ValueError(f"points without x, y, z; they have {', '.join(header.fields) or 'nothing'}")
    if not header.points:
        return Cloud(header, np.empty((0, 3)))
    values = _rows(path, header) if header.encoding == "ascii" else _binary(path, header)
    with np.errstate(invalid="ignore"):  # NaN is what depth cameras write
        xyz = np.column_stack([_scalar(values, name).astype(np.float64) for name in XYZ])
    kept = np.asarray((np.abs(xyz) <= _FARTHEST).all(axis=1))  # not so for NaN and infinity
    if header.type == "bin" and np.count_nonzero(kept) * 2 < len(kept):  # any file could have this suffix
        raise ValueError("numbers that are no coordinates in metres")
    return Cloud(header, xyz[kept], _intensity(values, kept), _colour(values, kept))


def _scalar(values: NDArray[np.void], name: str) -> NDArray[np.generic]:
    column: NDArray[np.generic] = values[name]
    return column if column.ndim == 1 else column[:, 0]


def _intensity(values: NDArray[np.void], kept: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    name = next((name for name in _INTENSITY if name in (values.dtype.names or ())), None)
    return None if name is None else _scalar(values, name)[kept].astype(np.float32)


def _colour(values: NDArray[np.void], kept: NDArray[np.bool_]) -> NDArray[np.uint32] | None:
    """PCD packs the three bytes into one number, which may be called a float; PLY has one column each."""
    names = values.dtype.names or ()
    packed = next((name for name in _COLOUR if name in names and values.dtype[name].itemsize == 4), None)
    if packed is not None:
        return np.ascontiguousarray(_scalar(values, packed)[kept]).view(np.uint32) & np.uint32(0xFFFFFF)
    if not all(name in names and values.dtype[name] == np.uint8 for name in ("red", "green", "blue")):
        return None
    red, green, blue = (_scalar(values, name)[kept].astype(np.uint32) for name in ("red", "green", "blue"))
    return red << np.uint32(16) | green << np.uint32(8) | blue


def _binary(path: Path, header: CloudHeader) -> NDArray[np.void]:
    dtype = header.point_dtype
    n_bytes = header.points * dtype.itemsize
    with path.open("rb") as stream:
        stream.seek(header.start)
        if header.encoding == "binary":
            return _native(np.frombuffer(stream.read(n_bytes), dtype, header.points))
        packed_bytes = int.from_bytes(stream.read(4), "little")
        whole_bytes = int.from_bytes(stream.read(4), "little")
        body = decompress(stream.read(packed_bytes), whole_bytes)
    values = np.empty(header.points, dtype)
    at = 0
    for name in dtype.names or ():  # column after column
        part = dtype[name]
        values[name] = np.frombuffer(body, part, header.points, at)
        at += header.points * part.itemsize
    return values


def _native(values: NDArray[np.void]) -> NDArray[np.void]:
    return values.astype(values.dtype.newbyteorder("="))


def decompress(data: bytes, size: int) -> bytes:
    """Undo LibLZF's compression, which PCD uses (the stream format is described in its ``lzf_d.c``).

    A byte below 32 is followed by that many literal bytes and one; any other says how much (its upper three bits
    and two) to repeat from how far back.

    >>> decompress(bytes([1, 65, 66, 0x20, 1]), 5)
    b'ABABA'

    Raises:
        ValueError: it is broken, or does not have the given size.
    """
    out, at, end = bytearray(), 0, len(data)
    try:
        while at < end:
            control = data[at]
            at += 1
            if control < 32:
                out += data[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += data[at]
                at += 1
            _repeat(out, back=((control & 31) << 8) + data[at] + 1, length=length + 2)
            at += 1
            if len(out) > size:
                break
    except IndexError as cause:
        raise ValueError("compressed bytes that end too early") from cause
    if len(out) != size:
        raise ValueError(f"{len(out):,} uncompressed bytes where {size:,} were promised")
    return bytes(out)


def _repeat(out: bytearray, *, back: int, length: int) -> None:
    first = len(out) - back
    if first < 0:
        raise ValueError("compressed bytes that repeat what is not there")
    piece = out[first : first + length]
    while len(piece) < length:  # what is repeated begins in what it makes
        piece += piece[: length - len(piece)]
    out += piece


def _rows(path: Path, header: CloudHeader) -> NDArray[np.void]:
    """Rows of text; columns of several values take several words."""
    columns: dict[str, tuple[int, str]] = {}
    at = 0
    for column in header.columns:
        columns.setdefault(column.name, (at, column.kind))
        at += column.count
    wanted = [name for name in (*XYZ, *_INTENSITY, *_COLOUR, "red", "green", "blue") if name in columns]
    rows = list(islice(_text_rows(path, header), header.skipped_rows, header.skipped_rows + header.points))
    if len(rows) < header.points and header.type != "xyz":
        raise ValueError(f"{counted(len(rows), 'row')} of points where the header claims {header.points:,}")
    table = (
        np.loadtxt(rows, usecols=[columns[name][0] for name in wanted], ndmin=2) if rows else np.empty((0, len(wanted)))
    )
    values = np.empty(len(table), [(name, columns[name][1]) for name in wanted])
    with np.errstate(invalid="ignore", over="ignore"):
        for name, numbers in zip(wanted, table.T, strict=True):
            values[name] = numbers
    return _native(values)


def _text_rows(path: Path, header: CloudHeader) -> Iterator[str]:
    """Rows that hold something."""
    is_xyz = header.type == "xyz"
    with path.open("rb") as stream:
        stream.seek(header.start)
        for line in iter(lambda: stream.readline(_LINE_BYTES), b""):
            row = line.decode("ascii", errors="replace").strip()
            if row and not (is_xyz and row.startswith(("#", "//"))):
                yield row.replace(",", " ") if is_xyz else row


def pcd_bytes(cloud: Cloud) -> bytes:
    """The cloud as binary PCD 0.7 with float32 coordinates, ``intensity`` and ``rgb`` where there are any.

    Positions are rounded to float32: 0.25 mm at 4 km from the origin.
    """
    columns: dict[str, tuple[str, NDArray[np.generic]]] = {
        name: ("F", cloud.xyz[:, at].astype("<f4")) for at, name in enumerate(XYZ)
    }
    if cloud.intensity is not None:
        columns["intensity"] = ("F", cloud.intensity.astype("<f4"))
    if cloud.rgb is not None:
        columns["rgb"] = ("U", cloud.rgb.astype("<u4"))
    points = np.empty(len(cloud.xyz), [(name, values.dtype) for name, (_, values) in columns.items()])
    for name, (_, values) in columns.items():
        points[name] = values
    header = (
        f"VERSION 0.7\nFIELDS {' '.join(columns)}\nSIZE {' '.join('4' for _ in columns)}\n"
        f"TYPE {' '.join(kind for kind, _ in columns.values())}\nCOUNT {' '.join('1' for _ in columns)}\n"
        f"WIDTH {len(points)}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points)}\nDATA binary\n"
    )
    return header.encode() + points.tobytes()
