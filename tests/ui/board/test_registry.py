"""The registry of panels: names agree, a new panel needs two files, and nothing imports in a circle."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.board.conftest import Browser
from workbench.base.errors import InputError
from workbench.ui import board as package
from workbench.ui.board import Board, Selection
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.registry import PANELS, all_commands
from workbench.ui.board.scripts import FRONT, module_text

FOLDER = Path(package.__path__[0])
PYTHON = """
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command
from workbench.ui.board.state import Selection

def greet(state: Selection, jobs: Jobs, name: str) -> dict[str, str]:
    return {"text": f"Hello {name}, {len(state.table)} samples"}

COMMANDS = {"greet": Command(greet)}
"""
SCRIPT = """// Greet.
import { el } from "./dom.js";

export function panel({ ask, say, fail }) {
  const greet = () => ask("greet", { name: "you" }).then(({ result }) => say(result.text)).catch(fail);
  const root = el("div.wb-form", {}, el("button", { onclick: greet }, "Greet"));
  return { root };
}
"""


def test_panels_modules_and_scripts_have_the_same_names() -> None:
    modules = {path.stem for path in (FOLDER / "panels").glob("*.py")} - {"__init__"}
    assert modules == set(PANELS)
    assert [panel.script for panel in PANELS.values()] == [f"{name}.js" for name in PANELS]
    assert all((FRONT / panel.script).is_file() for panel in PANELS.values())
    sections = {path.stem for path in (FOLDER / "panels" / "sections").glob("*.py")} - {"__init__"}
    assert sections and all((FRONT / f"{name}.js").is_file() for name in sections)
    titles = [panel.title for panel in PANELS.values() if panel.title]
    assert len(set(titles)) == len(titles) == len(PANELS) - 3
    orders = [panel.order for panel in PANELS.values()]
    assert orders == sorted(orders) and list(PANELS)[:3] == ["slicer", "map", "gallery"]


def test_a_panel_of_ten_lines(selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its module and its script: no other file knows of it."""
    (tmp_path / "greeter.py").write_text(PYTHON)
    (tmp_path / "greeter.js").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    import greeter  # type: ignore[import-not-found]

    monkeypatch.setitem(PANELS, "greeter", Panel("Greet", str(tmp_path / "greeter.js"), greeter.COMMANDS))
    board = Board(selection)
    assert board._parts[-1] == ["greeter", "Greet"]
    assert "const $greeter = " in board._esm and "greeter: panel" in board._esm.splitlines()[-1]
    answer, _ = Browser(board).ask("greet", name="you")
    assert answer["result"] == {"text": "Hello you, 6 samples"}
    refused, _ = Browser(board).ask("greet", name=7)
    assert "name of greet must be text, not 7." in refused["error"]
    assert Board(selection, parts=["greeter"])._parts == [["greeter", "Greet"]]

    monkeypatch.delitem(PANELS, "greeter")
    assert ["greeter", "Greet"] not in Board(selection)._parts and "greeter" not in module_text(PANELS)
    with pytest.raises(InputError, match="'greeter'"):
        Board(selection, parts=["greeter"])


def test_a_command_has_one_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PANELS, "other", Panel("Other", "other.js", {"tag": Command(lambda state, jobs: None)}))
    with pytest.raises(ValueError, match="the command 'tag'"):
        all_commands()


def imports(path: Path) -> Iterator[str]:
    """Modules of the board that a module imports anywhere: at the top, later, or for types only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_module_of_the_board_imports_in_a_circle() -> None:
    paths = {
        "workbench.ui.board." + ".".join(path.relative_to(FOLDER).with_suffix("").parts): path
        for path in FOLDER.rglob("*.py")
        if path.name != "__init__.py"
    }
    graph = {name: {each for each in imports(path) if each in paths} for name, path in paths.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order[-1] == "workbench.ui.board.board"
    for name, imported in graph.items():
        assert not (".panels." in name and "workbench.ui.board.board" in imported)
