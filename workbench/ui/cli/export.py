"""``workbench export DATASET DIR --format F``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.adapters.formats.registry import WRITERS
from workbench.core.splits.spec import Option, SplitSpec, options
from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments; those of the splits come from the fields of ``SplitSpec``."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    parser.add_argument("--format", required=True, help=", ".join(WRITERS))
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument("--media", default="copy", help="copy, hardlink or reference")
    parser.add_argument(
        "--no-near-duplicates", action="store_true", help="skip the search for near duplicates, which takes time"
    )
    for field, default, option in options():
        flag = f"--{(option.flag or field).replace('_', '-')}"
        if option.parse is None:
            parser.add_argument(
                flag, dest=field, action="store_const", const=not default, default=default, help=option.help
            )
        else:
            reader = _reader(option)
            parser.add_argument(
                flag, dest=field, type=reader, default=default, metavar=option.example, help=option.help
            )
    parser.set_defaults(run=run)


def _reader(option: Option) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        assert option.parse is not None
        try:
            return option.parse(text)
        except ValueError as cause:
            raise argparse.ArgumentTypeError(f"{text!r} is not {option.example}: {option.help}") from cause

    return read


def run(args: argparse.Namespace) -> Outcome:
    """Export and report."""
    from workbench.actions.export import export

    report = export(
        args.dataset,
        args.folder,
        format=args.format,
        splits=SplitSpec(**{field: getattr(args, field) for field, *_ in options()}),
        where=args.where,
        media=args.media,
        near_duplicates=not args.no_near_duplicates,
    )
    head: list[tuple[object, ...]] = [("split", "samples", "labels", "real", "synthetic")]
    rows = head + [(name, *counts.values()) for name, counts in report.splits.items()]
    lost = [f"not in this format: {item}" for item in report.lost]
    alike = [str(report.stratification)] if report.stratification else []
    return Outcome(
        plain(report), "\n".join([columns(rows), *lost, *alike, *report.notes, f"manifest: {report.manifest}"])
    )
