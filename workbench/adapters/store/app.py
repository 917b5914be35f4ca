"""The FiftyOne App as an extra view; nothing in the workbench depends on it."""

from __future__ import annotations

import json
import re
import secrets
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import fiftyone as fo
import fiftyone.core.odm.database as odm_database
import fiftyone.core.service as fo_service
import fiftyone.core.session.client as fo_client
import fiftyone.core.session.session as fo_session
from fiftyone.core import context

from workbench.adapters.store.app_server import HOSTS, TOKEN
from workbench.adapters.store.database import translated
from workbench.base.processes import SAFE_PATH

START = f"{SAFE_PATH}; from workbench.adapters.store.app_server import main; main(int(sys.argv[1]))"
_sessions: list[Any] = []  # the App ends with its session, so keep it


class _Server(fo_service.ServerService):  # type: ignore[misc]  # FiftyOne is untyped
    """FiftyOne's server behind the door of ``app_server``."""

    def __init__(self, port: int, token: str, hosts: list[str]) -> None:
        self._token, self._hosts = token, hosts
        super().__init__(port, address="127.0.0.1", do_not_track=fo.config.do_not_track)

    def start(self) -> None:
        """Start it; FiftyOne would rather join whatever answers at the port."""
        fo_service.Service.start(self)
        self._wait_for_child_port(port=self.port)

    @property
    def env(self) -> dict[str, str]:
        database = {"FIFTYONE_DATABASE_URI": str(odm_database._connection_kwargs["host"])}
        served = {"FIFTYONE_SERVER": "1", "PYTHONSAFEPATH": "1"}
        return {**super().env, **database, **served, TOKEN: self._token, HOSTS: json.dumps(self._hosts)}

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", START, str(self.port)]


@translated
def open_app(view: Any) -> str:
    """Show a view in the FiftyOne App on this machine; returns its address, which is a secret.

    The App is started once per process and then follows. Its port is a free one of 127.0.0.1, or the one that
    ``proxy_url`` of FiftyOne's configuration names, as in ``https://host/user/me/proxy/5151/``.
    """
    if not _sessions:
        _sessions.append(_launch(view))
    else:
        _sessions[0].view = view
    return _address(_sessions[0])


def _launch(view: Any) -> Any:
    """A session with a server of its own."""
    config, token = fo.app_config.copy(), secrets.token_urlsafe(24)
    proxy = config.proxy_url
    named = re.search(r"/proxy/(\d+)/?$", proxy or "")
    port = int(named[1]) if named else _free_port()
    config.proxy_url = f"{(proxy or _origin(port)).rstrip('/')}/{token}/"
    hosts = [host] if (host := urlsplit(config.proxy_url).hostname) else []

    class Client(fo_client.Client):  # type: ignore[misc]
        """FiftyOne's end of the session, which builds addresses of host and port only."""

        origin = f"{_origin(port)}/{token}"

    fo_session._server_services[port] = _Server(port, token, hosts)
    # outside of notebooks only a remote session keeps quiet; in notebooks FiftyOne refuses one
    remote = not context.is_notebook_context()
    theirs, fo_client.Client = fo_client.Client, Client
    try:
        return fo.launch_app(view, address="127.0.0.1", port=port, auto=False, remote=remote, config=config)
    finally:
        fo_client.Client = theirs


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(session: Any) -> str:
    """The App's address, at a path, which it takes for that of a proxy.

    A real proxy may hold back the events that the server sends; there the App asks for them, as FiftyOne has it.
    """
    direct = session.config.proxy_url.startswith(f"{_origin(session.server_port)}/")
    return str(session.url.replace("&polling=true", "") if direct else session.url)


def _origin(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@translated
def follow_in_app(view: Any) -> None:
    """Show another view in the App, if it is open."""
    if _sessions:
        _sessions[0].view = view


def app_selection() -> list[str] | None:
    """Ids of the samples selected in the App; ``None`` when it is not open."""
    return list(_sessions[0].selected) if _sessions else None
