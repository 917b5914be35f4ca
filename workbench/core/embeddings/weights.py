"""Read the weights of a PyTorch file (the format before 1.6) without PyTorch, and without running code from it.

Such a file is a row of pickles, then the raw numbers. Only the names that a table of tensors needs are let through.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError

MAGIC = 0x1950A86A20F9469CFC6C
TYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
Weights = dict[str, NDArray[Any]]


def read_weights(path: Path) -> Weights:
    """Arrays by name.

    Raises:
        InputError: the file is another format, or holds more than tensors.
    """
    try:
        with path.open("rb") as stream:
            return _read(stream)
    except (OSError, pickle.UnpicklingError, ValueError, EOFError, KeyError) as cause:
        problem = f"Cannot read the weights of the network: {str(cause)[:200]}."
        raise InputError(problem, at=str(path), fix="Install the package again.") from cause


def _read(stream: IO[bytes]) -> Weights:
    storages: dict[str, np.dtype[Any]] = {}
    if _Tensors(stream, storages).load() != MAGIC:
        raise ValueError("it is not a PyTorch file of the format before 1.6")
    for _ in range(2):  # version of the format, and sizes of the machine that wrote it
        _Tensors(stream, storages).load()
    tensors: OrderedDict[str, _Tensor] = _Tensors(stream, storages).load()
    values: dict[str, NDArray[Any]] = {}
    for key in _Tensors(stream, storages).load():
        (count,) = np.frombuffer(stream.read(8), "<i8")
        values[key] = np.frombuffer(stream.read(int(count) * storages[key].itemsize), storages[key])
    return {name: tensor.of(values) for name, tensor in tensors.items()}


class _Tensor:
    """Where a tensor's numbers lie."""

    def __init__(self, key: str, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> None:
        self.key, self.offset, self.size, self.stride = key, offset, size, stride

    def of(self, values: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """The numbers in their order; strides count items, and are checked to stay inside."""
        storage = values[self.key][self.offset :]
        last = sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if not 0 <= last < max(len(storage), 1) or min(self.stride, default=0) < 0:
            raise ValueError("a tensor reaches past its numbers")
        steps = tuple(step * storage.itemsize for step in self.stride)
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(storage, self.size, steps, writeable=False))


class _Tensors(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], storages: dict[str, np.dtype[Any]]) -> None:
        super().__init__(stream)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
            **{("torch", kind): kind for kind in TYPES},
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a file of tensors")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> str:
        kind, storage, key, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"{kind} is not a storage")
        self._storages[key] = TYPES[storage]
        return str(key)
