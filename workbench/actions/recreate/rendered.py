"""Recreating with rendered pictures: what is known before the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.actions.generate.rendered import HEIGHT, WIDTH
from workbench.actions.recreate.candidate import Candidate
from workbench.actions.recreate.categories import LIBRARY_PARTS, words_of
from workbench.actions.recreate.parameters import CHOICES, KNOBS, Choice
from workbench.actions.recreate.samples import Samples
from workbench.adapters import store
from workbench.adapters.store import Dataset
from workbench.core.scenario import Scenario, distributions

BASE = Path(__file__).with_name("base.yaml")


def candidate(samples: Samples, name: str, about: str, parts: Mapping[str, Sequence[str]] = LIBRARY_PARTS) -> Candidate:
    """Rendered pictures: surfaces and classes that the samples have in common, everything else wide.

    Args:
        samples: what is recreated.
        name, about: of the scenario.
        parts: meshes by class, as words of the library or of files.
    """
    plain = Scenario.load(BASE).replace(
        _resolution(samples.dataset, samples.ids), name=name, anchor=samples.anchor(), description=about
    )
    changes, report = words_of(samples.table, samples.rows, samples.others, parts)
    scenario = plain.replace(changes, modes={row.path: row.mode for row in report if row.mode == "jitter"})
    choices = tuple(_choice(scenario, path) for path in CHOICES if path not in changes)
    return Candidate("rendered", plain, scenario, KNOBS, choices, tuple(report))


def _resolution(dataset: Dataset, ids: Sequence[str]) -> dict[str, Any]:
    """The size that most of the images have."""
    sizes = [(stored.record.width, stored.record.height) for stored in store.read(dataset, list(ids)[:50])]
    sizes = [size for size in sizes if min(size) >= 16] or [(640, 480)]
    width, height = max(set(sizes), key=sizes.count)
    shrink = min(1.0, 1280 / width)
    return {WIDTH: round(width * shrink), HEIGHT: round(height * shrink)}


def _choice(scenario: Scenario, path: str) -> Choice:
    drawn = scenario.draws[path]
    assert isinstance(drawn, distributions.Choice)
    weights = np.array(drawn.weights or [1.0] * len(drawn.values), float)
    return Choice(path, tuple(str(word) for word in drawn.values), weights / weights.sum())
