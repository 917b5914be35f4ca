"""A database of a test's own, that can be killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path


class Server:
    """A mongod of the test's own, that can be killed."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.environment = {**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{self.port}"}
        self.start()

    def start(self) -> None:
        from workbench.adapters.store.database import find_mongod

        self.folder.mkdir(exist_ok=True)
        log = self.folder.parent / "mongo.log"
        arguments = ["--dbpath", str(self.folder), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        with log.open("ab") as stream:
            self.process = subprocess.Popen([str(find_mongod()), *arguments], stdout=stream, stderr=stream)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(log.read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def run(self, code: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
