"""``workbench info DATASET``."""

from __future__ import annotations

import argparse

from workbench.core.schema.fields import GROUND_TRUTH
from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Count samples, labels and tags, and report."""
    from workbench.adapters import store
    from workbench.adapters.store.predictions import box_fields

    dataset = store.require_dataset(args.dataset)
    counts = store.info(dataset)
    rows = [("samples", counts["samples"]), *sorted(counts["per_source"].items())]
    rows += [(f"class {name}", n) for name, n in counts["labels_per_class"].items()]
    rows += [(f"tag {name}", n) for name, n in counts["tags"].items()]
    problems = store.odd_label_problems(dataset, [GROUND_TRUTH, *box_fields(dataset)])
    text = [columns(rows), *map(str, problems)]
    return Outcome({**counts, "problems": plain(problems)}, "\n".join(text))
