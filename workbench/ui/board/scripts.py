"""The scripts of the board: files in ``front/`` with ES imports, linked to the one module that anywidget loads."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from workbench.ui.board.link import LinkError, link
from workbench.ui.board.panel import Panel

FRONT = Path(__file__).parent / "front"
STYLE = FRONT / "board.css"


def module_text(panels: Mapping[str, Panel]) -> str:
    """The board with these panels as one module; its default export is the widget.

    Raises:
        LinkError: a script cannot be linked.
    """
    return _linked(tuple((name, panel.script) for name, panel in panels.items()))


@functools.lru_cache(4)
def _linked(scripts: tuple[tuple[str, str], ...]) -> str:
    imports = "".join(
        f'import {{ panel as panel{k} }} from "./{Path(script).name}";\n' for k, (_, script) in enumerate(scripts)
    )
    makers = ", ".join(f"{name}: panel{k}" for k, (name, _) in enumerate(scripts))
    entry = f'import {{ render }} from "./board.js";\n{imports}export default {{ render: render({{ {makers} }}) }};\n'
    return link("entry.js", {**_sources(scripts), "entry.js": entry})


def _sources(scripts: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Text of all scripts by file name; a panel's script may also lie elsewhere.

    Raises:
        LinkError: two scripts of the same name.
    """
    paths = {*FRONT.glob("*.js"), *(FRONT / script for _, script in scripts)}
    texts: dict[str, str] = {}
    for path in sorted(paths):
        if path.name in texts:
            raise LinkError(f"There are two scripts called {path.name}. Rename {path}.")
        texts[path.name] = path.read_text(encoding="utf-8")
    return texts
