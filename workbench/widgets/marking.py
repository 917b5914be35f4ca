"""Commands for tags: tag, take back, describe, look at the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import InputError
from workbench.store.journal import Entry, entries
from workbench.tagging.changes import stacks
from workbench.widgets.command import Command, Reply

if TYPE_CHECKING:
    from workbench.widgets.board import Board

HISTORY_ROWS = 200


def tag(board: Board, name: str, target: str, expected: int, reason: str = "", action: str = "tag") -> Reply:
    """Tag or untag the selected or all filtered samples; ``expected`` is the number that the user was shown."""
    if target not in ("selected", "filtered") or action not in ("tag", "untag"):
        raise InputError("selected or filtered, tag or untag", found=f"{target}, {action}"[:80])
    board.joined.follow()
    if (n := board.joined.counts()[target]) != expected:
        fix = "Look at the new number, then press again."
        raise InputError(f"{expected:,} {target} samples, as shown", found=f"{n:,} by now", where="tag", fix=fix)
    entry = board.joined.tag(name, target=target, reason=reason, action=action)
    verb = "tagged" if entry.action == "tag" else "untagged"
    return Reply({"text": f"{entry.changed:,} {verb} {entry.tag}, {entry.already:,} were so already."})


def undo(board: Board) -> Reply:
    """Take the last change of tags back."""
    entry = board.joined.undo()
    return Reply({"text": f"Undone: {entry.tag} on {entry.changed:,} samples."})


def redo(board: Board) -> Reply:
    """Do the last undone change again."""
    entry = board.joined.redo()
    return Reply({"text": f"Done again: {entry.tag} on {entry.changed:,} samples."})


def undo_to(board: Board, change_id: str) -> Reply:
    """Take back a change and all that came after it, the newest first."""
    done, _ = stacks(entries(board.joined.dataset))
    places = [place for place, entry in enumerate(done) if entry.change_id == change_id]
    if not places:
        raise InputError("a change that can be taken back", found="it is undone already, or none", where="history")
    undone: list[Entry] = [board.joined.undo() for _ in done[places[0] :]]
    samples = sum(entry.changed for entry in undone)
    return Reply({"text": f"{len(undone):,} changes undone, {samples:,} tags of samples set back."})


def describe(board: Board, tag: str, description: str = "", color: str = "", key: str = "") -> Reply:
    """Say what a failure scenario is, and give it a colour and a key."""
    board.joined.describe(str(tag), description=str(description), color=str(color), key=str(key))
    return Reply()


def history(board: Board) -> Reply:
    """All changes of tags, the newest first; ``undoes`` is how many an undo back to there takes back."""
    found = entries(board.joined.dataset)
    done, _ = stacks(found)
    undoes = {entry.change_id: len(done) - place for place, entry in enumerate(done)}
    shown = [_told(entry, undoes.get(entry.change_id, 0)) for entry in found[::-1][:HISTORY_ROWS]]
    return Reply({"changes": shown, "all": len(found)})


def _told(entry: Entry, undoes: int) -> dict[str, object]:
    said = {name: getattr(entry, name) for name in ("number", "who", "role", "action", "tag", "changed", "change_id")}
    why = entry.reason or ("" if entry.where == "True" else entry.where)
    return {**said, "when": f"{entry.when:%d %b %H:%M}", "why": why, "undoes": undoes}


MARKING = {
    "tag": Command(tag),
    "undo": Command(undo),
    "redo": Command(redo),
    "undo_to": Command(undo_to),
    "describe": Command(describe),
    "history": Command(history),
}
