"""``workbench lineage DATASET SAMPLE_ID``, ``workbench remove DATASET --sample|--change|--scenario``, ``restore``."""

from __future__ import annotations

import argparse
import shlex

from workbench.base.plurals import counted
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments of one of the three commands."""
    parser.add_argument("dataset", help="name of the dataset")
    if name == "lineage":
        parser.add_argument("sample_id", help="id of the sample")
    elif name == "restore":
        parser.add_argument("removal_id", nargs="?", help="id of the removal (the last one that was not restored)")
    else:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--sample", metavar="ID", help="remove the descendants of this sample, which itself stays")
        which.add_argument(
            "--change",
            metavar="CHANGE",
            help="remove the samples generated from this change of tags (number in history)",
        )
        which.add_argument(
            "--scenario", metavar="NAME", help="remove the samples of this scenario (name or start of its SHA-256)"
        )
        parser.add_argument("--reason", default="", help="reason for the removal, kept in the record")
    parser.set_defaults(run={"lineage": _lineage, "remove": _remove, "restore": _restore}[name])


def _lineage(args: argparse.Namespace) -> Outcome:
    from workbench.actions.lineage import lineage

    result = lineage(args.dataset, args.sample_id)
    return Outcome(dict(plain(result)), str(result))


def _remove(args: argparse.Namespace) -> Outcome:
    from workbench.actions.lineage import remove_descendants

    done = remove_descendants(
        args.dataset,
        sample=args.sample,
        change=args.change,
        scenario=args.scenario,
        reason=args.reason,
    )
    removed = f"Removed {counted(done.samples, 'descendant')} of {done.what}; the files stay."
    text = f"{removed} Undo with `workbench restore {shlex.quote(args.dataset)}`."
    return Outcome(dict(plain(done)), text)


def _restore(args: argparse.Namespace) -> Outcome:
    from workbench.actions.lineage import restore

    done = restore(args.dataset, args.removal_id)
    return Outcome(dict(plain(done)), f"Restored {counted(done.samples, 'descendant')} of {done.what}.")
