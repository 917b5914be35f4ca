"""The session as Python, which the browser shows from the state: no commands."""

from __future__ import annotations

from workbench.ui.board.panel import Panel

PANEL = Panel("Code", "code.js", order=110)
