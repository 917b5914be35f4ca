"""The tests of ``make quick`` under the other Pythons that are supported, where this machine has them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXTRAS = "test,physics,embeddings"
OTHERS = [text for text in ("3.10", "3.11", "3.12") if text != "{}.{}".format(*sys.version_info)]


def interpreter(version: str) -> str | None:
    """The first one on PATH that starts; a version manager leaves names on PATH that do not."""
    for folder in os.get_exec_path():
        python = shutil.which(f"python{version}", path=folder)
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


@pytest.mark.long
@pytest.mark.timeout(3600)  # it installs everything first
@pytest.mark.parametrize("version", OTHERS)
def test_the_pure_code_under_another_python(version: str, tmp_path: Path) -> None:
    base = interpreter(version)
    if base is None:
        pytest.skip(f"Python {version} is not on PATH")
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([base, "-m", "venv", "--upgrade-deps", tmp_path / "venv"], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    packages = ["--constraint", REPOSITORY / "constraints.txt", f"{REPOSITORY}[{EXTRAS}]"]
    done = subprocess.run([*install, *packages], env=bare(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (folders,) = re.findall(r"^QUICK := (.*)$", (REPOSITORY / "Makefile").read_text(), re.M)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *folders.split()]
    environment = bare() | {"WORKBENCH_TESTS": "quick", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def bare() -> dict[str, str]:
    """This environment without what pytest, its workers and this Python put there."""
    return {key: text for key, text in os.environ.items() if not key.startswith(("PYTEST_", "PYTHON", "VIRTUAL_ENV"))}
