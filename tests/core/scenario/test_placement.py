from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core import assets as library
from workbench.core.scenario import Scenario, build
from workbench.core.scenario.placement import footprint_m, meet, rotation_matrix

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * np.float32(0.05)


@pytest.mark.parametrize(
    ("shift", "meets"),
    [((0.0, 0.0), True), ((0.03, 0.03), True), ((0.06, 0.0), False), ((0.05, 0.0), False), ((0.0, -0.049), True)],
)
def test_meet(shift: tuple[float, float], meets: bool) -> None:
    assert meet(SQUARE, SQUARE + np.array(shift, np.float32)) is meets


def test_diagonal_neighbours_whose_boxes_overlap_do_not_meet() -> None:
    triangle = np.array([[0, 0], [0.05, 0], [0, 0.05]], np.float32)
    assert not meet(triangle, np.array([[0.05, 0.05], [0.01, 0.05], [0.05, 0.01]], np.float32))


def test_a_footprint_grows_by_the_gap() -> None:
    points = np.array([[0, 0, 0], [0.1, 0, 0.3], [0.1, 0.2, 0], [0, 0.2, 0.1]], float)
    outline = footprint_m(points, 0.01)
    assert outline.min(axis=0) == pytest.approx([-0.01, -0.01], abs=1e-3)
    assert outline.max(axis=0) == pytest.approx([0.11, 0.21], abs=1e-3)


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_rotations_are_rotations(quaternion: list[float]) -> None:
    matrix = rotation_matrix(quaternion)
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1.0)


@settings(max_examples=10, deadline=None)
@given(frame=st.integers(0, 10**6), rotation=st.sampled_from([{"so3_uniform": {}}, {"resting": {"lying": 0.7}}]))
def test_objects_rest_on_the_support_inside_it_and_apart(frame: int, rotation: dict) -> None:
    scenario = Scenario("apart").replace(
        {"assets.targets.count": 5, "assets.distractors.count": 1, "scene.objects.rotation": rotation,
         "scene.objects.placement": {"scatter_2d": {"min_gap": 0.004, "margin": 0.01}}}
    )  # fmt: skip
    placed = [s for s in build(scenario.resolve(frame)).solids if s.asset.startswith(("part/", "distractor/"))]
    worlds = [s.mesh.vertices_m @ s.T_world_obj[:3, :3].T + s.T_world_obj[:3, 3] for s in placed]
    half = np.array(library.SUPPORT_REGION_M["table"])
    for world in worlds:
        assert world[:, 2].min() == pytest.approx(0.0, abs=1e-6)
        assert (np.abs(world[:, :2]) <= half - 0.01 + 1e-6).all()
    outlines = [footprint_m(world, 0.0019) for world in worlds]
    assert not any(meet(a, b) for i, a in enumerate(outlines) for b in outlines[:i])
