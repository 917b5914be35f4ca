"""The command line says what a filter asks for that no sample has: a line for people, a key for programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import record
from tests.ui.cli.conftest import Run
from workbench.adapters import store
from workbench.ui.cli.main import main

SAID = "No sample has lighting 'dimm'; there are bright and dim. Did you mean 'dim'?"


@pytest.fixture
def samples(name: str, picture: Callable[..., Path]) -> str:
    records = [record(picture(f"{i}.png", seed=i), attributes={"lighting": ("dim", "bright")[i % 2]}) for i in range(4)]
    store.add(store.open_dataset(name), records, source="real")
    return name


def test_for_programs(samples: str, run: Run, tmp_path: Path) -> None:
    status, answer, err = run("tag", samples, "failure:x", "--where", "lighting == 'dimm'")
    assert (status, answer["changed"], answer["warnings"]) == (0, 0, [SAID])
    assert f"workbench: warning: {SAID}\n" in err
    status, answer, err = run("tag", samples, "failure:x", "--where", "lighting == 'dim'")
    assert (status, answer["changed"]) == (0, 2) and "warnings" not in answer and "warning" not in err
    status, answer, err = run(
        "export", samples, str(tmp_path / "out"), "--format", "coco", "--where", "lighting == 'dimm'"
    )
    assert status == 1 and SAID in err and "error" in answer
    status, answer, _ = run("slices", samples, "--by", "source", "--where", "lighting in ['dim', 'dimm']")
    assert status == 0 and answer["warnings"] == [SAID]


def test_for_people(samples: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", samples, "failure:x", "--where", "lighting == 'dimm'"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith('Tagged 0 samples as "failure:x".')
    assert err == f"workbench: warning: {SAID}\n"
