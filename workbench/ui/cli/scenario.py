"""``workbench scenario presets | schema | diff A B | preview SCENARIO -o sheet.png``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from workbench.base.plurals import counted
from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments; ``--json`` may stand behind each of the four."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    actions.add_parser("presets", parents=[shared], help="list the scenarios that come with the package")
    schema = actions.add_parser("schema", parents=[shared], help="print the JSON Schema of scenarios, for editors")
    schema.add_argument("-o", "--output", type=Path, help="file to write it to (stdout)")
    diff = actions.add_parser("diff", parents=[shared], help="list the differences of two scenarios")
    diff.add_argument("first", help="YAML file or preset")
    diff.add_argument("second", help="YAML file or preset")
    show = actions.add_parser("preview", parents=[shared], help="draw a contact sheet of the first frames")
    show.add_argument("scenario", help="a YAML file or the name of a preset")
    show.add_argument("-o", "--output", type=Path, required=True, help=".png or .jpg file to write")
    show.add_argument("-n", type=int, default=8, help="number of frames (8)")
    show.add_argument("--width", type=int, default=240, help="width of each in pixels (240)")
    show.add_argument("--backend", default="open3d", help="open3d (default), mitsuba or flat")
    parser.set_defaults(run=lambda args: ACTIONS[args.action](args))


def _presets(args: argparse.Namespace) -> Outcome:
    from workbench.core.scenario import Scenario, preset_names

    descriptions = {name: Scenario.load(name).description for name in preset_names()}
    return Outcome({"presets": descriptions}, columns(descriptions.items()))


def _schema(args: argparse.Namespace) -> Outcome:
    from workbench.base.files import write_json
    from workbench.core.scenario.json_schema import json_schema

    schema = json_schema()
    if args.output is None:
        return Outcome(schema, json.dumps(schema, indent=1))
    write_json(args.output, schema)
    hint = f"Written to {args.output}; first line of a scenario: # yaml-language-server: $schema={args.output}"
    return Outcome({"schema": str(args.output)}, hint)


def _diff(args: argparse.Namespace) -> Outcome:
    from workbench.core.scenario import Scenario
    from workbench.core.scenario.diff import differences

    changes = differences(Scenario.load(args.first), Scenario.load(args.second))
    lines = [
        f"{change.path}{' (changes all draws)' if change.redraws else ''}\n  - {change.first}\n  + {change.second}"
        for change in changes
    ]
    return Outcome({"differences": plain(changes)}, "\n".join(lines) or "The scenarios draw the same values.")


def _preview(args: argparse.Namespace) -> Outcome:
    from workbench.actions.generate.sheet import save_sheet, sheet

    picture = sheet(args.scenario, args.n, width_px=args.width, backend=args.backend)
    save_sheet(args.output, picture)
    return Outcome(
        {"sheet": str(args.output), "pictures": args.n}, f"Wrote {counted(args.n, 'frame')} to {args.output}."
    )


ACTIONS = {"presets": _presets, "schema": _schema, "diff": _diff, "preview": _preview}
