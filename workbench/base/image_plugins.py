"""Plug-ins of Pillow that a user may have installed, for types that Pillow alone does not read."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

_PLUGINS = (("pillow_heif", "register_heif_opener"), ("pillow_jxl", ""))  # the second registers when imported


@cache
def with_plugins() -> bool:
    """Register them once per process; whether there are any."""
    present = [(name, function) for name, function in _PLUGINS if find_spec(name) is not None]
    for name, function in present:
        module = import_module(name)
        if function:
            getattr(module, function)()
    return bool(present)
