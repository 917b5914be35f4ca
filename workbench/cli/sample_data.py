"""``workbench sample-data DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.outcome import Outcome
from workbench.schema.fields import SOURCES


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="DIR/real and DIR/synthetic must be new or empty")
    parser.add_argument("-n", type=int, default=240, help="pictures in each (240)")
    parser.add_argument("--only", choices=SOURCES, help="make one of the two")
    parser.add_argument("--workers", type=int, help="worker processes; two at most by default")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Make and report."""
    from workbench.generating.sample_data import make_sample_data

    sources = (args.only,) if args.only else SOURCES
    made = make_sample_data(args.folder, n=args.n, sources=sources, workers=args.workers)
    return Outcome({"made": made}, ", ".join(f"{n} {name}" for name, n in made.items()) + f" in {args.folder}")
