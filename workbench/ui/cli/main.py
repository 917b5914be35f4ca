"""Parse arguments, run one command, print its outcome for people or as one JSON object.

Exit status: 0 done, 1 a failure that is the user's to fix, 2 wrong usage, 130 stopped with Ctrl-C, 141 nobody reads the
output any more.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from workbench import __version__
from workbench.base.errors import Cancelled, WorkbenchError, WorkbenchWarning
from workbench.base.visible import visible
from workbench.ui.cli.outcome import Outcome, say, say_json

COMMANDS: dict[str, tuple[str, str]] = {  # command -> module, one line of help
    "doctor": ("doctor", "check Python, database, renderer, JupyterLab and disk, and suggest fixes"),
    "lab": ("lab", "start JupyterLab with the board"),
    "demo": ("demo", "run the whole loop on sample data without a browser"),
    "load": ("load", "load images and labels from a folder into a dataset"),
    "info": ("info", "count samples, labels and tags of a dataset, and list its facets"),
    "measure": ("measure", "measure light, surface and sensor quality of the images"),
    "evaluate": ("evaluate", "match predictions with the labels and count hits, misses and errors"),
    "slices": ("slices", "compute a metric per lighting, surface or any other facet, with intervals"),
    "tag": ("tag", "tag the samples of a filter"),
    "untag": ("tag", "remove a tag from the samples of a filter"),
    "undo": ("tag", "undo the last change of tags"),
    "redo": ("tag", "redo the change of tags that was undone last"),
    "history": ("tag", "list all changes of tags"),
    "embed": ("explore", "compute an embedding of every image"),
    "similar": ("explore", "list the samples most similar to the given ones"),
    "teach": ("explore", "predict an attribute of all samples from those with tags <attribute>:<word>"),
    "recreate": ("recreate", "make a scenario from what tagged samples have in common"),
    "discover": ("discover", "find the slices where a metric is worst"),
    "gap": ("gap", "measure the gap between synthetic and real samples, or between any two filters"),
    "scenario": ("scenario", "list presets, print the JSON Schema, compare or preview scenarios"),
    "generate": ("generate", "generate labelled samples from a scenario into a dataset"),
    "reproduce": ("reproduce", "generate one sample again from its record and compare the two"),
    "lineage": ("lineage", "show why a sample exists and which samples descend from it"),
    "remove": ("lineage", "remove all samples generated from a sample, a change of tags or a scenario"),
    "restore": ("lineage", "restore removed samples"),
    "audit": ("audit", "test a model on images of a designed experiment to find which factors make it fail"),
    "rounds": ("rounds", "record a round, and show which failure scenarios are closed, failing or worse"),
    "duplicates": ("duplicates", "find exact and near duplicates, and label conflicts between them"),
    "export": ("export", "export splits in one of nine formats, read back and compared"),
    "diff": ("diff", "list samples added, removed, moved or relabelled between two exports"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((a for a in arguments if not a.startswith("-")), None)
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a terminal may lack the letters of a class name
        return _run(_parser(command).parse_args(arguments))
    except BrokenPipeError:  # for example ``workbench info cell | head -1``
        _give_up_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _give_up_output()
        where = f"{error.filename}: " if error.filename else ""
        reason = os.strerror(error.errno) if error.errno else str(error)
        with contextlib.suppress(OSError):
            fix = "Make room, change the permissions, or set HOME or WORKBENCH_HOME to another folder."
            say(f"workbench: {where}Cannot read or write: {reason}. {fix}", sys.stderr)
        return 1


def _run(args: argparse.Namespace) -> int:
    with _only_json_on_stdout(args.json) as stdout, _warnings_in_words() as warned:
        try:
            outcome = args.run(args)
        except WorkbenchError as error:
            return _failed(str(error), args.json, stdout, status=130 if isinstance(error, Cancelled) else 1)
        except KeyboardInterrupt:
            return _failed(
                "Stopped. What was finished is kept; run the command again to continue.", args.json, stdout, status=130
            )
        return _print(outcome, args.json, stdout, warned)


def _give_up_output() -> None:
    """Let Python find somewhere to put the rest of the output when it ends."""
    with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:  # noqa: PTH123 - as short as can be
        os.dup2(nowhere.fileno(), 1)


class _Parser(argparse.ArgumentParser):
    """Quotes arguments in its messages, which may come from a file name."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(visible(message), file)


def _parser(command: str | None) -> argparse.ArgumentParser:
    """The parser; only the module of the command that is called gets loaded."""
    parser = _Parser("workbench", description="Dataset curation workbench for Physical AI.")
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, help_line) in COMMANDS.items():
        sub = commands.add_parser(name, help=help_line, description=f"{help_line[0].upper()}{help_line[1:]}.")
        sub.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
        if name == command:
            importlib.import_module(f"workbench.ui.cli.{module}").configure(sub, name)
    return parser


@contextlib.contextmanager
def _only_json_on_stdout(wanted: bool) -> Iterator[TextIO]:
    """Give the real stdout, and send what libraries and workers print there to stderr."""
    if not wanted:
        yield sys.stdout
        return
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # stdout is closed: nobody reads the answer
        yield sys.stderr
        return
    os.dup2(2, 1)
    with (
        os.fdopen(kept, "w", encoding="utf-8", errors="backslashreplace") as stdout,
        contextlib.redirect_stdout(sys.stderr),
    ):
        yield stdout
    # fd 1 stays on stderr: late words of exit handlers must not follow the JSON


@contextlib.contextmanager
def _warnings_in_words() -> Iterator[list[str]]:
    """Print warnings of filters and labels as one line each, without the place in the code; gives the list of them."""
    warned: list[str] = []
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not issubclass(category, WorkbenchWarning):
            usual(message, category, *rest, **more)
        elif str(message) not in warned:
            warned.append(str(message))
            say(f"workbench: warning: {message}", sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield warned


def _print(outcome: Outcome, as_json: bool, stdout: TextIO, warned: list[str]) -> int:
    if as_json:
        say_json({**outcome.json, "warnings": warned} if warned else outcome.json, stdout)
    else:
        say(outcome.text, stdout)
    return outcome.status


def _failed(message: str, as_json: bool, stdout: TextIO, *, status: int) -> int:
    say(f"workbench: {message}", sys.stderr)
    if as_json:
        say_json({"error": message}, stdout)
    return status
