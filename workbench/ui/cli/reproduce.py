"""``workbench reproduce DATASET SAMPLE_ID``."""

from __future__ import annotations

import argparse

from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("sample_id")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Generate the sample again and compare."""
    from workbench.actions.generate import reproduce

    result = reproduce(args.dataset, args.sample_id)
    labels = "identical" if result.identical else "DIFFERENT"
    text = f"labels {labels}; image: largest pixel difference {result.max_pixel_difference} of 255"
    return Outcome(plain(result), text, 0 if result.identical else 1)
