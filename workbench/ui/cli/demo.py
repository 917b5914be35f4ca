"""``workbench demo``: the whole loop on sample data, without a browser."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.base.errors import InputError
from workbench.ui.cli.outcome import Outcome, say

PREDICTIONS = Path("predictions", "real.json")  # below the folder of the sample data
DATASET = "workbench-demo"
FAILURE = "failure:dim_metal"
WHERE = "source == 'real' and lighting in ['dim', 'dark'] and surface in ['metal', 'mirror']"
SCENARIO = "dim_metal"
CONFIDENCE = 0.3  # least that counts


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("--sample-data", type=Path, help="folder with real/ and synthetic/ (that of the checkout)")
    parser.add_argument("--out", type=Path, help="new or empty folder for the export (a temporary one)")
    parser.add_argument("-n", type=int, default=8, help="samples to generate (8)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Run every step, print its outcome, and keep the dataset for the board."""
    from workbench.adapters import store

    data = sample_data(args.sample_data)
    if DATASET in store.list_datasets():
        store.delete_dataset(DATASET)  # the demo's own, made by an earlier run
    dataset = store.open_dataset(DATASET)
    out = args.out or Path(tempfile.mkdtemp(prefix="workbench-demo-")) / "splits"
    steps = []
    for name, step in _steps(dataset, data, out, args.n).items():
        started_s = time.monotonic()
        text, values = step()
        steps.append({"name": name, "seconds": round(time.monotonic() - started_s, 2), **values})
        if not args.json:
            say(f"{name:<9} {steps[-1]['seconds']:>6.1f} s  {text}", sys.stdout)
    end = f"Done. See it on the board: wb.Board(wb.open({DATASET!r})); the splits are in {out}"
    return Outcome({"steps": steps, "dataset": DATASET, "folder": str(out)}, end)


def sample_data(given: Path | None) -> Path:
    """The folder with the sample data and the predictions on it.

    Raises:
        InputError: it is nowhere; the message says how to make it.
    """
    folders = [given] if given else [Path.cwd() / "sample_data", Path(__file__).parents[3] / "sample_data"]
    for folder in folders:
        if (folder / PREDICTIONS).is_file() and (folder / "real").is_dir() and (folder / "synthetic").is_dir():
            return folder
    raise InputError(
        f"The sample data (real/, synthetic/ and {PREDICTIONS}) is missing.",
        at=", ".join(map(str, folders)),
        fix="Run in the checkout, or make it there: python -m tests.tools sample-data DIR",
    )


Step = Callable[[], tuple[str, dict[str, Any]]]


def _steps(dataset: Any, data: Path, out: Path, n: int) -> dict[str, Step]:
    from workbench.actions.evaluate import evaluate
    from workbench.actions.export import export
    from workbench.actions.generate import generate, reproduce
    from workbench.actions.load import load
    from workbench.actions.measure import measure
    from workbench.actions.tag import redo, tag, undo
    from workbench.adapters import store

    def loading() -> tuple[str, dict[str, Any]]:
        reports = [load(dataset, data / source, source=source) for source in ("real", "synthetic")]
        samples, labels = sum(r.samples for r in reports), sum(r.labels for r in reports)
        return f"{samples:,} samples, {labels:,} labels, real and synthetic", {"samples": samples, "labels": labels}

    def measuring() -> tuple[str, dict[str, Any]]:
        report = measure(dataset)
        return f"{report.measured:,} images, {report.samples_per_s:.0f}/s", {"measured": report.measured}

    def evaluating() -> tuple[str, dict[str, Any]]:
        real, file = "source == 'real'", data / PREDICTIONS
        part = evaluate(dataset, file, where=WHERE, annotations=data / "real", confidence=CONFIDENCE)
        whole = evaluate(dataset, part.predictions, where=real, confidence=CONFIDENCE)  # the last one stays
        text = f"recall {whole.recall:.0%} on real images; dim or dark, on metal or mirror: {part.recall:.0%}"
        counts = {"tp": whole.tp, "fp": whole.fp, "fn": whole.fn}
        return text, {**counts, "recall": whole.recall, "recall_of_failure": part.recall}

    def slicing() -> tuple[str, dict[str, Any]]:
        counts = {s: len(store.select(dataset, _of(s))) for s in ("real", "synthetic")}
        text = f"dim or dark, on metal or mirror: {counts['real']} real, {counts['synthetic']} synthetic"
        return text, counts

    def tagging() -> tuple[str, dict[str, Any]]:
        entry = tag(dataset, FAILURE, where=WHERE, reason="parts vanish in the reflections")
        undo(dataset)
        again = redo(dataset)
        return f"{entry.changed} samples tagged as {FAILURE}, undone and redone", {"changed": again.changed}

    def generation() -> tuple[str, dict[str, Any]]:
        result = generate(SCENARIO, into=dataset, n=n).result()
        text = f"{SCENARIO}: {result}"
        return text, {"generated": result.generated, "sample_ids": result.sample_ids}

    def again() -> tuple[str, dict[str, Any]]:
        result = reproduce(dataset, store.select(dataset, "generation.scenario_name == 'dim_metal'")[0])
        text = f"one sample generated again from its record, labels {'identical' if result.identical else 'DIFFERENT'}"
        return text, {"identical": result.identical, "image_identical": result.image_identical}

    def exporting() -> tuple[str, dict[str, Any]]:
        report = export(dataset, out, format="coco", splits={"train": 0.7, "val": 0.15, "test": 0.15})
        text = ", ".join(f"{name} {c['real']} real + {c['synthetic']} synthetic" for name, c in report.splits.items())
        return f"{text}; read back without differences", {"splits": report.splits, "manifest": report.manifest}

    named: dict[str, Step] = {
        "load": loading,
        "measure": measuring,
        "evaluate": evaluating,
        "slice": slicing,
        "tag": tagging,
    }
    return named | {"generate": generation, "reproduce": again, "export": exporting}


def _of(source: str) -> str:
    return WHERE.replace("'real'", repr(source))
