"""Which port is the database's, while processes come and go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workbench.adapters.store import database

LISTENS = """
import socket, subprocess, sys, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""
SERVICE = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.argv[1], "-c", {LISTENS!r}])
time.sleep(60)
"""


def test_only_a_mongod_is_taken_for_the_database(tmp_path: Path) -> None:
    """A child that listens but is no mongod is the service's own copy, a moment before it becomes one."""
    for name, is_database in (("python-copy", False), ("mongod-6", True)):
        program = tmp_path / name
        program.symlink_to(Path(sys.executable).resolve())
        service = subprocess.Popen([sys.executable, "-c", SERVICE, str(program)], stdout=subprocess.PIPE, text=True)
        try:
            assert service.stdout
            port = int(service.stdout.readline())
            deadline = time.monotonic() + 10
            while (found := database._port_below(psutil.Process(service.pid))) is None and time.monotonic() < deadline:
                if not is_database:
                    break
                time.sleep(0.05)
            assert found == (port if is_database else None)
        finally:
            for process in [*psutil.Process(service.pid).children(recursive=True), psutil.Process(service.pid)]:
                process.kill()
            service.wait()


NAMES = """
import os, sys
from workbench.adapters import store
for name in sys.argv[1:]:
    store.open_dataset(name)
print(*store.list_datasets(), os.environ["FIFTYONE_PRIVATE_DATABASE_PORT"], flush=True)
sys.stdin.read()
for name in sys.argv[1:]:
    store.delete_dataset(name)
"""


class User:
    """A process that works with the embedded database of its environment until it is closed."""

    def __init__(self, environment: dict[str, str], *names: str) -> None:
        own = {"FIFTYONE_DATABASE_URI", "FIFTYONE_DATABASE_DIR", database.PORT}
        inherited = {key: value for key, value in os.environ.items() if key not in own}
        self.process = subprocess.Popen(
            [sys.executable, "-c", NAMES, *names],
            env=inherited | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        *self.names, self.port = self.process.stdout.readline().split() or [""]

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(60) == 0


@pytest.mark.parametrize("key", ["HOME", "FIFTYONE_DATABASE_DIR"])
def test_each_folder_has_a_database_of_its_own(tmp_path: Path, key: str) -> None:
    """Two at once, whoever comes first, and a third that shares the folder of the first under another name."""
    mongod = database.find_mongod()
    assert mongod
    path = f"{mongod.parent}:{os.environ['PATH']}"
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    (tmp_path / "link").symlink_to(folders[0])
    first = User({key: str(folders[0]), "PATH": path}, "of-first")
    users = [first]
    try:
        # the second inherits the port of the first, as a command called from a notebook does
        users.append(second := User({key: str(folders[1]), "PATH": path, database.PORT: first.port}, "of-second"))
        users.append(shared := User({key: str(tmp_path / "link"), "PATH": path}))
        assert (first.names, second.names, shared.names) == (["of-first"], ["of-second"], ["of-first"])
        assert first.port == shared.port != second.port
    finally:
        for user in reversed(users):
            user.close()
