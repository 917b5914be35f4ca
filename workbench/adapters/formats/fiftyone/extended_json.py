"""MongoDB's extended JSON, as FiftyOne writes it: ids, dates, numbers and bytes as plain values.

By hand and not by ``bson.json_util``: that refuses a whole document for one damaged id, date or binary, where a reader
must name that entry and go on; and only the store imports the driver.
Format: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
"""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_NUMBERS = ("$numberDouble", "$numberInt", "$numberLong", "$numberDecimal")
_PLAIN = ("$oid", "$date", "$uuid", "$symbol")
_ARRAY_BYTES: Final = 1 << 26
_HEADER_BYTES = 1 << 12


def revive(value: dict[str, Any]) -> Any:
    """The value that an object of extended JSON represents; any other object unchanged.

    >>> revive({"$oid": "6b03"}), revive({"$numberDouble": "-Infinity"}), revive({"$numberLong": "7"}), revive({"a": 1})
    ('6b03', -inf, 7, {'a': 1})
    >>> revive({"$binary": {"base64": "AAE=", "subType": "00"}}), revive({"$binary": "!"})
    (b'\\x00\\x01', {'$binary': '!'})
    """
    for key, inner in value.items():
        if not key.startswith("$"):
            return value
        if key in _PLAIN and isinstance(inner, (str, int)):
            return inner
        if key in _NUMBERS and isinstance(inner, str):
            return _number(inner, whole=key in ("$numberInt", "$numberLong"), otherwise=value)
        if key == "$binary":
            return _bytes(inner.get("base64") if isinstance(inner, dict) else inner, otherwise=value)
    return value


def _number(text: str, *, whole: bool, otherwise: dict[str, Any]) -> Any:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return otherwise


def _bytes(text: Any, *, otherwise: dict[str, Any]) -> Any:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return otherwise


def array_of(data: Any) -> NDArray[Any]:
    """The array in bytes that FiftyOne stored: a ``.npy`` file, packed with zlib.

    Raises:
        ValueError: it is damaged, too large, or holds Python objects, which are never unpickled.
    """
    if not isinstance(data, bytes):
        raise ValueError(f"{type(data).__name__} instead of bytes")
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(data, _ARRAY_BYTES)
    except zlib.error as cause:
        raise ValueError(f"bytes that cannot be unpacked ({cause})") from cause
    if unpacking.unconsumed_tail:
        raise ValueError(f"an array of more than {_ARRAY_BYTES >> 20} MB")
    stream = io.BytesIO(content)
    try:  # the header first: numpy takes the memory that it claims before it looks for the values
        version = npy.read_magic(stream)
        reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, dtype = reader(stream, max_header_size=_HEADER_BYTES)
        count = int(np.prod(shape, dtype=object))
    except Exception as cause:  # the header is parsed as Python text, and raises nearly anything on a hostile one
        raise ValueError(f"no array ({type(cause).__name__}: {cause!s:.80})") from cause
    if dtype.hasobject:
        raise ValueError("Python objects, which are never unpickled")
    if count < 0 or count * dtype.itemsize > len(content) - stream.tell():
        raise ValueError(f"{len(content) - stream.tell():,} bytes where {count:,} x {dtype} are claimed")
    values = np.frombuffer(content, dtype, count, stream.tell())
    return values.reshape(shape, order="F" if by_columns else "C")
