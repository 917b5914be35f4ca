"""The board in JupyterLab. Widgets hold no logic: they turn messages into calls on a ``Session``."""

from workbench.widgets.board import Board
from workbench.widgets.session import Session

__all__ = ["Board", "Session"]
