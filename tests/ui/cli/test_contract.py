"""The command line as programs use it: one JSON object on stdout, the promised keys, the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ui.cli.conftest import Run
from workbench.ui.cli.main import COMMANDS, main

COMMAND = [sys.executable, "-m", "workbench.ui.cli"]


@pytest.mark.parametrize(
    ("folder", "samples", "labels"),
    [
        ("voc_bccd", 364, {"RBC": 4155, "WBC": 372, "Platelets": 361}),
        ("coco_nuts", 18, {"date": 71, "hazelnut": 53, "fig": 41}),
        ("yolo_cones", 187, {"cone": 274, "cube": 161}),
    ],
)
def test_load_real_data_twice(
    run: Run, name: str, shared_data: Path, folder: str, samples: int, labels: dict[str, int]
) -> None:
    status, first, _ = run("load", name, str(shared_data / folder), "--source", "real")
    assert (status, first["samples"], first["labels_per_class"]) == (0, samples, labels)
    assert first["labels"] == sum(labels.values())
    assert all(set(problem) == {"where", "kind", "message"} for problem in first["problems"])
    status, second, _ = run("load", name, str(shared_data / folder), "--source", "real")
    assert (status, second["samples"], second["already_there"]) == (0, 0, samples)
    _, info, _ = run("info", name)
    assert info["samples"] == samples and info["labels_per_class"] == labels
    assert info["per_source"] == {"real": samples}
    assert {"fields", "tags"} <= set(info)


def test_measure_tag_undo_history_export(run: Run, name: str, shared_data: Path, tmp_path: Path) -> None:
    run("load", name, str(shared_data / "coco_nuts"), "--source", "real")
    status, measured, _ = run("measure", name)
    assert (status, measured["measured"], measured["skipped"], measured["failed"]) == (0, 18, 0, 0)
    assert measured["samples_per_s"] > 0
    assert run("measure", name)[1]["skipped"] == 18
    _, tagged, _ = run("tag", name, "failure:foil", "--where", "class == 'fig'", "--reason", "shiny foil")
    assert tagged["changed"] > 0 and tagged["already"] == 0 and tagged["change_id"]
    assert run("undo", name)[1]["changed"] == tagged["changed"]
    assert run("redo", name)[1]["changed"] == tagged["changed"]
    assert run("untag", name, "failure:foil", "--where", "failure:foil in tags")[1]["changed"] == tagged["changed"]
    changes = run("history", name)[1]["changes"]
    assert [change["role"] for change in changes] == ["change", "undo", "redo", "change"]
    status, exported, _ = run("export", name, str(tmp_path / "out"), "--format", "coco", "--seed", "3")
    assert status == 0
    assert sum(split["samples"] for split in exported["splits"].values()) == 18
    assert all(set(split) == {"samples", "labels", "real", "synthetic"} for split in exported["splits"].values())
    assert Path(exported["manifest"]).is_file() and isinstance(exported["lost"], list)


def test_generate_again_and_reproduce(run: Run, name: str, tmp_path: Path) -> None:
    status, made, _ = run("generate", "bright_tray", "--into", name, "-n", "2", "--seed", "5", "--workers", "1")
    assert (status, made["generated"], made["already_there"], made["rejected"]) == (0, 2, 0, 0)
    assert len(made["sample_ids"]) == 2 and made["frames_per_s"] > 0
    again = run("generate", "bright_tray", "--into", name, "-n", "2", "--seed", "5")[1]
    assert (again["generated"], again["already_there"], again["sample_ids"]) == (0, 2, made["sample_ids"])
    status, same, _ = run("reproduce", name, made["sample_ids"][1])
    assert (status, same["identical"], same["image_identical"], same["max_pixel_difference"]) == (0, True, True, 0)


def test_doctor_is_content(run: Run) -> None:
    status, found, _ = run("doctor")
    assert status == 0 and found["ok"] is True
    assert [check["name"] for check in found["checks"]] == ["python", "database", "renderer", "jupyter", "disk"]
    assert all(set(check) == {"name", "ok", "found", "fix"} for check in found["checks"])


def test_empty_and_broken_input(run: Run, name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "annotations.json").write_text('{"images": [')
    no_dataset = "There is no dataset 'no-such-dataset'"
    cases = [
        (("load", name, str(tmp_path / "nowhere"), "--source", "real"), "This path does not exist"),
        (("load", name, str(tmp_path / "empty"), "--source", "real"), "The folder is empty"),
        (("load", name, str(tmp_path / "broken"), "--source", "real"), "line 1"),
        (("load", name, str(tmp_path / "broken"), "--source", "real", "--format", "cocoo"), "Did you mean 'coco'"),
        (("info", "no-such-dataset"), no_dataset),
        (("measure", "no-such-dataset"), no_dataset),
        (("tag", "no-such-dataset", "x", "--where", "True"), no_dataset),
        (("generate", "no_such_preset", "--into", name, "-n", "1"), "no_such_preset"),
        (
            ("export", "no-such-dataset", str(tmp_path / "o"), "--format", "coco"),
            "There is no dataset 'no-such-dataset'",
        ),
    ]
    for arguments, expected in cases:
        status, answer, err = run(*arguments)
        assert status == 1, arguments
        assert expected in err and "Traceback" not in err, (arguments, err)
        assert answer["error"] in err


def test_bad_filters_formats_and_folders(run: Run, name: str, shared_data: Path, tmp_path: Path) -> None:
    run("load", name, str(shared_data / "coco_nuts"), "--source", "real")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("x")
    out = str(tmp_path / "o")
    cases = [
        (("tag", name, "x", "--where", "lihgting == 'dim'"), "Unknown facet 'lihgting'. Did you mean 'lighting'"),
        (("tag", name, "x", "--where", "lighting ="), "Cannot read the filter 'lighting ='"),
        (("tag", name, " x", "--where", "True"), "is not a valid tag"),
        (("undo", name), "no change to undo"),
        (("reproduce", name, "0" * 24), "There is no sample with id"),
        (("export", name, out, "--format", "cococo"), "Did you mean 'coco'"),
        (("export", name, str(tmp_path / "full"), "--format", "coco"), "The folder is not empty"),
        (("export", name, "/proc/nowhere/out", "--format", "coco"), "/proc/nowhere/out"),
        (("export", name, str(tmp_path / "full" / "a.txt" / "out"), "--format", "coco"), "a file is where a folder"),
        (("export", name, out, "--format", "coco", "--splits", "train=-1"), "train=-1.0 is not a share"),
        (("export", name, out, "--format", "coco", "--where", "class == 'pear'"), "The filter selects none of"),
    ]
    for arguments, expected in cases:
        status, _, err = run(*arguments)
        assert status == 1, (arguments, err)
        assert expected in err and "Traceback" not in err, (arguments, err)
    assert not Path(out).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["load", "x"], ["generate", "a", "--into", "b", "-n", "0"]])
def test_wrong_usage_has_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert COMMANDS[command][1][:20].lower() in " ".join(capsys.readouterr().out.split()).lower()


def test_help_and_import_load_nothing_heavy() -> None:
    heavy = ("fiftyone", "numpy", "pandas", "open3d", "anywidget", "cv2", "PIL", "yaml")
    code = f"import sys, workbench.ui.cli; sys.argv = ['workbench', '--version']; h = {heavy!r}\n"
    code += "try: workbench.ui.cli.main()\nexcept SystemExit: pass\nprint([m for m in h if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("uri", ["mongodb://127.0.0.1:9", "mongodb://user:secret@127.0.0.1:9"])
def test_a_dead_server_gives_one_message(uri: str) -> None:
    environment = {**os.environ, "FIFTYONE_DATABASE_URI": uri}
    done = subprocess.run(
        [*COMMAND, "info", "x"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "MongoDB does not answer" in done.stderr and "FIFTYONE_DATABASE_URI" in done.stderr
    assert "Traceback" not in done.stderr and "secret" not in done.stderr


def test_no_mongod_gives_one_message(tmp_path: Path) -> None:
    code = (
        "import workbench.adapters.store.database as d; d.find_mongod = lambda: None\n"
        "import os; os.environ.pop('FIFTYONE_PRIVATE_DATABASE_PORT', None)\n"
        "import sys; from workbench.ui.cli import main; sys.exit(main(['info', 'x']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "make setup" in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_keeps_whole_frames_and_the_same_call_completes(run: Run, name: str, tmp_path: Path) -> None:
    arguments = ["generate", "bright_tray", "--into", name, "-n", "16", "--backend", "flat", "--workers", "1"]
    environment = {**os.environ, "WORKBENCH_HOME": str(tmp_path)}
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # run in the background, tests pass on to ignore it
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, ours)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("generated/*/*/frames/*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert len(list(tmp_path.glob("generated/*/*/frames/*.json"))) < 16  # it stopped before it was through
    again = subprocess.run(
        [*COMMAND, *arguments, "--json"], env=environment, capture_output=True, text=True, check=True
    )
    made = json.loads(again.stdout)
    assert made["generated"] + made["already_there"] == 16
    assert run("info", name)[1]["samples"] == 16
