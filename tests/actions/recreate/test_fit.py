"""The fit finds planted places again, on measures that are known functions with noise."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.actions.recreate.contrast import common_words, distance, fact
from workbench.actions.recreate.fit import TELLS, fit, reading
from workbench.actions.recreate.parameters import KNOBS, Choice, is_common


@pytest.mark.parametrize("seed", range(4))
def test_planted_places_and_words_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    planted, spreads = np.array([*rng.uniform(0.25, 0.75, 3), 0.5]), np.array([0.12, 0.06, 0.06, 0.1])
    choice = Choice("scene.surface.label", ("matte", "metal", "wood"), np.array([0.4, 0.3, 0.3]))

    def measures(places: np.ndarray, words: list[list[str]]) -> np.ndarray:
        a, b, c, _ = places.T  # no measure tells of the last one
        metal = np.array([word == "metal" for (word,) in words])
        noise = rng.normal(0, 0.1, (5, len(places)))
        return np.stack([8 * a + b, 3 * b**2 - a * c, 4 * c, a + b + c + 0.7 * metal, 0 * a], axis=1) + noise.T

    words = [["metal"] if one < 0.8 else ["wood"] for one in rng.random(300)]
    photos = measures(np.clip(planted + rng.normal(0, spreads, (300, 4)), 0, 1), words)
    found = fit(KNOBS[:4], [choice], photos, measures, seed=seed)
    assert np.abs(found.places - planted)[:3].max() < 0.05
    assert np.abs(found.spreads - spreads)[:3].max() < 0.06
    assert found.explained[:3].min() > 0.6 > TELLS > found.explained[3]
    assert (found.places[3], found.spreads[3]) == (0.5, pytest.approx(1 / np.sqrt(12)))
    assert found.shares[0][1] == pytest.approx(0.8, abs=0.2) and found.choices_explained[0] > TELLS


def test_one_photo_keeps_some_of_the_spread() -> None:
    def measures(places: np.ndarray, words: list[list[str]]) -> np.ndarray:
        return places[:, :1] + np.random.default_rng(0).normal(0, 0.02, (len(places), 1))

    few, many = (fit(KNOBS[:1], [], np.full((n, 1), 0.7), measures) for n in (1, 100))
    assert few.places[0] == pytest.approx(0.7, abs=0.08) and many.places[0] == pytest.approx(0.7, abs=0.05)
    assert few.spreads[0] > 1.5 * many.spreads[0]


def test_reading_knows_what_it_cannot_tell() -> None:
    rng = np.random.default_rng(0)
    probes, photos = rng.normal(size=(150, 20)), rng.normal(size=(40, 20))
    said, _, explained = reading(probes, probes[:, 3] + 0.5 * rng.normal(size=150), photos)
    assert explained == pytest.approx(0.8, abs=0.1)
    assert np.corrcoef(said, photos[:, 3])[0, 1] > 0.9
    said, _, explained = reading(probes, rng.normal(size=150), photos)
    assert explained < TELLS and np.std(said) < 0.3
    assert reading(probes, np.ones(150), photos)[2] == 0.0


def test_knobs_write_distributions_that_a_scenario_takes() -> None:
    from workbench.core.scenario import Scenario
    from workbench.core.scenario.anchor import Anchor, Measured

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
