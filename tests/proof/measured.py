"""Measures of pictures, as the gap compares them; its functions run in worker processes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.actions.evaluate.gap import CYCLIC
from workbench.actions.generate.donors import Supply, supply_for
from workbench.actions.generate.frame import NotAccepted, accepted_draw
from workbench.base.processes import WorkerProcesses
from workbench.core.measures import MEASURES, decode, measure_all
from workbench.core.scenario import Scenario

NAMES = tuple(name for name in MEASURES if name not in CYCLIC)
Floats = NDArray[np.float64]


def of_files(jpegs: list[bytes]) -> Floats:
    """``(n, measures)`` of JPEG files."""
    return np.array([_of_file(jpeg) for jpeg in jpegs])


def of_scenario(one: Scenario, n: int) -> Floats:
    """``(n, measures)`` of frames that two processes draw."""
    with WorkerProcesses(2) as pool, tempfile.TemporaryDirectory() as folder:
        supply = supply_for(one, Path(folder))
        return np.array(list(pool.map(_of_frame, [one] * n, range(n), [supply] * n)))


def _of_frame(one: Scenario, frame: int, supply: Supply) -> list[float]:
    for number in range(frame, frame + 100_000, 10_000):  # a frame without a draw gives way to one far away
        try:
            return _of_file(accepted_draw(one, number, supply).shoot("open3d").picture.data)
        except NotAccepted:
            continue
    raise NotAccepted("None of ten frames can be drawn.", at=one.name)


def _of_file(jpeg: bytes) -> list[float]:
    found = measure_all(decode(jpeg))
    return [found[name] for name in NAMES]
