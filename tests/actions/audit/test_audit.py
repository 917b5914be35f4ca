"""Audits: designs, planted and absent effects, and a model that is blind to one factor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from workbench.actions.audit import FACTORS, audit
from workbench.actions.audit.audit import analysed
from workbench.base.errors import InputError
from workbench.base.progress import Work
from workbench.core.metrics.factorial import design, effects
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label

NAMES = [factor.name for factor in FACTORS]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_no_factor_or_pair_is_mixed_up_with_another(n: int) -> None:
    runs = design(n)
    columns = [runs[:, i] for i in range(n)] + [runs[:, i] * runs[:, j] for i in range(n) for j in range(i)]
    matrix = np.column_stack([np.ones(len(runs)), *columns])
    assert np.array_equal(matrix.T @ matrix, len(runs) * np.eye(matrix.shape[1]))


def observed(rng: np.random.Generator, frames: int, effect: float, pair: float) -> tuple[np.ndarray, np.ndarray]:
    """Recalls of pictures with five labels; ``surface`` costs ``effect``, ``light`` with ``surface`` ``pair`` more."""
    runs = design(5)
    seen = np.array([(run, frame) for run in range(16) for frame in range(frames)])
    levels = runs[seen[:, 0]]
    easy = rng.normal(0, 0.1, frames)[seen[:, 1]]
    chance = 0.6 + easy - effect / 2 * levels[:, 1] - pair / 2 * levels[:, 0] * levels[:, 1]
    return rng.binomial(5, np.clip(chance, 0, 1)) / 5, seen


def test_planted_effects_are_found_and_nothing_else() -> None:
    rng, held = np.random.default_rng(2), 0
    for _ in range(20):
        recalls, seen = observed(rng, 16, 0.3, 0.16)
        found = {one.factors: one for one in effects(recalls, design(5)[seen[:, 0]], NAMES, seen[:, 1])}
        assert found["surface",].is_strong and found["light", "surface"].is_strong
        held += found["surface",].low <= -0.3 <= found["surface",].high
    assert held >= 17, f"{held} of 20 intervals hold the truth"


def test_absent_effects_are_seldom_strong() -> None:
    rng, said = np.random.default_rng(4), 0
    for _ in range(200):
        recalls, seen = observed(rng, 6, 0.0, 0.0)
        said += any(one.is_strong for one in effects(recalls, design(5)[seen[:, 0]], NAMES, seen[:, 1]))
    assert said <= 0.05 * 200 + 3 * np.sqrt(0.05 * 0.95 * 200), f"{said} of 200 audits"


def test_proposed_scenarios_lie_where_it_fails() -> None:
    recalls, seen = observed(np.random.default_rng(0), 16, 0.3, 0.16)
    found = analysed(recalls, seen, design(5), FACTORS, Scenario("base"))
    names = [one.name for one in found.scenarios]
    assert names == ["metal_surface", "dim_light_metal_surface"]
    assert "scene.surface.label" in found.scenarios[0].document() or found.scenarios[0].draws["scene.surface.label"]
    assert str(found).splitlines()[1].startswith("metal surface instead of matte surface: recall -0.")
    assert found.frame["strong"].sum() == 2 and "<svg" in found._repr_html_()
    assert effects(recalls[:5], design(5)[seen[:5, 0]], NAMES, seen[:5, 1]) == []


def test_too_little_to_ask() -> None:
    for options in ({"factors": FACTORS[:1]}, {"frames": 1}):
        with pytest.raises(InputError, match="at least 2 factors and 2 frames"):
            audit(lambda images: [], **options)  # type: ignore[arg-type]


def test_real_pictures_of_a_model_that_sees_nothing_in_the_dark() -> None:
    def model(images: Sequence[Path]) -> list[list[Label]]:
        """A nut over the whole picture where it is bright."""
        found = []
        for path in images:
            picture = cv2.imread(str(path))
            height, width = picture.shape[:2]
            found.append([Label("nut", (0, 0, width, height), confidence=1.0)] if picture.mean() > 60 else [])
        return found

    seen: list[float] = []

    def watched(images: Sequence[Path]) -> list[list[Label]]:
        seen.extend(float(cv2.imread(str(path)).mean()) for path in images)
        return model(images)

    found = audit(watched, factors=FACTORS[:2], frames=2, width_px=160, work=Work(lambda tick: None))
    assert (found.pictures, found.left_out, found.recall) == (8, 0, 0.0)
    runs = design(2).repeat(2, axis=0)
    dark, bright = (np.array(seen)[runs[:, 0] == level].mean() for level in (1, -1))
    assert dark < 0.6 * bright, "the generator carries the levels out"
