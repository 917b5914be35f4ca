"""Trial renders, measured as photos are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, as_completed

import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.donors import NO_SUPPLY, Supply
from workbench.actions.generate.frame import NotAccepted, accepted_draw
from workbench.base.progress import Progress
from workbench.core import measures
from workbench.core.scenario import Scenario

PROBE_WIDTH_PX = 640
BOX_MEASURES = ("box_size", "box_apart")


def probed(
    pool: Executor,
    scenarios: Sequence[Scenario],
    names: tuple[str, ...],
    backend: str,
    progress: Progress,
    supply: Supply = NO_SUPPLY,
    *,
    first_frame: int = 0,
) -> NDArray[np.float64]:
    """Measures ``(n, names)`` of one image of each scenario: frame ``i`` of scenario ``i``; NaN without a draw."""
    futures = {
        pool.submit(picture_measures, scenario, first_frame + i, backend, names, supply): i
        for i, scenario in enumerate(scenarios)
    }
    rows: dict[int, list[float]] = {}
    try:
        for future in as_completed(futures):
            rows[futures[future]] = future.result()
            progress.advance()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return np.array([rows[i] for i in range(len(scenarios))]).reshape(len(scenarios), len(names))


def picture_measures(
    scenario: Scenario, frame: int, backend: str, names: tuple[str, ...], supply: Supply = NO_SUPPLY
) -> list[float]:
    """Draw one frame in memory and measure it as a photo would be; the function that workers run."""
    try:
        accepted = accepted_draw(scenario, frame, supply)
    except NotAccepted:  # e.g. more objects than this support holds: one probe less
        return [float("nan")] * len(names)
    accepted = accepted.scaled(min(1.0, PROBE_WIDTH_PX / accepted.size_px[0]))
    values = measures.measure_all(measures.decode(accepted.shoot(backend).picture.data))
    values |= box_measures([label.xyxy for label in accepted.labels], *accepted.size_px)
    return [float(values[name]) for name in names]


def box_measures(boxes: Sequence[Sequence[float]], width: int, height: int) -> dict[str, float]:
    """How large boxes are and how far they lie apart, as shares of the image; NaN without boxes.

    >>> box_measures([(0, 0, 20, 20), (50, 0, 70, 20)], 100, 100)
    {'box_size': 0.2, 'box_apart': 0.25}
    """
    if not boxes:
        return dict.fromkeys(BOX_MEASURES, float("nan"))
    left, top, right, bottom = np.array(boxes, float).T
    sizes = np.sqrt(np.maximum((right - left) * (bottom - top), 0.0) / (width * height))
    apart = np.hypot((left + right).std() / 2 / width, (top + bottom).std() / 2 / height)
    return {"box_size": float(np.median(sizes)), "box_apart": float(apart) if len(boxes) > 1 else float("nan")}
