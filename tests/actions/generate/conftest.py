from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

import pytest

from tests.actions.generate.memory_sink import MemorySink
from workbench.base.processes import WorkerProcesses
from workbench.core.scenario import Scenario

SMALL = {"sensor.camera.resolution": [96, 72], "assets.targets.count": 3, "scene.surface.label": "matte"}


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def small() -> Scenario:
    return Scenario("small").replace(SMALL)


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two worker processes for all tests of a module; none is left behind."""
    with WorkerProcesses(2) as pool:
        yield pool
    assert pool.pids() == []
