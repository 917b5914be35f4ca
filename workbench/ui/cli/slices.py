"""``workbench slices DATASET --by A,B``."""

from __future__ import annotations

import argparse

from workbench.core.metrics.registry import usages
from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("--by", required=True, help="one or two facets, e.g. lighting,surface")
    parser.add_argument(
        "--metric",
        default="count",
        help=f"{usages()}; for example mean:noise",
    )
    parser.add_argument("--where", help="only the samples of this filter")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Compute and report."""
    from workbench.actions.evaluate import slices

    by = [name.strip() for name in args.by.split(",") if name.strip()]
    frame = slices(args.dataset, by, metric=args.metric, where=args.where)
    rows = frame.astype(object).where(frame.notna(), None)
    shown = [["-" if value is None else _short(value) for value in row] for row in rows.values.tolist()]
    return Outcome({"rows": plain(rows.to_dict("records"))}, columns([list(frame.columns), *shown]))


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
