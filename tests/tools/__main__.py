"""``python -m tests.tools COMMAND``: the product's command line with the developers' commands in it."""

from __future__ import annotations

import argparse
import sys

from tests.tools import calibrate_command, sample_data_command, strip_notebooks_command
from workbench.base.errors import WorkbenchError

COMMANDS = {
    "calibrate": calibrate_command,
    "sample-data": sample_data_command,
    "strip-notebooks": strip_notebooks_command,
}


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser("python -m tests.tools", description="Tools for those who develop the workbench.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.configure(commands.add_parser(name, help=module.__doc__), name)
    args = parser.parse_args()
    try:
        outcome = args.run(args)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(outcome.text)
    return int(outcome.status)


if __name__ == "__main__":
    sys.exit(main())
