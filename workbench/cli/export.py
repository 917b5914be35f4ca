"""``workbench export DATASET DIR --format F``."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    parser.add_argument("--format", required=True, help="coco or yolo")
    parser.add_argument("--splits", type=_ratios, help="e.g. train=.7,val=.15,test=.15")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument(
        "--no-near-duplicates", action="store_true", help="do not look for near duplicates, which takes time"
    )
    parser.set_defaults(run=run)


def _ratios(text: str) -> dict[str, float]:
    try:
        return {name.strip(): float(value) for name, value in (part.split("=") for part in text.split(","))}
    except ValueError as cause:
        raise argparse.ArgumentTypeError(f"splits such as train=.7,val=.15,test=.15, not {text!r}") from cause


def run(args: argparse.Namespace) -> Outcome:
    """Export and report."""
    from workbench import store
    from workbench.curating import export

    report = export(
        store.require_dataset(args.dataset),
        args.folder,
        format=args.format,
        splits=args.splits,
        seed=args.seed,
        where=args.where,
        near_duplicates=not args.no_near_duplicates,
    )
    head: list[tuple[object, ...]] = [("split", "samples", "labels", "real", "synthetic")]
    rows = head + [(name, *counts.values()) for name, counts in report.splits.items()]
    lost = [f"lost: {item}" for item in report.lost]
    return Outcome(plain(report), "\n".join([columns(rows), *lost, *report.notes, f"manifest: {report.manifest}"]))
