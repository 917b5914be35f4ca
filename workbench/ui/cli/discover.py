"""``workbench discover DATASET [--metric M]``."""

from __future__ import annotations

import argparse

from workbench.core.metrics.registry import usages
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.add_argument("--metric", default="recall", help=f"{usages('search')} (recall)")
    parser.add_argument("--by", help="facets to search, e.g. lighting,surface (all that make sense)")
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument("--worst", choices=["low", "high"], help="which end of a mean or share is bad (high)")
    parser.add_argument("--limit", type=int, default=10, help="maximum number of slices (10)")
    parser.add_argument("--save-views", action="store_true", help="save each slice as a view of FiftyOne")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Search and report."""
    from workbench.actions.evaluate.discover import discover

    discovery = discover(
        args.dataset,
        metric=args.metric,
        by=[name.strip() for name in args.by.split(",") if name.strip()] if args.by else None,
        where=args.where,
        worst=args.worst,
        limit=args.limit,
        save_views=args.save_views,
    )
    counts = {key: value for key, value in plain(discovery.found).items() if key != "slices"}
    values = {"slices": plain(discovery.rows), "summary": discovery.summary, "search": counts}
    return Outcome({**values, "problems": plain(discovery.problems)}, str(discovery))
