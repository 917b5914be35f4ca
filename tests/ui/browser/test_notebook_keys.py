"""The board's keys stay in the board: neither JupyterLab nor Notebook 7 changes a cell, whatever has the focus."""

from __future__ import annotations

import os
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.ui.browser.conftest import DROP
from tests.ui.browser.lab import Lab, Notebook, Notebook7

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

OPEN = """
import workbench as wb
ds = wb.open("keys")
wb.load(ds, {folder!r}, source="real")
wb.measure(ds)
wb.tag(ds, "failure:glare", where="origin == '0.png'")
board = wb.Board(ds)
board"""
CELLS = [OPEN, "print('kept')", "2 + 2"]
NAMED = ("Enter", "Space", "Home", "End", "Delete", "Backspace", "Escape", "PageUp", "PageDown", "F2", "Tab")
ARROWS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")
WITH_SHIFT = ("Enter", "Space", "m", "l", "o", "j", "k", "ArrowUp", "ArrowDown", "ArrowRight")
WITH_CONTROL = ("a", "Enter", "m", "z", "Shift+h")
FOCUS = (
    ".wb-gallery", ".wb-bar", ".wb-cell", ".wb-tab", ".wb-histogram",
    "[data-does='show-boxes']", ".wb-scenario .wb-link", ".wb-size", "select", ".wb-where", ".wb-name",
    "[data-does='help']",
)  # fmt: skip
# what a key has closed or undone has no focus any more; then it is the board
FOCUS_FIRST = "(root, s) => ([...root.querySelectorAll(s)].find(n => n.offsetParent && !n.disabled) ?? root).focus()"


@pytest.fixture(params=[pytest.param(Lab, marks=pytest.mark.long), Notebook7], ids=["lab", "notebook7"])
def notebook(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Notebook]:
    """A notebook with a board, run."""
    folder = tmp_path_factory.mktemp("keys")
    started = request.param(folder, f"workbench_keys_{os.getpid()}_{request.param.__name__.lower()}")
    rng = np.random.default_rng(1)
    (folder / "pictures").mkdir()
    for i in range(8):
        Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(folder / "pictures" / f"{i}.png")
    path: Path = started.write("keys.ipynb", [OPEN.format(folder=str(folder / "pictures")), *CELLS[1:]])
    started.start(path)
    opened = Notebook(started, browser, "keys.ipynb", height=1300)
    opened.run_all()
    yield opened
    opened.errors = [error for error in opened.errors if error not in started.own_errors]
    opened.close()
    started.stop()
    subprocess.run([sys.executable, "-c", DROP], env=started.environment, check=True, timeout=120)


def cells(notebook: Notebook) -> list[Any]:
    """Kind, text, prompt and printed outputs of all cells."""
    found: list[Any] = notebook.page.locator(".jp-Notebook .jp-Cell").evaluate_all(
        """all => all.map(cell => [
          cell.classList.contains("jp-CodeCell"), cell.querySelector(".jp-InputPrompt")?.innerText,
          cell.querySelector(".jp-InputArea-editor")?.innerText.slice(0, 40), cell.querySelectorAll(".wb-board").length,
          [...cell.querySelectorAll(".jp-OutputArea-output pre")]
            .filter(output => !output.closest(".wb-board")).map(output => output.innerText.trim())])"""
    )
    return found


def test_no_key_of_the_board_reaches_the_notebook(notebook: Notebook) -> None:
    page, board = notebook.page, notebook.board()
    board.wait_for_pictures()
    expect(board.root.locator(".wb-scenario")).to_have_count(1)
    before = cells(notebook)
    assert len(before) == len(CELLS) and before[1][-1] == ["kept"]
    keys = [*string.ascii_lowercase, *string.digits, *"/?[]+-=,.", *NAMED, *ARROWS]
    keys += [*(f"Shift+{key}" for key in WITH_SHIFT), *(f"Control+{key}" for key in WITH_CONTROL)]
    dialogs = page.locator(".jp-Dialog, .jp-DocumentSearch-overlay:visible, .lm-CommandPalette:visible")
    for selector in FOCUS:
        for key in keys:
            board.root.evaluate(FOCUS_FIRST, selector)
            board.press(key)
        board.root.focus()
        board.press("Escape", "Escape")
        assert cells(notebook) == before, selector
        expect(dialogs).to_have_count(0)
    # what people do: twice a key, select all and the map, cut, in the gallery and in the zoom
    board.root.locator(".wb-gallery:visible").first.focus()
    board.press("Control+a", "m", "d", "d", "x", "0", "0", "i", "i", "z", "y")
    board.root.locator(".wb-gallery:visible").last.locator(".wb-tile").first.click()
    board.press("x", "Enter", "x", "d", "d", "1", "m", "Escape", "x", "a", "b", "Shift+Enter")
    expect(board.root.locator(".wb-board, .wb-zoom").first).to_be_attached()
    assert cells(notebook) == before
    expect(dialogs).to_have_count(0)
