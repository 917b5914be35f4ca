from __future__ import annotations

from collections import Counter

import pytest

from workbench.core.scenario import Scenario, Unplaceable, lighting_category, preset_names, sensor_category
from workbench.core.schema import fields

LIGHT = {"lighting.key.direction.elevation": 90, "lighting.key.type": "directional"}


@pytest.mark.parametrize(
    ("environment", "key", "ev", "word"),
    [
        (30, 30, 0, "dark"),
        (100, 50, 0, "dim"),
        (1000, 500, -3.5, "dim"),
        (400, 500, 0, "normal"),
        (60, 900, 0, "harsh"),
        (60, 900, -3, "dim"),
        (1000, 1000, 0, "bright"),
        (0, 0, 0, "dark"),
    ],
)
def test_lighting(environment: float, key: float, ev: float, word: str) -> None:
    changes = {"lighting.environment.intensity": environment, "lighting.key.intensity": key, "sensor.exposure.ev": ev}
    assert lighting_category(Scenario("x").replace(LIGHT | changes).resolve(0).values) == word


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "normal"),
        ({"lighting.key.shadow": False}, "normal"),
        ({"lighting.key.type": "area", "lighting.key.size": 0.8}, "normal"),
    ],
)
def test_soft_light_is_not_harsh(changes: dict, word: str) -> None:
    base = LIGHT | {"lighting.environment.intensity": 60, "lighting.key.intensity": 900}
    values = Scenario("x").replace(base | (changes or {"lighting.environment.intensity": 400})).resolve(0).values
    assert lighting_category(values) == word


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "clean"),
        ({"sensor.lens.blur_px": 2}, "blurred"),
        ({"sensor.motion.blur_px": 6}, "blurred"),
        ({"sensor.motion.blur_px": 2, "sensor.lens.blur_px": 0.5}, "clean"),
        ({"sensor.noise.gain": 32}, "noisy"),
        ({"sensor.noise.read_e": 400}, "noisy"),
    ],
)
def test_sensor(changes: dict, word: str) -> None:
    assert sensor_category(Scenario("x").replace(changes).resolve(0).values) == word


def _words(name: str) -> tuple[Counter[str], Counter[str], Counter[str]]:
    light, sensor, surface = Counter[str](), Counter[str](), Counter[str]()
    for frame in range(4 if name == "bin_pile" else 40):  # its objects fall: a second each
        try:
            values = Scenario.load(name).resolve(frame).values
        except Unplaceable:
            continue
        light[lighting_category(values)] += 1
        sensor[sensor_category(values)] += 1
        surface[values["scene.surface.label"]] += 1
    return light, sensor, surface


@pytest.mark.parametrize("name", preset_names())
def test_presets_keep_their_promise(name: str) -> None:
    light, sensor, surface = _words(name)
    total = light.total()
    assert total >= (2 if name == "bin_pile" else 15)
    assert set(light) <= set(fields.LIGHTING_WORDS)
    assert set(sensor) <= set(fields.SENSOR_WORDS)
    assert set(surface) <= set(fields.SURFACE_WORDS)
    if name == "bright_tray":
        assert light["bright"] / total > 0.8
    if name == "dim_metal":
        assert light["dim"] / total > 0.8
        assert surface["metal"] / total > 0.7
    if name == "backlit":
        assert light["harsh"] / total > 0.7
    if name == "motion_blur":
        assert sensor["blurred"] == total
    if name == "backlit_glass":
        assert light["bright"] + light["dark"] == 0
    if name == "glare":
        assert surface["metal"] + surface["mirror"] + surface["glossy"] == total
        assert light["dim"] + light["dark"] == 0
    if name == "clutter":
        assert light["normal"] / total > 0.8
