"""The board's own behaviour on small data: two outputs, untrusted text, themes, widths, the App, broken pictures."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.ui.browser.lab import Board, Lab, Notebook
from workbench.ui.board.registry import PANELS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

HTML = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
LONG = "x" * 10_000
RIGHT_TO_LEFT = "كأس \u202eabc"
CLASSES = ["mug", HTML, LONG, RIGHT_TO_LEFT]
PICTURES = 30

OPEN = """
import workbench as wb
ds = wb.open({name!r})
print(wb.load(ds, {folder!r}, source="real").samples)
board = wb.Board(ds)
"""


def write_coco(folder: Path) -> Path:
    """Thirty small pictures, classes with hostile names, the last picture cut off in the middle."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(zlib.crc32(str(folder).encode()))  # no thumbnails of another test
    images, boxes = [], []
    for i in range(PICTURES):
        name = f"{i:02}<b>.jpg"
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(folder / "images" / name)
        images.append(
            {"id": i, "file_name": f"images/{name}", "width": 160, "height": 120, "lighting": ["dim", "bright"][i % 2]}
        )
        boxes.append(
            {"id": i, "image_id": i, "category_id": i % 4, "bbox": [10, 20, 60, 50], "area": 3000, "iscrowd": 0}
        )
    coco = {"images": images, "annotations": boxes, "categories": [{"id": i, "name": n} for i, n in enumerate(CLASSES)]}
    (folder / "annotations.json").write_text(json.dumps(coco))
    return folder


