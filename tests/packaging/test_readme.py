"""The README's tour runs as it is printed, and its pictures and files exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.sizes import sized
from workbench.adapters import store
from workbench.ui.cli.main import COMMANDS

README = Path(__file__).resolve().parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")

SECONDS = "seconds=40"  # of the fit, which has tests of its own


def blocks(language: str) -> list[str]:
    """Fenced code of one language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)
    return found


def test_the_tour_runs(tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample_data").symlink_to(sample_data)
    monkeypatch.chdir(tmp_path)
    (tour,) = blocks("python")
    assert SECONDS in tour
    scope: dict[str, object] = {}
    try:
        exec(compile(tour.replace(SECONDS, sized("seconds=10", SECONDS)), "README.md", "exec"), scope)
        assert (tmp_path / "out" / "cell" / "manifest.json").is_file()
        assert scope["change"].changed > 5  # type: ignore[attr-defined]
    finally:
        store.delete_dataset("cell")


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_scenarios_are_valid(tmp_path: Path, text: str) -> None:
    from workbench.core.scenario import Scenario

    (tmp_path / "s.yaml").write_text(text)
    Scenario.load(tmp_path / "s.yaml").resolve(0, donor_ids=["a", "b"])


def test_commands_exist() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("workbench ")]
    assert lines
    assert {shlex.split(line)[1] for line in lines} <= set(COMMANDS)


def test_pictures_and_paths_exist() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (README.parent / path).is_file(), path
