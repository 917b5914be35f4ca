"""Draw the contact sheets of the docs again: every preset, and one scene by each backend."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from workbench.actions.generate.sheet import save_sheet, sheet, tiled, titled
from workbench.base.processes import WorkerProcesses
from workbench.core.scenario import preset_names

IMAGES = Path(__file__).resolve().parents[1] / "notebooks" / "images"


def presets() -> None:
    """Four frames of each preset."""
    with WorkerProcesses(2) as pool:
        rows = [sheet(name, 4, width_px=220, boxes=False, executor=pool) for name in preset_names()]
    save_sheet(IMAGES / "presets.jpg", np.concatenate(rows))


def backends() -> None:
    """The same two frames by each backend; one process each, for two LLVMs in one do not go."""
    rows = []
    for backend in ("open3d", "mitsuba", "flat"):
        with WorkerProcesses(1) as pool:
            pictures = [
                sheet(name, 1, columns=1, width_px=290, backend=backend, boxes=False, executor=pool)
                for name in ("bright_tray", "glare", "backlit_glass")
            ]
        rows.append(titled(tiled(pictures, 3), backend))
    save_sheet(IMAGES / "backends.jpg", np.concatenate(rows))


if __name__ == "__main__":
    {"presets": presets, "backends": backends}[sys.argv[1]]()
