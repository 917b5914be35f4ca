from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.base.errors import ScenarioError
from workbench.core.scenario import Scenario, Unplaceable
from workbench.core.scenario.draw import draw_frame
from workbench.core.scenario.parameters import parameters_of
from workbench.core.scenario.randomness import rng_for

SIMPLE = Scenario.load("bright_tray").replace({"scene.support": "table"})


def test_frames_hang_on_their_number_only() -> None:
    forwards = [SIMPLE.resolve(i).values for i in range(5)]
    backwards = [SIMPLE.resolve(i).values for i in reversed(range(5))][::-1]
    assert forwards == backwards
    assert len({values["sensor.exposure.ev"] for values in forwards}) == 5


def test_the_order_of_drawing_changes_nothing() -> None:
    """Independent parameters, drawn in the opposite order, give the same values."""
    counts = ["assets.targets.count", "assets.distractors.count"]
    free = [p for p, d in SIMPLE.draws.items() if not d.needs() and p not in counts]
    draws = SIMPLE.draws
    one = draw_frame({p: draws[p] for p in counts + free}, SIMPLE.salt, 4, 0, {})
    other = draw_frame({p: draws[p] for p in counts + free[::-1]}, SIMPLE.salt, 4, 0, {})
    assert one == other
    assert all(SIMPLE.resolve(4).values[p] == one[p] for p in free)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sensor.exposure.ev", {"uniform": [-4, -3]}),
        ("lighting.environment.map", "env/workshop"),
        ("scene.surface.label", {"choice": ["mirror"]}),
        ("sensor.noise.gain", {"log_uniform": [2, 64]}),
        ("scene.objects.material.roughness", {"uniform": [0, 1]}),
    ],
)
def test_editing_one_range_keeps_all_other_draws(path: str, value: object) -> None:
    edited = SIMPLE.replace({path: value})
    for frame in range(3):
        before, after = SIMPLE.resolve(frame).values, edited.resolve(frame).values
        assert {p for p in parameters_of("rendered") if before[p] != after[p]} == {path}


def test_one_more_object_keeps_the_others() -> None:
    few = SIMPLE.replace({"assets.targets.count": 3, "assets.distractors.count": 2}).resolve(1).values
    many = SIMPLE.replace({"assets.targets.count": 4, "assets.distractors.count": 2}).resolve(1).values
    assert many["assets.targets.labels"][:3] == few["assets.targets.labels"]
    scales = many["scene.objects.scale"]
    assert [*scales[:3], *scales[4:]] == few["scene.objects.scale"]


def test_name_seed_and_attempt_change_the_draws() -> None:
    drawn = {
        SIMPLE.resolve(0).values["sensor.exposure.ev"],
        SIMPLE.resolve(0, attempt=1).values["sensor.exposure.ev"],
        SIMPLE.replace(seed=99).resolve(0).values["sensor.exposure.ev"],
        SIMPLE.replace(name="other").resolve(0).values["sensor.exposure.ev"],
    }
    assert len(drawn) == 4


def test_neighbouring_frames_and_seeds_are_independent() -> None:
    series = np.array([rng_for("x|1", frame=i, attempt=0, path="p").random() for i in range(20_000)])
    assert abs(np.corrcoef(series[:-1], series[1:])[0, 1]) < 0.02
    shifted = np.array([rng_for("x|2", frame=i, attempt=0, path="p").random() for i in range(20_000)])
    assert abs(np.corrcoef(series, shifted)[0, 1]) < 0.02
    assert not np.isin(series, shifted).any()


@settings(max_examples=25, deadline=None)
@given(frame=st.integers(0, 10**9), seed=st.integers(0, 10**9))
def test_every_value_is_what_its_parameter_allows(frame: int, seed: int) -> None:
    values = SIMPLE.replace(seed=seed).resolve(frame).values
    for path, parameter in parameters_of("rendered").items():
        for value in [values[path]] if parameter.per == "frame" else values[path]:
            assert parameter.accepts(value), path


def test_an_expression_out_of_range_is_named() -> None:
    scenario = SIMPLE.replace({"sensor.lens.vignette": {"expr": "2 + sensor.lens.blur_px"}})
    with pytest.raises(ScenarioError, match=r"sensor\.lens\.vignette: .* is not a number from 0 to 1"):
        scenario.resolve(0)


def test_no_objects_at_all() -> None:
    frame = SIMPLE.replace({"assets.targets.count": 0, "assets.distractors.count": 0}).resolve(0)
    assert frame.values["scene.objects.placement"] == []
    assert Scenario.load(frame.document()).resolve(0).values == frame.values


def test_too_many_objects_do_not_fit() -> None:
    crowd = SIMPLE.replace({"assets.targets.count": 60, "assets.distractors.count": 0, "scene.support": "bin"})
    with pytest.raises(Unplaceable, match="no room for 60 objects on the bin with a gap of"):
        crowd.resolve(0)
