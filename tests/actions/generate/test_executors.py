"""The contract of executors: whoever draws the frames, and in whatever order, they are the same bit for bit."""

from __future__ import annotations

import hashlib
import importlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.actions.generate.memory_sink import MemorySink
from workbench.actions.generate import cluster, generate
from workbench.actions.generate.inline import Inline
from workbench.base.errors import InputError, RenderError
from workbench.base.processes import WorkerDied, WorkerProcesses
from workbench.base.progress import Work
from workbench.core.scenario import Scenario

KINDS = ("images", "instances", "depth")
N = 3


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    """A cluster on this machine: a scheduler and two workers, each a process with one thread."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as local:
        yield local.scheduler_address


EXECUTORS: dict[str, Callable[[pytest.FixtureRequest], AbstractContextManager[Executor]]] = {
    "inline": lambda request: nullcontext(Inline()),
    "two processes": lambda request: nullcontext(request.getfixturevalue("processes")),
    "dask": lambda request: cluster(request.getfixturevalue("dask_address")),
}


@contextmanager
def executor(name: str, request: pytest.FixtureRequest) -> Iterator[Executor]:
    with EXECUTORS[name](request) as found:
        yield found


@pytest.fixture(scope="module")
def one_process() -> Iterator[Executor]:
    with WorkerProcesses(1) as pool:
        yield pool


def hashes(folder: Path) -> dict[str, str]:
    return {
        f"{kind}/{path.stem}": hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in KINDS
        for path in (folder / kind).iterdir()
    }


def labels(sink: MemorySink) -> dict[str, list[tuple]]:
    return {
        record.origin.rpartition("/")[2]: [
            (label.name, label.instance_id, label.xyxy, label.mask.tobytes(), tuple(sorted(label.attributes.items())))
            for label in record.labels
        ]
        for record in sink.records.values()
    }


def drawn(folder: Path, scenario: Scenario, backend: str, found: Executor, frames: list[int] | None = None):
    sink = MemorySink()
    for first in frames or [0]:
        n = 1 if frames else N
        made = generate(
            scenario, into=sink, n=n, first_frame=first, backend=backend, executor=found, folder=folder
        ).result()
        assert made.generated == n
    return hashes(folder), labels(sink)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, one_process: Executor) -> Callable[[str], tuple]:
    """Hashes and labels as one worker process draws them in order."""
    known: dict[str, tuple] = {}

    def of(backend: str) -> tuple:
        if backend not in known:
            folder = tmp_path_factory.mktemp(backend)
            known[backend] = drawn(folder, scenario_of(backend), backend, one_process)
        return known[backend]

    return of


def scenario_of(backend: str) -> Scenario:
    changes = {"sensor.camera.resolution": [96, 72], "sensor.lens.distortion.k1": -0.06}
    return Scenario.load("glare" if backend == "open3d" else "clutter").replace(changes)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("inline", "flat"),
        ("two processes", "flat"),
        ("two processes", "open3d"),
        ("two processes", "mitsuba"),
        ("dask", "flat"),
        ("dask", "open3d"),
    ],
)
def test_frames_are_the_same(name: str, backend: str, expected, tmp_path: Path, request) -> None:
    with executor(name, request) as found:
        assert drawn(tmp_path, scenario_of(backend), backend, found) == expected(backend)


@pytest.mark.parametrize("backend", ["flat", "open3d", "mitsuba"])
def test_alone_and_in_another_order_too(backend: str, expected, one_process: Executor, tmp_path: Path) -> None:
    """Also after the pictures of other scenarios."""
    in_order = expected(backend)[0]
    assert drawn(tmp_path, scenario_of(backend), backend, one_process, [2, 0, 1])[0] == in_order
    alone, _ = drawn(tmp_path / "alone", scenario_of(backend), backend, one_process, [2])
    assert alone == {key: value for key, value in in_order.items() if key.endswith("000002")}


@pytest.mark.parametrize("name", ["two processes", "dask"])
def test_errors_come_back_whole(name: str, small: Scenario, tmp_path: Path, request) -> None:
    with executor(name, request) as found, pytest.raises(InputError, match="Did you mean 'flat'"):
        generate(small, into=MemorySink(), n=2, backend="flatt", executor=found, folder=tmp_path).result()


@pytest.mark.parametrize("name", ["two processes", "dask"])
def test_a_worker_that_dies_is_named_or_replaced(name: str, request) -> None:
    with executor(name, request) as found:
        with pytest.raises(WorkerDied, match=r"A worker process .*was killed"):
            found.submit(die).result()
        assert found.submit(divmod, 7, 2).result() == (3, 1)


def die() -> None:
    """End the worker as the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_cluster_that_is_lost_is_named(small: Scenario, tmp_path: Path) -> None:
    from distributed import LocalCluster

    local = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, processes=True)
    sink = MemorySink()
    with cluster(local.scheduler_address) as found:
        job = generate(
            small, into=sink, n=500, backend="flat", executor=found, folder=tmp_path,
            work=Work(lambda tick: local.close() if tick.done == 3 else None),
        )  # fmt: skip
        with pytest.raises(RenderError, match="The executor failed"):
            job.result()
    assert len(sink.records) >= 3
    assert generate(small, into=sink, n=5, backend="flat", workers=0, folder=tmp_path).result().already_there >= 3


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("workbench.actions.generate.cluster"), "PATIENCE_S", 1.0)
    with (
        pytest.raises(InputError, match=r"tcp://127.0.0.1:1: No Dask scheduler answers \(.+\)"),
        cluster("tcp://127.0.0.1:1"),
    ):
        pass
    with pytest.raises(InputError, match="No Dask scheduler answers"), cluster("nonsense"):
        pass
