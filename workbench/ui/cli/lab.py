"""``workbench lab [NOTEBOOK]``: JupyterLab with the board, on this machine only, with a token."""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from workbench.base.errors import InputError
from workbench.base.files import existing
from workbench.base.processes import SAFE_PATH
from workbench.ui.cli.outcome import Outcome

TOUR = Path("notebooks") / "01_curate.ipynb"
# Settings that keep JupyterLab from asking about news and, because Open3D brings the source
# extension of `dash`, about a build. They are added to the user's own, which win.
CONFIG = Path(__file__).parent / "jupyter"
START = f"{SAFE_PATH}; import runpy; runpy.run_module('jupyterlab', run_name='__main__', alter_sys=True)"


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("notebook", nargs="?", help=f"notebook to open ({TOUR}, if it exists)")
    parser.add_argument("--port", type=int, default=8888, help="port on 127.0.0.1; if taken, the next free one (8888)")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Become JupyterLab; Ctrl-C ends it."""
    notebook = existing(Path(args.notebook), wanted="a notebook") if args.notebook else TOUR.absolute()
    if args.notebook and notebook.suffix != ".ipynb":
        raise InputError(f"'{notebook.name}' is not a notebook.", fix="Pass the path of an .ipynb file.")
    where = [str(notebook)] if notebook.is_file() else []
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={args.port}", "--ServerApp.open_browser=True"]
    if args.no_browser:
        options[-1] = "--ServerApp.open_browser=False"
    if os.geteuid() == 0:
        options.append("--allow-root")
    if _fits_socket(Path(jupyter_runtime_dir())):
        options.append("--KernelManager.transport=ipc")
    known = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([known, str(CONFIG)] if known else [str(CONFIG)])
    # not ``-m``, which would import from the current folder first, where strangers' data may hold a json.py
    os.execv(sys.executable, [sys.executable, "-c", START, *options, *where])  # noqa: S606


def _fits_socket(folder: Path) -> bool:
    """Whether kernels can listen on sockets in a folder rather than on ports, whose output every local user may read.

    The kernel of the machine limits the path of a socket to 107 bytes.

    >>> _fits_socket(Path("/home/me/.local/share/jupyter/runtime")), _fits_socket(Path("/home/" + 60 * "x"))
    (True, False)
    """
    return len(os.fsencode(folder / f"kernel-{uuid.uuid4()}-ipc-5")) <= 107
