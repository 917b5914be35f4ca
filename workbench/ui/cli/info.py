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
    """Count samples, labels and tags, list the facets, and report."""
    from workbench.adapters import store
    from workbench.adapters.store.predictions import box_fields

    dataset = store.require_dataset(args.dataset)
    counts = store.info(dataset)
    rows = [("samples", counts["samples"]), *sorted(counts["per_source"].items())]
    rows += [("labels", sum(counts["labels_per_class"].values()))]
    rows += [(f"class {name}", n) for name, n in counts["labels_per_class"].items()]
    rows += [(f"tag {name}", n) for name, n in counts["tags"].items()]
    problems = store.odd_label_problems(dataset, [GROUND_TRUTH, *box_fields(dataset)])
    facets = list(store.facets(dataset))
    text = [columns(rows), *_by_prefix(facets), *map(str, problems)]
    return Outcome({**counts, "facets": facets, "problems": plain(problems)}, "\n".join(text))


def _by_prefix(facets: list[str]) -> list[str]:
    """The facets in a line for each prefix, which may be left out in filters.

    >>> _by_prefix(["source", "measures.noise", "lighting", "measures.blur_px"])
    ['facets: source, lighting', 'facets measures: noise, blur_px']
    """
    names: dict[str, list[str]] = {}
    for facet in facets:
        prefix, _, name = facet.rpartition(".")
        names.setdefault(prefix, []).append(name)
    return [f"{f'facets {prefix}'.rstrip()}: {', '.join(own)}" for prefix, own in names.items()]
