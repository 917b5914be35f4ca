"""``workbench slices DATASET --by A,B``."""

from __future__ import annotations

import argparse

from workbench.core.metrics.registry import usages
from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
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
    same = ["value", "low", "high"] if args.metric == "count" else []  # the count stands under "samples"
    table = rows.drop(columns=[name for name in same if name not in by])
    shown = [["-" if value is None else _short(value) for value in row] for row in table.values.tolist()]
    heads = {"value": args.metric, "low": "95% low", "high": "95% high"}
    head = [name if name in by else heads.get(name, name) for name in table.columns]
    return Outcome({"rows": plain(rows.to_dict("records"))}, columns([head, *shown]))


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
