"""The tagger: tag samples and single labels as failure scenarios, undo, redo, describe."""

from __future__ import annotations

from typing import Literal

from workbench.adapters.store.journal import Entry
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.schema.fields import FAILURE_PREFIX
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, Panel, of_state
from workbench.ui.board.state import Selection

Action = Literal["tag", "untag"]


def tag(
    state: Selection,
    jobs: Jobs,
    name: str,
    target: Literal["selected", "filtered"],
    expected: int,
    reason: str = "",
    action: Action = "tag",
) -> dict[str, str]:
    """Tag or untag the selected or all filtered samples; ``expected`` is the number that the user was shown."""
    state.follow()
    if (n := state.counts()[target]) != expected:
        fix = "Check the new number, then press again."
        samples = counted(n, f"{target} sample")
        raise InputError(f"There are {samples} now, not {expected:,} as shown.", fix=fix)
    return {"text": changed_text(state.tag(name, target=target, reason=reason, action=action))}


def tag_labels(
    state: Selection, jobs: Jobs, name: str, labels: list[str], reason: str = "", action: Action = "tag"
) -> dict[str, str]:
    """Tag or untag single labels."""
    if not labels:
        raise InputError("No labels are selected.", fix="Click boxes first.")
    return {"text": changed_text(state.tag_labels(name, labels, reason=reason, action=action))}


def undo(state: Selection, jobs: Jobs, change_id: str | None = None) -> dict[str, str]:
    """Take a change of tags back: the last, or one of the history."""
    entry = state.undo(change_id)
    return {"text": f'Undid "{_shown(entry)}" on {entry.amount}.'}


def redo(state: Selection, jobs: Jobs) -> dict[str, str]:
    """Do the last undone change again."""
    entry = state.redo()
    return {"text": f'Redid "{_shown(entry)}" on {entry.amount}.'}


def changed_text(entry: Entry) -> str:
    """What a change did, for people."""
    added = entry.action == "tag"
    text = (
        f'Tagged {entry.amount} as "{_shown(entry)}".' if added else f'Removed "{_shown(entry)}" from {entry.amount}.'
    )
    if entry.already:
        text += f" {entry.already:,} already had it." if added else f" {entry.already:,} did not have it."
    return text


def _shown(entry: Entry) -> str:
    return entry.tag.removeprefix(FAILURE_PREFIX)


COMMANDS = {
    "tag": Command(tag),
    "tag_labels": Command(tag_labels),
    "undo": Command(undo),
    "redo": Command(redo),
    "describe": of_state(Selection.describe),
}
PANEL = Panel("Tag", "tagger.js", COMMANDS, order=40)
