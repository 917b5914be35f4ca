"""What became of every label of the evaluated images in one round, as arrays."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.metrics.average_precision import ClassResults, class_results
from workbench.core.metrics.outcomes import HIT, MISS, Outcomes
from workbench.core.schema.boxes import Boxes
from workbench.core.tables.column import Mask

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RoundCounts:
    """One round on ``n`` pictures with ``t`` true labels.

    Attributes:
        ids: ``(n,)`` sample ids, sorted.
        wrong: ``(n,)`` predictions that are no hit.
        truth_ids: ``(t,)`` ids of the true labels.
        truth_rows: ``(t,)`` the picture of each.
        truth_hits: ``(t,)`` whether it was found.
        classes: predictions and truths by class, for average precision.
    """

    ids: NDArray[np.str_]
    wrong: Counts
    truth_ids: NDArray[np.str_]
    truth_rows: Counts
    truth_hits: Mask
    classes: Mapping[str, ClassResults]

    def __len__(self) -> int:
        return len(self.ids)

    def hits_and_misses(self, labels: Mask | None = None) -> tuple[Counts, Counts]:
        """Hits and misses per picture, ``(n,)`` each; of some of the labels only."""
        chosen = np.ones(len(self.truth_ids), np.bool_) if labels is None else labels
        hits, misses = (
            np.bincount(self.truth_rows[chosen & outcome], minlength=len(self))
            for outcome in (self.truth_hits, ~self.truth_hits)
        )
        return hits, misses

    def subset(self, ids: NDArray[np.str_]) -> RoundCounts:
        """The counts of some images; ``ids`` are sorted, and all of them were evaluated."""
        row = np.full(len(self), -1)
        row[np.searchsorted(self.ids, ids)] = np.arange(len(ids))
        kept, labels = row >= 0, row[self.truth_rows] >= 0
        classes = {}
        for name, results in self.classes.items():
            rows = row[results.rows]
            classes[name] = ClassResults(rows[rows >= 0], results.hits[rows >= 0], results.truths[kept])
        return replace(
            self,
            ids=ids,
            wrong=self.wrong[kept],
            truth_ids=self.truth_ids[labels],
            truth_rows=row[self.truth_rows[labels]],
            truth_hits=self.truth_hits[labels],
            classes=classes,
        )


def round_counts(
    samples: Sequence[Boxes], outcomes: Mapping[str, Outcomes], truth_of: Mapping[str, str]
) -> RoundCounts:
    """Count an evaluation.

    Args:
        samples: truth and predictions, sorted by sample id.
        outcomes: what became of them, by sample id.
        truth_of: id of the true label by id of the prediction that hits it.
    """
    truth = [
        (box.id, row, word == HIT)
        for row, boxes in enumerate(samples)
        for box, word in zip(boxes.truth, outcomes[boxes.sample_id].truth, strict=True)
        if word in (HIT, MISS)
    ]
    counts = [outcomes[boxes.sample_id].counts() for boxes in samples]
    names = sorted({box.name for boxes in samples for box in boxes.truth})  # as class_results has them
    return RoundCounts(
        ids=np.array([boxes.sample_id for boxes in samples], dtype="U24"),
        wrong=np.array(
            [sum(by_outcome.values()) - by_outcome["hits"] - by_outcome["misses"] for by_outcome in counts], np.int64
        ),
        truth_ids=np.array([i for i, *_ in truth], dtype="U24"),
        truth_rows=np.array([row for _, row, _ in truth], np.int64),
        truth_hits=np.array([hit for *_, hit in truth], np.bool_),
        classes=dict(zip(names, class_results(samples, truth_of), strict=True)),
    )


def to_bytes(counts: RoundCounts, trained: Sequence[str]) -> bytes:
    """The counts of a round, and the ids of the real samples that its model was trained on, as bytes."""
    arrays: dict[str, NDArray[np.generic]] = {
        "ids": counts.ids.astype("S24"),
        "wrong": counts.wrong.astype(np.int32),
        "truth_ids": counts.truth_ids.astype("S24"),
        "truth_rows": counts.truth_rows.astype(np.int32),
        "truth_hits": counts.truth_hits,
        "trained": np.array(list(trained), dtype="S24"),
    }
    arrays["classes"] = np.array(list(counts.classes), dtype=str)
    for k, results in enumerate(counts.classes.values()):
        arrays |= {f"rows_{k}": results.rows.astype(np.int32), f"hits_{k}": results.hits}
        arrays[f"truths_{k}"] = results.truths.astype(np.int32)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def from_bytes(payload: bytes) -> tuple[RoundCounts, frozenset[str]]:
    """The counts, and the real samples that its model was trained on.

    Raises:
        ValueError: they are not what ``to_bytes`` gives.
    """
    try:
        counts, trained = _from_bytes(payload)
    except (OSError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error, NotImplementedError) as cause:
        raise ValueError(f"its counts cannot be read ({type(cause).__name__}: {cause!s:.100})") from cause
    sizes: list[tuple[int, NDArray[Any]]] = [
        (len(counts.ids), counts.wrong),
        (len(counts.truth_ids), counts.truth_rows),
    ]
    sizes += [(len(counts.truth_ids), counts.truth_hits)]
    sizes += [(len(results.rows), results.hits) for results in counts.classes.values()]
    sizes += [(len(counts.ids), results.truths) for results in counts.classes.values()]
    rows = [counts.truth_rows, *(results.rows for results in counts.classes.values())]
    whole = all(array.shape == (size,) for size, array in sizes)
    if not whole or any(len(own) and not 0 <= own.min() <= own.max() < len(counts.ids) for own in rows):
        raise ValueError("its counts do not fit together")
    return counts, trained


def _from_bytes(payload: bytes) -> tuple[RoundCounts, frozenset[str]]:
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        classes = {
            name: ClassResults(
                arrays[f"rows_{k}"].astype(np.int64), arrays[f"hits_{k}"], arrays[f"truths_{k}"].astype(np.int64)
            )
            for k, name in enumerate(arrays["classes"].tolist())
        }
        counts = RoundCounts(
            ids=arrays["ids"].astype("U24"),
            wrong=arrays["wrong"].astype(np.int64),
            truth_ids=arrays["truth_ids"].astype("U24"),
            truth_rows=arrays["truth_rows"].astype(np.int64),
            truth_hits=arrays["truth_hits"],
            classes=classes,
        )
        return counts, frozenset(arrays["trained"].astype("U24").tolist())
