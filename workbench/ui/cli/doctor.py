"""``workbench doctor``: is everything there, and if not, what to do."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.base.errors import WorkbenchError
from workbench.ui.cli.outcome import Outcome, plain

OLDEST, NEWEST = (3, 10), (3, 12)
FREE_BYTES = 2 << 30
SETUP = "Run `make setup`."


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments: none."""
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> Outcome:
    """Run all checks; status 1 when one fails."""
    checks = [_guarded(name, check) for name, check in CHECKS.items()]
    ok = all(check.ok for check in checks)
    lines = [
        f"{'ok  ' if c.ok else 'FAIL'}  {c.name:<9} {c.found}" + (f"\n      {c.fix}" if c.fix else "") for c in checks
    ]
    return Outcome({"ok": ok, "checks": [plain(check) for check in checks]}, "\n".join(lines), 0 if ok else 1)


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except WorkbenchError as error:
        return Check(name, False, error.problem, error.fix)
    except ImportError as error:
        return Check(name, False, f"{type(error).__name__}: {error}", SETUP)


def _python() -> Check:
    text = f"{platform.python_version()} at {sys.executable}"
    ok = OLDEST <= sys.version_info[:2] <= NEWEST
    return Check("python", ok, text, "" if ok else "Make the environment with Python 3.10, 3.11 or 3.12.")


def _database() -> Check:
    from workbench.adapters import store

    return Check(
        "database", True, f"MongoDB {store.connect()} {store.reached_by()}, {len(store.list_datasets())} datasets"
    )


def _renderer() -> Check:
    from workbench.adapters import render

    return Check("renderer", True, f"drew a frame with {render.check()}")


def _jupyter() -> Check:
    names = ("jupyterlab", "ipywidgets", "anywidget")
    text = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    front_end = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "anywidget"
    ok = front_end.is_dir()
    return Check("jupyter", ok, text + ("" if ok else f"; no front end at {front_end}"), "" if ok else SETUP)


def _disk() -> Check:
    home = Path.home()
    free = shutil.disk_usage(home).free
    ok = free >= FREE_BYTES
    return Check("disk", ok, f"{free / 2**30:.1f} GiB free in {home}", "" if ok else "Make room: at least 2 GiB.")


CHECKS: dict[str, Callable[[], Check]] = {
    "python": _python,
    "database": _database,
    "renderer": _renderer,
    "jupyter": _jupyter,
    "disk": _disk,
}
