"""Jobs that are killed at any moment: nothing is lost, nothing is there twice, and every frame is what it would be."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.actions.generate.killed_job import FileSink
from tests.actions.generate.memory_sink import MemorySink
from tests.sizes import JOB_KILLS, MANY_FRAMES, WARM_FRAMES
from workbench.actions.generate import generate
from workbench.actions.generate.media import path_of
from workbench.base.progress import Work
from workbench.core.scenario import Scenario

pytestmark = pytest.mark.timeout(1800)
PER_KILL = 30  # frames, so that no job ends before it is killed
KINDS = ("images", "instances", "depth")


def hashes(folder: Path, n: int) -> list[list[str]]:
    return [
        [hashlib.sha256(path_of(folder, kind, frame).read_bytes()).hexdigest() for kind in KINDS] for frame in range(n)
    ]


def test_random_kills(small: Scenario, tmp_path: Path) -> None:
    scenario = small.replace({"sensor.camera.resolution": [32, 24], "assets.targets.count": 2})
    scenario.dump(tmp_path / "small.yaml")
    rng, n = random.Random(5), JOB_KILLS * PER_KILL
    folder, sink = tmp_path / "out", FileSink(tmp_path / "database")
    killed = 0
    for attempt in range(JOB_KILLS):
        # whole process groups, so that workers die in the middle of a file too; some right at the start
        before = len(list((folder / "frames").glob("*.json"))) if folder.exists() else 0
        job = start(tmp_path, n, workers=attempt % 2)
        until = time.monotonic() + 120
        wait_for = before + rng.randrange(0, PER_KILL // 2)
        while time.monotonic() < until and len(list((folder / "frames").glob("*.json"))) < wait_for:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.3))
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
            killed += 1
        job.wait()
        keys = sink.keys()
        assert len(keys) == len(set(keys)), f"doubled after kill {attempt}"
        whole = {path.name.split(".")[0] for path in (folder / "frames").glob("*.json")}
        for kind in KINDS:  # the marker says that all files are there
            assert whole <= {path.stem for path in (folder / kind).iterdir()}
    assert killed == JOB_KILLS
    last = start(tmp_path, n, workers=1)
    assert last.wait(600) == 0
    keys = sink.keys()
    assert len(keys) == len(set(keys)) == n
    assert sorted(path.name for path in (folder / "frames").glob("*.json")) == [
        f"{frame:06d}.scenario.json" for frame in range(n)
    ]
    shown = min(n, 60)
    generate(scenario, into=MemorySink(), n=shown, backend="flat", workers=0, folder=tmp_path / "whole").result()
    assert hashes(folder, shown) == hashes(tmp_path / "whole", shown)


def start(tmp_path: Path, n: int, *, workers: int) -> subprocess.Popen[bytes]:
    here = Path(__file__).parent
    command = [sys.executable, str(here / "killed_job.py"), str(tmp_path / "small.yaml"), str(tmp_path / "out")]
    return subprocess.Popen(
        [*command, str(tmp_path / "database"), str(n), str(workers)],
        env={**os.environ, "PYTHONPATH": str(here.parents[2])},
        start_new_session=True,
    )


def test_many_frames_leave_memory_and_handles_flat(small: Scenario, tmp_path: Path) -> None:
    """Counted in the job's process and in its worker, once it has run warm and at its end."""
    import psutil

    scenario = small.replace({"sensor.camera.resolution": [32, 24], "assets.targets.count": 2})
    seen: dict[int, tuple[int, int, int, int]] = {}

    def look(tick) -> None:
        if tick.done in (WARM_FRAMES, MANY_FRAMES) and tick.done not in seen:
            me = psutil.Process()
            (worker,) = (p for p in me.children() if "workbench.base.processes" in " ".join(p.cmdline()))
            seen[tick.done] = (me.num_fds(), worker.num_fds(), me.memory_info().rss, worker.memory_info().rss)

    generate(
        scenario, into=Forgetful(), n=MANY_FRAMES, backend="flat", workers=1, folder=tmp_path, work=Work(look)
    ).result()  # fmt: skip
    early, late = seen[WARM_FRAMES], seen[MANY_FRAMES]
    assert late[0] <= early[0] + 2 and late[1] <= early[1] + 2
    assert late[2] - early[2] < 30e6 and late[3] - early[3] < 30e6, (early, late)


class Forgetful(MemorySink):
    """Keeps the keys only, as a database keeps nothing in our process."""

    def add(self, records):
        ids = super().add(records)
        self.records = dict.fromkeys(self.records)
        return ids
