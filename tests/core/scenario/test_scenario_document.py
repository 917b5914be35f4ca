from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import made_wedge
from workbench.base.errors import InputError, ScenarioError
from workbench.core.scenario import PARAMETERS, Scenario, preset_names
from workbench.core.scenario.document import parse_text

FULL = """
scenario: 1
name: shiny_tray_low_light
seed: 7
frames: 400
units: {length: metre, angle: degree}
anchor:
  sample_ids: ["66f0a", "66f0b"]
  dataset: bin_pick_real
  tags: ["failure:specular_glare", low_light]
  measured:
    sensor.lens.blur_px: {value: 2.1, confidence: low}
    sensor.camera.pose.elevation: {value: 52, confidence: medium}
  predictions: {missed: [det_3], iou_max: 0.21}
assets:
  targets: {from: library, labels: [mug, b*], count: {choice: [3, 4, 5]}}
  distractors.count: {poisson_int: {mean: 4, max: 10}}
scene:
  surface.label: {choice: [metal, matte, wood, cardboard]}
  surface.roughness: {normal: {mean: 0.15, std: 0.05, clip: [0.02, 0.6]}}
  surface.metallic: {uniform: [0.7, 1.0]}
  surface.color: {hsv: {h: [0, 360], s: [0, 0.2], v: {uniform: [0.2, 0.9]}}}
  objects.material.roughness: {expr: "0.1 + 0.5 * scene.surface.roughness"}
  objects.rotation: {so3_uniform: {}}
  objects.placement: {scatter_2d: {region: support, collision: reject, min_gap: 0.005}}
lighting:
  key.direction: {shell: {azimuth: [0, 360], elevation: [15, 80], radius: [0.6, 2.0], density: cubic}}
  key.shadow: {choice: [on, off], weights: [0.8, 0.2]}
sensor:
  camera.resolution: [320, 240]
  camera.intrinsics: {fx: 300, fy: 300, cx: 159.5, cy: 119.5}
  camera.pose:
    shell_look_at:
      target: [0, 0, 0.02]
      azimuth: [0, 360]
      elevation: {around: {anchor: sensor.camera.pose.elevation, spread: 8}}
      radius: [0.5, 0.9]
      roll: {normal: {mean: 0, std: 3}}
  exposure.ev: -2.0
  lens.distortion: {brown_conrady: {k1: {normal: {mean: -0.05, std: 0.03}}, k2: 0, p1: 0, p2: 0}}
  lens.blur_px: {around: {anchor: sensor.lens.blur_px, spread: 0.8, clip: [0, 6]}}
  noise: {shot_read: {gain: {log_uniform: [1, 8]}, read_e: [1, 6]}}
modes: {sensor.exposure.ev: pin, sensor.lens.blur_px: jitter, scene.objects.rotation: free}
accept: {targets.visible_fraction: [0.3, 1.0], targets.bbox_px_min: 24, targets.count: [1, 9], max_tries: 30}
"""


def load(text: str) -> Scenario:
    return Scenario.load(parse_text(text, at="test"))


def test_a_full_document() -> None:
    scenario = load(FULL)
    frame = scenario.resolve(3)
    assert (scenario.name, scenario.seed, scenario.frames) == ("shiny_tray_low_light", 7, 400)
    assert scenario.accept.bbox_px_min == 24.0
    assert frame.values["sensor.exposure.ev"] == -2.0
    assert frame.values["sensor.camera.resolution.width"] == 320
    assert set(frame.values["assets.targets.labels"]) <= {"mug", "bearing", "bolt", "bottle", "box", "bracket"}
    roughness = 0.1 + 0.5 * frame.values["scene.surface.roughness"]
    assert frame.values["scene.objects.material.roughness"] == pytest.approx(
        [roughness] * len(frame.values["scene.objects.scale"])
    )


