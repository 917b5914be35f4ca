"""``workbench recreate DATASET --where F -o scenario.yaml``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from workbench.base.errors import InputError
from workbench.ui.cli.outcome import Outcome, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", help="name of the dataset")
    parser.add_argument("--where", required=True, help="filter of the samples, e.g. \"'failure:glare' in tags\"")
    parser.add_argument("-o", "--output", type=Path, required=True, help="YAML file to write the scenario to")
    parser.add_argument("--name", help="name of the scenario (the failure tag that the samples share)")
    parser.add_argument(
        "--content", help="what to make pictures of: photos, pasted, rendered (what fits best of these) or plates"
    )
    parser.add_argument(
        "--meshes",
        type=Path,
        metavar="FOLDER",
        help="mesh files to render instead of built-in parts, named or sorted by class; FOLDER#mm in millimetres",
    )
    parser.add_argument(
        "--mesh",
        action="append",
        metavar="CLASS=FILE",
        help="a mesh file of a class, to render instead of built-in parts; may be given several times",
    )
    parser.add_argument(
        "--with-test",
        action="store_true",
        help="fit to samples of test too, which then cannot evaluate rounds any more",
    )
    parser.add_argument(
        "--no-probes", action="store_true", help="copy surfaces and classes only, without trial pictures"
    )
    parser.add_argument("--seconds", type=float, default=90.0, help="time limit of the fit (90)")
    parser.add_argument("--backend", default="open3d", help="open3d (default), mitsuba or flat")
    parser.set_defaults(run=run)


def _meshes(args: argparse.Namespace) -> Path | dict[str, list[str]] | None:
    """The folder or the table that was given."""
    if args.mesh is None:
        return args.meshes  # type: ignore[no-any-return]
    if args.meshes is not None:
        raise InputError("Both --meshes and --mesh were given.", fix="Give one of them.")
    table: dict[str, list[str]] = {}
    for given in args.mesh:
        name, equals, file = given.partition("=")
        if not (name and equals and file):
            raise InputError(f"{given!r} is not CLASS=FILE.", at="--mesh", fix="Write e.g. --mesh cone=cone.obj.")
        table.setdefault(name, []).append(file)
    return table


def run(args: argparse.Namespace) -> Outcome:
    """Recreate, save and report."""
    from workbench.actions.recreate import recreate
    from workbench.adapters import store

    dataset = store.require_dataset(args.dataset)
    recreation = recreate(
        dataset,
        args.where,
        name=args.name,
        content=args.content,
        meshes=_meshes(args),
        spare_test=not args.with_test,
        probes=not args.no_probes,
        seconds=args.seconds,
        backend=args.backend,
    )
    recreation.scenario.dump(args.output)
    values = {
        "scenario": str(args.output),
        "samples": recreation.samples,
        "probes": recreation.probes,
        "parameters": [plain(row) for row in recreation.parameters],
        "content": recreation.content,
        "aucs": recreation.aucs,
        "refused": recreation.refused,
        "gap_before": recreation.gap_before,
        "gap_after": recreation.gap_after,
        "problems": plain(recreation.problems),
        "notes": recreation.notes,
    }
    scenario = shlex.quote(str(args.output))
    sheet = shlex.quote(str(Path(args.output).with_suffix(".png")))
    text = f"{recreation}\nWritten to {args.output}. Preview it: workbench scenario preview {scenario} -o {sheet}"
    return Outcome(values, text)
