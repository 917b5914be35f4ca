"""Commands for tags: tag, take back, describe, look at the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.actions.tag.tag import stacks
from workbench.adapters.store.journal import Entry, entries
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.ui.board.command import Command, Reply

if TYPE_CHECKING:
    from workbench.ui.board.board import Board

HISTORY_ROWS = 200


def tag(board: Board, name: str, target: str, expected: int, reason: str = "", action: str = "tag") -> Reply:
    """Tag or untag the selected or all filtered samples; ``expected`` is the number that the user was shown."""
    if target not in ("selected", "filtered") or action not in ("tag", "untag"):
        raise InputError("selected or filtered, tag or untag", found=f"{target}, {action}"[:80])
    board.joined.follow()
    if (n := board.joined.counts()[target]) != expected:
        fix = "Look at the new number, then press again."
        raise InputError(
            f"{counted(expected, f'{target} sample')}, as shown", found=f"{n:,} by now", where="tag", fix=fix
        )
    entry = board.joined.tag(name, target=target, reason=reason, action=action)
    verb = "tagged" if entry.action == "tag" else "untagged"
    return Reply({"text": f"{entry.changed:,} {verb} {entry.tag}, {entry.already:,} were so already."})


def tag_labels(board: Board, name: str, labels: list[str], reason: str = "", action: str = "tag") -> Reply:
    """Tag or untag single labels."""
    if action not in ("tag", "untag"):
        raise InputError("tag or untag", found=repr(action)[:80])
    if not isinstance(labels, list) or not labels or not all(isinstance(i, str) for i in labels):
        raise InputError("ids of labels", found=repr(labels)[:80], where="tag", fix="Click boxes first.")
    entry = board.joined.tag_labels(name, labels, reason=reason, action=action)
    return Reply({"text": f"{entry.amount} {entry.action}ged {entry.tag}, {entry.already:,} were so already."})


def undo(board: Board, change_id: str | None = None) -> Reply:
    """Take a change of tags back: the last, or one of the history."""
    entry = board.joined.undo(change_id)
    return Reply({"text": f"Undone: {entry.tag} on {entry.amount}."})


def redo(board: Board) -> Reply:
    """Do the last undone change again."""
    entry = board.joined.redo()
    return Reply({"text": f"Done again: {entry.tag} on {entry.amount}."})


def describe(board: Board, tag: str, description: str = "", color: str = "", key: str = "") -> Reply:
    """Say what a failure scenario is, and give it a colour and a key."""
    board.joined.describe(str(tag), description=str(description), color=str(color), key=str(key))
    return Reply()


def history(board: Board) -> Reply:
    """All changes of tags, the newest first; ``stands`` says that a change can be taken back."""
    found = entries(board.joined.dataset)
    stands = {entry.change_id for entry in stacks(found)[0]}
    shown = [_told(entry, entry.change_id in stands) for entry in found[::-1][:HISTORY_ROWS]]
    return Reply({"changes": shown, "all": len(found)})


def _told(entry: Entry, stands: bool) -> dict[str, object]:
    names = ("number", "who", "role", "action", "tag", "changed", "kind", "change_id")
    said = {name: getattr(entry, name) for name in names}
    why = entry.reason or ("" if entry.where == "True" else entry.where)
    return {**said, "when": f"{entry.when:%d %b %H:%M}", "why": why, "stands": stands}


MARKING = {
    "tag": Command(tag),
    "tag_labels": Command(tag_labels),
    "undo": Command(undo),
    "redo": Command(redo),
    "describe": Command(describe),
    "history": Command(history),
}
