"""``workbench diff BUNDLE_A BUNDLE_B``."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("first", type=Path, metavar="BUNDLE_A", help="folder of an export")
    parser.add_argument("second", type=Path, metavar="BUNDLE_B", help="folder of a later export")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Compare and report."""
    from workbench.actions.export import diff

    result = diff(args.first, args.second)
    return Outcome(plain(result), str(result))
