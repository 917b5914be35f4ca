"""FiftyOne's server behind a door: for who has its secret address, and for files of datasets only.

The server answers whoever reaches its port, whatever ``Host`` a browser names, and ``/media?filepath=`` sends any file.
Here each address begins with a token. It is a part of the path, not a cookie: cookies do not reach a frame of another
host name, and browsers send them to every port of a machine.
"""

from __future__ import annotations

import hmac
import json
import os
import posixpath
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from starlette.datastructures import QueryParams

TOKEN = "WORKBENCH_APP_TOKEN"  # noqa: S105  # in the environment, which other users cannot read; they see the command line
HOSTS = "WORKBENCH_APP_HOSTS"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REMEMBERED = 100_000
NEIGHBOURS = 500

App = Callable[..., Awaitable[None]]


class Door:
    """An ASGI application that lets through what is meant for the one behind it.

    Args:
        app: the application behind it.
        token: first part of every path.
        hosts: names that ``Host`` may have beside those of this machine's loopback, whatever the port.
        is_medium: whether a path is a file of a dataset; asked in a thread.
    """

    def __init__(self, app: App, token: str, hosts: tuple[str, ...], is_medium: Callable[[str], bool]) -> None:
        self._app, self._token, self._is_medium = app, token, is_medium
        self._hosts = {*LOOPBACK, *(host.lower() for host in hosts)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (refusal := await self._refusal(scope)) is not None:
            await _answer(send, *refusal)
        else:
            token, path = _parts(scope["path"])
            raw = scope["raw_path"].removeprefix(f"/{token}".encode()) or b"/"
            await self._app({**scope, "path": path, "raw_path": raw}, receive, send)

    async def _refusal(self, scope: Any) -> tuple[int, str] | None:
        """Status and text for what is not let through."""
        if not self._knows_host(scope["headers"]):
            return 403, "Not a name of this server."
        token, path = _parts(scope["path"])
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return 403, "Open this page from the board: its address has a token."
        if any(ord(letter) < 32 for letter in path):
            return 400, "Not a path."
        if path == "/media" and scope["method"] != "OPTIONS":
            file = QueryParams(scope["query_string"]).get("filepath")
            if file is None or not await run_sync(self._is_medium, file):
                return 404, "Not a file of a dataset."
        return None

    def _knows_host(self, headers: list[tuple[bytes, bytes]]) -> bool:
        hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
        return len(hosts) == 1 and host_name(hosts[0]) in self._hosts


def _parts(path: str) -> tuple[str, str]:
    """Token and the path behind it."""
    token, _, rest = path.removeprefix("/").partition("/")
    return token, f"/{rest}"


def host_name(host: str) -> str | None:
    """Name in a ``Host`` header, without the port; ``None`` where there is none.

    >>> host_name("LocalHost:8888"), host_name("[::1]:80"), host_name("127.0.0.1.evil.org"), host_name("a@127.0.0.1")
    ('localhost', '::1', '127.0.0.1.evil.org', None)
    """
    if any(sign in host for sign in "@/\\?#"):
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _answer(send: Any, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


class Media:
    """Which files belong to a dataset of the database: samples, masks, maps, and what 3D scenes among them name.

    Samples are found by the index on ``filepath``. Masks and maps have none; where one is asked for, those of the
    samples that follow are remembered with it, as a page of the App asks for them next.

    Args:
        database: of pymongo.
    """

    def __init__(self, database: Any) -> None:
        self._database = database
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, path: str) -> bool:
        """Whether a path is one that a dataset names."""
        with self._lock:
            if path in self._known:
                return True
        paths = self._found(path)
        if path.lower().endswith(".fo3d") and paths:
            paths += scene_files(path)
        with self._lock:
            self._known.update(dict.fromkeys(paths))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return bool(paths)

    def _found(self, path: str) -> list[str]:
        """The path, if a dataset names it, and what will be asked for next."""
        collections = list(self._collections())
        if any(self._database[name].find_one({"filepath": path}, {"_id": 1}) for name, _ in collections):
            return [path]
        for name, fields in collections:
            samples = self._database[name]
            for field in fields:
                sample = samples.find_one({field: path}, {"_id": 1})
                if sample is not None:
                    following = samples.find({"_id": {"$gte": sample["_id"]}}, dict.fromkeys(fields, 1))
                    return [path, *_texts(list(following.sort("_id", 1).limit(NEIGHBOURS)))]
        return []

    def _collections(self) -> Iterator[tuple[str, list[str]]]:
        """Name of each collection of samples or frames, with its fields that hold paths, beside ``filepath``."""
        wanted = {f"{kind}_{part}": 1 for kind in ("sample", "frame") for part in ("collection_name", "fields")}
        for dataset in self._database["datasets"].find({}, {**wanted, "app_config.media_fields": 1}):
            shown = set((dataset.get("app_config") or {}).get("media_fields") or ())
            for kind in ("sample", "frame"):
                if name := dataset.get(f"{kind}_collection_name"):
                    paths = path_fields(dataset.get(f"{kind}_fields") or [], shown)
                    yield name, [path for path in paths if path != "filepath"]


def path_fields(fields: list[dict[str, Any]], shown: set[str], prefix: str = "") -> list[str]:
    """Names of the fields that hold paths, by FiftyOne's description of a collection.

    >>> masks = {"name": "mask_path", "ftype": "fiftyone.core.fields.StringField"}
    >>> path_fields([{"name": "segmentation", "fields": [masks]}], set())
    ['segmentation.mask_path']
    """
    names: list[str] = []
    for field in fields:
        name = prefix + (field.get("db_field") or field["name"])
        last = name.rpartition(".")[2]
        if name in shown or last == "filepath" or last.endswith("_path"):
            names.append(name)
        names += path_fields(field.get("fields") or [], shown, f"{name}.")
    return names


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]


def scene_files(path: str) -> list[str]:
    """Files that a 3D scene names, as they stand there and without detours."""
    from fiftyone.core.threed import Scene

    try:
        names = Scene.from_fo3d(path).get_asset_paths()
    except Exception:  # no scene, whatever its name says
        return []
    joined = [posixpath.join(posixpath.dirname(path), name) for name in names]
    return [*joined, *map(posixpath.normpath, joined)]


def main(port: int) -> None:
    """Serve on a port of 127.0.0.1; token and hosts lie in the environment."""
    token, hosts = os.environ.pop(TOKEN), json.loads(os.environ.pop(HOSTS))
    import fiftyone.server.main as server
    from fiftyone.core.odm import get_db_conn

    server.app = Door(server.app, token, tuple(hosts), Media(get_db_conn()))
    os.chdir(Path(server.__file__).parent)
    server.start_server(port=port, address="127.0.0.1")
