"""``workbench duplicates DATASET``."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument("--calibrate", action="store_true", help="recompute the similarity threshold of the dataset")
    parser.add_argument("--page", type=Path, metavar="FILE.html", help="write a page with the pairs side by side")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Find and report."""
    from workbench.actions.duplicates.search import duplicates

    report = duplicates(args.dataset, where=args.where, calibrate=args.calibrate)
    values = {name: value for name, value in plain(report).items() if name != "paths"}
    values["cross_split_pairs"] = plain(report.cross_split_pairs)
    lines = [str(report)]
    if args.page:
        values["page"] = str(report.save(args.page))
        lines.append(f"  page: {values['page']}")
    return Outcome(values, "\n".join(lines))
