"""Which port is the database's, while processes come and go."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

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
