"""The FiftyOne App as an extra view; nothing in the workbench depends on it."""

from __future__ import annotations

import socket
from typing import Any

import fiftyone as fo

from workbench.store.database import translated

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
        _sessions.append(fo.launch_app(view, address="127.0.0.1", port=port, auto=False, remote=True))
    return str(_sessions[0].url)
