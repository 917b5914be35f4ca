"""All panels of the board, in the order in which they are shown; each is one line here.

A new panel, say ``hello``, is made of three parts:

1. ``panels/hello.py``: functions of ``(state, jobs, ...)`` and ``COMMANDS``, their names for the browser.
2. ``front/hello.js``: ``export function panel({ ask, say, fail })``, which returns at least its ``root``; see
   ``Context`` and ``Panel`` in ``front/protocol.js``.
3. A line in ``PANELS``: ``"hello": Panel("Hello", "hello.js", hello.COMMANDS)``.
"""

from __future__ import annotations

from typing import Any

from workbench.ui.board import commands
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.panels import (
    analysis,
    explorer,
    exporter,
    gallery,
    generator,
    history,
    scoreboard,
    slicer,
    tagger,
)
from workbench.ui.board.panels import map as failure_map
from workbench.ui.board.state import Selection

PANELS: dict[str, Panel] = {
    "slicer": Panel(None, "slicer.js", slicer.COMMANDS),
    "map": Panel(None, "map.js", failure_map.COMMANDS),
    "gallery": Panel(None, "gallery.js", gallery.COMMANDS),
    "tagger": Panel("Tag", "tagger.js", tagger.COMMANDS),
    "analysis": Panel("Analyse", "analysis.js", analysis.COMMANDS, analysis.options),
    "explorer": Panel("Explore", "explorer.js", explorer.COMMANDS),
    "generator": Panel("Generate", "generator.js", generator.COMMANDS, generator.options),
    "exporter": Panel("Export", "exporter.js", exporter.COMMANDS, exporter.options),
    "scoreboard": Panel("Rounds", "scoreboard.js", scoreboard.COMMANDS, scoreboard.options),
    "history": Panel("History", "history.js", history.COMMANDS),
    "code": Panel("Code", "code.js"),
}


def options(state: Selection, jobs: Jobs, panels: list[str]) -> dict[str, Any]:
    """What the forms of some panels offer, by panel."""
    makers = {name: panel.options for name, panel in PANELS.items() if name in panels}
    return {name: make(state, jobs) for name, make in makers.items() if make is not None}


def all_commands() -> dict[str, Command]:
    """Everything the browser may ask for, by name.

    Raises:
        ValueError: two panels have a command of the same name.
    """
    known = {"options": Command(options)}
    for group in (commands.COMMANDS, *(panel.commands for panel in PANELS.values())):
        if twice := sorted(known.keys() & group.keys()):
            raise ValueError(f"Two panels have the command {twice[0]!r}. Rename one of them.")
        known.update(group)
    return known
