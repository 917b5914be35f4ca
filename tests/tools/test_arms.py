"""Arms of an experiment: gains over paired seeds, and the share of the way to an oracle."""

from __future__ import annotations

import numpy as np
import pytest

from tests.actions.rounds.planted import drawn, planted
from tests.tools.arms import closed, gain, means
from workbench.base.errors import InputError
from workbench.core.metrics.counts import RoundCounts

ALL = np.ones(200, np.bool_)


def _arm(recall: float, seeds: int = 5, first: int = 0) -> list[RoundCounts]:
    return [drawn(np.random.default_rng(first + i), 200, 4, recall, spread=0.05) for i in range(seeds)]


def test_means_are_of_the_slice() -> None:
    one = planted([[True, True], [True, False], [False, False]])
    assert means([one], np.array([True, True, True]), "recall").tolist() == [0.5]
    assert means([one, one], np.array([False, True, False]), "recall").tolist() == [0.5, 0.5]
    assert means([one], np.array([True, False, False]), "ap50").tolist() == [1.0]


@pytest.mark.parametrize("metric", ["recall", "ap50"])
def test_a_planted_gain_is_within_its_interval(metric: str) -> None:
    found = gain(_arm(0.5), _arm(0.7, first=50), ALL, metric)
    assert found.rose and found.low is not None and found.high is not None
    assert found.low < 0.2 < found.high or metric == "ap50"
    assert found.value == pytest.approx(0.2, abs=0.05)


def test_no_gain_is_rarely_claimed() -> None:
    claims = [gain(_arm(0.5, first=1000 * k), _arm(0.5, first=1000 * k + 500), ALL, "recall") for k in range(40)]
    assert sum(one.rose or one.fell for one in claims) <= 5


def test_share_of_the_way() -> None:
    none, arm, oracle = _arm(0.4), _arm(0.55, first=50), _arm(0.6, first=100)
    found = closed(none, arm, oracle, ALL, "recall")
    assert found.value == pytest.approx(0.75, abs=0.12)
    assert found.low is not None and found.high is not None and found.low < 0.75 < found.high
    assert closed(none, none, oracle, ALL, "recall").value == 0.0
    assert closed(none, oracle, oracle, ALL, "recall").value == 1.0


def test_an_oracle_that_gained_nothing_leaves_no_way() -> None:
    assert closed(_arm(0.5), _arm(0.6, first=50), _arm(0.5, first=100), ALL, "recall").value is None


def test_one_seed_tells_no_interval_and_other_seeds_are_refused() -> None:
    alone = gain(_arm(0.5, 1), _arm(0.9, 1, first=50), ALL, "recall")
    assert not alone.rose and alone.value == pytest.approx(0.4, abs=0.1)
    with pytest.raises(InputError, match=r"different numbers of seeds: \["):
        gain(_arm(0.5, 2), _arm(0.6, 3), ALL, "recall")
