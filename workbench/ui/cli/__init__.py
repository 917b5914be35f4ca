"""The command line: one module per command, loaded only when it is called."""

from workbench.ui.cli.main import main

__all__ = ["main"]
