"""The board in JupyterLab. Widgets hold no logic: they turn messages into calls on a ``Selection``."""

from workbench.widgets.board import Board
from workbench.widgets.selection import Selection

__all__ = ["Board", "Selection"]
