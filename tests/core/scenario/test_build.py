from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.scenario import Scenario, build, sensor_settings
from workbench.core.scenario.camera import look_at
from workbench.core.schema.scene import Annotations, ObjectTruth

MINE = Scenario("mine").replace(
    {
        "assets.targets.count": 2,
        "assets.targets.labels": ["bracket"],
        "assets.distractors.count": 1,
        "scene.surface.label": "metal",
        "scene.surface.roughness": 0.11,
        "scene.objects.surface": "glossy",
        "scene.objects.scale": 1.5,
        "lighting.key.type": "point",
        "lighting.key.direction": {"shell": {"azimuth": 90, "elevation": 0, "radius": 2}},
        "lighting.key.intensity": 321,
        "sensor.lens.distortion.k1": -0.05,
        "sensor.exposure.ev": -1.5,
        "sensor.white_balance.temperature": 3000,
    }
)


def test_a_scene_holds_what_the_frame_says() -> None:
    frame = MINE.resolve(0)
    scene = build(frame)
    objects = [s for s in scene.solids if s.asset.startswith(("part/", "distractor/"))]
    assert [s.name for s in objects] == ["bracket", "bracket", None]
    assert [s.instance_id for s in objects] == [1, 2, 0]
    assert {s.material.kind for s in objects} == {"glossy"}
    assert all(np.cbrt(np.linalg.det(s.T_world_obj[:3, :3])) == pytest.approx(1.5) for s in objects)
    support = scene.solids[0]
    assert (support.material.kind, support.material.roughness) == ("metal", 0.11)
    (key,) = scene.lights
    assert key.position_m == pytest.approx((0, 2, 0), abs=1e-9)
    assert key.direction == pytest.approx((0, -1, 0), abs=1e-9)
    assert (key.kind, key.illuminance_lux) == ("point", 321.0)
    assert scene.camera.distortion == (-0.05, 0.0, 0.0, 0.0)


def test_the_same_frame_builds_the_same_scene() -> None:
    first, second = build(MINE.resolve(4)), build(MINE.resolve(4).as_scenario().resolve(0))
    for a, b in zip(first.solids, second.solids, strict=True):
        assert (a.asset, a.material.base_color, a.material.roughness) == (
            b.asset,
            b.material.base_color,
            b.material.roughness,
        )
        assert np.array_equal(a.T_world_obj, b.T_world_obj)


def test_colour_is_taken_when_it_is_said() -> None:
    red = MINE.replace({"scene.objects.color": {"hsv": {"h": 0, "s": 1, "v": 1}}, "scene.objects.surface": "matte"})
    color = build(red.resolve(0)).solids[-1].material.base_color
    assert color[0] > 10 * max(color[1:])


def test_no_key_light_at_zero_lux() -> None:
    assert build(MINE.replace({"lighting.key.intensity": 0}).resolve(0)).lights == ()


def test_sensor_settings_follow_the_frame() -> None:
    settings = sensor_settings(MINE.resolve(0))
    assert settings.exposure_ev == -1.5
    red, green, blue = settings.white_balance
    assert red < green == 1.0 < blue  # warm light taken for white: red down, blue up


@given(
    azimuth=st.floats(0, 360), elevation=st.floats(-89, 90), radius=st.floats(0.1, 5), roll=st.floats(-180, 180),
    target=st.tuples(*[st.floats(-1, 1)] * 3),
)  # fmt: skip
def test_a_camera_looks_at_its_target(azimuth, elevation, radius, roll, target) -> None:
    pose = look_at(azimuth_deg=azimuth, elevation_deg=elevation, radius_m=radius, roll_deg=roll, target_m=target)
    assert pose[:3, :3] @ pose[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1.0)
    assert np.linalg.inv(pose) @ [*target, 1.0] == pytest.approx([0, 0, radius, 1], abs=1e-9)


def test_roll_turns_the_picture_clockwise() -> None:
    """With the camera rolled by 90 degrees, what was up lies at the left."""
    pose = look_at(azimuth_deg=0, elevation_deg=0, radius_m=1, roll_deg=90, target_m=(0, 0, 0))
    assert np.linalg.inv(pose)[:3, :3] @ [0, 0, 1] == pytest.approx([-1, 0, 0], abs=1e-9)


def _truth(*shares: tuple[int, int, float]) -> Annotations:
    things = tuple(
        ObjectTruth(i + 1, "mug", "part/mug", "matte", (0, 0, side, side) if seen else None, (0, 0, 9, 9), seen, whole,
                    np.eye(4), (1, 1, 1), np.eye(4))
        for i, (seen, whole, side) in enumerate(shares)
    )  # fmt: skip
    empty = np.zeros((2, 2))
    return Annotations(empty.astype(np.uint16), empty.astype(np.float32), np.zeros((2, 2, 3), np.float32), things)


@pytest.mark.parametrize(
    ("accept", "truth", "refusal"),
    [
        ({}, _truth(), None),
        ({"targets.count": [1, 9]}, _truth(), "targets.count"),
        ({"targets.count": [1, 9]}, _truth((0, 50, 0)), "targets.count"),
        ({"targets.visible_fraction": [0.3, 1]}, _truth((40, 100, 6), (20, 100, 6)), "targets.visible_fraction"),
        ({"targets.visible_fraction": [0.3, 1]}, _truth((40, 100, 6)), None),
        ({"targets.bbox_px_min": 7}, _truth((40, 100, 6)), "targets.bbox_px_min"),
        ({"targets.bbox_px_min": 6}, _truth((40, 100, 6)), None),
    ],
)
def test_accept(accept: dict, truth: Annotations, refusal: str | None) -> None:
    scenario = Scenario.load({"scenario": 1, "name": "x", "accept": accept})
    assert scenario.accept.refusal(truth.objects) == refusal
