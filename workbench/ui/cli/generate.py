"""``workbench generate SCENARIO --into DATASET -n N``."""

from __future__ import annotations

import argparse
import contextlib

from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("scenario", help="a YAML file or the name of a preset")
    parser.add_argument(
        "--into", required=True, metavar="DATASET", help="name of the dataset; created if it does not exist"
    )
    parser.add_argument("-n", type=_positive, required=True, help="number of frames")
    parser.add_argument("--seed", type=int, help="random seed (that of the scenario)")
    parser.add_argument("--backend", default="open3d", help="open3d (default), mitsuba or flat")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_positive, help="number of worker processes (up to 2)")
    where.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster that sees the same folders")
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return number


def run(args: argparse.Namespace) -> Outcome:
    """Generate and report."""
    from workbench.actions.generate import cluster, generate
    from workbench.adapters import store
    from workbench.core.scenario import Scenario

    scenario = Scenario.load(args.scenario)
    with cluster(args.dask) if args.dask else contextlib.nullcontext() as executor:
        result = generate(
            scenario,
            into=store.open_dataset(args.into),
            n=args.n,
            seed=args.seed,
            backend=args.backend,
            workers=args.workers,
            executor=executor,
        ).result()
    lines = [str(result), *(f"  {problem.message} [{problem.where}]" for problem in result.problems)]
    return Outcome(plain(result), "\n".join(lines))
