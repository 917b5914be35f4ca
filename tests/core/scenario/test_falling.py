"""Places in the air and piles: what is promised of them, and their moments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.builders import in_the_frustum
from workbench.base.errors import ScenarioError
from workbench.core import assets as library
from workbench.core.scenario import Scenario, Unplaceable, build
from workbench.core.schema.scene import Solid

PILE = Scenario("pile").replace(
    {
        "scene.support": "bin",
        "assets.targets.count": 9,
        "assets.targets.labels": ["box", "can", "mug", "bottle"],
        "scene.objects.rotation": {"so3_uniform": {}},
        "scene.objects.density": {"log_uniform": [500, 7800]},
        "scene.objects.friction": {"uniform": [0.2, 0.9]},
        "scene.objects.placement": {"drop": {}},
    }
)


def objects(scenario: Scenario, frame: int) -> list[Solid]:
    return [s for s in build(scenario.resolve(frame)).solids if s.asset.startswith(("part/", "distractor/"))]


def world(solid: Solid) -> np.ndarray:
    return solid.mesh.vertices_m @ solid.T_world_obj[:3, :3].T + solid.T_world_obj[:3, 3]


def settled(scenario: Scenario, first: int) -> int:
    for frame in range(first, first + 6):
        try:
            scenario.resolve(frame)
            return frame
        except Unplaceable:
            continue
    raise AssertionError("nothing comes to rest")


def test_a_pile_lies_in_the_bin_and_on_itself() -> None:
    frame = settled(PILE, 0)
    half_x, half_y, _ = library.SUPPORT_WALLS_M["bin"]
    points = [world(solid) for solid in objects(PILE, frame)]
    lowest = np.array([p[:, 2].min() for p in points])
    assert lowest.min() == pytest.approx(0.0, abs=0.004) and (lowest >= -1e-6).all()
    assert (lowest > 0.01).any()  # some lie on others
    for p in points:
        assert np.abs(p[:, 0]).max() < half_x + 0.01 and np.abs(p[:, 1]).max() < half_y + 0.01


def test_a_pile_is_the_same_again_and_replays_without_physics(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = settled(PILE, 0)
    first = PILE.resolve(frame)
    assert PILE.resolve(frame).values == first.values
    placed = objects(PILE, frame)
    import workbench.core.scenario.drop as drop

    monkeypatch.setattr(drop, "require", None)  # calling it would fail
    again = Scenario.load(first.document()).resolve(0)
    assert again.values == first.values
    places = [s.T_world_obj for s in build(again).solids if s.name]
    assert all(np.array_equal(a, s.T_world_obj) for a, s in zip(places, placed, strict=True))


def test_friction_decides_where_things_end() -> None:
    smooth = PILE.replace({"scene.objects.friction": 0.05, "assets.targets.count": 4})
    rough = PILE.replace({"scene.objects.friction": 1.5, "assets.targets.count": 4})
    frame = next(f for f in range(8) if settled(smooth, f) == f == settled(rough, f))
    assert (
        smooth.resolve(frame).values["scene.objects.placement"]
        != rough.resolve(frame).values["scene.objects.placement"]
    )


def test_what_rolls_off_a_table_is_drawn_again() -> None:
    cans = PILE.replace(
        {"scene.support": "table", "assets.targets.labels": "can", "scene.objects.friction": 0.0,
         "scene.objects.placement": {"drop": {"height": 0.5, "seconds": 1.0}}}
    )  # fmt: skip
    with pytest.raises(Unplaceable, match=r"scene\.objects\.placement"):
        for frame in range(4):
            cans.resolve(frame)


AIR = Scenario("air").replace(
    {"assets.targets.count": 6, "assets.targets.labels": ["nut", "bolt"], "scene.objects.rotation": {"so3_uniform": {}}}
)


def middles(scenario: Scenario, frames: int) -> np.ndarray:
    found = [world(solid) for frame in range(frames) for solid in objects(scenario, frame)]
    return np.array([(p.min(axis=0) + p.max(axis=0)) / 2 for p in found])


def test_scatter_3d_is_even_over_its_box() -> None:
    scenario = AIR.replace({"scene.objects.placement": {"scatter_3d": {"z": [0.1, 0.5]}}})
    found = middles(scenario, 150)
    half = np.array(library.SUPPORT_REGION_M["table"])
    n = len(found)
    assert found[:, 2].mean() == pytest.approx(0.3, abs=5 * 0.4 / math.sqrt(12 * n))
    assert found[:, 2].std() == pytest.approx(0.4 / math.sqrt(12), rel=0.06)
    assert found[:, :2].std(axis=0) == pytest.approx(2 * half / math.sqrt(12), rel=0.06)


def test_scatter_3d_keeps_boxes_apart() -> None:
    scenario = AIR.replace({"scene.objects.placement": {"scatter_3d": {"z": [0.0, 0.3], "min_gap": 0.01}}})
    for frame in range(5):
        points = [world(solid) for solid in objects(scenario, frame)]
        for i, a in enumerate(points):
            for b in points[:i]:
                gaps = np.maximum(a.min(axis=0) - b.max(axis=0), b.min(axis=0) - a.max(axis=0))
                assert gaps.max() >= 0.01 - 1e-9


def test_camera_frustum_thins_out_with_distance() -> None:
    """Density 1/r: the logarithm of the distance is even."""
    scenario = in_the_frustum()
    logs = []
    for frame in range(120):
        eye = build(scenario.resolve(frame)).camera.T_world_cam[:3, 3]
        logs += [
            math.log(np.linalg.norm((p.min(axis=0) + p.max(axis=0)) / 2 - eye))
            for p in map(world, objects(scenario, frame))
        ]
    low, high = math.log(0.5), math.log(1.4)
    assert np.mean(logs) == pytest.approx((low + high) / 2, abs=5 * (high - low) / math.sqrt(12 * len(logs)))
    assert np.std(logs) == pytest.approx((high - low) / math.sqrt(12), rel=0.08)


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ({"scatter_3d": {"z": [0.3, 0.1]}}, "The lower bound 0.3 is above the upper bound 0.1"),
        ({"scatter_3d": {"z": 0.3}}, "z must be a list of two numbers, not 0.3"),
        ({"scatter_3d": {"z": [-1, 0.1]}}, "z must begin at 0 or more, not at -1"),
        ({"camera_frustum": {"distance": [0, 1]}}, "distance must begin at 0.001 or more, not at 0"),
        (
            {"camera_frustum": {"distance": [0.5, 1], "screen": 2}},
            "screen must be a share above 0 and at most 1, not 2",
        ),
        ({"drop": {"seconds": 0}}, "seconds must be above 0 and at most 60, not 0"),
    ],
)
def test_mistakes(placement: dict, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        AIR.replace({"scene.objects.placement": placement})
    assert message in str(caught.value)
