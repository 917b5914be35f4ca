"""Find, start and reach the MongoDB behind FiftyOne, with one clear message when that fails."""

from __future__ import annotations

import functools
import logging
import os
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "1")  # read once, when FiftyOne is imported

import fiftyone as fo
import fiftyone.core.odm.database as odm_database
import psutil
import pymongo
import pymongo.errors
from fiftyone.core.dataset import DatasetNotFoundError

from workbench.adapters.store import embedded
from workbench.adapters.store.embedded import find_mongod
from workbench.base.errors import DatabaseError, DatasetError

Dataset = Any  # a fiftyone.Dataset, which has no types; outside ``store`` it is the protocol of ``dataset.py``

P = ParamSpec("P")
T = TypeVar("T")

MIN_VERSION = (6, 0)
REACH_TIMEOUT_S = 5.0
PORT = "FIFTYONE_PRIVATE_DATABASE_PORT"  # FiftyOne's own; child processes inherit it


@functools.cache
def connect() -> str:
    """Reach the database, starting one when none is given; returns its version.

    ``FIFTYONE_DATABASE_URI`` names a server; without it the embedded one is started or shared. Only a server whose data
    lies in ``FIFTYONE_DATABASE_DIR`` is shared; that of another home or folder belongs to somebody else. FiftyOne in
    other processes of this user, children or not, shares it too.

    Raises:
        DatabaseError: missing, too old, dead or not to be reached; the message has the fix.
    """
    logging.getLogger("fiftyone").setLevel(logging.ERROR)
    kwargs = odm_database._connection_kwargs
    kwargs["journal"] = True  # a write has happened once it is on the server's disk
    uri = fo.config.database_uri
    if uri is None:
        if odm_database._client is not None and not _serves_our_folder(os.environ.get(PORT)):
            raise _other_folder()
        server = embedded.start(find_mongod())
        os.environ[PORT] = str(server.port)
        kwargs["host"] = uri = server.uri
        kwargs["connectTimeoutMS"] = 0  # one that ends closes its socket; one that stalls (sleep, swap) is waited for
    kwargs.update(_timeouts(uri))
    where = _hidden_password(uri)
    version = _check_version(uri, where)
    fo.config.database_validation = False  # checked just now; FiftyOne would print a notice at every start
    try:
        odm_database.get_db_conn()
    except (pymongo.errors.PyMongoError, ConnectionError, OSError, RuntimeError) as cause:
        raise _unreachable(where, cause) from cause
    return version


def reached_by() -> str:
    """Who reaches the database, in words."""
    connect()
    address = _hidden_password(str(odm_database._connection_kwargs["host"]))
    if fo.config.database_uri is not None:
        return f"at {address}"
    if not address.startswith("mongodb://127.0.0.1"):
        return "for this user only"
    return f"at {address}, open to every user of this machine: FiftyOne was started before the workbench"


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
            raise _unreachable(_hidden_password(str(odm_database._connection_kwargs["host"])), cause) from cause

    return wrapper


def _timeouts(uri: str = "") -> dict[str, int]:
    """Options of the driver, which would look for a server for 30 s, unless the address says for how long."""
    option = "serverSelectionTimeoutMS"
    return {} if option.lower() in uri.lower() else {option: int(REACH_TIMEOUT_S * 1000)}


def _serves_our_folder(port: str | None) -> bool:
    """Whether the mongod at a port of this machine has its data in our folder."""
    if port is None:
        return False
    try:
        client: Any = pymongo.MongoClient("127.0.0.1", int(port), **_timeouts())
        with client:
            pid = int(client.admin.command("serverStatus", metrics=0)["pid"])
        return embedded.uses_our_folder(psutil.Process(pid))
    except (pymongo.errors.PyMongoError, psutil.Error, ValueError):
        return False  # the port of a database that has ended


def _other_folder() -> DatabaseError:
    return DatabaseError(
        "FiftyOne is connected to the database of another folder in this process.",
        at=f"127.0.0.1:{os.environ.get(PORT)}; data here: {embedded.data_folder()}",
        fix="Restart Python or the notebook's kernel, and call the workbench before FiftyOne; "
        "or end the other processes that use FiftyOne.",
    )


def _check_version(uri: str, where: str) -> str:
    try:
        client: Any = pymongo.MongoClient(uri, **_timeouts(uri))
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
    return re.sub(r"//([^:/@]*):.*@", r"//\1:***@", uri, flags=re.DOTALL).replace("%2F", "/")
