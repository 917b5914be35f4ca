"""The fit finds planted places again, on measures that are known functions with noise."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.recreating.facts import common_words, distance, fact
from workbench.recreating.fit import fit
from workbench.recreating.knobs import KNOBS, is_common


@pytest.mark.parametrize("seed", range(4))
def test_planted_places_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    planted = rng.uniform(0.2, 0.8, 3)
    knobs = KNOBS[:3]

    def measures(places: np.ndarray) -> dict[str, np.ndarray]:
        a, b, c = places.T
        noise = rng.normal(0, 0.1, (3, len(places)))
        return {"x": 8 * a + b + noise[0], "y": 3 * b**2 - a * c + noise[1], "z": 4 * c + noise[2]}

    real = measures(planted + rng.normal(0, [0.06, 0.02, 0.02], (400, 3)))
    wanted = {name: (float(v.mean()), float(v.std())) for name, v in real.items()}
    found = fit(knobs, wanted, measures, seed=seed)
    assert np.abs(found.places - planted).max() < 0.08
    assert found.spreads[0] == pytest.approx(0.06, abs=0.03)
    assert max(found.surprise.values()) < 0.5


def test_knobs_write_distributions_that_a_scenario_takes() -> None:
    from workbench.scenario import Scenario
    from workbench.scenario.anchor import Anchor, Measured

    for knob in KNOBS:
        anchor = Anchor(("a",), "d", (), {knob.path: Measured(knob.value(0.4))})
        scenario = Scenario("x", anchor=anchor).replace({knob.path: knob.jitter(0.4, 0.1)})
        drawn = [scenario.resolve(i).values[knob.path] for i in range(40)]
        assert all(knob.low <= value <= knob.high for value in drawn)
        assert knob.value(0.1) < np.median(drawn) < knob.value(0.7)


def test_what_is_common_decides_what_is_turned() -> None:
    common = {"noise": True, "blur_px": False}
    assert [knob.path for knob in KNOBS if is_common(knob, common)] == ["sensor.noise.gain"]
    dark = fact("exposure_ev", np.array([-4.0, -5.0]), np.array([0.0, 1.0, 0.5]))
    assert dark is not None and dark.is_common and dark.effect is not None and dark.effect < -4
    alone = fact("exposure_ev", np.array([-4.0]), np.array([]))
    assert alone is not None and alone.is_common and alone.confidence == "low"
    assert fact("exposure_ev", np.array([np.nan]), np.array([1.0])) is None
    assert common_words(["metal"] * 5, ["metal"] * 5) == {}
    assert common_words([], ["metal"]) == {}


def test_distance_is_in_spreads_of_the_real() -> None:
    rng = np.random.default_rng(0)
    real = {"x": rng.normal(0, 2, 4000)}
    assert distance(real, {"x": rng.normal(0, 2, 4000)}) < 0.1
    assert distance(real, {"x": rng.normal(4, 2, 4000)}) == pytest.approx(2, abs=0.1)
