"""The steps of CONTRIBUTING.md: what is added in a few lines is known everywhere, and gone when it is taken out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import workbench as wb
from workbench.actions.generate.preview import preview_frame
from workbench.adapters import render
from workbench.adapters.formats.registry import FORMATS, WRITERS, choose
from workbench.adapters.formats.toolkit.contract import Format, Writer
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError, ScenarioError
from workbench.core.measures import MEASURES, Picture, measure_all
from workbench.core.measures.registry import Measure
from workbench.core.metrics import registry as metrics
from workbench.core.metrics.registry import METRICS, Metric
from workbench.core.metrics.score import score
from workbench.core.scenario import Scenario
from workbench.core.scenario.distribution import At, Distribution
from workbench.core.scenario.distributions import DISTRIBUTIONS, NAMES
from workbench.core.splits import SplitSpec
from workbench.core.splits.spec import options
from workbench.core.tables import NumberColumn, Table
from workbench.ui.cli.main import COMMANDS, main

REPOSITORY = Path(__file__).resolve().parents[2]
FORMAT = """
from workbench.adapters.formats.toolkit.contract import Found
from workbench.core.schema.labels import Label, Record

name, looks_for, single_files = "points", "points.csv", False

def detect(source):
    return Found(1.0, "points.csv", lambda: read(source)) if "points.csv" in source.tree.known else None

def read(source):
    for line in source.tree.path("points.csv").read_text().split():
        file, kind, *xyxy = line.split(",")
        labels = [Label(kind, tuple(map(float, xyxy)))]
        yield Record(image_path=source.tree.path(file), origin=file, width=64, height=48, labels=labels)
"""


def test_a_format_of_ten_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: Any) -> None:
    """A module that the registry knows: found, read, loaded into a dataset, and removed."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "points_format.py").write_text(FORMAT)
    monkeypatch.syspath_prepend(package)
    import points_format  # type: ignore[import-not-found]

    data = tmp_path / "data"
    data.mkdir()
    Image.new("RGB", (64, 48), (9, 99, 199)).save(data / "a.png")
    (data / "points.csv").write_text("a.png,bolt,1,2,11,12\n")
    monkeypatch.setitem(FORMATS, "points", points_format)
    name, found = choose(Source(data))
    (record,) = found.read()
    assert (name, found.why, record.labels[0].name) == ("points", "points.csv", "bolt")
    report = wb.load(dataset, data, source="real")
    assert (report.format, report.samples, report.labels) == ("points", 1, 1)

    monkeypatch.delitem(FORMATS, "points")
    assert choose(Source(data))[0] != "points"
    with pytest.raises(InputError, match="points"):
        choose(Source(data), name="points")


def test_the_folder_of_a_format_is_its_registration() -> None:
    """Every package beside the registry but the toolkit is a format, with all that a reader or writer must have."""
    packages = {path.parent.name for path in (REPOSITORY / "workbench/adapters/formats").glob("*/__init__.py")}
    owners = {str(form.__name__).split(".")[3] for form in (*FORMATS.values(), *WRITERS.values())}  # type: ignore[attr-defined]
    assert owners == packages - {"toolkit"}
    for form in FORMATS.values():
        assert (
            all(hasattr(form, part) for part in Format.__annotations__)
            and callable(form.detect)
            and callable(form.read)
        )
    for writer in WRITERS.values():
        assert all(hasattr(writer, part) for part in Writer.__annotations__) and callable(writer.write)
        assert callable(writer.picture_path) and callable(writer.holds) and callable(writer.lost)


def test_a_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    def redness(picture: Picture) -> float:
        """Share of red in the light."""
        return 0.25

    monkeypatch.setitem(MEASURES, "redness", Measure(redness, "", 0.0, 1.0))
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    taken = measure_all(Picture.of(pixels)) if hasattr(Picture, "of") else measure_all(Picture(pixels))
    assert taken["redness"] == 0.25 and MEASURES["redness"].meaning == "Share of red in the light."


