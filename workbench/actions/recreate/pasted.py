"""Recreating with the user's own objects on the user's own photos: how many, how large, how close, of which classes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.donors import supply_for
from workbench.actions.recreate import photos
from workbench.actions.recreate.candidate import Candidate
from workbench.actions.recreate.contrast import confidence_of
from workbench.actions.recreate.report import Row
from workbench.actions.recreate.samples import Samples
from workbench.adapters import store
from workbench.core.schema.labels import Labels

MANY, SMALL, CLOSE, RARE = 1.5, 0.67, 0.15, 3.0  # what sets samples apart from others: see ``Crowd.is_richer_than``
MOST = 20  # objects that are pasted on one photo
LEAST_SHARE = 0.03  # of the labels, from which on a class of the samples counts
COMPARED = 500  # other samples that are looked at

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Crowd:
    """The labelled objects of several pictures.

    Attributes:
        counts: of each picture.
        sizes: of each object: square root of the share of the picture that its box takes.
        overlaps: of each object: the largest share of its box that another box covers.
        classes: objects by class.
    """

    counts: Values
    sizes: Values
    overlaps: Values
    classes: Counter[str]

    def is_richer_than(self, others: Crowd) -> bool:
        """Whether it is objects that set these pictures apart: more, smaller or closer ones, or rare classes."""
        if not len(self.sizes) or not len(others.sizes):
            return False
        more = self.counts.mean() > MANY * others.counts.mean()
        smaller = np.median(self.sizes) < SMALL * np.median(others.sizes)
        closer = self.overlaps.mean() > others.overlaps.mean() + CLOSE
        return bool(more or smaller or closer or self._rare(others))

    def _rare(self, others: Crowd) -> bool:
        here, there = self.classes.total(), others.classes.total()
        return any(
            n / here > 0.2 and n / here > RARE * others.classes[name] / there for name, n in self.classes.items()
        )


def crowd_of(pictures: Iterable[tuple[Labels, int, int]]) -> Crowd:
    """The objects of pictures, each given by its labels, width and height.

    >>> crowd = crowd_of([(Labels(("a", "b"), [0, 0, 50, 50, 0, 25, 50, 75]), 100, 100)])
    >>> crowd.counts.tolist(), crowd.sizes.tolist(), crowd.overlaps.tolist()
    ([2.0], [0.5, 0.5], [0.5, 0.5])
    """
    counts: list[int] = []
    sizes: list[Values] = []
    overlaps: list[Values] = []
    classes: Counter[str] = Counter()
    for labels, width, height in pictures:
        boxes = labels.xyxy
        areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)
        shared = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        covered = np.prod(np.maximum(shared, 0.0), axis=2) / np.maximum(areas[:, None], 1e-9)
        np.fill_diagonal(covered, 0.0)
        counts.append(len(labels))
        sizes.append(np.sqrt(areas / max(width * height, 1)))
        overlaps.append(np.minimum(covered.max(axis=1), 1.0) if len(labels) else np.zeros(0))
        classes.update(labels.names)
    none = [np.zeros(0)]
    return Crowd(np.array(counts, float), np.concatenate(sizes or none), np.concatenate(overlaps or none), classes)


def is_rich(samples: Samples) -> bool:
    """Whether it is objects that set the samples apart from the others."""
    others = samples.table.ids[samples.others & ~samples.rows].tolist()[:COMPARED]
    return _crowd(samples, samples.ids).is_richer_than(_crowd(samples, others))


def candidate(samples: Samples, name: str, about: str, folder: Path) -> Candidate:
    """Objects as many, as large and as close as in the samples, on photos that do not fail.

    Raises:
        InputError: no sample can be a donor, or none of their objects can be cut out.
    """
    base = photos.candidate(samples, name, about, folder, content="pasted")
    here, there = _crowd(samples, samples.ids), _crowd(samples, base.supply.ids)
    changes, rows = _changes(here, there, base.supply.objects.classes if base.supply.objects else ())
    modes = {**base.scenario.modes, **dict.fromkeys(changes, "jitter")}
    scenario = base.scenario.replace(changes, modes=modes)
    supply = supply_for(scenario, folder)
    return dataclasses.replace(base, scenario=scenario, rows=(*base.rows, *rows), supply=supply)


def _crowd(samples: Samples, ids: Sequence[str]) -> Crowd:
    records = (stored.record for stored in store.read(samples.dataset, list(ids)))
    return crowd_of((record.labels, record.width, record.height) for record in records)


def _changes(here: Crowd, there: Crowd, can_be_cut: Sequence[str]) -> tuple[dict[str, Any], list[Row]]:
    """Number, size, overlap and classes of what is pasted, in document form, and where they come from."""
    confidence = confidence_of(len(here.counts))
    own = float(np.median(there.counts)) if len(there.counts) else 0.0
    low, high = (round(float(np.quantile(here.counts, q)) - own) for q in (0.1, 0.9))
    low, high = int(np.clip(low, 1, MOST)), int(np.clip(high, 1, MOST))
    changes: dict[str, Any] = {"assets.targets.count": {"uniform_int": [low, high]}}
    why = f"the samples have {here.counts.mean():.1f} labels each, the photos {own:.0f}"
    rows = [Row("assets.targets.count", "jitter", [low, high], confidence, why)]
    if len(here.sizes) and len(there.sizes):
        ratios = np.quantile(here.sizes, [0.1, 0.9]) / max(float(np.median(there.sizes)), 1e-6)
        a, b = (float(f"{np.clip(ratio, 0.2, 5.0):.3g}") for ratio in ratios)
        changes["paste.scale"] = {"log_uniform": [a, b]} if a < b else a
        rows.append(Row("paste.scale", "jitter", [a, b], confidence, "8 of 10 boxes, against those of the photos"))
        a, b = (float(f"{overlap:.3g}") for overlap in np.quantile(here.overlaps, [0.1, 0.9]))
        changes["paste.overlap"] = {"uniform": [a, b]} if a < b else a
        rows.append(Row("paste.overlap", "jitter", [a, b], confidence, "as 8 of 10 boxes cover each other"))
    wanted = [name for name, n in here.classes.most_common() if n >= LEAST_SHARE * here.classes.total()]
    wanted = [name for name in wanted if name in can_be_cut]
    if wanted and set(wanted) < set(can_be_cut):
        changes["paste.object"] = {"object": {"classes": wanted}}
        rows.append(Row("paste.object", "jitter", None, confidence, f"classes of the samples: {', '.join(wanted)}"))
    return changes, rows
