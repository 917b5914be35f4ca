"""Splits: no group in two of them, nothing moves when data is added, no synthetic test data."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.splits.oracle import leaks
from tests.strategies import data_sets
from workbench.base.errors import InputError
from workbench.core.splits.groups import Member, groups
from workbench.core.splits.plan import assign, plan
from workbench.core.splits.spec import DEFAULT_RATIOS, SplitSpec

RATIOS = {"train": 0.7, "val": 0.15, "test": 0.15}


def by_hash(seed):
    return SplitSpec(RATIOS, seed, stratify=False)


given_splits = st.none() | st.sampled_from(["train", "val", "test"])


@given(data_sets(), st.integers(0, 5))
def test_no_group_lies_in_two_splits(members, seed):
    found = plan(members, by_hash(seed))
    assert leaks(members, found.splits) == []
    left = [item.id for item in found.left_out]
    assert sorted([*found.splits, *left]) == sorted(member.id for member in members)
    assert not [m.id for m in members if m.synthetic and found.splits.get(m.id) == "test"]


@given(data_sets(splits=given_splits), st.integers(0, 5))
def test_given_splits_are_kept_and_never_leak(members, seed):
    found = plan(members, SplitSpec(seed=seed))
    assert leaks(members, found.splits) == []
    for member in members:
        if member.split and member.id in found.splits:
            assert found.splits[member.id] == member.split
    assert not [m.id for m in members if m.synthetic and found.splits.get(m.id) == "test"]


@given(data_sets(), data_sets(), st.integers(0, 5))
def test_adding_synthetic_data_moves_nothing(members, more, seed):
    added = [
        replace(m, id=f"new{m.id}", synthetic=True, parents=(members[at % len(members)].id,))
        for at, m in enumerate(more)
    ]
    before = plan(members, by_hash(seed)).splits
    after = plan([*members, *added], by_hash(seed)).splits
    real = [member.id for member in members if not member.synthetic]
    assert {i: before[i] for i in real} == {i: after[i] for i in real}


@given(data_sets(), st.integers(1, 30), st.integers(0, 5))
def test_adding_real_data_of_other_scenes_moves_nothing(members, n, seed):
    added = [Member(f"new{at}", scene_id=f"other{at % 7}", content_sha256=f"newsha{at}") for at in range(n)]
    before = plan(members, by_hash(seed)).splits
    after = plan([*members, *added], by_hash(seed)).splits
    assert {i: after[i] for i in before} == before


def test_same_scene_later_joins_the_split_of_the_first():
    first = [Member("a", scene_id="s", content_sha256="1")]
    for seed in range(20):
        before = plan(first, by_hash(seed)).splits["a"]
        later = plan([*first, Member("b", scene_id="s", content_sha256="2")], by_hash(seed)).splits
        assert later == {"a": before, "b": before}


def test_shares_come_out_and_another_seed_draws_anew():
    ids = {f"scene {n}": [str(n)] for n in range(20_000)}
    found = Counter(assign(ids, RATIOS, 1).values())
    assert {name: n / 20_000 for name, n in found.items()} == pytest.approx(RATIOS, abs=0.01)
    same = sum(a == b for a, b in zip(assign(ids, RATIOS, 1).values(), assign(ids, RATIOS, 2).values(), strict=True))
    assert same / 20_000 == pytest.approx(0.7**2 + 2 * 0.15**2, abs=0.02)


def test_order_of_shares_does_not_matter():
    ids = {f"scene {n}": [str(n)] for n in range(500)}
    assert assign(ids, RATIOS, 3) == assign(ids, dict(reversed(RATIOS.items())), 3)


REAL_TEST = Member("r", split="test", content_sha256="r")
REAL_TRAIN = Member("t", split="train", content_sha256="t")


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        pytest.param(Member("s", True, parents=("t",)), "train", id="child of a train sample"),
        pytest.param(Member("s", True, parents=("r",)), "recreates a real sample of test", id="child of a test sample"),
        pytest.param(Member("s", True, parents=("r", "t")), "several splits (test, train)", id="children of both"),
        pytest.param(
            Member("s", True, split="train", parents=("r",)), "given in train, but its group", id="given in train"
        ),
        pytest.param(Member("s", True, split="test"), "in test, which holds real samples only", id="given in test"),
        pytest.param(
            Member("s", True, content_sha256="r"), "recreates a real sample of test", id="copy of a test picture"
        ),
        pytest.param(Member("s", False, content_sha256="r"), "test", id="real copy of a test picture"),
        pytest.param(Member("s", False, split="train", content_sha256="r"), "given in train, but its group", id="leak"),
    ],
)
def test_what_becomes_of_one_more_sample(member, expected):
    found = plan([REAL_TEST, REAL_TRAIN, member])
    assert found.splits["r"] == "test"
    assert found.splits["t"] == "train"
    if "s" in found.splits:
        assert found.splits["s"] == expected
    else:
        assert [item.id for item in found.left_out] == ["s"]
        assert expected in found.left_out[0].reason


def test_grandchildren_follow_their_anchor():
    members = [REAL_TEST, Member("s1", True, parents=("r",)), Member("s2", True, parents=("s1",))]
    assert [item.id for item in plan(members).left_out] == ["s1", "s2"]
    assert len(groups(members)) == 1


def test_synthetic_samples_drawn_to_test_go_to_train():
    members = [Member(f"s{n}", True, content_sha256=str(n)) for n in range(200)]
    drawn = plan(members, SplitSpec(real_only=(), stratify=False)).splits
    moved = plan(members, SplitSpec(stratify=False)).splits
    to_test = [i for i, split in drawn.items() if split == "test"]
    assert 10 < len(to_test) < 60
    assert {moved[i] for i in to_test} == {"train"}
    assert all(moved[i] == drawn[i] for i in drawn if i not in to_test)


def test_stages_take_synthetic_samples_when_they_are_the_only_other_split():
    members = [Member(f"s{n}", True, content_sha256=str(n)) for n in range(50)]
    assert set(plan(members, SplitSpec({"pretrain": 0.5, "test": 0.5})).splits.values()) == {"pretrain"}
    nowhere = plan(members, SplitSpec({"test": 1.0}))
    assert nowhere.splits == {}
    assert len(nowhere.left_out) == 50


@pytest.mark.parametrize(
    ("ratios", "message"),
    [
        ({"train": 0.5}, r"add up to 0\.5, not to 1"),
        ({}, "add up to 0, not to 1"),
        ({"train": 1.5, "val": -0.5}, r"val=-0\.5 is not a share from 0 to 1"),
        ({"train": float("nan")}, "train=nan is not a share from 0 to 1"),
        ({"../x": 1.0}, "'../x' is not a split name of letters"),
        ({"": 1.0}, "'' is not a split name of letters"),
    ],
)
def test_shares_that_cannot_be_used(ratios, message):
    with pytest.raises(InputError, match=message):
        plan([Member("a")], SplitSpec(ratios))


def test_default_shares():
    assert dict(DEFAULT_RATIOS) == RATIOS


@given(data_sets(near=st.none() | st.sampled_from(["n1", "n2", "n3"])), st.integers(0, 3))
def test_near_duplicates_never_lie_in_two_drawn_splits(members, seed):
    outcome = plan(members, by_hash(seed))
    lies = defaultdict(set)
    for member in members:
        if member.near and member.id in outcome.splits:
            lies[member.near].add(outcome.splits[member.id])
    assert all(len(splits) == 1 for splits in lies.values())
    assert set(outcome.splits) | {item.id for item in outcome.left_out} == {member.id for member in members}
    assert leaks(members, outcome.splits) == []


def test_near_duplicates_given_in_two_splits_stay_and_others_follow_the_most_protected():
    members = [
        Member("a", split="train", near="n"),
        Member("b", split="test", near="n"),
        *[Member(f"c{k}", content_sha256=f"{k}", near="n") for k in range(9)],
    ]
    outcome = plan(members)
    assert outcome.left_out == [] and outcome.splits["a"] == "train"
    assert {outcome.splits[member.id] for member in members[1:]} == {"test"}
