"""``workbench embed | similar | teach DATASET ...``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments of one of the three commands."""
    parser.add_argument("dataset")
    if name == "teach":
        parser.add_argument("attribute", help="attribute to learn from tags <attribute>:<word>, e.g. surface:brushed")
    if name == "similar":
        parser.add_argument("sample_ids", nargs="+", metavar="SAMPLE_ID")
        parser.add_argument("-n", type=int, default=20, help="number of samples to list (20)")
    if name != "teach":
        parser.add_argument("--where", help="only the samples of this filter")
    runs: dict[str, Callable[[argparse.Namespace], Outcome]] = {"embed": _embed, "similar": _similar, "teach": _teach}
    parser.set_defaults(run=runs[name])


def _embed(args: argparse.Namespace) -> Outcome:
    from workbench.actions.embed import embed

    report = embed(args.dataset, where=args.where)
    problems = [plain(problem) for problem in report.problems]
    values = {
        "embedded": report.embedded,
        "skipped": report.skipped,
        "failed": len(problems),
        "samples_per_s": round(report.samples_per_s, 1),
        "problems": problems,
    }
    return Outcome(values, "\n".join([str(report), *(f"  {p.message} [{p.where}]" for p in report.problems[:20])]))


def _similar(args: argparse.Namespace) -> Outcome:
    from workbench.actions.embed import similar

    frame = similar(args.dataset, args.sample_ids, n=args.n, where=args.where)
    rows = frame.to_dict("records")
    lines = [(row["id"], f"{row['similarity']:.3f}", row["origin"]) for row in rows]
    return Outcome({"samples": rows}, columns(lines) if lines else "No other sample has an embedding.")


def _teach(args: argparse.Namespace) -> Outcome:
    from workbench.actions.embed import teach

    taught = teach(args.dataset, args.attribute)
    lines = ["Tag these next:", *(f"  {sample_id}" for sample_id in taught.doubtful[:10])] if taught.doubtful else []
    return Outcome(dict(plain(taught)), "\n".join([str(taught), *lines]))
