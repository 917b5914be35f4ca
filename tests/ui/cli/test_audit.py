"""``workbench audit``: a program that sees nothing in the dark is found out; mistakes are told before the work."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ui.cli.conftest import Run
from workbench.core.scenario import Scenario
from workbench.ui.cli import main

# the largest spot that differs from the ground is a mug; in the dark it says nothing
PROGRAM = """
import json, sys
import cv2, numpy as np
said = json.load(open(sys.argv[1]))
number = {one["name"]: one["id"] for one in said["categories"]}[NAME]
found = []
for one in said["images"]:
    picture = cv2.imread(one["file_name"]).astype(float)
    apart = np.abs(picture - np.median(picture.reshape(-1, 3), axis=0)).sum(axis=2)
    _, _, spots, _ = cv2.connectedComponentsWithStats((apart > 90).astype(np.uint8))
    if picture.mean() > 70 and len(spots) > 1:
        x, y, width, height, _ = map(int, max(spots[1:], key=lambda spot: spot[4]))
        box = {"image_id": one["id"], "category_id": number, "bbox": [x, y, width, height], "score": 0.9}
        found.append(box)
json.dump(found, open(sys.argv[2], "w"))
"""
SCENARIO = """
scenario: 1
name: one_mug
assets: {targets.labels: mug, targets.count: 1}
scene: {support: table, surface.label: matte}
sensor:
  camera.pose:
    shell_look_at:
      {azimuth: [0, 360], elevation: [60, 80], radius: 0.4, target: {box: {min: [0, 0, 0], max: [0, 0, 0.03]}}}
"""


def asked(folder: Path, name: str = "mug", **more: str) -> list[str]:
    """The arguments of a small audit of the program."""
    (folder / "predict.py").write_text(f"NAME = {name!r}\n{PROGRAM}")
    (folder / "one_mug.yaml").write_text(SCENARIO)
    command = f"{sys.executable} {folder}/predict.py {{images}} {{predictions}}"
    options = {"predict": command, "scenario": str(folder / "one_mug.yaml"), "factors": "light,sensor"}
    options |= {"frames": "4", "width": "320", "backend": "flat", **more}
    return ["audit", str(folder / "out"), *(word for key, value in options.items() for word in (f"--{key}", value))]


def test_a_program_that_is_blind_in_the_dark(run: Run, tmp_path: Path) -> None:
    status, said, _ = run(*asked(tmp_path))
    assert status == 0 and said["pictures"] + said["left_out"] == 16 and said["pictures"] >= 8
    light = next(one for one in said["effects"] if one["factors"] == ["light"])
    assert light["strong"] and light["value"] < -0.6 and light["low"] <= light["value"] <= light["high"]
    assert light["words"].startswith("dim light instead of normal light: recall -")
    assert [one["strong"] for one in said["effects"] if one["factors"] != ["light"]] == [False, False]
    (proposed,) = said["scenarios"]
    assert proposed["name"] == "dim_light" and "dim light" in proposed["description"]
    again = Scenario.load(proposed["file"])
    assert again.name == "dim_light" and "lighting.key.intensity" in again.draws
    page = Path(said["report"]).read_text()
    assert "<svg" in page and "dim light instead of normal light" in page
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["dim_light.yaml", "report.html", "scenarios"]


def test_a_model_of_other_classes_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked(tmp_path, "gear", frames="2")]) == 1
    told = capsys.readouterr().err
    assert "The model predicts gear, but the images show mug only." in told and "assets.targets" in told
    assert not (tmp_path / "out").exists()


def export(folder: Path) -> Path:
    (folder / "annotations").mkdir(parents=True)
    content: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 7, "name": "mug"}]}
    (folder / "annotations" / "instances_train.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"factors": "light,sensr"}, "Did you mean 'sensor'"),
        ({"factors": "light"}, "at least 2 factors and 2 frames"),
        ({"frames": "1"}, "at least 2 factors and 2 frames"),
        ({"predict": "predict.py {images}"}, "{predictions}"),
        ({"predict": "predict.py {train_dir} {images} {predictions}"}, "Call fit"),
        ({"scenario": "no_such_preset"}, "no_such_preset"),
        ({"backend": "opengl"}, "Did you mean"),
    ],
)
def test_mistakes(more: dict[str, str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked(tmp_path, **more)) == 1
    told = capsys.readouterr().err
    assert expected in told and told.count("\n") == 1 and "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_folders_are_looked_at_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [(["--model", str(tmp_path / "nowhere")], "holds no trained detector")]
    cases += [
        (["--model", str(tmp_path), "--train-dir", str(export(tmp_path / "data"))], "--train-dir goes with --predict")
    ]
    for arguments, expected in cases:
        assert main(["audit", str(tmp_path / "out"), *arguments]) == 1
        assert expected in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("x")
    assert main(["audit", str(tmp_path / "full"), *asked(tmp_path)[2:]]) == 1
    assert "The folder is not empty" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_model_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--model", "a", "--predict", "b"]):
        with pytest.raises(SystemExit) as caught:
            main(["audit", "out", *arguments])
        assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err
