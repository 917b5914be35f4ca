"""One writer of tags at a time for each dataset, across threads, kernels and machines.

The lock is a document with a number that its holder counts up while it works. A writer that died on this machine loses
it at once, one on another machine when those who wait have not seen the number change for ``LEASE_S`` of their own
time; no clock of day is read, which may be set at any moment. Whoever comes next finishes what the dead one had written
ahead.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fiftyone.core.odm.database as odm_database
import pymongo.errors

from workbench.adapters.store.database import Dataset
from workbench.adapters.store.owners import is_dead, this_process
from workbench.base.errors import DatabaseError

TURNS = "workbench_turns"
LEASE_S = 15.0
GIVE_WAY_S = 0.2  # that the last holder leaves to others who wait
COUNTED = ("token", "renewed")
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
        mine = {"_id": self.dataset_id, "owner.token": self.token}
        if not _locks().update_one(mine, {"$inc": {"owner.renewed": 1}}).matched_count:
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
        _locks().update_one({"_id": held.dataset_id, "owner.token": held.token}, {"$set": {"owner": None}})


def forget_lock(dataset: Dataset) -> None:
    """Delete the lock of a dataset."""
    _locks().delete_one({"_id": dataset._doc.id})


def _wait(dataset: Dataset) -> WriteLock:
    held = WriteLock(dataset._doc.id, uuid.uuid4().hex)
    me = this_process()
    taken = {"$set": {"owner": {**me, "token": held.token, "renewed": 0}, "last": me, "wanted_by": None}}
    begun_s, watch = time.monotonic(), _Watch()
    while True:
        document = _locks().find_one({"_id": held.dataset_id})
        waited_s = time.monotonic() - begun_s
        if document is None:
            _make(held.dataset_id)
            continue
        owner = document.get("owner")
        if is_dead(owner) or watch.has_stopped(owner) or (owner is None and not _gives_way(document, me, waited_s)):
            as_seen = (
                {f"owner.{key}": owner.get(key) for key in COUNTED} if isinstance(owner, dict) else {"owner": owner}
            )
            if _locks().update_one({"_id": held.dataset_id, **as_seen}, taken).matched_count:
                return held
        elif waited_s > WAIT_S:
            raise _busy(dataset, owner or {})
        elif owner is not None and document.get("wanted_by") is None:
            _locks().update_one({"_id": held.dataset_id}, {"$set": {"wanted_by": me}})
        time.sleep(random.uniform(0.0, LONGEST_PAUSE_S))  # noqa: S311 - so that waiting processes do not retry at the same moment


class _Watch:
    """How long the holder of a lock has shown no sign of life, by this process's own time."""

    def __init__(self) -> None:
        self._seen: tuple[Any, ...] = ()
        self._since_s = 0.0

    def has_stopped(self, owner: dict[str, Any] | None) -> bool:
        """Whether the holder has not renewed its lock for the length of a lease."""
        seen = tuple(owner.get(key) for key in COUNTED) if isinstance(owner, dict) else ()
        if seen != self._seen:
            self._seen, self._since_s = seen, time.monotonic()
        return bool(seen) and time.monotonic() - self._since_s > LEASE_S


def _gives_way(document: dict[str, Any], me: dict[str, Any], waited_s: float) -> bool:
    """Whether this process had the lock last while another waits; for a moment, because that one may have died."""
    wanted_by = document.get("wanted_by")
    return document.get("last") == me and wanted_by not in (None, me) and waited_s < GIVE_WAY_S


def _busy(dataset: Dataset, owner: dict[str, Any]) -> DatabaseError:
    return DatabaseError(
        f"Process {owner.get('pid')} on {owner.get('host')} has been changing the dataset for {WAIT_S:.0f} s.",
        at=dataset.name,
        fix="Wait for it, or stop it; the next change completes what it has begun.",
    )


def _make(dataset_id: Any) -> None:
    """Create the document of a dataset, without owner, unless it exists."""
    with contextlib.suppress(pymongo.errors.DuplicateKeyError):  # another process was faster
        _locks().update_one({"_id": dataset_id}, {"$setOnInsert": {"owner": None}}, upsert=True)


def _locks() -> Any:
    return odm_database.get_db_conn()[TURNS]
