"""The board on 40,000 samples without pictures: the number is asked again, the scrollbar reaches the end."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.ui.browser.lab import Board, Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

REPOSITORY = Path(__file__).resolve().parents[3]
SAMPLES = 40_000
FILL = """
import json, sys
sys.path.insert(0, {repository!r})
from tests.bench import bench_facets
from workbench.adapters import store
import fiftyone as fo
ds = store.open_dataset("large")
ds.media_type = "image"
ds.add_sample_field(bench_facets.NUMBER, fo.FloatField)
bench_facets.fill(ds, {samples})
print(json.dumps([len(store.select(ds, "lighting == 'dim'")), ds.count()]))
"""
LAST = "all => Math.max(...all.map((tile) => Number(tile.dataset.index)))"


def test_many_samples(lab: Lab, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]) -> None:
    dim, everything = lab.python(FILL.format(repository=str(REPOSITORY), samples=SAMPLES))
    assert everything == SAMPLES
    lab.write("large.ipynb", ["import workbench as wb\nboard = wb.Board('large')\nboard"])
    notebook = open_notebook("large.ipynb")
    notebook.run_all()
    board = notebook.board()
    root, tiles = board.root, board.root.locator(".wb-tile[data-id]")
    expect(tiles.first).to_be_visible()
    board.click_bar("lighting", "dim")
    board.expect_count("filtered", dim)
    # the number is shown before, and asked again
    board.fill("Name of the failure scenario", "dim")
    expect(board.does("tag-filtered")).to_have_text(f"Tag all {dim:,} filtered")
    board.does("tag-filtered").click()
    expect(root.locator(".wb-confirm")).to_contain_text(f"Tag {dim:,} filtered samples with failure:dim?")
    root.get_by_role("button", name="No", exact=True).click()
    expect(board.bar("tags", "failure:dim")).to_have_count(0)
    board.does("tag-filtered").click()
    board.does("confirm").click()
    expect(board.message()).to_contain_text(f'Tagged {dim:,} samples as "dim".', timeout=60_000)
    board.open_tab("History")
    root.locator("[data-does='undo-change']").first.click()
    board.does("undo-confirm").click()
    expect(board.message()).to_contain_text(f'Undid "dim" on {dim:,} samples.', timeout=60_000)
    root.locator(".wb-chip").click()
    board.expect_count("filtered", SAMPLES)
    # the largest pictures make the grid taller than a browser can: the end is reached all the same
    expect(tiles.first).to_be_visible()
    board.tile(0).click()
    board.press("+", "+")
    _to_the_end(board)
    height = root.locator(".wb-space:visible").evaluate("node => node.offsetHeight")
    assert height <= 4_000_000
    board.press("Home")
    expect(board.tile(0)).to_be_visible()
    gallery = root.locator(".wb-gallery:visible")
    gallery.hover()
    board.page.mouse.wheel(0, 600)  # a step of the wheel stays a step
    expect(board.tile(0)).to_have_count(0)
    assert tiles.evaluate_all(LAST) < 60
    for share in (0.3, 0.9, 0.1, 0.6):
        gallery.evaluate("(node, share) => { node.scrollTop = share * node.scrollHeight; }", share)
        board.page.wait_for_timeout(300)  # the frame that draws the new part
        expect(root.locator(".wb-tile.wb-loading")).to_have_count(0)
        found = tiles.evaluate_all(LAST)
        assert abs(found / SAMPLES - share) < 0.02
    for pause_ms in (40, 80, 120, 200):  # while pages are on their way: what is in sight comes in the end
        for share in (0.2, 0.7, 0.4):
            gallery.evaluate("(node, share) => { node.scrollTop = share * node.scrollHeight; }", share)
            board.page.wait_for_timeout(pause_ms)
        expect(root.locator(".wb-tile.wb-loading")).to_have_count(0)
    assert tiles.count() < 60  # what is out of sight is not in the page
    screenshot(root, "large")


def _to_the_end(board: Board) -> None:
    """Press End; once more where a redraw on a busy machine came between click and key, and took the focus."""
    last = board.tile(SAMPLES - 1)
    for _ in range(3):
        if board.tile(0).count():
            board.tile(0).click()
        board.press("End")
        with contextlib.suppress(AssertionError):
            expect(last).to_have_attribute("data-id", re.compile("^[0-9a-f]{24}$"), timeout=20_000)
            return
    expect(last).to_have_attribute("data-id", re.compile("^[0-9a-f]{24}$"))
