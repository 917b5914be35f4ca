"""``workbench lineage DATASET SAMPLE_ID``, ``workbench remove DATASET --sample|--change|--scenario``, ``restore``."""

from __future__ import annotations

import argparse

from workbench.base.plurals import counted
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments of one of the three commands."""
    parser.add_argument("dataset")
    if name == "lineage":
        parser.add_argument("sample_id")
    elif name == "restore":
        parser.add_argument("removal_id", nargs="?", help="by default the last removal that was not taken back")
    else:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--sample", metavar="ID", help="what came of this sample; it stays itself")
        which.add_argument("--change", metavar="ID", help="what came of this change of tags")
        which.add_argument("--scenario", metavar="NAME", help="what this scenario made; name or start of its SHA-256")
        parser.add_argument("--reason", default="", help="why, for the record")
    parser.set_defaults(run={"lineage": _lineage, "remove": _remove, "restore": _restore}[name])


def _lineage(args: argparse.Namespace) -> Outcome:
    from workbench.actions.lineage import lineage

    found = lineage(args.dataset, args.sample_id)
    return Outcome(dict(plain(found)), str(found))


def _remove(args: argparse.Namespace) -> Outcome:
    from workbench.actions.lineage import remove_descendants

    done = remove_descendants(
        args.dataset,
        sample=args.sample,
        change=args.change,
        scenario=args.scenario,
        reason=args.reason,
    )
    text = f"{counted(done.samples, 'descendant')} of {done.what} taken out; files stay. Undo: `workbench restore`."
    return Outcome(dict(plain(done)), text)


def _restore(args: argparse.Namespace) -> Outcome:
    from workbench.actions.lineage import restore

    done = restore(args.dataset, args.removal_id)
    return Outcome(dict(plain(done)), f"{counted(done.samples, 'descendant')} of {done.what} put back.")
