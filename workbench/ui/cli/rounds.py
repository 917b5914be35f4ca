"""``workbench rounds DATASET [--record NAME --predictions FIELD_OR_FILE]``."""

from __future__ import annotations

import argparse

from workbench.core.metrics.registry import usages
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument(
        "--record", metavar="NAME", help="record a round of this name first; an existing one is replaced"
    )
    parser.add_argument(
        "--predictions",
        metavar="FIELD_OR_FILE",
        default="predictions",
        help="predictions of the round to record (predictions)",
    )
    parser.add_argument(
        "--annotations", help="COCO file, data.yaml or folder that the model was given; maps ids to images and classes"
    )
    parser.add_argument("--manifest", metavar="FILE", help="manifest.json of the export that the model was trained on")
    parser.add_argument("--images", type=int, help="number of new images in the round")
    parser.add_argument("--seconds", type=float, help="duration of the round")
    parser.add_argument("--confidence", type=float, default=0.0, help="minimum confidence of a prediction (0)")
    parser.add_argument("--metric", default="recall", help=f"metric to compare: {usages('compare')} (recall)")
    parser.add_argument("--save", metavar="FILE", help="write the scoreboard as a page of HTML")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Record a round if one is named, compare the rounds and report."""
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
    scoreboard = rounds(dataset, metric=args.metric)
    if args.save:
        scoreboard.save(args.save)
    return Outcome(plain(scoreboard.plain()), str(scoreboard))
