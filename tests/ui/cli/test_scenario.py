"""``workbench scenario``: presets, their schema, what differs, and a preview."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.core.scenario.json_schema import json_schema
from workbench.ui.cli.main import main


def test_presets_schema_differences_and_a_preview(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "presets"]) == 0
    assert "backlit_glass  See-through bottles" in capfd.readouterr().out
    assert main(["scenario", "schema", "-o", str(tmp_path / "schema.json")]) == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == json.loads(json.dumps(json_schema()))
    capfd.readouterr()
    assert main(["scenario", "diff", "glare", "glare"]) == 0
    assert capfd.readouterr().out == "The scenarios draw the same values.\n"
    assert main(["scenario", "diff", "glare", "dim_metal"]) == 0
    assert "  + {'uniform': [-0.6, 0.1]}" in capfd.readouterr().out
    assert main(["scenario", "preview", "glare", "-n", "2", "--backend", "flat", "-o", str(tmp_path / "s.gif")]) == 1
    assert "ends with .png or .jpg" in capfd.readouterr().err
    assert main(["scenario", "preview", "glare", "-n", "2", "--backend", "flat", "-o", str(tmp_path / "s.png")]) == 0
    assert (tmp_path / "s.png").stat().st_size > 5000
