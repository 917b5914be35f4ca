"""``workbench info DATASET``."""

from __future__ import annotations

import argparse

from workbench.ui.cli.outcome import Outcome, columns


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Count samples, labels and tags, and report."""
    from workbench.adapters import store

    counts = store.info(args.dataset)
    rows = [("samples", counts["samples"]), *sorted(counts["per_source"].items())]
    rows += [(f"class {name}", n) for name, n in counts["labels_per_class"].items()]
    rows += [(f"tag {name}", n) for name, n in counts["tags"].items()]
    return Outcome(counts, columns(rows))
