"""The board in JupyterLab. Widgets hold no logic: they turn messages into calls on a ``Selection``."""

from workbench.ui.board.board import Board
from workbench.ui.board.state import Selection

__all__ = ["Board", "Selection"]
