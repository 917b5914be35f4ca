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
    version: int | None = None,
    reason: str = "",
    action: Action = "tag",
) -> dict[str, str]:
    """Tag or untag the selected or all filtered samples.

    Args:
        state, jobs: as of every command.
        name: the tag.
        target: which samples.
        expected: the number that the user was shown.
        version: ``marks`` of the selection, or ``arrangement`` of the filter, that the user was shown.
        reason, action: as of ``Selection.tag``.
    """
    state.follow()
    if (n := state.counts()[target]) != expected:
        fix = "Check the new number, then press again."
        samples = counted(n, f"{target} sample")
        raise InputError(f"There are {samples} now, not {expected:,} as shown.", fix=fix)
    if version is not None and version != (state.marks if target == "selected" else state.arrangement):
        raise InputError(f"The {target} samples are others now than those shown.", fix="Check them, then press again.")
    return changed(state.tag(name, target=target, reason=reason, action=action))


def tag_sample(
    state: Selection, jobs: Jobs, name: str, sample_id: str, reason: str = "", action: Action = "tag"
) -> dict[str, str]:
    """Tag or untag one sample, selected or not: the one that the zoom shows."""
    return changed(state.tag(name, ids=[sample_id], reason=reason, action=action))


def tag_labels(
    state: Selection, jobs: Jobs, name: str, labels: list[str], reason: str = "", action: Action = "tag"
) -> dict[str, str]:
    """Tag or untag single labels."""
    if not labels:
        raise InputError("No labels are selected.", fix="Click boxes first.")
    return changed(state.tag_labels(name, labels, reason=reason, action=action))


def undo(state: Selection, jobs: Jobs, change_id: str | None = None) -> dict[str, str]:
    """Take a change of tags back: the last, or one of the history."""
    entry = state.undo(change_id)
    return {"text": f'Undid "{_shown(entry)}" on {entry.amount}.'}


def redo(state: Selection, jobs: Jobs, change_id: str | None = None) -> dict[str, str]:
    """Do an undone change again: the last, or the one asked for."""
    entry = state.redo(change_id)
    return {"text": f'Redid "{_shown(entry)}" on {entry.amount}.'}


def changed(entry: Entry) -> dict[str, str]:
    """The answer to a change of tags; an id where there is something to take back."""
    return {"text": changed_text(entry), "change_id": entry.change_id if entry.changed else ""}


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
    "tag_sample": Command(tag_sample),
    "tag_labels": Command(tag_labels),
    "undo": Command(undo),
    "redo": Command(redo),
    "describe": of_state(Selection.describe),
}
PANEL = Panel("Tag", "tagger.js", COMMANDS, order=40)
