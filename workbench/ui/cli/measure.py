"""``workbench measure DATASET``."""

from __future__ import annotations

import argparse

from workbench.base.plurals import counted
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument("--again", action="store_true", help="also measure images that have been measured before")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Measure and report."""
    from workbench.actions.measure import measure

    report = measure(args.dataset, where=args.where, again=args.again)
    values = {
        "measured": report.measured,
        "skipped": report.skipped,
        "without_picture": report.without_picture,
        "failed": report.failed,
        "samples_per_s": round(report.samples_per_s, 1),
        "problems": [plain(problem) for problem in report.problems],
        "unknown": report.unknown,
    }
    before = report.skipped - report.without_picture
    lines = [
        f"{report.measured:,} measured ({report.samples_per_s:.0f}/s), {before:,} measured before, "
        f"{report.failed:,} failed"
    ]
    if report.without_picture:
        lines[0] += f", {counted(report.without_picture, 'point cloud')} without an image skipped"
    lines += [f"  {problem}" for problem in report.problems[:20]]
    return Outcome(values, "\n".join(lines + report.advice(args.dataset)))
