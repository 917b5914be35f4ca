"""The embedded database: one for each folder, for its user only, for as long as somebody uses it."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.sizes import AT_ONCE
from workbench.adapters.store import database, embedded, mongod_service

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
            while (found := embedded._port_below(psutil.Process(service.pid))) is None and time.monotonic() < deadline:
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

    def __init__(self, environment: dict[str, str], *names: str, code: str = NAMES) -> None:
        own = {"FIFTYONE_DATABASE_URI", "FIFTYONE_DATABASE_DIR", database.PORT}
        inherited = {key: value for key, value in os.environ.items() if key not in own}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *names],
            env=inherited | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.names: list[str] = []
        self.port = ""

    def ready(self) -> User:
        """Wait until it has reached the database."""
        assert self.process.stdout
        *self.names, self.port = self.process.stdout.readline().split() or [""]
        return self

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(60) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


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
    first = User({key: str(folders[0]), "PATH": path}, "of-first").ready()
    users = [first]
    try:
        # the second inherits the port of the first, as a command called from a notebook does
        users.append(
            second := User({key: str(folders[1]), "PATH": path, database.PORT: first.port}, "of-second").ready()
        )
        users.append(shared := User({key: str(tmp_path / "link"), "PATH": path}).ready())
        assert (first.names, second.names, shared.names) == (["of-first"], ["of-second"], ["of-first"])
        assert first.port == shared.port != second.port
    finally:
        for user in reversed(users):
            user.close()


class Folder:
    """A data folder of a test's own, and the processes that serve it."""

    def __init__(self, path: Path) -> None:
        mongod = database.find_mongod()
        assert mongod
        self.path = path
        self.environment = {"FIFTYONE_DATABASE_DIR": str(path), "PATH": f"{mongod.parent}:{os.environ['PATH']}"}

    def user(self, code: str = NAMES) -> User:
        return User(self.environment, code=code)

    def processes(self) -> list[psutil.Process]:
        """mongod and its service, in no order; what has ended and is not yet collected has no words."""
        words = ((process, process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
        return [process for process, line in words if str(self.path) in line]

    def databases(self) -> list[psutil.Process]:
        return [process for process in self.processes() if process.name().startswith("mongod")]

    def service(self) -> psutil.Process:
        (service,) = [process for process in self.processes() if not process.name().startswith("mongod")]
        return service

    def wait_until_unserved(self) -> None:
        deadline = time.monotonic() + 60
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.processes() == []


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path / getattr(request, "param", "data"))
    yield made
    for process in made.processes():
        process.kill()


def test_many_at_once_start_one_database(folder: Folder) -> None:
    users = [folder.user() for _ in range(AT_ONCE)]
    try:
        assert len({user.ready().port for user in users}) == 1
        assert len(folder.databases()) == 1
    finally:
        for user in users:
            user.close()
    folder.wait_until_unserved()
    assert [path for path in (folder.path / "workbench").iterdir() if path.name != "lock"] == []


@pytest.mark.parametrize("folder", ["data", "long-" * 25], indirect=True)
def test_killed_users_leave_no_database(folder: Folder) -> None:
    """Also where the folder's name is too long for a socket in it."""
    starter, other = folder.user().ready(), folder.user().ready()
    control = mongod_service.control_socket(folder.path / "workbench")
    assert control
    starter.kill()
    assert len(folder.databases()) == 1
    third = folder.user().ready()
    assert third.port == other.port  # who started it does not matter
    other.kill()
    third.kill()
    folder.wait_until_unserved()
    assert not control.exists()


def test_a_killed_service_leaves_no_database_and_the_next_user_starts_one(folder: Folder) -> None:
    user = folder.user().ready()
    for ending in (signal.SIGKILL, signal.SIGTERM):
        folder.service().send_signal(ending)
        folder.wait_until_unserved()
        user.kill()
        user = folder.user().ready()
        assert len(folder.databases()) == 1
    user.close()
    folder.wait_until_unserved()


STALLED = """
import os, sys, threading
import fiftyone.core.odm.database as odm
odm._connection_kwargs.update(connectTimeoutMS=300, heartbeatFrequencyMS=500)  # 20 s and 10 s by default
from workbench.adapters.store import database
database.connect()
print(os.environ["FIFTYONE_PRIVATE_DATABASE_PORT"], flush=True)
sys.stdin.readline()
odm.get_db_conn().stalled.insert_one({"kept": True})
print(odm.get_db_conn().stalled.count_documents({}), flush=True)
"""


def test_a_database_that_stalls_is_waited_for(folder: Folder) -> None:
    """A laptop that sleeps, a machine that swaps: the driver would cancel what is under way, writes too."""
    user = folder.user(STALLED).ready()
    (mongod,) = folder.databases()
    mongod.suspend()
    try:
        assert user.process.stdin and user.process.stdout
        user.process.stdin.write("insert\n")
        user.process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            user.process.wait(3)
    finally:
        mongod.resume()
    assert user.process.stdout.readline() == "1\n"
    user.close()


CONNECT = """
import os, socket, sys
if sys.argv[2] != "None":
    os.setuid(int(sys.argv[2]))
for port in map(int, sys.argv[3:]):
    with socket.socket() as connection:  # create_connection imports more, which another user may not read
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        try:
            connection.sendall(bytes.fromhex(sys.argv[1]))
            print(connection.recv(4096).hex(), flush=True)
        except ConnectionError:
            print("", flush=True)
"""
# OP_MSG {hello: 1, $db: "admin"}: what every client of MongoDB sends first
DOCUMENT = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
SECTION = b"\x00" * 5 + (len(DOCUMENT) + 4).to_bytes(4, "little") + DOCUMENT
HELLO = b"".join(n.to_bytes(4, "little") for n in (len(SECTION) + 16, 1, 0, 2013)) + SECTION


def _answers(ports: list[int], message: bytes, user: int | None) -> list[bytes]:
    """What each port answers to a process of a user."""
    words = [sys.executable, "-I", "-S", "-c", CONNECT, message.hex(), str(user), *map(str, ports)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [bytes.fromhex(line) for line in done.stdout.splitlines()]


def test_other_users_get_no_answer_from_any_port(folder: Folder) -> None:
    user = folder.user().ready()
    try:
        service = folder.service()
        family = [service, *service.children(recursive=True)]
        listening = {
            c.laddr.port: p for p in family for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN
        }
        assert not any(process.name().startswith("mongod") for process in listening.values())
        assert int(user.port) in listening and len(listening) == 2
        assert b"maxWireVersion" in _answers([int(user.port)], HELLO, None)[0]
        register = pickle.dumps(("register", os.getpid()))
        own = [port for port in listening if port != int(user.port)]
        assert pickle.loads(_answers(own, register, None)[0]) is True
        if os.geteuid() == 0:  # only root becomes another user; for the others see the next test
            assert _answers([int(user.port)], HELLO, 65534) == [b""]
            assert _answers(own, register, 65534) == [b""]
        control = mongod_service.control_socket(folder.path / "workbench")
        assert control
        assert control.parent.stat().st_mode & 0o777 == 0o700
        assert control.with_name(mongod_service.SOCKET).stat().st_mode & 0o777 == 0o600
    finally:
        user.close()


def test_a_connection_of_another_user_is_closed_before_it_is_read() -> None:
    handled: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        handled.append(connection.recv(10))
        connection.sendall(b"hello")

    for user, answer in ((os.geteuid(), b"hello"), (os.geteuid() + 1, b"")):
        server = mongod_service.listen()
        threading.Thread(target=mongod_service.serve, args=(server, handle, user), daemon=True).start()
        assert _answers([server.getsockname()[1]], b"me", None) == [answer]
        server.shutdown(socket.SHUT_RDWR)
    assert handled == [b"me"]


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   1: {0} {1} {2} 00000000:00000000 00:00000000 00000000  {3}        0 {4} 1 0000000000000000 20 4 30 10 -1\n"


@pytest.mark.parametrize(
    ("state", "user", "inode", "expected"),
    [("01", 1000, 77, 1000), ("01", 0, 77, 0), ("01", 0, 0, None), ("06", 0, 0, None), ("05", 0, 0, None)],
)
def test_a_connection_belongs_to_who_has_it_open(state: str, user: int, inode: int, expected: int | None) -> None:
    """What its process has closed is listed as of user 0, whoever that was."""
    server = mongod_service.listen()
    with server, socket.create_connection(server.getsockname()) as client, server.accept()[0] as connection:
        ours, theirs = (f"0100007F:{end.getsockname()[1]:04X}" for end in (connection, client))
        own_side = ROW.format(ours, theirs, "01", 4, 78)
        row = ROW.format(theirs, ours, state, user, inode)
        if sys.byteorder == "little":
            assert mongod_service.owner(connection, HEAD + own_side + row) == expected
            assert mongod_service.owner(connection, HEAD + own_side) is None
        assert mongod_service.owner(connection) == os.geteuid()
        client.close()
        assert mongod_service.owner(connection) is None


class Harmful:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize(
    "message", [pickle.dumps(Harmful()), pickle.dumps(("register", Harmful())), pickle.dumps({}), b"x", b"", b"\x80"]
)
def test_a_message_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mongod_service, "MESSAGE_S", 0.5)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(message)
        mongod_service.Clients().registered(ours)
        assert isinstance(pickle.loads(theirs.recv(4096)), RuntimeError)
    assert list(tmp_path.iterdir()) == []


PLAIN = """
import os, sys
os.environ["FIFTYONE_DATABASE_VALIDATION"] = "false"  # else it prints a notice
import fiftyone.service.util as util
every = util.find_processes_by_args  # FiftyOne joins any service of its user, whatever folder it serves
folder = os.environ["FIFTYONE_DATABASE_DIR"]
util.find_processes_by_args = lambda args: (process for process in every(args) if folder in process.cmdline())
import fiftyone as fo
fo.Dataset("of-plain", persistent=True)
print(*fo.list_datasets(), os.environ["FIFTYONE_PRIVATE_DATABASE_PORT"], flush=True)
sys.stdin.read()
fo.delete_dataset("of-plain")
"""


def test_plain_fiftyone_shares_the_database_and_keeps_it(tmp_path: Path) -> None:
    """It knows nothing of sockets; the database lives on for it when the workbench has gone."""
    folder = Folder(tmp_path / "data")
    first = User(folder.environment, "of-first").ready()
    plain = User(folder.environment, code=PLAIN).ready()
    assert plain.names == ["of-first", "of-plain"]
    assert len(folder.databases()) == 1
    first.close()
    assert len(folder.databases()) == 1
    second = folder.user().ready()
    assert second.names == ["of-plain"]
    second.close()
    plain.kill()
    folder.wait_until_unserved()
