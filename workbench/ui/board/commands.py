"""What the browser may ask for: a closed list; every argument is checked again in Python.

The names stand in ``front/protocol.js`` as well; a test compares the two lists.
"""

from __future__ import annotations

from workbench.ui.board.command import Command
from workbench.ui.board.panels.analyse import ANALYSING
from workbench.ui.board.panels.explore import EXPLORING
from workbench.ui.board.panels.gallery import LOOKING
from workbench.ui.board.panels.generate_export import MAKING
from workbench.ui.board.panels.recreate import SHAPING
from workbench.ui.board.panels.rounds import JUDGING
from workbench.ui.board.panels.slicer import CHOOSING
from workbench.ui.board.panels.tagger import MARKING

COMMANDS: dict[str, Command] = {
    **CHOOSING,
    **LOOKING,
    **MARKING,
    **ANALYSING,
    **EXPLORING,
    **MAKING,
    **SHAPING,
    **JUDGING,
}
