"""``workbench tag | untag | undo | redo | history DATASET ...``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from workbench.base.plurals import counted
from workbench.ui.cli.outcome import Outcome, plain

if TYPE_CHECKING:
    from workbench.adapters.store.journal import Entry


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments of one of the five commands."""
    parser.add_argument("dataset")
    if name in ("tag", "untag"):
        parser.add_argument("tag", help="for a failure scenario: failure:<name>")
        parser.add_argument("--where", required=True, help="filter, e.g. \"lighting == 'dim'\"; True means all samples")
        parser.add_argument("--reason", default="", help="why, for the history")
    if name == "history":
        parser.add_argument("--export", metavar="FILE", help="write every change as a line of JSON")
        parser.add_argument("--replay", metavar="FILE", help="carry out the changes of such a file on this dataset")
    if name == "undo":
        parser.add_argument("--change", metavar="CHANGE_ID", help="this change instead of the last one")
    parser.set_defaults(run=_history if name == "history" else _change, action=name)


def _change(args: argparse.Namespace) -> Outcome:
    from workbench.actions import tag as tagging
    from workbench.adapters import store

    dataset = store.require_dataset(args.dataset)
    if args.action in ("tag", "untag"):
        entry = getattr(tagging, args.action)(dataset, args.tag, where=args.where, reason=args.reason)
    elif args.action == "undo":
        entry = tagging.undo(dataset, change_id=args.change)
    else:
        entry = tagging.redo(dataset)
    return Outcome(_as_json(entry), f"{_as_words(entry)}. Change {entry.number}; take it back with `workbench undo`.")


def _as_json(entry: Entry) -> dict[str, object]:
    return dict(plain(entry))


def _as_words(entry: Entry) -> str:
    verb = "tagged" if entry.action == "tag" else "untagged"
    return f"{entry.amount} {verb} '{entry.tag}', {entry.already:,} were so already"


def _history(args: argparse.Namespace) -> Outcome:
    from workbench.actions import tag as tagging
    from workbench.adapters import store
    from workbench.adapters.store.journal import entries

    dataset = store.require_dataset(args.dataset)
    if args.replay:
        told = tagging.replay_history(dataset, args.replay)
        return Outcome({"changes": [_as_json(e) for e in entries(dataset)], **dict(plain(told))}, f"{told}.")
    found = entries(dataset)
    if args.export:
        n = tagging.export_history(dataset, args.export)
        return Outcome(
            {"changes": [_as_json(e) for e in found], "file": args.export}, f"{counted(n, 'change')}: {args.export}"
        )
    lines = [f"{e.number:>4}  {e.when:%Y-%m-%d %H:%M}  {e.who}  {e.role}: {_as_words(e)}  {e.reason}" for e in found]
    return Outcome({"changes": [_as_json(e) for e in found]}, "\n".join(lines) or "No changes yet.")
