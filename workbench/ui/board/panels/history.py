"""The history: every change of tags with who, when, why and how many."""

from __future__ import annotations

from typing import Any

from workbench.actions.tag.tag import stacks
from workbench.adapters.store.journal import Entry, entries
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel
from workbench.ui.board.state import Selection

ROWS = 200
SHOWN = ("number", "who", "role", "action", "tag", "changed", "kind", "change_id")


def history(state: Selection, jobs: Jobs) -> dict[str, Any]:
    """All changes of tags, the newest first; ``stands`` says that a change can be taken back."""
    changes = entries(state.dataset)
    stands = {entry.change_id for entry in stacks(changes)[0]}
    shown = [_row(entry, entry.change_id in stands) for entry in changes[::-1][:ROWS]]
    return {"changes": shown, "all": len(changes)}


def _row(entry: Entry, stands: bool) -> dict[str, object]:
    values = {name: getattr(entry, name) for name in SHOWN}
    why = entry.reason or ("" if entry.where == "True" else entry.where)
    return {**values, "when": f"{entry.when:%d %b %H:%M}", "why": why, "stands": stands}


COMMANDS = {"history": Command(history)}
PANEL = Panel("History", "history.js", COMMANDS, order=100)
