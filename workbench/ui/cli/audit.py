"""``workbench audit OUT --model FOLDER | --predict COMMAND``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.base.errors import InputError, one_of
from workbench.ui.cli.outcome import Outcome, plain

if TYPE_CHECKING:
    from workbench.actions.audit import Audit, Factor
    from workbench.actions.train import Trainer

REPORT, SCENARIOS = "report.html", "scenarios"


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("out", type=Path, help="new or empty folder for the report and the proposed scenarios")
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, metavar="FOLDER", help="folder of a detector written by Detector.save")
    model.add_argument(
        "--predict",
        metavar="COMMAND",
        help="command that predicts, e.g. 'python predict.py {images} {predictions}': reads a COCO file of images and "
        "writes a file of COCO results",
    )
    parser.add_argument(
        "--train-dir", type=Path, metavar="EXPORT", help="export that the command was trained on; gives its classes"
    )
    parser.add_argument(
        "--scenario", help="scenario for everything that is not varied: a YAML file or a preset (a varied work cell)"
    )
    parser.add_argument("--factors", help="factors to vary, e.g. light,surface (all five)")
    parser.add_argument(
        "--frames", type=int, default=8, help="images per combination (8; five factors have 16 combinations)"
    )
    parser.add_argument("--width", type=int, default=640, metavar="PX", help="width of the images (640)")
    parser.add_argument("--backend", default="open3d", help="open3d (default), mitsuba or flat")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Audit the model and write the report and scenarios; the folder appears only when it is complete."""
    from workbench.actions.audit import audit
    from workbench.base.files import require_empty, whole_folder

    require_empty(args.out)
    factors, model = _factors(args.factors), _model(args)
    result = audit(
        model,
        scenario=args.scenario,
        factors=factors,
        frames=args.frames,
        width_px=args.width,
        backend=args.backend,
    )
    with whole_folder(args.out) as folder:
        result.save(folder / REPORT)
        (folder / SCENARIOS).mkdir()
        for scenario in result.scenarios:
            scenario.dump(folder / _file(scenario.name))
    proposed = [
        {"name": scenario.name, "file": str(args.out / _file(scenario.name)), "description": scenario.description}
        for scenario in result.scenarios
    ]
    values = {**result.plain(), "scenarios": proposed, "report": str(args.out / REPORT)}
    return Outcome(plain(values), _text(result, args.out))


def _file(name: str) -> Path:
    return Path(SCENARIOS, f"{name}.yaml")


def _factors(names: str | None) -> tuple[Factor, ...]:
    from workbench.actions.audit import FACTORS

    known = {factor.name: factor for factor in FACTORS}
    wanted = list(known) if names is None else list(dict.fromkeys(name.strip() for name in names.split(",")))
    for name in wanted:
        if name not in known:
            raise InputError(f"Unknown factor {name!r}.", at="--factors", fix=one_of(name, known))
    return tuple(known[name] for name in wanted)


def _model(args: argparse.Namespace) -> Trainer:
    from workbench.actions.train import CommandTrainer, Detector
    from workbench.core.assets import PART_NAMES

    if args.model is not None:
        if args.train_dir is not None:
            problem = "--train-dir goes with --predict, not with --model."
            raise InputError(problem, fix="Leave it out: a saved detector knows its classes.")
        return Detector.load(args.model)
    trainer = CommandTrainer(args.predict, classes=PART_NAMES)
    if args.train_dir is not None:
        trainer.fit(args.train_dir)  # there is no command that learns: it only says what the classes are
    return trainer


def _text(result: Audit, out: Path) -> str:
    lines = [str(result), f"Report: {out / REPORT}"]
    if result.scenarios:
        lines.append("Scenarios where it fails; generate more with `workbench generate FILE --into DATASET -n N`:")
        lines += [f"  {out / _file(scenario.name)}" for scenario in result.scenarios]
    return "\n".join(lines)
