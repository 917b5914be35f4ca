"""Balanced and remembered splits, counts, folds, stages, limits; what cannot be had is refused."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.splits.oracle import leaks
from tests.strategies import data_sets
from workbench.base.errors import InputError
from workbench.core.splits.balance import Capacity, Item
from workbench.core.splits.groups import Member, groups
from workbench.core.splits.limits import deviation, settled
from workbench.core.splits.plan import plan
from workbench.core.splits.spec import SplitSpec
from workbench.core.splits.swap import swap

RATIOS = {"train": 0.7, "val": 0.15, "test": 0.15}
NEAR = st.none() | st.sampled_from(["n1", "n2"])


def photo(name: str, **facts) -> Member:
    return Member(name, content_sha256=f"sha {name}", source_key=f"key {name}", **facts)


def varied(n: int, seed: int = 0) -> list[Member]:
    """Photos with several classes each, some rare, in scenes of one to four."""
    rng = random.Random(seed)
    found = []
    for at in range(n):
        classes = [f"class={c}" for c in "abcdefgh" if rng.random() < 0.6 / (1 + "abcdefgh".index(c))]
        light, surface = rng.choice(["dim", "normal", "bright"]), rng.choice(["metal", "wood"])
        strata = (*classes, f"lighting={light}", f"surface={surface}", "source=real")
        found.append(
            photo(f"p{at}", scene_id=f"s{at // rng.randint(1, 4)}", strata=strata, cell=f"{light} x {surface}")
        )
    return found


def remembered(outcome, before=None):
    return {**(before or {}), **outcome.drawn}


@given(data_sets(near=NEAR), st.integers(0, 5))
def test_balanced_splits_are_complete_disjoint_and_never_leak(members, seed):
    found = plan(members, SplitSpec(RATIOS, seed))
    assert leaks(members, found.splits) == []
    assert sorted([*found.splits, *(one.id for one in found.left_out)]) == sorted(member.id for member in members)
    assert not [m.id for m in members if m.synthetic and found.splits.get(m.id) == "test"]


@given(data_sets(), st.integers(0, 5))
def test_numbers_are_within_one_group_of_the_wanted_ones(members, seed):
    members = [replace(member, synthetic=False, parents=()) for member in members]
    found = plan(members, SplitSpec(RATIOS, seed))
    largest = max(len(group.members) for group in groups(members))
    for name, n in {**dict.fromkeys(RATIOS, 0), **Counter(found.splits.values())}.items():
        assert abs(n - RATIOS[name] * len(members)) <= largest


@given(data_sets(), st.integers(0, 5), st.randoms())
def test_order_of_loading_does_not_matter(members, seed, rng):
    members = [replace(m, synthetic=False, parents=(), content_sha256=f"{m.content_sha256}") for m in members]
    mixed = rng.sample(members, len(members))
    assert plan(members, SplitSpec(RATIOS, seed)).splits == plan(mixed, SplitSpec(RATIOS, seed)).splits


@given(data_sets(), st.integers(1, 40), st.integers(0, 5))
def test_what_is_remembered_never_moves(members, n, seed):
    members = [replace(member, source_key=f"key {member.id}") for member in members]
    first = plan(members, SplitSpec(RATIOS, seed))
    added = [photo(f"new{at}", scene_id=f"other{at % 7}") for at in range(n)]
    added += [replace(m, id=f"made{m.id}", source_key=f"made {m.id}", synthetic=True, parents=(m.id,)) for m in members]
    later = plan([*members, *added], SplitSpec(RATIOS, seed), remembered=remembered(first))
    kept = [member.id for member in members if member.id in first.splits and not member.synthetic]
    assert {i: later.splits[i] for i in kept} == {i: first.splits[i] for i in kept}
    assert later.moved == 0
    assert leaks([*members, *added], later.splits) == []


@pytest.mark.parametrize("seed", range(4))
def test_balanced_splits_are_more_alike_than_hashed_ones(seed):
    members = varied(400, seed)
    balanced, hashed = (plan(members, SplitSpec(RATIOS, seed, stratify=kind)) for kind in (True, False))
    one, other = deviation(balanced, members), deviation(hashed, members)
    assert one.mean < other.mean / 2
    assert one.worst < other.worst


@given(
    st.lists(
        st.tuples(st.frozensets(st.sampled_from("abcde"), min_size=1), st.sampled_from(sorted(RATIOS))), max_size=40
    ),
    st.randoms(),
)
def test_swaps_keep_the_numbers_and_only_make_splits_more_alike(given, rng):
    items = [
        Item(f"g{at}", dict.fromkeys(RATIOS, 1), Counter(strata), Counter({min(strata): 1}), tuple(RATIOS))
        for at, (strata, _) in enumerate(given)
    ]
    placed = {item.name: split for item, (_, split) in zip(items, given, strict=True)}

    def capacity(splits):
        found = Capacity(dict.fromkeys(RATIOS, 0))
        for item in items:
            found.add(item, splits[item.name])
        return found

    def squares(lies):
        totals = {stratum: n.total() for stratum, n in lies.strata.items()}
        return sum((lies.strata[s][name] / n - RATIOS[name]) ** 2 for s, n in totals.items() for name in RATIOS)

    changed = capacity(placed)
    found = swap(items, placed, changed, RATIOS)
    assert Counter(found.values()) == Counter(placed.values())
    assert squares(changed) <= squares(capacity(placed)) + 1e-9
    assert {s: +n for s, n in changed.strata.items()} == {s: +n for s, n in capacity(found).strata.items()}
    assert swap(rng.sample(items, len(items)), placed, capacity(placed), RATIOS) == found
    kept = capacity(swap(items, placed, capacity(placed), RATIOS, keep_cells=True))
    assert {cell: +n for cell, n in kept.cells.items()} == {cell: +n for cell, n in capacity(placed).cells.items()}


def test_a_swap_mends_what_placing_could_not_foresee():
    items = [Item(name, {"a": 1, "b": 1}, {name[0]: 1}, {}, ("a", "b")) for name in ("x1", "x2", "y1", "y2")]
    capacity = Capacity({"a": 2, "b": 2})
    placed = {"x1": "a", "x2": "a", "y1": "b", "y2": "b"}
    for item in items:
        capacity.add(item, placed[item.name])
    found = swap(items, placed, capacity, {"a": 0.5, "b": 0.5})
    assert {found["x1"], found["x2"]} == {found["y1"], found["y2"]} == {"a", "b"}


def test_new_samples_that_tie_two_remembered_groups_move_them_together():
    members = [photo("a", scene_id="s"), photo("b", scene_id="t")]
    before = {"key a": "train", "key b": "test"}
    found = plan([*members, photo("c", scene_id="s", near="n"), photo("d", scene_id="t", near="n")], SplitSpec(RATIOS),
                 remembered=before)  # fmt: skip
    assert set(found.splits.values()) == {"test"}
    assert found.moved == 1


def test_counts_are_met_exactly_and_the_rest_is_left_out():
    members = [photo(f"p{at}") for at in range(100)]
    found = plan(members, SplitSpec({"train": 50, "val": 20, "test": 10}))
    assert Counter(found.splits.values()) == {"train": 50, "val": 20, "test": 10}
    assert Counter(one.reason for one in found.left_out) == {"not needed for the requested numbers of samples": 20}


def test_counts_of_a_filter_count_the_filtered():
    members = [photo(f"p{at}", scene_id=f"s{at // 2}") for at in range(100)]
    chosen = {f"p{at}" for at in range(0, 100, 2)}
    found = plan(members, SplitSpec({"train": 20, "test": 10}), chosen=chosen)
    assert Counter(split for i, split in found.splits.items() if i in chosen) == {"train": 20, "test": 10}


def test_folds_are_equal_and_test_stays_apart():
    found = plan([photo(f"p{at}") for at in range(100)], SplitSpec({"train": 0.8, "test": 0.2}, folds=4))
    assert Counter(found.splits.values()) == {"fold1": 20, "fold2": 20, "fold3": 20, "fold4": 20, "test": 20}


def test_stages_divide_train_by_source_and_children_of_test_stay_out():
    members = [photo(f"p{at}") for at in range(20)]
    members += [Member(f"s{at}", True, content_sha256=f"c{at}", parents=(f"p{at}",)) for at in range(20)]
    found = plan(members, SplitSpec({"train": 0.5, "test": 0.5}, stages=True))
    assert {found.splits[m.id] for m in members if not m.synthetic} == {"finetune", "test"}
    assert {found.splits[m.id] for m in members if m.synthetic and m.id in found.splits} == {"pretrain"}
    for at in range(20):
        assert (f"s{at}" in found.splits) == (found.splits[f"p{at}"] == "finetune")


def test_redo_draws_one_split_anew_and_leaves_the_others():
    given_so = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    members = [photo(f"p{at}", split=split) for at, split in enumerate(given_so)]
    found = plan(members, SplitSpec(redo="val", seed=3))
    assert {i for i, split in found.splits.items() if split == "test"} == {f"p{at}" for at in range(80, 100)}
    assert Counter(found.splits.values()) == {"train": 60, "val": 20, "test": 20}
    assert {i for i, split in found.splits.items() if split == "val"} != {f"p{at}" for at in range(60, 80)}


def test_samples_that_a_scenario_was_fitted_to_are_no_test_data():
    members = [photo(f"p{at}") for at in range(40)]
    fitted = tuple(f"p{at}" for at in range(10))
    child = Member("s", True, content_sha256="s", parents=("p0",), fitted_to=fitted)
    drawn = plan([*members, child], SplitSpec({"train": 0.5, "test": 0.5}))
    assert {drawn.splits[i] for i in fitted} == {"train"} and drawn.left_out == []
    assert Counter(drawn.splits[m.id] for m in members) == {"train": 20, "test": 20}
    as_given = [replace(m, split="test" if m.id in ("p1", "p2") else "train") for m in members]
    kept = plan([*as_given, child])
    assert {one.id for one in kept.left_out} == {"p1", "p2"}
    assert "fitted" in kept.left_out[0].reason


def test_a_chain_stays_together_whatever_the_order():
    chain = [photo("p"), *(Member(f"s{n}", True, parents=(f"s{n - 1}" if n else "p",)) for n in range(5))]
    for order in (chain, chain[::-1]):
        assert len(groups(order)) == 1


def test_children_of_one_absent_parent_stay_together():
    children = [Member(f"s{n}", True, content_sha256=f"{n}", parents=("elsewhere",)) for n in range(30)]
    assert len(set(plan(children, SplitSpec(RATIOS)).splits.values())) == 1


MIXED = [photo(f"p{at}", cell="dim x metal" if at < 10 else "normal x wood") for at in range(40)] + [
    Member(f"s{at}", True, content_sha256=f"c{at}", cell="dim x metal" if at < 30 else "normal x wood")
    for at in range(60)
]


def test_at_most_so_many_synthetic_per_slice():
    found = settled(MIXED, SplitSpec({"train": 1.0}, max_synthetic=0.5))
    lies: dict[tuple[str, bool], int] = Counter((m.cell, m.synthetic) for m in MIXED if m.id in found.splits)
    assert lies == {
        ("dim x metal", False): 10, ("dim x metal", True): 10,
        ("normal x wood", False): 30, ("normal x wood", True): 30,
    }  # fmt: skip
    assert found.left_out[0].reason == "synthetic, more than 50% of its slice"


def test_a_mix_of_real_and_synthetic():
    found = settled(MIXED, SplitSpec({"train": 0.5, "val": 0.5}, mix={"train": 1.0, "val": 0.5}))
    kinds = Counter((found.splits[m.id], m.synthetic) for m in MIXED if m.id in found.splits)
    assert kinds == {("train", False): 20, ("train", True): 20, ("val", False): 20, ("val", True): 10}


def test_at_least_so_many_of_every_slice():
    members = varied(120, 5)
    spec = SplitSpec({"train": 0.6, "val": 0.2, "test": 0.2}, at_least=3)
    found = settled(members, spec)
    lies = Counter((m.cell, found.splits[m.id]) for m in members)
    assert min(lies[cell, name] for cell in {m.cell for m in members} for name in spec.splits) >= 3
    free = plan(members, replace(spec, at_least=0))
    assert Counter(found.splits.values()).keys() == Counter(free.splits.values()).keys()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (SplitSpec({"train": 0.4, "val": 0.4}),
         "splits: Shares add up to 0.8, not to 1. The nearest is train=0.5, val=0.5."),
        (SplitSpec({"train": 700, "val": 0.15}),
         "splits: Shares add up to 700.15, not to 1. Shares and counts cannot be mixed. "
         "Write for example train=.7,val=.15,test=.15, or counts: train=700,val=150,test=150."),
        (SplitSpec({"train": 80, "test": 80}),
         "splits: The splits need 160 samples, 80 of them real only, but there are 40 real and 60 synthetic ones. "
         "The nearest possible is train=40, test=40."),
        (SplitSpec({"train": 0.5, "val": 0.5}, mix={"train": 3.0}),
         "mix: The split train needs 60 synthetic samples (1:3), but there are 30 for 20 real ones. "
         "The nearest possible is train=1:1.5; or generate 30 more."),
        (SplitSpec({"train": 0.5, "test": 0.5}, mix={"test": 1.0}),
         "mix: test=1.0 asks for synthetic samples, but test holds real samples only. "
         "Leave test out of mix, or out of real_only."),
        (SplitSpec({"train": 0.5, "test": 0.5}, real_only=("test", "train"), at_least=8),
         "at_least: The split train would hold 2 samples of dim x metal (10 in all), fewer than the 8 of every slice "
         "that are required. The nearest possible is 5."),
        (SplitSpec({"a": 0.5, "test": 0.5}, stages=True),
         "stages: There is no split 'train' to divide into stages, only a, test. "),
        (SplitSpec(redo="dev"), "redo: The split 'dev' cannot be redrawn. Given splits: none. "),
        (SplitSpec({"train": 1.0}, folds=1), "folds must be from 2 to 100, not 1. Five is usual."),
        (SplitSpec({"train": 1.0}, max_synthetic=1.5),
         "max_synthetic must be a share from 0 to 1, not 1.5. Write for example .5 for at most half."),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_with_the_nearest(spec, message):
    members = [replace(m, cell=m.cell) for m in MIXED]
    if spec.at_least:
        members = [m for m in MIXED if not m.synthetic]
    with pytest.raises(InputError) as caught:
        settled(members, spec)
    assert str(caught.value).startswith(message.strip()[:-1] if message.endswith(" ") else message)


def test_a_minimum_of_every_slice_needs_slices():
    with pytest.raises(InputError, match=r"no sample has a value of lighting and surface\. Give samples"):
        settled([photo(f"p{at}") for at in range(10)], SplitSpec({"train": 1.0}, at_least=2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sed": 3}, "Unknown split setting 'sed'. Did you mean 'seed'?"),
        ({"seed": "x"}, "seed: 'x' does not have the form 'N'. Meaning: seed of the random draw (0)."),
        ({"splits": "train"}, "splits: 'train' does not have the form 'SPLIT=SHARE,...'. Meaning: shares or counts"),
    ],
)
def test_values_that_cannot_be_read(values, message):
    with pytest.raises(InputError) as caught:
        SplitSpec.of_values(values)
    assert str(caught.value).startswith(message)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 9), st.integers(20, 120))
def test_nothing_leaks_whatever_is_asked_for(seed, n):
    members = varied(n, seed)
    members += [
        Member(f"s{at}", True, content_sha256=f"s{at}", parents=(f"p{at % n}",), cell=members[at % n].cell)
        for at in range(n)
    ]
    for spec in (
        SplitSpec(RATIOS, seed, stages=True),
        SplitSpec(None, seed, folds=3),
        SplitSpec(RATIOS, seed, max_synthetic=0.3),
        SplitSpec({"train": n // 2, "test": n // 5}, seed),
    ):
        found = settled(members, spec)
        stage = {"pretrain": "train", "finetune": "train"}
        together = {i: stage.get(split, split) for i, split in found.splits.items()}
        assert leaks(members, together) == []
        lies = defaultdict(list)
        for i, split in found.splits.items():
            lies[i].append(split)
        assert all(len(splits) == 1 for splits in lies.values())
