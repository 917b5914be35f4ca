"""The Jaccard index: hits among all labels and wrong predictions, one number for misses and false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.core.metrics.intervals import wilson
from workbench.core.metrics.per_slice import cells
from workbench.core.metrics.registry import estimator, names
from workbench.core.metrics.score import score
from workbench.core.tables import CategoryColumn, NumberColumn, Table

NAN = np.nan
ROWS = [  # light, hits, misses, false alarms, wrong class, badly placed, duplicates
    ("dim", 3, 1, 2, 0, 0, 0),
    ("dim", 0, 2, 0, 1, 1, 0),
    ("bright", 5, 0, 0, 0, 0, 0),
    ("bright", 1, 0, 0, 0, 0, 1),
    ("night", 0, 0, 0, 0, 0, 0),
    ("fog", NAN, NAN, NAN, NAN, NAN, NAN),
]
COUNTS = ("hits", "misses", "false_alarms", "wrong_class", "badly_placed", "duplicates")
TABLE = Table(
    np.array([f"{i:024x}" for i in range(len(ROWS))]),
    {"lighting": CategoryColumn.of([row[0] for row in ROWS])}
    | {
        f"evaluation.{name}": NumberColumn(np.array([row[k] for row in ROWS], float))
        for k, name in enumerate(COUNTS, 1)
    },
)


@pytest.mark.parametrize(
    ("light", "hits", "trials"),
    [("dim", 3, 10), ("bright", 6, 7), ("night", 0, 0), ("fog", 0, 0)],
)
def test_the_share_and_its_interval(light: str, hits: int, trials: int) -> None:
    (found,) = [cell for cell in cells(TABLE, ["lighting"], metric="jaccard") if cell.words == {"lighting": light}]
    assert (found.value, found.low, found.high) == ((hits / trials, *wilson(hits, trials)) if trials else (None,) * 3)


def test_f1_follows_from_it() -> None:
    """By hand: precision 9 / 14, recall 9 / 12, F1 18 / 26."""
    everything = np.ones(len(ROWS), np.bool_)
    precision, recall, jaccard = (estimator(TABLE, name)(everything)[0] for name in ("precision", "recall", "jaccard"))
    assert (precision, recall, jaccard) == (9 / 14, 9 / 12, 9 / 17)
    assert 2 * jaccard / (1 + jaccard) == pytest.approx(2 * precision * recall / (precision + recall)) == 18 / 26


def test_wilsons_interval_holds_what_it_promises() -> None:
    """Of independent labels and predictions; as F1, which counts hits twice, the interval would hold less often."""
    rng, trials, share = np.random.default_rng(0), 200, 0.3
    hits = rng.binomial(trials, share, 4000)
    holds = np.mean([low <= share <= high for low, high in (wilson(n, trials) for n in hits)])
    f1 = 2 * share / (1 + share)
    as_f1 = np.mean([low <= f1 <= high for low, high in (wilson(2 * n, trials + n) for n in hits)])
    assert 0.93 < holds < 0.97 and as_f1 < 0.91


def test_it_is_known_everywhere() -> None:
    assert all("jaccard" in names(use) for use in ("slice", "search", "compare"))
    bad = score(TABLE, "jaccard")
    assert bad.worst == "low" and bad.bad.tolist() == [3, 4, 0, 1, 0, 0] and bad.trials.tolist() == [6, 4, 5, 2, 0, 0]
