"""Keeps the embedded mongod, for this user alone and for as long as some process of theirs uses it.

A program of its own, of the standard library only; see ``embedded``, which starts it::

    mongod_service.py --51-service db --multi --mongod MONGOD --dbpath FOLDER

mongod listens on a Unix socket with mode 0600 in a folder with mode 0700. Each process of the workbench holds a
connection to ``control.sock`` beside it: the kernel closes that however the process ends, and with the last one the
database stops. Plain FiftyOne knows no such socket. It looks for a process with the arguments above, sends it a pickled
``("register", pid)``, and connects to the TCP port on which a child listens. It gets both here: messages hold a tuple
of text and number and nothing that is executed, and the port is a bridge to the socket. Both ask the kernel who owns
the other end of a connection, and close it unless that is this user.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import pickle
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BUSY = 75  # exit status when the folder has a service already
FOLDER = "workbench"  # in the data folder
SERVICE = "service.json"  # there; names the control socket
SOCKET = "mongodb-27017.sock"  # the name that mongod gives to a socket of its default port
CONTROL = "control.sock"
LONGEST_PATH = 100  # of a socket, which the kernel limits to 107 bytes
FIRST_CLIENT_S = 60.0
MESSAGE_S = 5.0
CHUNK = 1 << 18
ESTABLISHED = "01"
PR_SET_PDEATHSIG = 1


def owner(connection: socket.socket, table: str | None = None) -> int | None:
    """User id of the process at the other end of a TCP connection on this machine; ``None`` when it cannot be known.

    Connections that their process has closed are nobody's: the kernel lists them as of user 0.

    Args:
        connection: of IPv4.
        table: text of ``/proc/net/tcp``.
    """
    ends = [_hexadecimal(connection.getpeername()), _hexadecimal(connection.getsockname())]
    try:
        text = Path("/proc/net/tcp").read_text() if table is None else table
    except OSError:
        return None
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == ends:
            user, inode = int(fields[7]), fields[9]
            return user if fields[3] == ESTABLISHED and inode != "0" else None
    return None


def _hexadecimal(address: tuple[str, int]) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"


def listen() -> socket.socket:
    """A TCP socket that listens on a free port of 127.0.0.1."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def serve(server: socket.socket, handle: Callable[[socket.socket], None], user: int | None) -> None:
    """Handle each connection in a thread of its own, for ever; those of other users are closed.

    Args:
        server: listens.
        handle: may raise OSError; the connection is closed after it.
        user: whose connections are accepted; ``None`` where the file's permissions say that.
    """
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            if server.fileno() < 0 or not server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return  # it has ended
            time.sleep(0.1)  # too many open files, or the other side has gone already
            continue
        threading.Thread(target=_handle, args=(connection, handle, user), daemon=True).start()


def _handle(connection: socket.socket, handle: Callable[[socket.socket], None], user: int | None) -> None:
    with connection, contextlib.suppress(OSError):
        if user is None or owner(connection) == user:
            handle(connection)


