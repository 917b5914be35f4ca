"""One writer of tags at a time for each dataset, across threads, kernels and machines.

The lock is a document with a lease by the clock of the server. A writer that died on this machine loses it at once, one
on another machine when its lease ends; whoever comes next finishes what the dead one had written ahead.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import fiftyone.core.odm.database as odm_database
import psutil
import pymongo.errors

from workbench.adapters.store.database import Dataset
from workbench.base.errors import DatabaseError

TURNS = "workbench_turns"
LEASE_MS, WANTED_MS = 15_000, 200
LONG_AGO = datetime(1970, 1, 1)  # naive, as the driver keeps moments
WAIT_S = 60.0
LONGEST_PAUSE_S = 0.01


@dataclass(frozen=True)
class WriteLock:
    """The right to write; ``renew`` before each step that takes long."""

    dataset_id: Any
    token: str

    def renew(self) -> None:
        """Extend the lease.

        Raises:
            DatabaseError: this process was stopped for so long that another one took over.
        """
        if (
            not _locks()
            .update_one({"_id": self.dataset_id, "owner.token": self.token}, [{"$set": {"until": _after(LEASE_MS)}}])
            .matched_count
        ):
            fix = "Nothing is lost: the other process finishes this change. Read the dataset again."
            raise DatabaseError("This process was stopped for so long that another one took over the change.", fix=fix)


@contextlib.contextmanager
def write_lock(dataset: Dataset) -> Iterator[WriteLock]:
    """Wait for the write lock and hold it.

    Raises:
        DatabaseError: another live process held it for a minute.
    """
    held = _wait(dataset)
    try:
        yield held
    finally:
        _locks().update_one(
            {"_id": held.dataset_id, "owner.token": held.token}, [{"$set": {"until": "$$NOW", "owner": None}}]
        )


def forget_lock(dataset: Dataset) -> None:
    """Delete the lock of a dataset."""
    _locks().delete_one({"_id": dataset._doc.id})


def _wait(dataset: Dataset) -> WriteLock:
    held = WriteLock(dataset._doc.id, uuid.uuid4().hex)
    me = {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}
    deadline = time.monotonic() + WAIT_S
    while True:
        document = _locks().find_one({"_id": held.dataset_id}, {"owner": 1})
        if document is None:
            _make(held.dataset_id)
            continue
        taken = {"$set": {"owner": {"$literal": {**me, "token": held.token}}, "last": me, "until": _after(LEASE_MS)}}
        if _locks().update_one({"_id": held.dataset_id, **_free(document["owner"], me)}, [taken]).matched_count:
            return held
        if time.monotonic() > deadline:
            raise _busy(dataset, document["owner"] or {})
        wanted = {"$set": {"wanted_by": me, "wanted_until": _after(WANTED_MS)}}
        _locks().update_one({"_id": held.dataset_id}, [wanted])
        time.sleep(random.uniform(0.0, LONGEST_PAUSE_S))  # noqa: S311 - so that waiting processes do not retry at the same moment


def _free(owner: dict[str, Any] | None, me: dict[str, Any]) -> dict[str, Any]:
    """When the lock can be taken: nobody has it, and this process did not have the last one while another waits."""
    if _is_dead(owner):
        assert owner is not None
        return {"owner.token": owner["token"]}
    others_wait = {"$and": [{"$gt": ["$wanted_until", "$$NOW"]}, {"$ne": ["$wanted_by", me]}]}
    ended = {"$lte": ["$until", "$$NOW"]}
    return {"$expr": {"$and": [ended, {"$or": [{"$ne": ["$last", me]}, {"$not": [others_wait]}]}]}}


def _busy(dataset: Dataset, owner: dict[str, Any]) -> DatabaseError:
    return DatabaseError(
        f"Process {owner.get('pid')} on {owner.get('host')} has been changing the dataset for {WAIT_S:.0f} s.",
        at=dataset.name,
        fix="Wait for it, or stop it; the next change completes what it has begun.",
    )


def _make(dataset_id: Any) -> None:
    """Create the document of a dataset, without owner, unless it exists."""
    with contextlib.suppress(pymongo.errors.DuplicateKeyError):  # another process was faster
        _locks().update_one({"_id": dataset_id}, {"$setOnInsert": {"owner": None, "until": LONG_AGO}}, upsert=True)


def _is_dead(owner: dict[str, Any] | None) -> bool:
    """Whether the owner was a process of this machine that has ended; its number may belong to another by now."""
    if owner is None or owner["host"] != socket.gethostname():
        return False
    return _started(int(owner["pid"])) != float(owner["started"])


def _started(pid: int) -> float:
    """Start time of a process; 0 when there is none."""
    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return 0.0


def _after(milliseconds: int) -> dict[str, Any]:
    """A time by the server's clock."""
    return {"$add": ["$$NOW", milliseconds]}


def _locks() -> Any:
    return odm_database.get_db_conn()[TURNS]
