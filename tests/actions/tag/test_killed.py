"""Kernel and database killed at random moments of tagging: no confirmed change lost, none half done, none twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.own_database import Server
from tests.sizes import CURATOR_KILLS

SAMPLES = 160
CHECK = """
import sys
from pathlib import Path
from workbench.adapters import store
from workbench.adapters.store import journal
dataset = store.require_dataset(sys.argv[1])
found = journal.entries(dataset)  # finishes what was cut off
assert [e.number for e in found] == list(range(1, len(found) + 1)), "numbers have gaps or repeat"
lost = set(Path(sys.argv[2]).read_text().split()) - {e.change_id for e in found}
assert not lost, f"confirmed and lost: {lost}"
model = {i: set() for i in store.select(dataset)}
for e in found:
    ids = [str(i) for part in journal.changed_by(dataset, e.change_id) for i in part.ids]
    assert len(ids) == len(set(ids)) == e.changed, f"change {e.number}: {e.changed} changed, {len(ids)} kept"
    for i in ids:
        assert (e.tag in model[i]) == (e.action == "untag"), f"change {e.number} was done twice"
        (model[i].add if e.action == "tag" else model[i].discard)(e.tag)
for sample in store.read(dataset):
    assert set(sample.tags) == model[sample.id] and len(sample.tags) == len(set(sample.tags)), sample.id
print(len(found), len({e.who for e in found}))
"""


class Curators:
    """Processes that tag without pause; see ``curator.py``."""

    def __init__(self, server: Server, name: str, log: Path) -> None:
        program = str(Path(__file__).with_name("curator.py"))
        self.parent = subprocess.Popen(
            [sys.executable, program, name, str(SAMPLES), str(log)],
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def _line(self) -> str:
        assert self.parent.stdout
        return self.parent.stdout.readline().strip()

    def start(self, seed: int) -> int:
        assert self.parent.stdin
        self.parent.stdin.write(f"{seed}\n")
        self.parent.stdin.flush()
        return int(self._line())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "db")
    yield started
    started.kill()


MAKE = """
import sys, fiftyone as fo
from workbench.adapters import store
dataset = store.open_dataset("kills")
dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png") for i in range(int(sys.argv[1]))], progress=False)
"""


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it had lost its database


def test_kernel_and_database_killed_at_random_moments(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "confirmed"
    log.touch()
    server.run(MAKE, str(SAMPLES))
    curators, rng = Curators(server, "kills", log), random.Random(5)
    try:
        for n in range(CURATOR_KILLS):
            before = log.stat().st_size
            pid = curators.start(n)
            deadline = time.monotonic() + 60
            while log.stat().st_size == before and time.monotonic() < deadline:
                time.sleep(0.005)  # it has to be at work
            assert log.stat().st_size > before, f"curator {n} did not come to work"
            time.sleep(rng.uniform(0, 0.15))
            if n % 2:
                server.kill()
                server.start()
            kill(pid)
            if n % 10 == 9:
                server.run(CHECK, "kills", str(log))
        changes, curators_seen = map(int, server.run(CHECK, "kills", str(log)).split())
        assert changes >= CURATOR_KILLS and curators_seen == CURATOR_KILLS
    finally:
        curators.parent.kill()
        curators.parent.wait()


def test_two_curators_at_once_lose_nothing(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "confirmed"
    log.touch()
    server.run(MAKE, str(SAMPLES))
    curators = Curators(server, "kills", log)
    try:
        pids = [curators.start(seed) for seed in (1, 2)]
        deadline = time.monotonic() + 60
        while len(log.read_text().split()) < 60 and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in pids:
            kill(pid)
        changes, both = map(int, server.run(CHECK, "kills", str(log)).split())
        assert changes >= 60 and both == 2  # neither had to wait for the other to stop
    finally:
        curators.parent.kill()
        curators.parent.wait()
