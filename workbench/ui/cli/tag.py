"""``workbench tag | untag | undo | redo | history DATASET ...``."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from workbench.base.plurals import counted
from workbench.ui.cli.outcome import Outcome, plain

if TYPE_CHECKING:
    from workbench.adapters.store.journal import Entry


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments of one of the five commands."""
    parser.add_argument("dataset", help="name of the dataset")
    if name in ("tag", "untag"):
        parser.add_argument("tag", help="tag; failure:<name> for a failure scenario")
        parser.add_argument(
            "--where", required=True, help="filter of the samples, e.g. \"lighting == 'dim'\"; True means all samples"
        )
        parser.add_argument("--reason", default="", help="reason for the change, kept in the history")
    if name == "history":
        parser.add_argument("--export", metavar="FILE", help="write the changes to a file, one line of JSON each")
        parser.add_argument("--replay", metavar="FILE", help="apply the changes of such a file to this dataset")
    if name == "undo":
        parser.add_argument(
            "--change", metavar="CHANGE", help="number of the change to undo, as in history (the last one)"
        )
    parser.set_defaults(run=_history if name == "history" else _change, action=name)


def _change(args: argparse.Namespace) -> Outcome:
    from workbench.actions.tag import redo, tag, undo, untag
    from workbench.adapters import store

    dataset = store.require_dataset(args.dataset)
    if args.action in ("tag", "untag"):
        change = tag if args.action == "tag" else untag
        entry = change(dataset, args.tag, where=args.where, reason=args.reason)
    elif args.action == "undo":
        entry = undo(dataset, change_id=args.change)
    else:
        entry = redo(dataset)
    return Outcome(_as_json(entry), f"{_as_words(entry)}.{_way_back(entry, args)}")


def _way_back(entry: Entry, args: argparse.Namespace) -> str:
    """How to take a change back; nothing where it changed nothing."""
    if not entry.changed:
        return " Nothing changed."
    back = "redo" if entry.role == "undo" else "undo"
    return f" {back.capitalize()} with `workbench {back} {shlex.quote(args.dataset)}`."


def _as_json(entry: Entry) -> dict[str, object]:
    return dict(plain(entry))


def _as_words(entry: Entry) -> str:
    if entry.action == "tag":
        text, unchanged = f'Tagged {entry.amount} as "{entry.tag}"', "had it already"
    else:
        text, unchanged = f'Removed "{entry.tag}" from {entry.amount}', "did not have it"
    return text + (f"; {entry.already:,} {unchanged}" if entry.already else "")


def _history(args: argparse.Namespace) -> Outcome:
    from workbench.actions.tag import export_history, replay_history
    from workbench.adapters import store
    from workbench.adapters.store.journal import entries

    dataset = store.require_dataset(args.dataset)
    if args.replay:
        replay = replay_history(dataset, args.replay)
        return Outcome({"changes": [_as_json(e) for e in entries(dataset)], **dict(plain(replay))}, f"{replay}.")
    changes = entries(dataset)
    if args.export:
        n = export_history(dataset, args.export)
        return Outcome(
            {"changes": [_as_json(e) for e in changes], "file": args.export},
            f"Wrote {counted(n, 'change')} to {args.export}.",
        )
    lines = [f"{e.number:>4}  {e.when:%Y-%m-%d %H:%M}  {e.who}  {e.role}: {_as_words(e)}  {e.reason}" for e in changes]
    return Outcome({"changes": [_as_json(e) for e in changes]}, "\n".join(lines) or "No changes yet.")