def test_meshes_come_from_a_folder_or_a_table(tmp_path: Path) -> None:
    """Relative to the scenario's file; one class may have several, and a path says millimetres for itself."""
    wedge = made_wedge()
    wedge.apply_scale(50)  # 3 units long: valid in metres and in millimetres
    for name in ("parts/cone.obj", "parts/more/left.stl", "cube.stl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        wedge.export(tmp_path / name)
    cone, left, cube = (f"{tmp_path}/{name}" for name in ("parts/cone.obj", "parts/more/left.stl", "cube.stl"))
    for targets, words in (
        ("{from: parts}", {f"cone@{cone}", f"more@{left}"}),
        ("{from: parts, labels: [c*]}", {f"cone@{cone}"}),
        ("{from: parts#mm}", {f"cone@{cone}#mm", f"more@{left}#mm"}),
        ("{from: {cone: parts/cone.obj}}", {f"cone@{cone}"}),
        ("{from: {cone: parts/cone.obj, cube: [cube.stl#mm, parts/more]}}",
         {f"cone@{cone}", f"cube@{cube}#mm", f"cube@{left}"}),
        ("{from: {cone: parts/cone.obj, cube: cube.stl}, labels: [cube], unit: mm}", {f"cube@{cube}#mm"}),
    ):  # fmt: skip
        (tmp_path / "s.yaml").write_text(f"scenario: 1\nname: s\nassets: {{targets: {targets}}}\n")
        scenario = Scenario.load(tmp_path / "s.yaml")
        parameter = PARAMETERS["assets.targets.labels"]
        assert set(scenario.draws[parameter.path].possible(parameter)) == words, targets
        scenario.dump(tmp_path / "again.yaml")
        assert Scenario.load(tmp_path / "again.yaml") == scenario


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{}", "a table"), ("3", "a table"), ("[parts]", "a table"), ("{cone: 3}", "{class: mesh file}"),
        ("{3: a.obj}", "{class: mesh file}"), ("{cone: []}", "{class: mesh file}"), ("{cone: a.obj}", "does not exist"),
        ("nowhere", "does not exist"),
    ],
)  # fmt: skip
def test_a_wrong_table_of_meshes_is_named(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(f"scenario: 1\nname: s\nassets: {{targets: {{from: {source}}}}}\n")
    with pytest.raises(InputError, match=message):
        Scenario.load(tmp_path / "s.yaml")


def test_dump_and_load_give_an_equal_scenario(tmp_path: Path) -> None:
    scenario = load(FULL)
    scenario.dump(tmp_path / "scenario.yaml")
    again = Scenario.load(tmp_path / "scenario.yaml")
    assert again == scenario
    assert again.sha256 == scenario.sha256
    assert again.resolve(5).values == scenario.resolve(5).values


def test_a_resolved_frame_is_a_scenario_of_itself(tmp_path: Path) -> None:
    frame = load(FULL).resolve(11, attempt=2)
    text = frame.as_scenario().dump(tmp_path / "frame.yaml")
    again = Scenario.load(tmp_path / "frame.yaml")
    assert again.resolve(0).values == frame.values
    assert again.resolve(99, attempt=5).mark == frame.mark
    assert "uniform" not in text
    assert Scenario.load(frame.document()).resolve(0).document() == frame.document()
    assert again.sha256 == load(FULL).sha256
    assert again.replace({"sensor.exposure.ev": 1}).resolve(0).mark.frame == 0


def test_identity_follows_what_is_drawn_only() -> None:
    scenario = load(FULL)
    same = scenario.replace(seed=8, frames=5, description="other words")
    assert same.sha256 == scenario.sha256
    assert scenario.replace({"sensor.exposure.ev": -1.9}, modes={}).sha256 != scenario.sha256


HEAD = "scenario: 1\nname: x\n"
WRONG = [
    ("name: x", "version is missing. Write scenario: 1", "scenario"),
    ("scenario: 2\nname: x", "version 2 is unknown. Write scenario: 1", "scenario"),
    ("scenario: 1", "The key is missing", "name"),
    ("scenario: 1\nname: 3", "Text is needed here, not 3", "name"),
    (HEAD + "sead: 3", "Did you mean 'seed'", ""),
    (HEAD + "seed: -1", "-1 is not a whole number", "seed"),
    (HEAD + "seed: 1.5", "1.5 is not a whole number", "seed"),
    (HEAD + "units: {length: inch, angle: degree}", "Convert", "units"),
    (HEAD + "sensor: {exposure.eV: 1}", "Did you mean 'sensor.exposure.ev'", "sensor"),
    (HEAD + "sensor: {exposure: {ev: 1}}", "sensor.exposure.ev", "sensor"),
    (HEAD + "sensor: [1]", "parameters with", "sensor"),
    (HEAD + "sensor: {exposure.ev: {uniform: [-99, 0]}}", "-12 to 12 stop", "sensor.exposure.ev"),
    (HEAD + "sensor: {camera.resolution: [640]}", "[640] is not a list of 2 numbers", "sensor.camera.resolution"),
    (HEAD + "sensor: {camera.pose: {shell_look_at: {azimuth: 3}}}",
     "takes azimuth, elevation, radius", "sensor.camera.pose"),
    (HEAD + "sensor: {camera.resolution: [64, 48], camera.resolution.width: 32}", "twice", "resolution.width"),
    (HEAD + "sensor: {exposure.ev: 1, exposure.ev: 2}", "'exposure.ev' appears twice", "test"),
    (HEAD + "lighting: {key.direction: {shell: {azimuth: 1, elevation: 1, radius: 1, density: x}}}",
     "linear or cubic, not 'x'", "key"),
    (HEAD + "scene: {surface.label: leather}", "Valid: cardboard", "scene.surface.label"),
    (HEAD + "assets: {targets.labels: [brackit]}", "bracket", "assets.targets.labels"),
    (HEAD + "scene: {surface.roughness: {expr: 'scene.surface.gloss * 2'}}", "surface.gloss", "roughness"),
    (HEAD + "scene: {surface.roughness: {expr: '1 * scene.surface.metallic'}, "
     "surface.metallic: {expr: '1 * scene.surface.roughness'}}", "in a circle: scene.surface", ""),
    (HEAD + "scene: {surface.roughness: {expr: '1 * scene.objects.scale'}}",
     "scene.objects.scale, which has one value per object", "roughness"),
    (HEAD + "sensor: {lens.blur_px: {around: {anchor: nothing, spread: 1}}}",
     "no measured value 'nothing'", "sensor.lens.blur_px"),
    (HEAD + "anchor: {sample: 3}", "Did you mean 'sample_id'", "anchor"),
    (HEAD + "anchor: {measured: {a: {value: 1, confidence: sure}}}", "Unknown confidence 'sure'", "anchor.measured.a"),
    (HEAD + "accept: {targets.visible_fraction: [0.5, 0.2]}",
     "[0.5, 0.2] is not a list of two shares", "accept.targets.visible_fraction"),
    (HEAD + "accept: {targets.visible: [0, 1]}", "targets.visible_fraction", "accept"),
    (HEAD + "accept: {max_tries: 0}", "0 is not a number of tries from 1 to 1000", "accept.max_tries"),
    (HEAD + "modes: {sensor.exposure.ev: fix}", "Unknown mode 'fix'", "modes.sensor.exposure.ev"),
    (HEAD + "modes: {sensor.exposure: free}", "sensor.exposure.ev", "modes"),
    (HEAD + "modes: {sensor.motion.direction: pin}",
     "mode is pin, but the parameter has a distribution", "sensor.motion.direction"),
    (HEAD + "resolved: {frame: 3}", "values_sha256", "resolved"),
    (HEAD + "resolved: {frame: 3, attempt: 0, scenario_sha256: a, values_sha256: b}",
     "were changed. Delete the key", "resolved"),
    ("[1, 2]", "a list, not a mapping", "test"),
    ("", "empty, not a mapping", "test"),
    ("a: [1", "not valid YAML: while parsing", "test"),
    ("!!python/object/apply:os.system ['true']", "not valid YAML: could not determine a constructor", "test"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "at"), WRONG, ids=lambda item: str(item)[-45:])
def test_mistakes_say_what_and_where(text: str, message: str, at: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(text)
    assert message in str(caught.value)
    assert at in caught.value.at


def test_an_unknown_name_lists_the_presets() -> None:
    with pytest.raises(InputError, match="Did you mean 'bright_tray'"):
        Scenario.load("bright_tary")
    with pytest.raises(InputError, match=r"nowhere/mine\.yaml: .*does not exist"):
        Scenario.load("nowhere/mine.yaml")


def test_mistakes_in_a_file_name_the_file_and_the_parameter(tmp_path: Path) -> None:
    path = tmp_path / "glare.yaml"
    path.write_text(HEAD + "sensor: {exposure.ev: abc}")
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value).startswith(
        "glare.yaml, sensor.exposure.ev: 'abc' is not a number from -12 to 12 stop. "
        "Write for example {uniform: [-12, 12]}."
    )
    path.write_text("a: [1")
    with pytest.raises(ScenarioError, match=r"^glare.yaml: This is not valid YAML"):
        Scenario.load(path)
    with pytest.raises(InputError, match="a folder, not a scenario file"):
        Scenario.load(tmp_path)


@pytest.mark.parametrize("name", preset_names())
def test_presets_load_and_come_back(name: str) -> None:
    preset = Scenario.load(name)
    assert preset.name == name
    assert preset.description
    assert load(preset.dump()) == preset


def test_the_registry_speaks_for_itself() -> None:
    assert len(PARAMETERS) >= 29
    for parameter in PARAMETERS.values():
        assert parameter.meaning and len(parameter.path.split(".")) >= 2
        assert parameter.unit in ("", "degree", "lux", "metre", "kelvin", "pixel", "stop", "electron", "bit", "kg/m3")
        assert parameter.expects()
