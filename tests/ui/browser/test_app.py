"""The FiftyOne App below the board: it opens on every kind of sample without an error of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.ui.browser.lab import Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

GENERATED = """
import workbench as wb
from pathlib import Path
from workbench.adapters import store
from workbench.core.schema.labels import Camera, Label, Record

ds = wb.open({name!r})
params = {{"scene.surface.roughness": 0.25, "scene.surface.material": "metal", "scene.dusty": True}}
generation = {{"scenario_name": "dim", "seed": 7, "params": params, "parent_sample_ids": ["a"], "created": "today"}}
records = [
    Record(path, path.name, 160, 120, (Label("mug", (10, 20, 70, 70)),), generation=generation if i % 2 else {{}},
           camera=Camera(160, 120, 100.0, 100.0, 80.0, 60.0))
    for i, path in enumerate(sorted(Path({folder!r}).glob("*.png")))
]
store.add(ds, records[1::2], source="synthetic")
store.add(ds, records[::2], source="real")
store.set_values(ds, {{i: {{"measures.noise": 1.5}} for i in store.select(ds)}})
board = wb.Board(ds)
"""
OUTSIDE = ("Failed to load resource", "Failed to fetch")  # what the App asks of the internet, which tests have not


def test_the_app_shows_generated_samples_without_an_error(
    lab: Lab, tmp_path: Path, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    rng = np.random.default_rng(3)
    for i in range(8):
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(tmp_path / f"{i}.png")
    lab.write("generated.ipynb", [GENERATED.format(name="generated", folder=str(tmp_path)) + "board"])
    notebook = open_notebook("generated.ipynb")
    notebook.run_all()
    errors: list[str] = []
    notebook.page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    board = notebook.board()
    board.wait_for_pictures()
    board.does("app").click()
    frame = board.root.frame_locator(".wb-app iframe")
    expect(frame.get_by_text("8 samples").first).to_be_visible(timeout=120_000)
    expect(frame.locator("[data-cy='sidebar-group-generation_params-field']")).to_be_visible()
    notebook.page.wait_for_timeout(3000)  # it asks for more after it has shown the samples
    screenshot(notebook.page, "app-generated")
    frame.get_by_text("Dismiss", exact=True).or_(frame.locator("body")).last.click()
    frame.locator("[data-cy='looker']").first.click()
    expect(frame.locator("[data-cy='modal']")).to_be_visible()
    expect(frame.locator("[data-cy='modal']").get_by_text("generation_params.scene_dusty")).to_be_attached()
    notebook.page.wait_for_timeout(1000)
    screenshot(notebook.page, "app-generated-sample")
    assert [text for text in errors if not text.startswith(OUTSIDE)] == []
