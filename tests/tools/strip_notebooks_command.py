"""Take outputs and execution counts out of notebooks, so that commits hold what people wrote."""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat

from workbench.ui.cli.outcome import Outcome


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("notebooks", type=Path, nargs="*", metavar="NOTEBOOK")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Strip, and say which files changed."""
    changed = [str(path) for path in args.notebooks if strip(path)]
    return Outcome({"changed": changed}, "\n".join(changed) or "No notebook has outputs.", status=int(bool(changed)))


def strip(path: Path) -> bool:
    """Whether a notebook had outputs; it has none afterwards."""
    book = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    had = False
    for cell in book.cells:
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            cell.outputs, cell.execution_count, had = [], None, True
    if had:
        nbformat.write(book, path)
    return had
