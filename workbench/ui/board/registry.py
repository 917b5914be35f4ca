"""All panels of the board, in the order in which they are shown: every module of ``panels`` is one.

A new panel, say ``hello``, is made of two files:

1. ``panels/hello.py``: functions of ``(state, jobs, ...)``, ``COMMANDS``, their names for the browser, and
   ``PANEL = Panel("Hello", "hello.js", COMMANDS)``.
2. ``front/hello.js``: ``export function panel({ ask, say, fail })``, which returns at least its ``root``; see
   ``Context`` and ``Panel`` in ``front/protocol.js``.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from workbench.ui.board import commands, panels
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection


def _all_panels() -> dict[str, Panel]:
    """The panel of each module by name, in their order. A package holds sections of panels."""
    names = [module.name for module in iter_modules(panels.__path__) if not module.ispkg]
    by_name: dict[str, Panel] = {name: import_module(f"{panels.__name__}.{name}").PANEL for name in names}
    return dict(sorted(by_name.items(), key=lambda item: item[1].order))


PANELS: dict[str, Panel] = _all_panels()


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
