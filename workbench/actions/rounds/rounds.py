"""Compare rounds: for each failure scenario closed, failing or worse, after the last; on real images only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from workbench.actions.rounds.record import Recorded, recorded
from workbench.actions.rounds.scoreboard import Row, Scoreboard
from workbench.actions.rounds.test_samples import rows_of
from workbench.actions.rounds.verdict import FAILING, Verdict, decide, gate
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.failures import TaggedLabels, tagged_labels
from workbench.adapters.store.rounds import rounds as stored_rounds
from workbench.base.plurals import counted
from workbench.core.metrics.compare import ALPHA, LEAST, Change, Level, Part, apart, change, level
from workbench.core.metrics.counts import RoundCounts
from workbench.core.metrics.holm import holm
from workbench.core.metrics.registry import find
from workbench.core.schema import fields
from workbench.core.tables import CategoryColumn, SetColumn, Table
from workbench.core.tables.column import Mask

SHARED = 0.5  # of the last round's images that an earlier one must have judged too
ALL = "all"


def rounds(dataset: Dataset | str, *, metric: str = "recall") -> Scoreboard:
    """The scoreboard of a dataset: each failure scenario closed, failing or worse after the last round.

    All rounds are compared on the real images that they share, by the tags of today; see ``decide`` for what the
    states mean, and ``compare`` for the intervals. Tags on single true labels are judged by those labels.

    Args:
        dataset: the dataset; rounds come from ``record_round``.
        metric: ``recall`` (default), ``precision`` or ``ap50``: what scenarios are judged by.

    Raises:
        InputError: another metric.
    """
    dataset = opened(dataset)
    find(metric, "compare")
    dataset.reload()
    table, labels = store.table(dataset), tagged_labels(dataset)
    every = [recorded(dataset, stored) for stored in stored_rounds(dataset)]
    tags = _tags(table, labels)
    abouts = tuple(entry.about for entry in every)
    if not every:
        nothing = Row("", 0, 0, (), Level(None), Change(None), None, None, Verdict(FAILING, "no round yet"))
        rows = tuple(replace(nothing, name=tag) for tag in tags)
        first = "wb.record_round(ds, 'predictions', name='baseline'), or workbench rounds DATASET --record baseline"
        return Scoreboard(metric, (), (), 0, rows, None, (), (f"No round yet: {first}",))
    chosen, ids, notes = _compared(every, table)
    per_round = [entry.counts.subset(ids) for entry in chosen]
    members = table.taken(table.rows_of(ids))
    parts = {tag: _tagged(tag, members, per_round[-1], labels.get(tag)) for tag in tags}
    sound = ~np.logical_or.reduce([np.zeros(len(ids), np.bool_), *(part.rows for part in parts.values())])
    scenarios = []
    for tag, part in parts.items():
        row = _row(tag, per_round, part, metric, sound)
        verdict = decide(row.now, row.to_rest, row.since_before, row.since_first)
        scenarios.append(replace(row, verdict=_gated(verdict, chosen, row, _real(table, tag, labels.get(tag)))))
    everything = _row(ALL, per_round, Part(np.ones(len(ids), np.bool_)), metric)
    others = [_row(name, per_round, part, metric) for name, part in _cells(members)]
    return Scoreboard(
        metric,
        abouts,
        tuple(entry.about.number for entry in chosen),
        len(ids),
        tuple(scenarios),
        everything,
        tuple(_worst_first(others)),
        tuple(notes),
    )


def _compared(every: Sequence[Recorded], table: Table) -> tuple[list[Recorded], Any, list[str]]:
    """The rounds that can be compared with the last, and the images that they share."""
    last = every[-1]
    ids = set(last.counts.ids.tolist()) & set(table.ids.tolist())
    least, chosen, notes = SHARED * len(ids), [last], []
    for entry in reversed(every[:-1]):
        shared = ids & set(entry.counts.ids.tolist())
        if len(shared) < max(least, 1):
            notes.append(f"round {entry.about.number} {entry.about.name} was evaluated on other images; not compared")
            continue
        ids, chosen = shared, [entry, *chosen]
    if (gone := len(last.counts) - len(ids)) > 0:
        shared_images = f"compared on the {counted(len(ids), 'image')} that all rounds share"
        notes.append(f"{shared_images}; {gone:,} of the last round left out")
    if last.about.split == "all real":
        notes.append("no test or val split: evaluated on all real images, which the model may have been trained on")
    if len({(entry.about.confidence, entry.about.iou) for entry in chosen}) > 1:
        notes.append("the rounds were evaluated with different thresholds of confidence or IoU")
    return chosen, np.array(sorted(ids), dtype="U24"), notes


def _tags(table: Table, labels: dict[str, TaggedLabels]) -> list[str]:
    column = table.columns[fields.TAGS]
    assert isinstance(column, SetColumn)
    used = column.counts(np.ones(len(table), np.bool_))
    return sorted({tag for tag, n in used.items() if n and tag.startswith(fields.FAILURE_PREFIX)} | set(labels))


def _tagged(tag: str, members: Table, last: RoundCounts, labels: TaggedLabels | None) -> Part:
    """The part of a tag: single labels where true ones carry it and no image does."""
    rows = members.column(fields.TAGS).mask_of([tag])
    if labels is None:
        return Part(rows)
    rows = rows | rows_of(members.ids.tolist(), labels.samples)
    if rows.any() or not labels.truth:
        return Part(rows)
    own = rows_of(last.truth_ids.tolist(), set(labels.truth))
    return Part(np.bincount(last.truth_rows[own], minlength=len(last)) > 0, own)


def _real(table: Table, tag: str, labels: TaggedLabels | None) -> set[str]:
    """Ids of all real images with a tag, or with labels that carry it."""
    rows = table.column(fields.TAGS).mask_of([tag])
    if labels is not None:
        rows = rows | rows_of(table.ids.tolist(), labels.samples | set(labels.truth.values()))
    return set(table.ids[rows & table.column(fields.SOURCE).mask_of(["real"])].tolist())


def _row(name: str, per_round: Sequence[RoundCounts], part: Part, metric: str, sound: Mask | None = None) -> Row:
    """A slice in all rounds; the rest are the ``sound`` images where there are enough, else all others."""
    last = per_round[-1]
    levels = tuple(level(counts, _in(counts, part, last), metric) for counts in per_round)
    rest = level(last, _rest(last, part, sound), metric)
    earlier = [per_round[-2], per_round[0]] if len(per_round) > 1 else []
    steps = [_step(counts, last, part, metric) for counts in earlier]
    before, first = steps or (None, None)
    hits, misses = last.hits_and_misses(part.labels)
    labels = int((hits + misses)[part.rows].sum())
    return Row(name, int(part.rows.sum()), labels, levels, rest, apart(levels[-1], rest), before, first)


def _in(counts: RoundCounts, part: Part, last: RoundCounts) -> Part:
    """A part in the labels of another round: labels may have been corrected between."""
    if part.labels is None or counts is last:
        return part
    return Part(part.rows, rows_of(counts.truth_ids.tolist(), set(last.truth_ids[part.labels].tolist())))


def _rest(last: RoundCounts, part: Part, sound: Mask | None) -> Part:
    """What a slice is compared with: without the images of other failure scenarios, if that leaves enough."""
    if part.labels is None:
        rows = ~part.rows if sound is None else ~part.rows & sound
        return Part(rows if np.count_nonzero(rows) >= LEAST else ~part.rows)
    return Part(np.ones(len(last), np.bool_) if sound is None else sound | part.rows, ~part.labels)


def _step(before: RoundCounts, last: RoundCounts, part: Part, metric: str) -> Change:
    if part.labels is None:
        return change(before, last, part, metric)
    return change(before, last, part, metric, labels_before=_in(before, part, last).labels)


def _gated(verdict: Verdict, chosen: Sequence[Recorded], row: Row, members: set[str]) -> Verdict:
    """With what is known of real images of the slice that were added to the training data."""
    first, last = chosen[0], chosen[-1]
    if row.since_first is None or not (first.knows_data and last.knows_data):
        return verdict
    added = len(last.trained & members) - len(first.trained & members)
    effect = gate(added, row.since_first)
    return replace(verdict, note=f"{verdict.note}; {effect}") if effect else verdict


def _cells(members: Table) -> Iterator[tuple[str, Part]]:
    """Lighting x surface, where known and not empty."""
    columns = [members.columns[name] for name in (fields.LIGHTING, fields.SURFACE)]
    words = [
        [name for name, n in column.counts(np.ones(len(members), np.bool_)).items() if n and name != "unknown"]
        for column in columns
        if isinstance(column, CategoryColumn)
    ]
    for pair in product(*words):
        rows = np.logical_and.reduce([column.mask_of([word]) for column, word in zip(columns, pair, strict=True)])
        if rows.any():
            yield " x ".join(pair), Part(rows)


def _worst_first(rows: Sequence[Row]) -> list[Row]:
    """By the change since the round before; intervals claim no more than p-values corrected for their number (Holm)."""
    tested = [i for i, row in enumerate(rows) if row.since_before is not None and row.since_before.p_value is not None]
    ps = holm([float(rows[i].since_before.p_value) for i in tested])  # type: ignore[union-attr, arg-type]
    corrected = list(rows)
    for i, p in zip(tested, ps, strict=True):
        since = rows[i].since_before
        assert since is not None
        if p > ALPHA and since.low is not None and since.high is not None:
            since = replace(since, low=min(since.low, 0.0), high=max(since.high, 0.0))
        corrected[i] = replace(rows[i], since_before=replace(since, p_value=p))

    def key(row: Row) -> tuple[bool, float]:
        since = row.since_before
        return not (since is not None and since.fell), (since.value if since and since.value is not None else 0.0)

    return sorted(corrected, key=key)
