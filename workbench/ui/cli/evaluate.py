"""``workbench evaluate DATASET --predictions FIELD_OR_FILE``."""

from __future__ import annotations

import argparse

from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.add_argument(
        "--predictions",
        required=True,
        metavar="FIELD_OR_FILE",
        help="a field of boxes, COCO results (boxes or masks), COCO with scores, or a folder of YOLO rows",
    )
    parser.add_argument(
        "--annotations", help="COCO file, data.yaml or folder that the model was given; maps ids to images and classes"
    )
    parser.add_argument(
        "--field", default="predictions", help="field to store predictions from a file in (predictions)"
    )
    parser.add_argument("--iou", type=float, default=0.5, help="minimum IoU of a hit (0.5)")
    parser.add_argument("--confidence", type=float, default=0.0, help="minimum confidence of a prediction (0)")
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument(
        "--scope",
        choices=("covered", "all"),
        default="covered",
        help="judge the samples that the predictions cover, or all, the others as missed (covered)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Evaluate and report."""
    from workbench.actions.evaluate import evaluate

    evaluation = evaluate(
        args.dataset,
        args.predictions,
        iou=args.iou,
        confidence=args.confidence,
        where=args.where,
        annotations=args.annotations,
        field=args.field,
        scope=args.scope,
    )
    return Outcome(plain(evaluation), str(evaluation))
