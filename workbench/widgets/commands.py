"""What the browser may ask for: a closed list; every argument is checked again in Python.

The names stand in ``front/protocol.js`` as well; a test compares the two lists.
"""

from __future__ import annotations

from workbench.widgets.analysing import ANALYSING
from workbench.widgets.choosing import CHOOSING
from workbench.widgets.command import Command
from workbench.widgets.exploring import EXPLORING
from workbench.widgets.judging import JUDGING
from workbench.widgets.looking import LOOKING
from workbench.widgets.making import MAKING
from workbench.widgets.marking import MARKING
from workbench.widgets.shaping import SHAPING

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
