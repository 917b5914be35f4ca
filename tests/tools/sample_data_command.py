"""Make the sample data again: pictures by a path-traced stand-in and by Open3D, and predictions."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.core.schema.fields import SOURCES, SourceName
from workbench.ui.cli.outcome import Outcome

SIZE_WH, EPOCHS = (256, 192), 60  # of the detector
PREDICTIONS = Path("predictions", "real.json")  # below the folder


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="DIR/real and DIR/synthetic must be new or empty")
    parser.add_argument("-n", type=int, default=240, help="pictures in each (240)")
    parser.add_argument("--only", choices=(*SOURCES, "predictions"), help="make one of the three")
    parser.add_argument("--workers", type=int, help="worker processes; two at most by default")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Make and report."""
    from tests.tools.sample_data import make_sample_data

    sources: list[SourceName] = [one for one in SOURCES if args.only in (None, one)]
    made = make_sample_data(args.folder, n=args.n, sources=sources, workers=args.workers)
    if args.only in (None, "predictions"):
        made["predictions"] = make_predictions(args.folder)
    return Outcome({"made": made}, ", ".join(f"{n:,} {name}" for name, n in made.items()) + f" in {args.folder}")


def make_predictions(folder: Path) -> int:
    """Let the built-in detector judge ``folder/real`` out of fold, and write ``folder/predictions/real.json``.

    Beside the pictures, not among them: it is no annotation file. Half an hour on a processor core.

    Returns:
        Number of predicted boxes.

    Raises:
        InputError: there are no real pictures.
        MissingExtra: PyTorch is not installed.
    """
    from tests.tools.out_of_fold import predict_out_of_fold, results_text
    from workbench.actions.train import Detector

    real = folder / "real"
    if not real.is_dir():
        raise InputError("There are no real images to predict on: the folder is missing.", at=str(real))
    results = predict_out_of_fold(real, lambda: Detector(size_wh=SIZE_WH, epochs=EPOCHS, patience=EPOCHS))
    (folder / PREDICTIONS).parent.mkdir(exist_ok=True)
    write_bytes(folder / PREDICTIONS, results_text(results).encode())
    return len(results)
