"""Sequences in a temporary file: the same items, in any order, from several threads; a full disk is told."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import records
from workbench.base import spool as spooled
from workbench.base.errors import OutputError
from workbench.base.spool import Part, Spooled, Viewed
from workbench.core.schema.labels import Labels, Record


def numbers(items):
    return Spooled(items, lambda n: (n, "x" * (n % 50)), lambda packed: packed[0])


@given(st.lists(st.integers(0, 1000)), st.integers(-5, 5), st.integers(-5, 5))
def test_a_spooled_list_is_a_list(items, start, stop):
    assert list(numbers(items)) == items  # few stay in memory
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled, "MEMORY_BYTES", 300)
        patch.setattr(spooled, "AHEAD_BYTES", 200)
        found = numbers(iter(items))
        _is_the_list(found, items, start, stop)


def _is_the_list(found, items, start, stop):
    assert len(found) == len(items)
    assert list(found) == items == list(reversed(list(reversed(found))))
    assert list(found[start:stop]) == items[start:stop]
    assert [found[at] for at in range(-len(items), len(items))] == items + items
    assert list(Viewed(Part(found, range(len(items))), lambda n: n + 1)) == [n + 1 for n in items]
    with pytest.raises(IndexError):
        found[len(items)]


def test_threads_that_read_elsewhere_do_not_disturb_each_other():
    found = numbers(range(20_000))  # several pieces of what is read ahead
    with ThreadPoolExecutor(8) as pool:
        parts = pool.map(lambda at: [found[(at * 2_477 + step * 17) % 20_000] for step in range(2_000)], range(8))
    assert [*parts] == [[(at * 2_477 + step * 17) % 20_000 for step in range(2_000)] for at in range(8)]


@given(records)
def test_a_packed_record_is_the_record(record):
    with_boxes = Record(record.image_path, record.origin, 4, 3, Labels(("cup",), [0.0, 1.0, 2.0, 2.5]))
    for one in (record, with_boxes):
        found = Spooled([one], Record.packed, Record.unpacked)[0]
        assert str(found) == str(one)  # arrays inside: no truth of their own
        assert type(found.labels) is type(one.labels)
        assert (found.size_bytes, found.content_sha256) == (one.size_bytes, one.content_sha256)


def test_a_full_disk_is_told(monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spooled.tempfile, "TemporaryFile", lambda **_: Full())
    monkeypatch.setattr(spooled, "MEMORY_BYTES", 10)
    with pytest.raises(OutputError, match=r"Cannot write temporary files: No space left on device\..*set TMPDIR"):
        numbers([1])
