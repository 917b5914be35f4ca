"""A Jupyter-first dataset curation workbench for Physical AI.

Names load on first use, so ``import workbench`` is quick and brings nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from workbench.store import open_dataset as open

_HOME = {  # public name -> where it lives
    "open": "workbench.store:open_dataset",
}

__all__ = sorted(_HOME)  # noqa: PLE0604 - the list is the registry


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
