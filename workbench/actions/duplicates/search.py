"""Duplicates in a dataset: the same bytes, nearly the same image, and the same image with other labels.

Measured (``python -m tests.bench.bench_duplicates``; renders, a camera's stand-in, BCCD photos, frames of a video):

================  ===========================  ===================================================
rule              each of eight edits found    what it misses, and flags wrongly
================  ===========================  ===================================================
this one          0.96 or more on all sets     flags 0, 0, 0 and 2.7 % of different images
pHash, <= 10 bit  crop 0.57-0.67               rotation 0.32-0.91, mirror 0.00; 25 % of video frames
equal pHash       crop, rotation, mirror 0.00  CleanVision's rule
================  ===========================  ===================================================

10,000 images after their fingerprints: 24.6 s on 2 cores.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.actions.duplicates.fingerprints import fingerprints, planted, similarities
from workbench.actions.duplicates.label_conflicts import conflict
from workbench.actions.duplicates.report import DuplicateGroup, DuplicateReport, LabelConflict, Pair
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError
from workbench.base.progress import Work
from workbench.core.duplicates.candidates import candidates
from workbench.core.duplicates.connected import connected
from workbench.core.duplicates.correlation import alignment
from workbench.core.duplicates.fingerprints import Thumbs, are_flat
from workbench.core.duplicates.threshold import THRESHOLD, Threshold, calibrated
from workbench.core.schema import fields
from workbench.core.tables import Filter

NOTE = "near_duplicates_in_detail"  # where the dataset keeps its threshold
PLANTED = 100  # images that known edits are planted in
ENOUGH = 20  # images that make a calibration

Pairs = NDArray[np.int64]


def duplicates(
    dataset: Dataset | str,
    *,
    where: str | Filter | None = None,
    calibrate: bool = False,
    work: Work | None = None,
) -> DuplicateReport:
    """Find exact copies, near duplicates, and copies with different labels.

    Near duplicates are the same image compressed, resized, brighter, noisy, cropped, shifted, turned a little or
    mirrored. From which similarity on is found by planting these edits in a hundred of the dataset's own images;
    it is kept with the dataset, so that groups stay as they are when data is added. Fingerprints are made once per
    image (2 ms), and a pair is compared once (about 15 s for the pairs of 10,000 images); what remains each time is
    to find which pairs are worth it (2 s at 10,000, growing with the square of their number).

    Args:
        dataset: an open dataset, or its name.
        where: look among these samples only; a threshold found for a part is not kept.
        calibrate: compute the threshold again.
        work: progress, and the switch to stop.

    Raises:
        InputError: no images.
    """
    dataset = opened(dataset)
    samples = [
        s
        for s in store.read(dataset, store.select(dataset, store.asked(dataset, where)))
        if s.record.image_path is not None
    ]
    if not samples:
        at = str(where or dataset.name)
        raise InputError("There are no images to compare.", at=at, fix="Widen the filter.")
    report = find(dataset, samples, calibrate=calibrate, keep=where is None, work=work)
    odd = store.OddLabels()
    for stored in samples:
        odd.look(stored.record.origin, fields.GROUND_TRUTH, stored.odd)
    report.problems += odd.problems()
    return report


def find(
    dataset: store.Dataset,
    samples: Sequence[store.Stored],
    *,
    calibrate: bool = False,
    keep: bool = True,
    work: Work | None = None,
) -> DuplicateReport:
    """``duplicates`` among samples that were read already; all have an image. Parameters as there.

    Args:
        keep: keep a threshold that is found now with the dataset.
    """
    by_content: defaultdict[str, list[int]] = defaultdict(list)
    for index, stored in enumerate(samples):
        by_content[stored.content_sha256 or stored.id].append(index)
    paths = {key: samples[places[0]].record.medium for key, places in by_content.items()}
    thumbs_by_key, problems = fingerprints(paths, work=work)
    keys = [key for key, thumb in thumbs_by_key.items() if not are_flat(thumb[None])[0]]
    firsts = np.array([by_content[key][0] for key in keys], np.int64)
    thumbs: Thumbs = np.stack([thumbs_by_key[key] for key in keys]) if keys else np.empty((0, 48, 48), np.uint16)
    pairs = candidates(thumbs, workers=os.cpu_count() or 2)
    similar = similarities(keys, thumbs, pairs, work=work)
    threshold = _threshold(dataset, samples, firsts, pairs, similar, calibrate=calibrate, keep=keep)
    exact = [_pair(samples, own[0], other, "exact", 1.0) for own in by_content.values() for other in own[1:]]
    near = np.flatnonzero(similar >= threshold.score)
    near = near[np.argsort(-similar[near], kind="stable")]
    linked = zip(firsts[pairs[near]], similar[near], strict=True)
    alike = [_pair(samples, int(a), int(b), "near", float(score)) for (a, b), score in linked]
    turns = [alignment(thumbs[a], thumbs[b]) for a, b in pairs[near]]
    places = {stored.id: index for index, stored in enumerate(samples)}
    return DuplicateReport(
        samples=len(samples),
        groups=_groups(samples, places, [*exact, *alike]),
        exact_pairs=exact,
        near_pairs=alike,
        label_conflicts=_conflicts(samples, places, [*exact, *alike], [*([None] * len(exact)), *turns]),
        threshold=threshold,
        flat=len(thumbs_by_key) - len(keys),
        problems=problems,
        paths={i: str(samples[places[i]].record.medium) for pair in (*exact, *alike) for i in pair.ids},
    )


def _threshold(
    dataset: store.Dataset,
    samples: Sequence[store.Stored],
    firsts: NDArray[np.int64],
    pairs: Pairs,
    similar: NDArray[np.float32],
    *,
    calibrate: bool,
    keep: bool,
) -> Threshold:
    """The dataset's threshold; found and kept if there is none yet and there are images enough."""
    kept = None if calibrate else store.note(dataset, NOTE, THRESHOLD)
    if kept is not None:
        return Threshold(**{name: kept[name] for name in THRESHOLD})
    if not len(firsts):
        return Threshold()
    nearest = np.zeros(len(firsts), np.float32)
    for (a, b), score in zip(pairs, similar, strict=True):
        if not _belong_together(samples[firsts[a]], samples[firsts[b]]):  # else alike by right: says nothing
            nearest[[a, b]] = np.maximum(nearest[[a, b]], score)
    by_key = sorted(firsts, key=lambda index: samples[index].content_sha256 or "")  # whatever the order of loading
    there = [path for path in (samples[index].record.medium for index in by_key) if path.is_file()]
    chosen = there[:: max(1, len(there) // PLANTED)][:PLANTED]
    if not chosen:
        return Threshold()
    threshold = calibrated(planted(chosen), nearest)
    if keep and len(firsts) >= ENOUGH:
        store.set_note(dataset, NOTE, threshold.plain())
    return threshold


def _belong_together(first: store.Stored, second: store.Stored) -> bool:
    scene = first.record.scene_id
    return scene is not None and scene == second.record.scene_id


def _pair(samples: Sequence[store.Stored], first: int, second: int, kind: str, similarity: float) -> Pair:
    a, b = samples[first], samples[second]
    return Pair(
        kind=kind,
        ids=(a.id, b.id),
        origins=(a.record.origin, b.record.origin),
        similarity=round(similarity, 4),
        splits=(a.record.split, b.record.split),
        same_scene=_belong_together(a, b),
    )


def _groups(samples: Sequence[store.Stored], places: Mapping[str, int], pairs: Iterable[Pair]) -> list[DuplicateGroup]:
    links = [(places[pair.ids[0]], places[pair.ids[1]]) for pair in pairs]
    return [
        DuplicateGroup(
            ids=tuple(samples[index].id for index in group),
            origins=tuple(samples[index].record.origin for index in group),
            exact=len({samples[index].content_sha256 or samples[index].id for index in group}) == 1,
            splits=tuple(sorted({s for index in group if (s := samples[index].record.split)})),
        )
        for group in connected(len(samples), links)
    ]


def _conflicts(
    samples: Sequence[store.Stored],
    places: Mapping[str, int],
    pairs: Sequence[Pair],
    turns: Sequence[NDArray[np.float64] | None],
) -> list[LabelConflict]:
    conflicts = []
    for pair, turn in zip(pairs, turns, strict=True):
        first, second = (samples[places[i]].record for i in pair.ids)
        message = conflict(first, second, turn)
        if message:
            conflicts.append(LabelConflict(pair.ids, pair.origins, pair.kind, message))
    return conflicts
