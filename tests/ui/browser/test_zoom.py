"""Keys and clicks act on what is shown: in the zoom on its sample, and a double click selects nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.ui.browser.lab import Board, Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SAMPLES = 150  # three pages of the gallery
OPEN = """
import workbench as wb
ds = wb.open({name!r})
wb.load(ds, {folder!r}, source="real")
wb.tag(ds, "failure:glare", where="origin == '148.png'")
wb.tag(ds, "failure:blur", where="origin == '149.png'")
board = wb.Board(ds)
board"""
TAGGED = """
import json
import workbench as wb
from workbench.adapters import store
ds = wb.open({name!r})
tags = {{s.record.origin: sorted(s.tags) for s in store.read(ds) if s.tags}}
print(json.dumps(tags))
"""
OTHERS = {"148.png": ["failure:glare"], "149.png": ["failure:blur"]}


@pytest.fixture
def board(lab: Lab, tmp_path: Path, open_notebook: Callable[..., Notebook], request: pytest.FixtureRequest) -> Board:
    rng = np.random.default_rng(5)
    for i in range(SAMPLES):
        Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(tmp_path / f"{i:03}.png")
    name = request.node.name.replace("[", "_").replace("]", "")
    lab.write(f"{name}.ipynb", [OPEN.format(name=name, folder=str(tmp_path))])
    notebook = open_notebook(f"{name}.ipynb")
    notebook.run_all()
    board = notebook.board()
    board.wait_for_pictures()
    return board


@pytest.fixture
def tags(lab: Lab, request: pytest.FixtureRequest) -> Callable[[], dict[str, list[str]]]:
    """Tags by picture as another process sees them, without those given at the start."""
    name = request.node.name.replace("[", "_").replace("]", "")

    def read() -> dict[str, list[str]]:
        found = lab.python(TAGGED.format(name=name))
        assert all(set(names) <= set(found[origin]) for origin, names in OTHERS.items())
        return {o: [t for t in names if t not in OTHERS.get(o, [])] for o, names in found.items() if o not in OTHERS}

    return read


def shown(board: Board, name: str) -> None:
    expect(board.root.locator(".wb-facts header b")).to_have_text(name)


def test_keys_in_the_zoom_act_on_the_sample_shown(
    board: Board, tags: Callable[[], dict[str, list[str]]], screenshot: Callable[..., Path]
) -> None:
    board.tile(5).click()
    board.expect_count("selected", 1)
    board.tile(1).dblclick()
    board.press("ArrowRight", "ArrowRight", "2")  # at once, before any of them is shown
    expect(board.message()).to_contain_text('Tagged 1 sample as "blur".')
    shown(board, "003.png")
    expect(board.root.locator(".wb-facts .wb-tag")).to_have_text("failure:blur")
    screenshot(board.root, "zoom-tagged")
    board.expect_count("selected", 1)
    assert tags() == {"003.png": ["failure:blur"]}
    # each key in its order, on the sample that it met
    board.press("1", "ArrowLeft", "2", "u", "r", "ArrowLeft", "u")
    expect(board.message()).to_contain_text("No change made here to undo.")
    shown(board, "001.png")
    assert tags() == {"002.png": ["failure:blur"], "003.png": ["failure:blur", "failure:glare"]}
    # the selection, the other keys
    board.press("Space")
    board.expect_count("selected", 2)
    expect(board.root.locator(".wb-facts")).to_contain_text("2 of 150 · selected")
    board.press("9")
    expect(board.message()).to_contain_text("No failure scenario has the key 9.")
    board.press("Control+a", "Home", "m", "c", "+", "ArrowDown")
    board.expect_count("selected", 2)
    board.press("t")
    board.page.keyboard.type("by name")
    board.press("Enter")
    expect(board.message()).to_contain_text('Tagged 1 sample as "by name".')
    board.press("Escape")
    expect(board.root.locator(".wb-zoom")).to_be_hidden()
    for at in (1, 5):
        expect(board.tile(at)).to_have_attribute("aria-selected", "true")
    assert tags()["001.png"] == ["failure:by name"]
    board.press("Enter")  # the gallery has gone along
    shown(board, "001.png")
    board.press("Escape", "3")  # outside of the zoom, the selection
    expect(board.message()).to_contain_text('Tagged 1 sample as "by name". 1 already had it.')


def test_the_zoom_goes_on_beyond_the_pages_that_are_loaded(
    board: Board, tags: Callable[[], dict[str, list[str]]]
) -> None:
    board.root.locator(".wb-gallery:visible").focus()
    board.press("End")
    expect(board.tile(SAMPLES - 1)).to_be_visible()
    board.press("Home")
    board.tile(0).dblclick()
    shown(board, "000.png")
    for _ in range(61):
        board.press("ArrowRight")
    shown(board, "061.png")
    board.press("1")
    expect(board.message()).to_contain_text("Tagged 1 sample")
    assert tags() == {"061.png": ["failure:glare"]}
    board.press("ArrowLeft", "Escape")
    expect(board.root.locator(".wb-zoom")).to_be_hidden()
    expect(board.root.locator(".wb-tile.wb-focus")).to_have_attribute("data-index", "60")
    board.press("Enter", "ArrowLeft", "ArrowLeft")
    shown(board, "058.png")
    # a filter without it: it stays, and is what keys act on
    board.labelled("Filter as text").fill("origin in ['100.png', '101.png']")
    board.labelled("Filter as text").press("Enter")
    board.expect_count("filtered", 2)
    expect(board.root.locator(".wb-facts")).to_contain_text("outside the filter")
    board.root.locator(".wb-zoom").focus()
    board.press("ArrowRight", "2")
    shown(board, "058.png")
    expect(board.message()).to_contain_text('Tagged 1 sample as "blur".')
    assert tags() == {"058.png": ["failure:blur"], "061.png": ["failure:glare"]}


def test_a_double_click_leaves_the_selection(board: Board, lab: Lab) -> None:
    board.tile(0).click()
    board.tile(2).click(modifiers=["Control"])
    board.expect_count("selected", 2)
    for at, modifiers in ((4, []), (0, []), (0, ["Control"]), (6, ["Shift"])):
        board.tile(at).dblclick(modifiers=modifiers)
        shown(board, f"{at:03}.png")
        board.press("Escape")
        expect(board.root.locator(".wb-zoom")).to_be_hidden()
        board.expect_count("selected", 2)
        for place, on in ((0, "true"), (2, "true"), (4, "false"), (6, "false")):
            expect(board.tile(place)).to_have_attribute("aria-selected", on)
    gap = board.tile(1).bounding_box()
    assert gap
    board.page.mouse.dblclick(gap["x"] - 3, gap["y"] + 20)  # between two tiles
    expect(board.root.locator(".wb-zoom")).to_be_hidden()
    tick = board.tile(4).locator(".wb-tick")
    tick.click()
    board.expect_count("selected", 3)
    # a range from a tile that another filter has moved away is none
    board.labelled("Filter as text").fill("origin != '000.png'")
    board.labelled("Filter as text").press("Enter")
    board.expect_count("filtered", SAMPLES - 1)
    board.wait_for_pictures()
    board.tile(8).click(modifiers=["Shift"])
    board.expect_count("selected", 4)
    board.open_tab("Code")
    assert json.dumps(board.root.locator(".wb-code").inner_text()).count("select(") == 3
