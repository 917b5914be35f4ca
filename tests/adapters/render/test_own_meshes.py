"""The user's own meshes in a scene: named, labelled, and known again when their file changes."""

from __future__ import annotations

from pathlib import Path

from tests.builders import made_wedge
from workbench.adapters.render import annotate
from workbench.core import assets as library
from workbench.core.scenario import Scenario, build


def test_a_scenario_beside_its_folder(tmp_path: Path) -> None:
    wedge = made_wedge()
    (tmp_path / "parts").mkdir()
    wedge.export(tmp_path / "parts" / "wedge.stl")
    wedge.export(tmp_path / "parts" / "other.stl")
    (tmp_path / "own.yaml").write_text(
        "scenario: 1\nname: own\nassets:\n"
        "  targets: {from: parts, labels: [wed*], count: 2}\n  distractors: {from: parts, labels: [other], count: 1}\n"
    )
    scenario = Scenario.load(tmp_path / "own.yaml")
    frame = scenario.resolve(0)
    scene = build(frame)
    assert [s.name for s in scene.solids if s.asset.startswith("mesh/")] == ["wedge", "wedge", None]
    assert {thing.name for thing in annotate(scene).objects} == {"wedge"}
    again = Scenario.load(frame.document()).resolve(0)  # the frame alone is enough
    assert again.values == frame.values and Scenario.load(scenario.document()) == scenario
    (asset,) = {s.asset for s in scene.solids if s.name == "wedge"}
    before = library.asset_sha256(asset)
    library.own_mesh.cache_clear()
    wedge.apply_scale(1.1)
    wedge.export(tmp_path / "parts" / "wedge.stl")
    assert library.asset_sha256(asset) != before  # so `reproduce` names the change
    library.own_mesh.cache_clear()
