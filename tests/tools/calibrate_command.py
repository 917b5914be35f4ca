"""Say how far measures tell the truth, on renders whose truth is known."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.ui.cli.outcome import Outcome


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("out", type=Path, help="folder for the pictures and the report; a set in it is continued")
    parser.add_argument("--frames", type=int, default=240, help="scenes by the first backend, a third by others (240)")
    parser.add_argument("--backend", action="append", help="open3d (default) or mitsuba; may be given twice")
    parser.add_argument("--photos", type=Path, help="folder with real photos, to which blur and noise are added")
    parser.add_argument("--fit", action="store_true", help="fit the models anew and write them into the package")
    parser.add_argument("--workers", type=int, help="worker processes; one per core when not given")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Calibrate, and print the table."""
    from tests.tools.calibration import calibrate

    report = calibrate(
        args.out,
        frames=args.frames,
        backends=args.backend or ["open3d"],
        fit=args.fit,
        photos=args.photos,
        workers=args.workers,
    )
    return Outcome(report.document() | {"folder": str(args.out)}, f"{report.text()}\nPlots: {args.out / 'report.html'}")
