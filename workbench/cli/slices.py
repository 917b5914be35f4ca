"""``workbench slices DATASET --by A,B``."""

from __future__ import annotations

import argparse

from workbench.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("--by", required=True, help="one or two facets, e.g. lighting,surface")
    parser.add_argument("--metric", default="count", help="count, mean:FACET (e.g. mean:noise) or share:TAG")
    parser.add_argument("--where", help="only the samples of this filter")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Compute and report."""
    from workbench import store
    from workbench.slicing import parse
    from workbench.slicing.slices import slices

    by = [name.strip() for name in args.by.split(",") if name.strip()]
    table = store.table(store.require_dataset(args.dataset))
    rows = table.mask(parse(args.where)) if args.where else None
    found = slices(table, by, metric=args.metric, rows=rows)
    numbers = ("samples", "labels", "value", "low", "high")
    values = [{name: getattr(cell, name) for name in numbers} for cell in found]
    text = [[*by, *numbers]] + [
        ["-" if v is None else _short(v) for v in (*cell.words.values(), *row.values())]
        for cell, row in zip(found, values, strict=True)
    ]
    # a facet named like a number ("labels") wins: it says which cell this is
    rows_of = [{**row, **cell.words} for cell, row in zip(found, values, strict=True)]
    return Outcome({"rows": plain(rows_of)}, columns(text))


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
