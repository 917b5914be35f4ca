"""Recreating with the user's own photos: which give pixels, and what may be turned."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.donors import supply_for
from workbench.actions.recreate.candidate import Candidate
from workbench.actions.recreate.contrast import confidence_of
from workbench.actions.recreate.parameters import EXPOSURE, PHOTO_KNOBS
from workbench.actions.recreate.report import Row, measures_text
from workbench.actions.recreate.samples import ANCHORS, Samples
from workbench.adapters import store
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.photos.file import coding_of
from workbench.core.scenario import Scenario
from workbench.core.scenario.donors import Donors
from workbench.core.schema import fields
from workbench.core.tables import SetColumn, Table

MOST_DONORS = 500
PARTNER = "photo.tone.partner"
READ = 40  # files whose coding is looked at
JUDGED = ("test", "val")


def candidate(samples: Samples, name: str, about: str, folder: Path, *, content: str = "photos") -> Candidate:
    """Photos of the same classes that do not fail, as donors; ``content`` says what is made of them.

    Raises:
        InputError: no sample can be a donor.
    """
    ids, why = _donor_ids(samples)
    plain = Scenario.load({"scenario": 1, "name": name, "content": content}).replace(
        anchor=samples.anchor(), description=about, donors=Donors(samples.dataset.name, ids=tuple(ids))
    )
    rows = [Row("photo.donor", "free", None, confidence_of(len(ids)), why)]
    changes, row = _coding(samples)
    rows += [row] if row else []
    first, _ = samples.halves()
    partners = samples.table.ids[_allowed(samples, samples.rows)].tolist()
    to_fit = [i for i in np.array(samples.ids)[first].tolist() if i in set(partners)]
    final = {}
    if to_fit:
        changes[PARTNER] = {"choice": to_fit[:ANCHORS]}
        final[PARTNER] = {"choice": partners[:ANCHORS]}
        why = "light and dark are distributed as in one of the samples, another for each picture"
        rows.append(Row(PARTNER, "jitter", None, confidence_of(len(partners)), why))
        why = f"{measures_text(EXPOSURE, samples.facts)}: comes with the partner's tone; set it to go beyond"
        rows.append(Row(EXPOSURE.path, "free", None, "unknown", why))
    scenario = plain.replace(changes, modes=dict.fromkeys(changes, "jitter"))
    knobs = tuple(knob for knob in PHOTO_KNOBS if knob.path not in changes)
    return Candidate(content, plain, scenario, knobs, (), tuple(rows), supply_for(scenario, folder), True, final)


def _donor_ids(samples: Samples) -> tuple[list[str], str]:
    """Samples that show what the failing ones show, but do not fail, and why these."""
    table, rows = samples.table, samples.rows
    usable = samples.others & ~rows
    real = table.columns[fields.SOURCE].mask_of(["real"])
    usable = _allowed(samples, usable & (real if real.any() else ~real))  # what was generated gives no pixels
    if not usable.any():
        problem = "No other sample can give pixels: all are among those to recreate, or belong to test."
        raise InputError(problem, at=samples.dataset.name, fix="Load photos that do not fail as well.")
    shown = _classes(table, rows)
    same = usable & _has_any(table, shown) if shown else usable
    chosen, what = (same, " that show the same classes") if same.any() else (usable, "")
    ids = sorted((str(i) for i in table.ids[chosen]), key=lambda i: hashlib.sha256(i.encode()).digest())
    of = f" of {len(ids):,}" if len(ids) > MOST_DONORS else ""
    why = f"{min(len(ids), MOST_DONORS):,}{of} of your own photos{what}; none of test, none of those to recreate"
    return ids[:MOST_DONORS], why


def _allowed(samples: Samples, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of the rows that are not of test; nor of val where there are others.

    A picture made of samples of two splits could be in neither.
    """
    of_test, judged = (
        np.isin(samples.table.ids, list(store.held_back(samples.dataset, splits))) for splits in (("test",), JUDGED)
    )
    return rows & ~judged if (rows & ~judged).any() else rows & ~of_test


def _classes(table: Table, rows: NDArray[np.bool_]) -> list[str]:
    column = table.columns["class"]
    assert isinstance(column, SetColumn)
    return list(column.counts(rows))


def _has_any(table: Table, classes: list[str]) -> NDArray[np.bool_]:
    return table.columns["class"].mask_of(classes)


def _coding(samples: Samples) -> tuple[dict[str, Any], Row | None]:
    """The quality of the samples' JPEG files, read from them; nothing where that cannot be said."""
    qualities: Counter[int | None] = Counter()
    for stored in store.read(samples.dataset, samples.ids[:READ]):
        try:
            coding = coding_of(stored.record.medium.read_bytes())
        except OSError:
            continue
        qualities[None if coding is None else coding.quality()] += 1
    known = {quality: n for quality, n in qualities.items() if quality is not None}
    if not known or sum(known.values()) < qualities.total():
        return {}, None
    weights = {quality: round(n / qualities.total(), 3) for quality, n in sorted(known.items())}
    why = f"read from {counted(qualities.total(), 'file')}"
    text = {str(quality): share for quality, share in weights.items()}
    row = Row("sensor.jpeg.quality", "jitter", text, confidence_of(qualities.total()), why)
    return {"sensor.jpeg.quality": {"choice": [*weights], "weights": [*weights.values()]}}, row
