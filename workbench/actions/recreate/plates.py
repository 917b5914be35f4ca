"""Recreating with rendered parts in the user's own photos: which parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.actions.recreate import photos
from workbench.actions.recreate.candidate import Candidate
from workbench.actions.recreate.categories import words_of
from workbench.actions.recreate.samples import Samples

LABELS = "assets.targets.labels"


def candidate(samples: Samples, name: str, about: str, folder: Path, parts: Mapping[str, Sequence[str]]) -> Candidate:
    """Parts of the classes that the samples have in common, in photos that do not fail.

    Raises:
        InputError: no sample can be a donor.
    """
    base = photos.candidate(samples, name, about, folder, content="plates")
    changes, rows = words_of(samples.table, samples.rows, samples.others, parts)
    of_parts = [row for row in rows if row.path == LABELS]
    changed = {LABELS: changes[LABELS]} if LABELS in changes else {}
    modes = {**base.scenario.modes, **{row.path: row.mode for row in of_parts if row.mode == "jitter"}}
    scenario = base.scenario.replace(changed, modes=modes)
    return dataclasses.replace(base, scenario=scenario, rows=(*base.rows, *of_parts), refined=False)
