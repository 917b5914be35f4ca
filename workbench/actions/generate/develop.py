"""Put photos through the camera again: targeted augmentation of real data, with labels and lineage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.actions.generate.donors import donor_ids
from workbench.actions.generate.job import Job, generate
from workbench.base.errors import InputError
from workbench.base.progress import Work
from workbench.core.scenario import Scenario
from workbench.core.scenario.donors import Donors
from workbench.core.tables import Filter

AS_THEY_ARE: dict[str, Any] = {"photo.crop": 1.0, "photo.shift.x": 0.0, "photo.shift.y": 0.0}


def develop(
    dataset: Any,
    where: str | Filter | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    name: str = "developed",
    seed: int = 0,
    workers: int | None = None,
    folder: str | Path | None = None,
    work: Work | None = None,
) -> Job:
    """Develop each of some photos anew, once, and append the pictures to their dataset as synthetic samples.

    Photos of the test split, and of scenes that lie in it, are left out.

    Args:
        dataset: a dataset or its name.
        where: which photos; all real ones by default.
        settings: parameters of the content ``photos`` in document form, as numbers or distributions, e.g.
            ``{"sensor.exposure.ev": {"uniform": [-3, -2]}, "sensor.noise.gain": 8}``. What is not named stays as it is
            in the photo.
        name, seed: of the scenario that this is.
        workers, folder, work: as in ``generate``.

    Raises:
        InputError: no photo is left.
        ScenarioError: a setting is wrong; the message names it.
        FilterError: the filter is wrong.
    """
    from workbench.adapters import store  # deferred: brings FiftyOne, which workers must not load

    dataset = store.opened(dataset)
    condition = store.asked(dataset, where)
    real = store.select(dataset, condition)
    kept = [stored.id for stored in store.read(dataset, real) if stored.source != "synthetic"]
    if not kept:
        raise InputError("No photos to develop are selected.", at=str(condition), fix="Choose real samples.")
    scenario = Scenario(name, seed=seed, content="photos", donors=Donors(dataset.name, ids=tuple(kept)))
    usable = tuple(i for i in kept if i in set(donor_ids(scenario)))
    once = {"photo.donor": {"sequence": list(usable)}}
    scenario = scenario.replace(AS_THEY_ARE | once | dict(settings or {}), donors=Donors(dataset.name, ids=usable))
    given: dict[str, Any] = {"workers": workers, "folder": folder, "work": work}
    return generate(scenario, into=dataset, n=len(usable), **given)
