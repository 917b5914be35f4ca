"""``workbench gap DATASET [--by A] [--where F] [--against F]``."""

from __future__ import annotations

import argparse

from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.add_argument("--by", help="facet: compute one gap per value")
    parser.add_argument("--where", help="only the samples of this filter; with --against: the reference side")
    parser.add_argument("--against", help="filter of the other side (the synthetic samples)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    parser.add_argument("--save", metavar="FILE", help="write the plot as a page of HTML")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Compare and report."""
    from workbench.actions.evaluate.gap import gap

    gaps = gap(args.dataset, by=args.by, where=args.where, against=args.against, seed=args.seed)
    if args.save:
        gaps.save(args.save)
    values = {"rows": plain(gaps.rows), "sides": list(gaps.sides), "problems": plain(gaps.problems)}
    return Outcome(values, str(gaps))