def evaluated() -> Table:
    """Four samples with what evaluation counts."""
    counts = {"hits": [2, 1, 0, 3], "misses": [0, 1, 2, 1], "false_alarms": [1, 0, 0, 0]}
    zero = {name: [0, 0, 0, 0] for name in ("wrong_class", "badly_placed", "duplicates")}
    columns = {f"evaluation.{name}": NumberColumn.of(values) for name, values in (counts | zero).items()}
    return Table(np.array([f"{i:024x}" for i in range(4)]), columns)


def test_a_metric_of_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Known per slice, to search and to compare rounds, on the command line and in what errors list."""
    miss_rate = Metric("miss_rate", "miss rate", "high", of="labels", ratio=lambda n: (n.misses, n.hits + n.misses))
    monkeypatch.setitem(METRICS, "miss_rate", miss_rate)
    everything = np.ones(4, np.bool_)
    value, low, high = metrics.estimator(evaluated(), "miss_rate")(everything)
    assert value == pytest.approx(4 / 10) and low is not None and high is not None and low < value < high
    assert score(evaluated(), "miss_rate").value(everything) == pytest.approx(4 / 10)
    assert all("miss_rate" in metrics.names(use) for use in ("slice", "search", "compare"))
    for command in ("slices", "discover", "rounds"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "miss_rate" in capsys.readouterr().out
    monkeypatch.delitem(METRICS, "miss_rate")
    with pytest.raises(InputError, match="Unknown metric 'miss_rate'"):
        metrics.find("miss_rate")


@dataclass(frozen=True)
class Coin(Distribution):
    """One of two numbers."""

    heads: float = 1.0
    tails: float = 0.0

    def draw(self, at: At) -> float:
        return self.heads if at.rng.random() < 0.5 else self.tails


def test_a_distribution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "scenario: 1\nname: coins\nsensor:\n  exposure.ev: {coin: {heads: 0.5, tails: -0.5}}\n"
    (tmp_path / "coins.yaml").write_text(text)
    with pytest.raises(ScenarioError, match="coin"):
        Scenario.load(tmp_path / "coins.yaml")
    monkeypatch.setitem(DISTRIBUTIONS, "coin", Coin)
    monkeypatch.setitem(NAMES, Coin, "coin")
    scenario = Scenario.load(tmp_path / "coins.yaml")
    drawn = {scenario.resolve(frame).values["sensor.exposure.ev"] for frame in range(30)}
    assert drawn == {0.5, -0.5} and "coin" in scenario.dump()


class Gray:
    """Draws gray."""

    name, version = "gray", "gray 1"

    def render(self, scene: Any) -> np.ndarray:
        return np.full((scene.camera.height, scene.camera.width, 3), 0.2, np.float32)


def test_a_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(render.BACKENDS, "gray", Gray)
    scenario = Scenario("x").replace({"sensor.camera.resolution": [64, 48]})
    drawn = preview_frame(scenario, 0, backend="gray", width_px=64, boxes=False)
    assert drawn.shape == (48, 64, 3) and render.renderer("gray").version == "gray 1"


def test_an_option_of_export_is_a_field(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every field of SplitSpec is on the command line and has a help text."""
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    for name, _, option in options():
        assert f"--{(option.flag or name).replace('_', '-')}" in text
        assert len(option.help) > 10
    assert {name for name, *_ in options()} == {field.name for field in fields(SplitSpec)}


def test_every_command_has_a_module_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command, (module, line) in COMMANDS.items():
        assert (REPOSITORY / "workbench" / "ui" / "cli" / f"{module}.py").is_file() and line
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0 and command in capsys.readouterr().out


def test_the_paths_of_the_guide_are_there() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    for path in re.findall(r"`((?:ui|actions|adapters|core|base|tests|workbench)/[\w/.]+)`", text):
        places = [REPOSITORY / path, REPOSITORY / "workbench" / path]
        assert any(place.exists() for place in places), path


def test_notebooks_are_stripped(tmp_path: Path) -> None:
    from tests.tools.strip_notebooks_command import strip

    cell = {"cell_type": "code", "metadata": {}, "source": "1", "execution_count": 3, "outputs": [], "id": "a"}
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "a.ipynb").write_text(json.dumps(book))
    assert strip(tmp_path / "a.ipynb") and not strip(tmp_path / "a.ipynb")
    assert not any(strip(path) for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
