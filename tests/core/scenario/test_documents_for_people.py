"""JSON Schema and differences of scenarios."""

from __future__ import annotations

import json

import jsonschema
import pytest

from workbench.core.scenario import Scenario, preset_names
from workbench.core.scenario.diff import differences
from workbench.core.scenario.document import PRESETS, parse_text
from workbench.core.scenario.json_schema import json_schema

HEAD = {"scenario": 1, "name": "x"}


@pytest.mark.parametrize("name", preset_names())
def test_presets_and_their_frames_fit_the_schema(name: str) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(parse_text((PRESETS / f"{name}.yaml").read_bytes(), at=name), schema)
    jsonschema.validate(json.loads(json.dumps(Scenario.load(name).document(full=True))), schema)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sensr": {}},
        {"sensor": {"exposure.eV": 1}},
        {"sensor": {"exposure.ev": 99}},
        {"sensor": {"exposure.ev": {"unifrom": [0, 1]}}},
        {"scene": {"surface.label": "leather"}},
        {"lighting": {"key.shadow": "yes"}},
        {"accept": {"targets.visible_fraction": [0, 2]}},
        {"annotators": ["depth"]},
        {"modes": {"sensor.exposure.ev": "fixed"}},
        {"seed": -1},
    ],
    ids=str,
)
def test_what_the_loader_refuses_an_editor_marks(wrong: dict) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(HEAD | wrong, json_schema())


def test_differences_are_of_what_is_drawn() -> None:
    one = Scenario.load("glare")
    assert differences(one, one.replace(description="other words")) == []
    other = one.replace({"sensor.exposure.ev": 0}, seed=9)
    found = {d.path: (d.first, d.second, d.redraws) for d in differences(one, other)}
    assert found == {"seed": (3, 9, True), "sensor.exposure.ev": ({"uniform": [-0.9, 0.0]}, 0, False)}
    assert [d.path for d in differences(one, one.replace({"lighting.key.size": 0.3}))] == []  # its default