@pytest.fixture
def small(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The cell that opens a board of a new dataset with the pictures."""
    return OPEN.format(name=request.node.name, folder=str(write_coco(tmp_path / "coco")))


def first_board(lab: Lab, open_notebook: Callable[..., Notebook], cells: list[str], name: str, **size: int) -> Board:
    lab.write(name, cells)
    notebook = open_notebook(name, **size)
    notebook.run_all()
    board = notebook.board()
    board.wait_for_pictures()
    return board


def test_two_outputs_of_one_board_work(lab: Lab, small: str, open_notebook: Callable[..., Notebook]) -> None:
    lab.write("two.ipynb", [small + "board", "board"])
    notebook = open_notebook("two.ipynb", height=1900)
    notebook.run_all()
    first, second = notebook.board(0), notebook.board(1)
    for board in (first, second):
        board.wait_for_pictures()
    first.click_bar("lighting", "dim")
    second.expect_count("filtered", PICTURES // 2)
    second.wait_for_pictures()
    second.tile(1).click()
    for board in (first, second):
        board.expect_count("selected", 1)
        expect(board.tile(1)).to_have_attribute("aria-selected", "true")
    first.open_tab("Code")
    expect(second.root.locator(".wb-tab[data-tab='Tag']")).to_have_attribute("aria-selected", "true")
    notebook.page.locator(".jp-CodeCell").first.click(position={"x": 200, "y": 10})
    notebook.menu("Edit", "Clear Cell Output")
    expect(notebook.page.locator(".wb-board")).to_have_count(1)
    left = notebook.board(0)
    left.click_bar("lighting", "bright")
    left.expect_count("filtered", PICTURES)
    left.wait_for_pictures()


def test_board_follows_other_cells(lab: Lab, small: str, open_notebook: Callable[..., Notebook]) -> None:
    tag = "wb.tag(ds, 'failure:glare', where=\"lighting == 'dim'\").changed"
    board = first_board(lab, open_notebook, [small + "board", tag], "follow.ipynb")
    expect(board.bar("tags", "failure:glare").locator(".wb-bar-count")).to_have_text(str(PICTURES // 2))
    board.tile(1).click()
    board.press("1")
    expect(board.message()).to_contain_text('Tagged 1 sample as "glare".')


def test_text_from_data_is_shown_as_text(
    lab: Lab, small: str, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    board = first_board(lab, open_notebook, [small + "board"], "hostile.ipynb")
    labels = board.root.locator(".wb-bar[data-facet='class'] .wb-bar-label").all_text_contents()
    assert sorted(labels) == sorted(CLASSES)
    for value in (HTML, RIGHT_TO_LEFT):
        board.root.locator(".wb-bar-label").get_by_text(value, exact=True).click()
    board.expect_count("filtered", 15)
    board.press("t")
    board.page.keyboard.type(HTML)
    board.press("Escape")
    board.tile(0).click()
    board.press("t", "Enter")
    expect(board.root.locator(".wb-scenario .wb-link").first).to_have_text(HTML)
    board.tile(0).dblclick()
    expect(board.root.locator(".wb-names span")).to_have_text(HTML)
    assert board.page.evaluate("window.hacked") is None
    assert board.root.evaluate("node => node.scrollWidth <= node.clientWidth")
    screenshot(board.page, "hostile")


def test_a_wrong_filter_and_an_empty_result_say_what_to_do(
    lab: Lab, small: str, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    board = first_board(lab, open_notebook, [small + "board"], "filters.ipynb")
    where = board.labelled("Filter as text")
    board.tile(0).click()
    board.press("/")
    expect(where).to_be_focused()
    board.page.keyboard.type("lihgting == 'dim'")
    board.press("Enter")
    expect(board.message()).to_contain_text("Did you mean 'lighting'?")
    where.fill("lighting == 'dim' and lighting == 'bright'")
    board.press("Enter")
    expect(board.root.locator(".wb-empty:visible")).to_contain_text("Remove a condition")
    screenshot(board.page, "empty")


def test_a_picture_that_vanished_is_named(
    lab: Lab, tmp_path: Path, small: str, open_notebook: Callable[..., Notebook]
) -> None:
    lost = tmp_path / "coco" / "images" / "00<b>.jpg"
    board = first_board(lab, open_notebook, [small + f"import os; os.remove({str(lost)!r})\nboard"], "lost.ipynb")
    expect(board.tile(0)).to_contain_text("cannot be read: images/00<b>.jpg")
    board.tile(0).dblclick()
    expect(board.message()).to_contain_text("Restore the file, or load the data again.")


def test_app_opens_below(
    lab: Lab, small: str, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    board = first_board(lab, open_notebook, [small + "board"], "app.ipynb")
    board.click_bar("lighting", "dim")
    board.expect_count("filtered", PICTURES // 2)
    board.does("app").click()
    frame = board.root.frame_locator(".wb-app iframe")
    expect(frame.get_by_text("15 samples").first).to_be_visible(timeout=120_000)
    expect(board.root.locator(".wb-app iframe")).to_be_in_viewport(ratio=0.5)
    expect(frame.locator("canvas, [data-cy='looker'] img").first).to_be_visible(timeout=120_000)
    screenshot(board.page, "app")


OWN_PANEL = """
from pathlib import Path
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.registry import PANELS

def greet(state, jobs, name: str) -> str:
    return f"Hello {{name}}, {{len(state.table)}} samples"

PANELS["greeter"] = Panel("Greet", {script!r}, {{"greet": Command(greet)}})
"""
OWN_SCRIPT = """import { el } from "./dom.js";

export function panel({ ask, say, fail }) {
  const press = () => ask("greet", { name: "you" }).then(({ result }) => say(result)).catch(fail);
  return { root: el("div.wb-form", {}, el("button", { data: { does: "greet" }, onclick: press }, "Greet")) };
}
"""


def test_a_panel_of_ones_own_is_a_tab(
    lab: Lab, tmp_path: Path, small: str, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    (tmp_path / "greeter.js").write_text(OWN_SCRIPT)
    registered = OWN_PANEL.format(script=str(tmp_path / "greeter.js"))
    removed = "del PANELS['greeter']\nwb.Board(ds, height_px=300)"
    lab.write("own.ipynb", [registered + small + "board", removed])
    notebook = open_notebook("own.ipynb", height=1600)
    notebook.run_all()
    board = notebook.board(0)
    board.open_tab("Greet")
    board.does("greet").click()
    expect(board.message()).to_contain_text(f"Hello you, {PICTURES} samples")
    screenshot(board.root, "own-panel")
    tabs = notebook.board(1).root.locator(".wb-tab")
    expect(tabs).to_have_count(sum(panel.title is not None for panel in PANELS.values()))
    expect(tabs.get_by_text("Greet")).to_have_count(0)


CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
BARS = (".wb-slicer h4", ".wb-bar-label", ".wb-bar-count", ".wb-counts", ".wb-chip")
TEXTS = (*BARS, ".wb-tab", ".wb-hint", ".wb-words", ".wb-source", ".wb-primary:enabled", "input", "label")


@pytest.mark.parametrize("theme", ["JupyterLab Light", pytest.param("JupyterLab Dark", marks=pytest.mark.long)])
def test_text_can_be_read_in_both_themes(
    theme: str, lab: Lab, small: str, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    board = first_board(lab, open_notebook, [small + "board"], f"{theme[11:]}.ipynb".lower(), width=1200)
    Notebook.menu(board, "Settings", "Theme", theme)  # type: ignore[arg-type]
    expect(board.page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached(timeout=30_000)
    board.click_bar("lighting", "dim")
    board.wait_for_pictures()
    board.tile(0).click()
    board.press("u")
    expect(board.message()).to_be_visible()
    found: dict[str, Any] = board.root.evaluate(CONTRAST, (*TEXTS, ".wb-message span"))
    screenshot(board.page, f"1200-{theme[11:].lower()}")
    assert set(found) == {*TEXTS, ".wb-message span"}
    assert {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}  # WCAG 2.2, AA
    assert board.root.evaluate("node => node.scrollWidth <= node.clientWidth")
