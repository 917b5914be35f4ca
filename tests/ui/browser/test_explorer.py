"""The explorer in JupyterLab: embed, the map with its lasso, more like this, a taught attribute, the gap beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.browser.lab import Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

NAME = "explorer"
FILL = """
import json
from workbench.adapters import store
from workbench.actions.load import load
from workbench.actions.measure import measure
ds = store.open_dataset({name!r})
load(ds, {real!r}, source="real")
load(ds, {synthetic!r}, source="synthetic")
by_source = [store.select(ds, f"source == {{word!r}}") for word in ("real", "synthetic")]
ds.delete_samples([one for ids in by_source for one in ids[45:]])
measure(ds)
print(json.dumps(store.info(ds)["samples"]))
"""
TAG = """
import json
from workbench.actions import tag as tagging
from workbench.adapters import store
ds = store.open_dataset({name!r})
words = {{"shiny": "surface in ('metal', 'mirror')", "dull": "surface in ('matte', 'wood')"}}
for word, where in words.items():
    tagging.tag(ds, "finish:" + word, ids=store.select(ds, where)[:12])
print(json.dumps(tagging.history(ds)["changed"].tolist()))
"""


@pytest.fixture(scope="module")
def pictures(lab: Lab, sample_data: Path) -> int:
    """Ninety pictures, measured."""
    code = FILL.format(name=NAME, real=str(sample_data / "real"), synthetic=str(sample_data / "synthetic"))
    found: int = lab.python(code)
    return found


def test_map_lasso_likeness_and_a_taught_attribute(
    lab: Lab, pictures: int, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    assert all(n >= 5 for n in lab.python(TAG.format(name=NAME)))
    lab.write("explorer.ipynb", [f"import workbench as wb\nboard = wb.Board({NAME!r})\nboard"])
    notebook = open_notebook("explorer.ipynb", height=1300)
    notebook.run_all()
    board = notebook.board()
    board.wait_for_pictures()
    board.open_tab("Explore")
    expect(board.root.get_by_text(f"With a vector: 0 of {pictures} pictures.")).to_be_visible()
    board.does("embed").click()
    assert f"{pictures} embedded" in board.expect_job(1, "done")
    cloud = board.root.locator("canvas.wb-cloud")
    expect(cloud).to_be_visible(timeout=60_000)
    expect(board.root.locator(".wb-panel .wb-legend span").first).to_be_visible()
    _drag_around(board.page, cloud)
    board.expect_count("selected", pictures)
    screenshot(board.root, "explorer-map")
    board.page.keyboard.press("Escape")

    board.tile(0).click()
    board.does("like").click()
    strip = board.root.locator(".wb-panel .wb-strip .wb-relative")
    expect(strip).to_have_count(24)
    board.does("choose-like").click()
    board.expect_count("selected", 25)
    board.fill("Attribute to teach", "finish")
    board.does("teach").click()
    expect(board.root.get_by_text("balanced accuracy")).to_be_visible(timeout=60_000)
    expect(board.root.locator(".wb-bar[data-facet='finish'][data-value='shiny']")).to_be_visible()
    screenshot(board.root, "explorer-taught")
    board.does("choose-doubtful").click()
    expect(board.root.locator("[data-count='selected']")).not_to_have_text("25")
    strip.first.click()
    expect(board.root.locator(".wb-zoom")).to_be_visible()


def _drag_around(page: Any, cloud: Any) -> None:
    """An outline along the rim of the map."""
    box = cloud.bounding_box()
    left, top, right, bottom = box["x"] + 1, box["y"] + 1, box["x"] + box["width"] - 1, box["y"] + box["height"] - 1
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()
