"""``workbench rounds DATASET [--record NAME --predictions FIELD_OR_FILE]``."""

from __future__ import annotations

import argparse

from workbench.core.metrics.registry import usages
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("--record", metavar="NAME", help="first record a round of this name; again replaces it")
    parser.add_argument(
        "--predictions", metavar="FIELD_OR_FILE", default="predictions", help="of the round to record (predictions)"
    )
    parser.add_argument(
        "--annotations", help="COCO file, data.yaml or folder that the model was given; says what ids mean"
    )
    parser.add_argument("--manifest", metavar="FILE", help="manifest.json of the export that it was trained on")
    parser.add_argument("--images", type=int, help="new pictures that the round cost")
    parser.add_argument("--seconds", type=float, help="time that it cost")
    parser.add_argument("--confidence", type=float, default=0.0, help="least confidence that counts (0)")
    parser.add_argument(
        "--metric", default="recall", help=f"what scenarios are judged by: {usages('compare')} (recall)"
    )
    parser.add_argument("--save", metavar="FILE", help="write the scoreboard as a page of HTML")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Record if asked to, compare and report."""
    from workbench.actions.rounds import record_round, rounds
    from workbench.adapters import store

    dataset = store.require_dataset(args.dataset)
    if args.record is not None:
        record_round(
            dataset,
            args.predictions,
            name=args.record,
            manifest=args.manifest,
            images=args.images,
            seconds=args.seconds,
            confidence=args.confidence,
            annotations=args.annotations,
        )
    found = rounds(dataset, metric=args.metric)
    if args.save:
        found.save(args.save)
    return Outcome(plain(found.plain()), str(found))
