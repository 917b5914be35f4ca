"""A table that follows its dataset: what others add, change and delete, and what the App tags."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from workbench.actions import tag as tagging
from workbench.adapters import store
from workbench.adapters.store import documents, write_lock
from workbench.adapters.store import snapshot as module
from workbench.base.errors import DatabaseError
from workbench.core.schema.labels import Label, Record

Write = Callable[..., Path]


def records(picture: Write, names: str) -> list[Record]:
    label = Label("mug", (1.0, 2.0, 30.0, 40.0))
    said = {"lighting": "dim"}
    return [
        Record(picture(f"{name}.png", seed=ord(name)), name, 64, 48, labels=(label,) * i, attributes=said)
        for i, name in enumerate(names)
    ]


def settle(dataset: Any, sample_id: str) -> None:
    """Let one sample alone be the newest; the database keeps milliseconds."""
    time.sleep(0.01)
    store.set_values(dataset, {sample_id: {"split": "train"}})


def same(found: store.Snapshot, dataset: Any) -> bool:
    """Whether it says what the dataset says when it is read anew."""
    one, other = found.table.to_frame(), store.table(dataset).to_frame()
    return list(one.columns) == list(other.columns) and one.astype(str).equals(other.astype(str))


@pytest.fixture(autouse=True)
def no_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else everything of the last minute is read again."""
    monkeypatch.setattr(module, "OVERLAP_MS", 0.0)


def test_it_reads_only_what_has_changed(dataset: Any, picture: Write) -> None:
    ids = store.add(dataset, records(picture, "abcdef"), source="real").ids
    settle(dataset, ids[5])
    found = store.Snapshot(dataset)
    assert found.read == 6 and not found.is_stale() and not found.refresh()
    store.add(dataset, records(picture, "gh"), source="synthetic")
    assert found.is_stale() and found.refresh()
    assert 2 <= found.read <= 3 and len(found.table) == 8  # the newest of before has the same time as the limit
    tagging.tag(dataset, "failure:glare", ids=ids[:2])
    assert found.refresh() and 2 <= found.read <= 4 and same(found, dataset)
    store.set_values(dataset, {ids[3]: {"lighting": "bright", "measures.blur_px": 2.5}})
    assert found.refresh() and 1 <= found.read <= 3 and same(found, dataset)


def test_it_sees_what_fiftyone_does(dataset: Any, picture: Write) -> None:
    store.add(dataset, records(picture, "abc"), source="real")
    found = store.Snapshot(dataset)
    dataset.limit(1).tag_samples("seen in the App")
    found.refresh()
    assert same(found, dataset) and found.table.columns["tags"].counts(found.table.mask(store.columns.as_filter(None)))
    sample = dataset.last()
    sample["note"] = "new field"
    sample.save()
    found.refresh()
    assert same(found, dataset) and "note" in found.table.columns
    dataset.delete_samples(dataset.limit(1))
    found.refresh()
    assert same(found, dataset) and len(found.table) == 2
    dataset.delete_sample_field("note")
    store.set_values(dataset, {str(dataset.first().id): {"lighting": "harsh"}})
    found.refresh()
    assert same(found, dataset)


def test_it_is_kept_between_sessions(dataset: Any, picture: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_KEEPING", 3)
    settle(dataset, store.add(dataset, records(picture, "abcd"), source="real").ids[0])
    assert store.Snapshot(dataset).read == 4
    again = store.Snapshot(dataset)
    assert again.read == 1 and same(again, dataset)  # the newest has the same time as the limit
    store.set_values(dataset, {again.table.ids[0]: {"sensor": "noisy"}})
    assert same(store.Snapshot(dataset), dataset)
    next(module.home().joinpath("tables").glob("*.npz")).write_bytes(b"broken")
    assert same(store.Snapshot(dataset), dataset)


OTHER_CLOCKS = [timedelta(0), timedelta(seconds=-30), timedelta(days=-400), timedelta(days=400)]


@pytest.mark.parametrize("wrong", OTHER_CLOCKS, ids=str)
@pytest.mark.parametrize("who", ["ours", "fiftyone"])
def test_it_sees_what_others_change_whatever_their_clocks_say(
    dataset: Any, picture: Write, monkeypatch: pytest.MonkeyPatch, wrong: timedelta, who: str
) -> None:
    """Also what is deleted and added in equal numbers, and a second change by the same clock."""
    ids = store.add(dataset, records(picture, "abcdef"), source="real").ids
    found = store.Snapshot(dataset)
    moment = datetime.now(timezone.utc) + wrong
    monkeypatch.setattr(documents, "now", lambda: moment)
    for n in range(3):
        moment += timedelta(milliseconds=n)
        if who == "ours":
            store.set_values(dataset, {ids[n]: {"lighting": f"bright{n}"}})
        else:
            change = {"$set": {"lighting": f"bright{n}", "last_modified_at": moment}}
            dataset._sample_collection.update_one({"_id": dataset[ids[n]]._id}, change)
        assert found.is_stale() and found.refresh()
        assert same(found, dataset) and f"bright{n}" in set(found.table.to_frame()["lighting"])
        assert not found.is_stale()
    dataset.delete_samples([ids[5]])
    store.add(dataset, records(picture, "g"), source="real")
    assert found.is_stale() and found.refresh() and same(found, dataset)


def test_it_follows_without_the_counter_of_the_server(
    dataset: Any, picture: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = store.add(dataset, records(picture, "abc"), source="real").ids
    monkeypatch.setattr(module, "revision", lambda dataset: None)
    found = store.Snapshot(dataset)
    assert not found.is_stale()
    monkeypatch.setattr(documents, "now", lambda: datetime.now(timezone.utc) - timedelta(days=1))
    store.set_values(dataset, {ids[0]: {"lighting": "bright"}})
    assert found.is_stale() and found.refresh() and same(found, dataset)


def test_a_lock_outlives_steps_of_the_clock(dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day of the server and of this machine has no say; only silence by the waiting process's own time."""
    monkeypatch.setattr(write_lock, "LEASE_S", 0.6)
    monkeypatch.setattr(write_lock, "WAIT_S", 0.3)
    locks = write_lock._locks()
    elsewhere = {"host": "another", "pid": 1, "started": 1.0, "token": "theirs", "renewed": 0}
    long_ago = {"until": datetime(1970, 1, 1), "wanted_until": datetime(2999, 1, 1)}  # what older versions noted
    locks.replace_one({"_id": dataset._doc.id}, {"owner": elsewhere, **long_ago}, upsert=True)
    with pytest.raises(DatabaseError, match="another"), write_lock.write_lock(dataset):
        pass
    monkeypatch.setattr(write_lock, "WAIT_S", 5.0)
    theirs = write_lock.WriteLock(dataset._doc.id, "theirs")
    theirs.renew()
    with write_lock.write_lock(dataset) as held:  # it is silent from now on
        held.renew()
        with pytest.raises(DatabaseError, match="another one took over"):
            theirs.renew()
    with write_lock.write_lock(dataset):  # free again, and who had it last does not wait for one that has died
        pass
    locks.update_one({"_id": dataset._doc.id}, {"$set": {"wanted_by": elsewhere}})
    with write_lock.write_lock(dataset):
        pass
