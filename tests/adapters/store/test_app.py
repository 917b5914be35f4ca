"""The FiftyOne App answers who has its address, under its own name, with files of datasets and no others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import psutil
import pytest
from PIL import Image

from workbench.adapters.store import app, app_server

TOKEN = "secret-for-tests"
HERE = [(b"host", b"127.0.0.1:5151")]


def _status(path: str, query: str = "", headers: list[tuple[bytes, bytes]] = HERE, kind: str = "http") -> Any:
    """Status that the door answers, or the path that the application behind it gets."""
    sent: list[dict[str, Any]] = []
    inside: list[str] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        inside.extend((scope["path"], scope["raw_path"].decode()))

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = urllib.parse.quote(path).encode()
    scope = {"type": kind, "method": "GET", "path": path, "raw_path": raw, "query_string": query.encode()}
    door = app_server.Door(behind, TOKEN, ("Hub.Example.org",), lambda file: file == "/a b.png")
    with ThreadPoolExecutor(1) as thread:  # the browser's tests leave a loop that runs in this one
        thread.submit(asyncio.run, door({**scope, "headers": headers}, None, send)).result()
    return tuple(inside) if inside else sent[0].get("status", sent[0]["type"])


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (f"/{TOKEN}/", "", ("/", "/")),
        (f"/{TOKEN}", "", ("/", "/")),
        (f"/{TOKEN}/datasets/a b", "", ("/datasets/a b", "/datasets/a%20b")),
        (f"/{TOKEN}/media", "filepath=/a%20b.png", ("/media", "/media")),
        (f"/{TOKEN}/media", "filepath=/etc/passwd&filepath=/a+b.png", ("/media", "/media")),  # the last one is served
        (f"/{TOKEN}/media", "filepath=/a+b.png&filepath=/etc/passwd", 404),
        (f"/{TOKEN}/media", "filepath=/etc/passwd", 404),
        (f"/{TOKEN}/media", "filepath=", 404),
        (f"/{TOKEN}/media", "", 404),
        (f"/{TOKEN}/media\n", "filepath=/etc/passwd", 400),
        ("/", "", 403),
        ("", "", 403),
        ("/media", "filepath=/a%20b.png", 403),
        ("/graphql", "", 403),
        (f"/{TOKEN}x/", "", 403),
        (f"/{TOKEN[:-1]}/", "", 403),
        (f"//{TOKEN}/", "", 403),
        ("/täglich/", f"token={TOKEN}", 403),
    ],
)
def test_only_who_has_the_token_gets_files_of_datasets(path: str, query: str, expected: Any) -> None:
    assert _status(path, query) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8888", "LOCALHOST", "[::1]:5151", "hub.example.org:443"])
def test_own_names_are_known(host: str) -> None:
    assert _status(f"/{TOKEN}/", headers=[(b"Host", host.encode())]) == ("/", "/")


@pytest.mark.parametrize(
    "host",
    ["evil.org", "evil.org:5151", "127.0.0.1.evil.org", "localhost.evil.org", "evil.org@127.0.0.1", "127.0.0.1@evil",
     "0.0.0.0", "127.1", "[::1", "", "127.0.0.1/evil", "evil.org#127.0.0.1"],
)  # fmt: skip
def test_other_names_are_refused(host: str) -> None:
    """A page of the internet may let its own name point to this machine (DNS rebinding)."""
    assert _status(f"/{TOKEN}/", headers=[(b"host", host.encode())]) == 403


def test_no_name_two_names_and_other_protocols_are_refused() -> None:
    assert _status(f"/{TOKEN}/", headers=[]) == 403
    assert _status(f"/{TOKEN}/", headers=HERE + HERE) == 403
    assert _status(f"/{TOKEN}/", kind="websocket") == "websocket.close"


@pytest.fixture
def files(tmp_path: Path, dataset: Any) -> dict[str, Path]:
    """Files of each kind, all but one of them in a dataset."""
    from fiftyone.core import threed

    made = {name: tmp_path / name for name in ("a.png", "b.png", "mask.png", "object.png", "map.png", "thumb.png")}
    for path in (*made.values(), stranger := tmp_path / "stranger.png"):
        Image.fromarray(np.zeros((4, 6), np.uint8)).save(path)
    cloud = tmp_path / "clouds" / "points.pcd"
    cloud.parent.mkdir()
    cloud.write_text("# .PCD v0.7\n")
    scene = threed.Scene()
    scene.add(threed.PointCloud("cloud", "clouds/../clouds/points.pcd"))
    scene.write(str(tmp_path / "scene.fo3d"))
    masked = fo.Detection(label="mug", bounding_box=[0, 0, 1, 1], mask_path=str(made["object.png"]))
    dataset.add_group_field("group", default="image")
    group = fo.Group()
    sample = fo.Sample(str(made["a.png"]), thumb=str(made["thumb.png"]), group=group.element("image"))
    sample["semantic"] = fo.Segmentation(mask_path=str(made["mask.png"]))
    sample["depth"] = fo.Heatmap(map_path=str(made["map.png"]))
    sample["objects"] = fo.Detections(detections=[masked])
    cloud_sample = fo.Sample(str(tmp_path / "scene.fo3d"), group=group.element("cloud"))
    dataset.add_samples([sample, cloud_sample, fo.Sample(str(made["b.png"]), group=fo.Group().element("image"))])
    dataset.app_config.media_fields = ["filepath", "thumb"]
    dataset.save()
    return {**made, "scene.fo3d": tmp_path / "scene.fo3d", "points.pcd": cloud, "stranger.png": stranger}


def test_files_of_datasets_are_media_and_others_are_not(files: dict[str, Path]) -> None:
    media = app_server.Media(fo.core.odm.get_db_conn())
    assert not media(str(files["points.pcd"]))  # the App asks for the scene first
    assert {name for name, path in files.items() if media(str(path))} == set(files) - {"stranger.png"}
    assert media(str(files["points.pcd"])) and media(str(files["points.pcd"].parent / ".." / "clouds" / "points.pcd"))
    for path in ("/etc/passwd", "", "/", str(files["a.png"].parent), f"{files['a.png']}\0", "a.png", "mug", "../a.png"):
        assert not media(path), path


SERVES = """
import json, sys
from workbench.adapters import store
print(json.dumps(store.open_app(store.open_dataset(sys.argv[1]).view())), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def served(
    dataset: Any, files: dict[str, Path], request: pytest.FixtureRequest
) -> Iterator[tuple[str, psutil.Process]]:
    """Address of an App, and the process that opened it."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVES, dataset.name],
        env={**os.environ, **getattr(request, "param", {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    line = next(line for line in process.stdout if line.startswith('"'))
    yield json.loads(line), psutil.Process(process.pid)
    process.stdin.close()
    process.wait(60)


def _get(address: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_app_serves_its_own_page_and_files_only(files: dict[str, Path], served: tuple[str, psutil.Process]) -> None:
    address, process = served
    base, _, parameters = address.partition("?")
    parts = urllib.parse.urlsplit(base)
    token = parts.path.strip("/")
    assert parameters == f"proxy=/{token}/"
    assert _get(address)[0] == _get(f"{base}fiftyone")[0] == 200
    for name in ("a.png", "mask.png", "map.png", "object.png"):
        assert _get(f"{base}media?filepath={files[name]}") == (200, files[name].read_bytes()), name
    for name in ("/etc/passwd", files["stranger.png"]):
        assert _get(f"{base}media?filepath={name}")[0] == 404, name
    assert _get(address, Host="evil.org")[0] == 403
    listening = [
        connection.laddr.port
        for child in process.children(recursive=True)
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.ip == "127.0.0.1"
    ]
    assert parts.port in listening
    assert _get(f"http://127.0.0.1:{parts.port}/media?filepath={files['a.png']}")[0] == 403
    assert _get(f"http://127.0.0.1:{parts.port}/graphql")[0] == 403
    assert not any(token in " ".join(child.cmdline()) for child in process.children(recursive=True))


PROXIED_PORT = app._free_port()


@pytest.mark.parametrize(
    "served", [{"FIFTYONE_APP_PROXY_URL": f"https://hub.example.org/user/me/proxy/{PROXIED_PORT}/"}], indirect=True
)
def test_the_app_goes_through_a_proxy(files: dict[str, Path], served: tuple[str, psutil.Process]) -> None:
    """As jupyter-server-proxy does it: what comes before the token is taken off, ``Host`` stays."""
    before = f"https://hub.example.org/user/me/proxy/{PROXIED_PORT}/"
    address = served[0]
    assert address.startswith(before)
    token = address.removeprefix(before).partition("/")[0]
    assert address == f"{before}{token}/?proxy=/user/me/proxy/{PROXIED_PORT}/{token}/&polling=true"
    behind = f"http://127.0.0.1:{PROXIED_PORT}/{token}/"
    assert _get(f"{behind}media?filepath={files['a.png']}", Host="hub.example.org")[0] == 200
    assert _get(behind, Host="evil.org")[0] == 403
