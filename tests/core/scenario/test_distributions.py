from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.base.errors import ScenarioError
from workbench.core.scenario.distribution import At
from workbench.core.scenario.distributions import DISTRIBUTIONS
from workbench.core.scenario.document import distribution_document, parse_distribution
from workbench.core.scenario.parameter import Parameter
from workbench.core.scenario.parameters import PARAMETERS
from workbench.core.scenario.randomness import rng_for

N = 20_000
NUMBER = Parameter("scene.x", "number", "", (-1e6, 1e6), 0.0, "any number")
SHARE = Parameter("scene.share", "number", "", (0.0, 1.0), 0.0, "a share")
WHOLE = Parameter("scene.n", "integer", "", (0, 100), 0, "a count")
WORD = Parameter("scene.word", "word", "", lambda: ("env/hall", "env/shed", "env/yard"), "env/hall", "a word")
TURN = Parameter("scene.turn", "quaternion", "", None, None, "a rotation")


def draws(parameter: Parameter, value: object, n: int = N, **at: object) -> list:
    distribution = parse_distribution(parameter, value)
    return [
        distribution.draw(At(rng_for("s|0", frame=i, attempt=0, path="x"), i, parameter, **at))  # type: ignore[arg-type]
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("value", "mean", "std"),
    [
        ({"uniform": [0, 1]}, 0.5, math.sqrt(1 / 12)),
        ({"uniform": {"low": -2, "high": 4}}, 1.0, math.sqrt(3.0)),
        ({"normal": {"mean": 3, "std": 0.5}}, 3.0, 0.5),
        # a standard normal cut at 0: half-normal, mean sqrt(2/pi)
        ({"normal": {"mean": 0, "std": 1, "clip": [0, 1000]}}, math.sqrt(2 / math.pi), math.sqrt(1 - 2 / math.pi)),
        (
            {"log_uniform": [1, math.e**2]},
            (math.e**2 - 1) / 2,
            math.sqrt((math.e**4 - 1) / 4 - ((math.e**2 - 1) / 2) ** 2),
        ),
        ({"around": {"value": 2, "spread": 0.25}}, 2.0, 0.25),
        ({"choice": [0.0, 10.0], "weights": [0.8, 0.2]}, 2.0, 4.0),
        # density 3 r^2 / (b^3 - a^3): mean 3/4 (b^4 - a^4) / (b^3 - a^3)
        ({"uniform_volume": [0, 1]}, 0.75, math.sqrt(3 / 80)),
        ({"constant": 7}, 7.0, 0.0),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_moments(value: object, mean: float, std: float) -> None:
    found = np.array(draws(NUMBER, value), dtype=float)
    assert found.mean() == pytest.approx(mean, abs=5 * std / math.sqrt(N) + 1e-12)
    assert found.std() == pytest.approx(std, rel=0.03, abs=1e-12)


def test_poisson_int_is_clamped_poisson() -> None:
    found = np.array(draws(WHOLE, {"poisson_int": {"mean": 4, "max": 10}}))
    assert found.max() <= 10
    assert found.mean() == pytest.approx(4.0, abs=0.06)
    assert (found == 0).mean() == pytest.approx(math.exp(-4), abs=0.006)


def test_uniform_int_takes_both_ends() -> None:
    counts = np.bincount(draws(WHOLE, {"uniform_int": [3, 6]}))
    assert counts[:3].sum() == 0
    assert counts[3:] == pytest.approx([N / 4] * 4, rel=0.06)


def test_uniform_sine_is_even_over_the_sphere() -> None:
    """Equal areas of a sphere lie between equal steps of the sine (Archimedes)."""
    sines = np.sin(np.radians(draws(NUMBER, {"uniform_sine": [-90, 90]})))
    counts, _ = np.histogram(sines, bins=10, range=(-1, 1))
    assert counts == pytest.approx([N / 10] * 10, rel=0.1)


def test_so3_uniform_is_even() -> None:
    """Haar measure: each column of the matrix is even on the sphere, and the angle has density (1 - cos a) / pi."""
    from workbench.core.scenario.placement import rotation_matrix

    quaternions = draws(TURN, {"so3_uniform": {}})
    assert np.linalg.norm(quaternions, axis=1) == pytest.approx(np.ones(N))
    matrices = np.array([rotation_matrix(q) for q in quaternions])
    assert matrices.mean(axis=0) == pytest.approx(np.zeros((3, 3)), abs=0.02)
    assert (matrices**2).mean(axis=0) == pytest.approx(np.full((3, 3), 1 / 3), abs=0.02)
    angle = np.arccos(np.clip((np.trace(matrices, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert angle.mean() == pytest.approx(math.pi / 2 + 2 / math.pi, abs=0.02)


@pytest.mark.parametrize("lying", [0.0, 0.3, 1.0])
def test_resting_puts_a_side_down(lying: float) -> None:
    from workbench.core.scenario.placement import rotation_matrix

    ups = np.array([rotation_matrix(q)[2] for q in draws(TURN, {"resting": {"lying": lying}}, 3000)])
    assert np.abs(ups).max(axis=1) == pytest.approx(np.ones(3000))  # the vertical is an axis of the object
    assert (ups[:, 2] < 0.5).mean() == pytest.approx(lying, abs=0.03)


def test_resting_turns_by_any_angle() -> None:
    from workbench.core.scenario.placement import rotation_matrix

    firsts = np.array([rotation_matrix(q)[:, 0] for q in draws(TURN, {"resting": {}}, 4000)])
    turn = np.arctan2(firsts[:, 1], firsts[:, 0])
    counts, _ = np.histogram(turn, bins=8, range=(-math.pi, math.pi))
    assert counts == pytest.approx([500] * 8, rel=0.2)


def test_sequence_takes_the_values_in_turn() -> None:
    assert draws(NUMBER, {"sequence": [5, 6, 7]}, 5) == [5, 6, 7, 5, 6]


def test_choice_from_takes_names_with_and_without_folder() -> None:
    assert set(draws(WORD, {"choice_from": "env/*"}, 200)) == {"env/hall", "env/shed", "env/yard"}
    assert set(draws(WORD, ["hall", "s*"], 200)) == {"env/hall", "env/shed"}


@pytest.mark.parametrize(("confidence", "factor"), [("high", 1), ("medium", 2), ("low", 4)])
def test_around_an_anchor_widens_with_doubt(confidence: str, factor: float) -> None:
    from workbench.core.scenario.anchor import parse_anchor

    spreads = parse_anchor({"measured": {"blur": {"value": 2.0, "confidence": confidence}}}).spreads()
    found = np.array(draws(NUMBER, {"around": {"anchor": "blur", "spread": 0.1}}, measured=spreads))
    assert found.mean() == pytest.approx(2.0, abs=0.02)
    assert found.std() == pytest.approx(0.1 * factor, rel=0.03)


def test_expr_reads_values_of_the_same_object() -> None:
    distribution = parse_distribution(NUMBER, {"expr": "0.1 + 0.9 * scene.a"})
    at = At(np.random.default_rng(0), 0, NUMBER, {"scene.a": [0.0, 1.0]}, index=1)
    assert distribution.draw(at) == pytest.approx(1.0)


@settings(max_examples=200)
@given(low=st.floats(-1e5, 1e5), width=st.floats(0, 1e5), frame=st.integers(0, 10**6))
def test_uniform_stays_inside(low: float, width: float, frame: int) -> None:
    distribution = parse_distribution(NUMBER, {"uniform": [low, low + width]})
    value = distribution.draw(At(rng_for("s", frame=frame, attempt=0, path="p"), frame, NUMBER))
    assert low <= value <= low + width


@given(low=st.floats(1e-3, 1e3), factor=st.floats(1, 1e3), name=st.sampled_from(["log_uniform", "uniform_volume"]))
def test_curved_intervals_stay_inside(low: float, factor: float, name: str) -> None:
    distribution = parse_distribution(NUMBER, {name: [low, low * factor]})
    assert low <= distribution.draw(At(np.random.default_rng(1), 0, NUMBER)) <= low * factor


WRONG = [
    (NUMBER, {"uniform": [2, 1]}, "The lower bound 2 is above the upper bound 1"),
    (NUMBER, {"uniform": [0, 1, 2]}, "uniform takes low, high, not [0, 1, 2]"),
    (NUMBER, {"uniform": "wide"}, "uniform takes low, high, not 'wide'"),
    (NUMBER, {"unifrom": [0, 1]}, "Did you mean 'uniform'"),
    (NUMBER, {"uniform": [0, 1], "normal": {"mean": 0, "std": 1}}, "Several distributions are given: uniform, normal"),
    (SHARE, {"uniform": [0, 2]}, "2 is not a number from 0 to 1"),
    (SHARE, 1.5, "1.5 is not a number from 0 to 1"),
    (SHARE, "half", "'half' is not a number"),
    (SHARE, True, "True is not a number"),
    (SHARE, None, "None is not a number"),
    (SHARE, float("nan"), "nan is not a number"),
    (WHOLE, 2.5, "2.5 is not a whole number"),
    (WHOLE, {"uniform": [0, 3]}, None),
    (NUMBER, {"normal": {"mean": 0, "std": -1}}, "std must be 0 or more, not -1"),
    (NUMBER, {"normal": {"mean": 0, "std": 1, "clip": [50, 60]}}, "mean 0 and std 1 cannot reach the clip [50, 60]"),
    (SHARE, {"normal": {"mean": 40, "std": 1}}, "mean 40 and std 1 cannot reach the clip [0"),
    (NUMBER, {"log_uniform": [0, 1]}, "must be above 0, not 0"),
    (NUMBER, {"choice": []}, "at least one entry, not []"),
    (NUMBER, {"choice": [1, 2], "weights": [1]}, "2 values, but 1 weight."),
    (NUMBER, {"choice": [1, 2], "weights": [0, 0]}, "[0, 0] add up to 0, not to 1"),
    (WORD, {"choice": ["env/hall", "env/bal"]}, "Valid: env/hall"),
    (WORD, {"choice_from": "indoor/*"}, "No name matches 'indoor/*'"),
    (WORD, "hall", "Did you mean"),
    (NUMBER, {"around": {"spread": 1}}, "value or anchor, and neither is given"),
    (NUMBER, {"expr": "__import__('os')"}, "Unknown function '__import__'"),
    (NUMBER, {"expr": "(1).real"}, "'1' is not a parameter path"),
    (NUMBER, {"expr": "scene.a if 1 else 2"}, "'scene.a if 1 else 2' is not allowed in an expression, only numbers"),
    (NUMBER, {"expr": "1 +"}, "'1 +' is not an arithmetic expression"),
    (NUMBER, {"poisson_int": {"mean": -1, "max": 3}}, "mean must be 0 or more, not -1"),
    (TURN, [1, 0, 0], "[1, 0, 0] is not a list of 4"),
]


@pytest.mark.parametrize(("parameter", "value", "message"), WRONG, ids=lambda item: str(item)[:50])
def test_mistakes_are_named_with_their_path(parameter: Parameter, value: object, message: str | None) -> None:
    if message is None:  # a real interval for a whole number gives fractions: found when it is drawn
        assert not parameter.accepts(draws(parameter, value, 1)[0])
        return
    with pytest.raises(ScenarioError) as caught:
        parse_distribution(parameter, value)
    assert message in str(caught.value)
    assert parameter.path in str(caught.value)


def test_every_distribution_survives_the_document() -> None:
    examples = {
        "constant": (NUMBER, 3.5),
        "each": (NUMBER, {"each": [1, 2]}),
        "uniform": (NUMBER, {"uniform": [0, 1]}),
        "uniform_int": (WHOLE, {"uniform_int": [0, 9]}),
        "log_uniform": (NUMBER, {"log_uniform": [1, 9]}),
        "uniform_sine": (NUMBER, {"uniform_sine": [10, 80]}),
        "uniform_volume": (NUMBER, {"uniform_volume": [1, 2]}),
        "normal": (NUMBER, {"normal": {"mean": 1, "std": 2, "clip": [0, 3]}}),
        "around": (NUMBER, {"around": {"spread": 2, "anchor": "a"}}),
        "choice": (NUMBER, {"choice": [1, 2], "weights": [0.5, 0.5]}),
        "choice_from": (WORD, {"choice_from": ["env/*"]}),
        "sequence": (NUMBER, {"sequence": [1, 2]}),
        "poisson_int": (WHOLE, {"poisson_int": {"mean": 2, "max": 5}}),
        "so3_uniform": (TURN, {"so3_uniform": {}}),
        "resting": (TURN, {"resting": {"lying": 0.5}}),
        "scatter_2d": (PARAMETERS["scene.objects.placement"], {"scatter_2d": {"min_gap": 0.01}}),
        "scatter_3d": (PARAMETERS["scene.objects.placement"], {"scatter_3d": {"z": [0.1, 0.3]}}),
        "camera_frustum": (PARAMETERS["scene.objects.placement"], {"camera_frustum": {"distance": [0.3, 0.9]}}),
        "drop": (PARAMETERS["scene.objects.placement"], {"drop": {"height": 0.1}}),
        "donor": (PARAMETERS["photo.donor"], {"donor": "any"}),
        "object": (PARAMETERS["paste.object"], {"object": {"classes": ["cup", "box"]}}),
        "expr": (NUMBER, {"expr": "1 + scene.a"}),
    }
    assert set(examples) == set(DISTRIBUTIONS)
    for parameter, value in examples.values():
        once = parse_distribution(parameter, value)
        assert distribution_document(once) == value
        assert parse_distribution(parameter, distribution_document(once)) == once
