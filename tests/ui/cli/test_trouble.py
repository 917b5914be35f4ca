"""What goes wrong outside: cut files, places that refuse, a database too old; and how quick the start is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pymongo
import pytest

from workbench.base.errors import DatabaseError
from workbench.ui.cli import main

COMMAND = [sys.executable, "-m", "workbench.ui.cli"]


# refuses files above a size as a full disk does, once the database runs; in a process of its own, whose output may be
# a file that is larger already
ON_A_FULL_DISK = """
import resource, signal, sys
from workbench.adapters import store
from workbench.ui.cli import main
store.connect()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


def test_a_cut_picture_is_named_and_the_others_are_loaded(
    name: str, tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    whole = next(path for path in sorted((shared_data / "coco_nuts").rglob("*.jpg"))).read_bytes()
    (folder / "whole.jpg").write_bytes(whole)
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    assert main(["load", name, str(folder), "--source", "real"]) == 0
    told = capsys.readouterr().out
    assert "1 sample added" in told
    assert "cut.jpg" in told and "empty.jpg" in told and "Traceback" not in told


def test_a_place_that_refuses_leaves_nothing_behind(name: str, tmp_path: Path, shared_data: Path) -> None:
    assert main(["load", name, str(shared_data / "coco_nuts"), "--source", "real"]) == 0
    assert main(["duplicates", name]) == 0  # fingerprints are on disk already, so the export comes to its own files
    command = [sys.executable, "-c", ON_A_FULL_DISK, "export", name, str(tmp_path / "out"), "--format", "coco"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    told = done.stderr
    assert done.returncode == 1, told
    assert told.count("\n") == 1 and "Traceback" not in told
    assert "Cannot write to this path: " in told and str(tmp_path / "out") in told and "make room" in told
    assert list(tmp_path.iterdir()) == []


def test_a_database_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.adapters.store import database

    monkeypatch.setattr(pymongo.MongoClient, "server_info", lambda self: {"version": "5.0.31"})
    with pytest.raises(DatabaseError, match=r"server: MongoDB is version 5\.0\.31, 6\.0 or newer is needed\. Upgrade"):
        database._check_version("mongodb://127.0.0.1:9", "server")


@pytest.mark.parametrize(
    ("notebook", "expected"),
    [
        ("nowhere.ipynb", "This path does not exist; a notebook is needed"),
        ("a.txt", "'a.txt' is not a notebook. Pass the path"),
    ],
)
def test_lab_wants_a_notebook(notebook: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert main(["lab", str(tmp_path / notebook)]) == 1
    assert expected in capsys.readouterr().err


def test_a_process_prints_one_json_object_and_nothing_else(name: str, shared_data: Path) -> None:
    command = [*COMMAND, "load", name, str(shared_data / "coco_nuts"), "--source", "real", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (found["samples"], found["labels"]) == (18, 165)
    assert "Traceback" not in done.stderr and "MongoDB" not in done.stderr


@pytest.mark.timeout(1200)
def test_demo_tells_every_step_with_its_time(sample_data: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "demo", "--sample-data", str(sample_data), "--out", str(tmp_path / "out"), "-n", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    steps = {step["name"]: step for step in found["steps"]}
    assert list(steps) == ["load", "measure", "evaluate", "slice", "tag", "generate", "reproduce", "export"]
    assert all(step["seconds"] >= 0 for step in steps.values())
    assert steps["load"]["samples"] == steps["measure"]["measured"] > 0
    evaluated = steps["evaluate"]
    assert evaluated["tp"] + evaluated["fn"] == 1007 and 0 < evaluated["recall_of_failure"] < evaluated["recall"] < 1
    assert steps["tag"]["changed"] == steps["slice"]["real"] > steps["slice"]["synthetic"]
    assert steps["generate"]["generated"] == len(steps["generate"]["sample_ids"]) == 2
    assert steps["reproduce"]["identical"] is True
    assert Path(steps["export"]["manifest"]).is_file()
