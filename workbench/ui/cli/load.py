"""``workbench load DATASET PATH --source real|synthetic``."""

from __future__ import annotations

import argparse

from workbench.core.schema.fields import SOURCES
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset; created if it does not exist")
    parser.add_argument("path", help="folder, annotation file or archive")
    parser.add_argument(
        "--source", required=True, choices=SOURCES, help="whether the images are real or synthetic (rendered)"
    )
    parser.add_argument("--format", help="name of the format, e.g. coco (detected from the content)")
    parser.add_argument("--update", action="store_true", help="take labels that were corrected in the data since")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Load and report."""
    from workbench.actions.load import load

    report = load(args.dataset, args.path, source=args.source, format=args.format, update=args.update)
    return Outcome(plain(report), str(report))
