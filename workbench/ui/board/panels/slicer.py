"""The slicer: bars and histograms of facets."""

from __future__ import annotations

from workbench.ui.board.panel import Panel, of_state
from workbench.ui.board.state import Selection

COMMANDS = {
    "brush": of_state(Selection.brush),
    "find": of_state(Selection.find_words),
    "show_facet": of_state(Selection.show_facet),
}
PANEL = Panel(None, "slicer.js", COMMANDS, order=10)