def bridge(path: str) -> Callable[[socket.socket], None]:
    """Pass a connection on to a Unix socket, in both directions."""

    def handle(client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()

    return handle


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends; the target then knows that nothing more comes."""
    buffer = memoryview(bytearray(CHUNK))
    with contextlib.suppress(OSError):
        while n := source.recv_into(buffer):
            target.sendall(buffer[:n])
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Message(pickle.Unpickler):
    """Reads numbers, text and tuples of them; a message that names a class or function is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse."""
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a message")


class Clients:
    """Who uses the database, and whether it is there for them."""

    def __init__(self) -> None:
        self.unused = threading.Event()  # had clients, and the last has gone
        self.known = threading.Event()  # whether mongod has started
        self.greeting: dict[str, Any] = {}
        self._count = 0
        self._lock = threading.Lock()

    def controlled(self, connection: socket.socket) -> None:
        """Tell a process of the workbench where the database is; it is a client until its connection ends."""
        if self._enter():
            try:
                self.known.wait()
                connection.sendall(json.dumps(self.greeting).encode() + b"\n")
                connection.recv(1)
            finally:
                self._leave()

    def registered(self, connection: socket.socket) -> None:
        """Answer plain FiftyOne's message; its process is a client until it ends."""
        connection.settimeout(MESSAGE_S)
        try:
            with connection.makefile("rb") as stream:
                command, pid = Message(stream).load()
            if command != "register" or not isinstance(pid, int):
                raise ValueError(f"unknown command: {command!r}")
            ended = os.pidfd_open(pid)
        except Exception as error:
            connection.sendall(pickle.dumps(RuntimeError(str(error))))
            return
        try:
            entered = self._enter()
            connection.sendall(pickle.dumps(entered or RuntimeError("service is exiting, cannot connect")))
            connection.close()
            if entered:
                waiting = select.poll()
                waiting.register(ended, select.POLLIN)
                waiting.poll()
                self._leave()
        finally:
            os.close(ended)

    def _enter(self) -> bool:
        with self._lock:
            self._count += not self.unused.is_set()
            return not self.unused.is_set()

    def _leave(self) -> None:
        with self._lock:
            self._count -= 1
            if not self._count:
                self.unused.set()

    def leave_unless_used(self) -> None:
        """Give up when nobody has come."""
        with self._lock:
            if not self._count:
                self.unused.set()


def keep(mongod: str, data: Path, sockets: Path, control: socket.socket) -> None:
    """Run mongod until nobody uses it."""
    messages, door = listen(), listen()
    path = sockets / SOCKET
    words = [mongod, "--dbpath", str(data), "--logpath", str(data / "log" / "mongo.log"), "--logappend"]
    words += ["--bind_ip", str(path), "--unixSocketPrefix", str(sockets), "--filePermissions", "0600"]
    server = _child(words)
    passing = [sys.executable, "-I", "-S", __file__, "--bridge", str(path), "--fd", str(door.fileno())]
    passer = _child(passing, door.fileno())
    port = door.getsockname()[1]
    door.close()
    clients = Clients()
    signal.signal(signal.SIGTERM, lambda *_: clients.unused.set())
    for listening, handle, user in ((control, clients.controlled, None), (messages, clients.registered, os.geteuid())):
        threading.Thread(target=serve, args=(listening, handle, user), daemon=True).start()
    started = _answers(server, str(path))
    clients.greeting = {"socket": str(path), "port": port} if started else {"failed": True}
    clients.known.set()
    patience = threading.Timer(FIRST_CLIENT_S, clients.leave_unless_used)
    patience.daemon = True
    patience.start()
    while not clients.unused.wait(0.2 if started else MESSAGE_S) and server.poll() is None:
        pass
    clients.unused.set()  # nobody enters any more
    control.shutdown(socket.SHUT_RDWR)
    for process in (passer, server):
        process.terminate()
        process.wait()


def _answers(server: subprocess.Popen[bytes], path: str) -> bool:
    """Wait until mongod accepts connections; false when it ends instead."""
    while server.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(path)
            return True
        time.sleep(0.02)
    return False


def _child(words: list[str], *fds: int) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM when this process ends, however it ends."""
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        words, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=fds, preexec_fn=_end_with_parent
    )


_prctl = ctypes.CDLL(None).prctl


def _end_with_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _sockets_folder(folder: Path) -> Path:
    """Where the sockets lie: in the data folder, or in a folder with a short name, which a killed service leaves."""
    if len(os.fsencode(folder / SOCKET)) <= LONGEST_PATH:
        return folder
    control = control_socket(folder)
    return control.parent if control else Path(tempfile.mkdtemp(prefix="workbench-", dir="/tmp"))


def control_socket(folder: Path) -> Path | None:
    """The control socket that the service of a folder has named, if only this user may have made it."""
    try:
        control = Path(json.loads((folder / SERVICE).read_text())["control"])
        status = control.parent.lstat()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return control if private else None


def run(mongod: str, data: Path) -> int:
    """Become the service of a data folder, in the background; returns at once, with ``BUSY`` when it has one."""
    os.umask(0o077)
    folder = data / FOLDER
    (data / "log").mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process and what is forked from it have ended
    except BlockingIOError:
        return BUSY
    sockets = _sockets_folder(folder)
    control = socket.socket(socket.AF_UNIX)
    for name in (CONTROL, SOCKET):
        (sockets / name).unlink(missing_ok=True)
    control.bind(str(sockets / CONTROL))
    control.listen(128)
    temporary = folder / f"{SERVICE}.new"
    temporary.write_text(json.dumps({"control": str(sockets / CONTROL)}))
    temporary.replace(folder / SERVICE)
    if os.fork():
        return 0
    os.setsid()
    os.chdir("/")
    log = os.open(data / "log" / "service.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)  # the process that starts it waits for the end of its own
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        keep(mongod, data, sockets, control)
    finally:
        for leftover in (folder / SERVICE, sockets / CONTROL, sockets / SOCKET):
            leftover.unlink(missing_ok=True)
        if sockets != folder:
            sockets.rmdir()
        os._exit(0)


def main(words: list[str]) -> int:
    """Run the service, or its bridge."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--51-service", dest="service")
    parser.add_argument("--multi", action="store_true")
    parser.add_argument("--mongod")
    parser.add_argument("--dbpath", type=Path)
    parser.add_argument("--bridge")
    parser.add_argument("--fd", type=int)
    args = parser.parse_args(words)
    if args.bridge:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        serve(socket.socket(fileno=args.fd), bridge(args.bridge), os.geteuid())
        return 0
    return run(args.mongod, args.dbpath)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
