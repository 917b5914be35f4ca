"""The FiftyOne App as an extra view; nothing in the workbench depends on it."""

from __future__ import annotations

import socket
from typing import Any

import fiftyone as fo
from fiftyone.core.context import is_notebook_context

from workbench.adapters.store.database import translated

_sessions: list[Any] = []  # the App ends with its session, so keep it


@translated
def open_app(view: Any) -> str:
    """Show a view in the FiftyOne App on this machine; returns its address.

    The App is started once per process, on a free port of 127.0.0.1, and then follows.
    """
    if _sessions:
        _sessions[0].view = view
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # outside of notebooks only a remote session keeps quiet; in notebooks FiftyOne refuses one
        remote = not is_notebook_context()
        _sessions.append(fo.launch_app(view, address="127.0.0.1", port=port, auto=False, remote=remote))
    return str(_sessions[0].url)


@translated
def follow_in_app(view: Any) -> None:
    """Show another view in the App, if it is open."""
    if _sessions:
        _sessions[0].view = view


def app_selection() -> list[str] | None:
    """Ids of the samples selected in the App; ``None`` when it is not open."""
    return list(_sessions[0].selected) if _sessions else None
