"""Splits without leaks, alike in what they hold, and steady: adding data moves no old sample.

Can a split be stratified, whatever the order of loading, and never move? Not by a rule alone: if adding data may
never move a sample, its split can depend on nothing but itself, and such a rule (a hash) cannot answer to what else
there is. So the draw is made once over all that is there, in an order given by hashes, and **remembered** in the
dataset, under the spec (splits, seed) and the samples' stable keys. Later draws with the same spec keep what is
remembered and fill up with what is new. ``stratify=False`` is the rule alone: a split is the hash of seed and group,
the same in every dataset, even and exact only on average.

Real samples are balanced by themselves, synthetic ones without a real anchor by themselves: generating moves nothing.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.splits.balance import Capacity, Item, balance, quotas
from workbench.core.splits.groups import Group, Member, groups, same
from workbench.core.splits.spec import STAGES, SplitSpec
from workbench.core.splits.swap import swap

PROTECTION = ("test", "val")  # given splits that contradict: the group stays in the first of these


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sample that no split may hold.

    Attributes:
        id: sample id.
        reason: why, for people.
        origin: path inside what was loaded, when known.
    """

    id: str
    reason: str
    origin: str = ""


@dataclass
class Plan:
    """Outcome of ``plan``; every member is in exactly one of the first two.

    Attributes:
        splits: split by sample id.
        left_out: samples in no split.
        drawn: split by ``Member.memory_key`` of what was drawn now, to be remembered.
        moved: groups that were remembered in several splits, which new samples tied together.
    """

    splits: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    drawn: dict[str, str] = field(default_factory=dict)
    moved: int = 0


def assign(groups: Mapping[str, Sequence[str]], ratios: Mapping[str, float], seed: int) -> dict[str, str]:
    """Split by sample id: a hash of seed and group key, so no group's split depends on any other group.

    Args:
        groups: sample ids by group key.
        ratios: share by split; they add up to 1. Their order does not matter.
        seed: another seed, another assignment.

    Raises:
        InputError: the ratios cannot be used.

    >>> assign({"scene a": ["1", "2"], "scene c": ["3"]}, {"train": 0.5, "test": 0.5}, seed=0)
    {'1': 'test', '2': 'test', '3': 'train'}
    """
    shares = SplitSpec(ratios).shares()
    return {i: drawn(key, shares, seed) for key, ids in groups.items() for i in ids}


def drawn(key: str, ratios: Mapping[str, float], seed: int) -> str:
    """The split of one group: its hash as a number in 0..1, laid on the shares in order of their names."""
    number = int.from_bytes(hashlib.sha256(f"{seed}|{key}".encode()).digest()[:8], "big") / 2**64
    names = sorted(name for name, share in ratios.items() if share > 0)
    below = 0.0
    for name in names:
        below += ratios[name]
        if number < below:
            return name
    return names[-1]


def plan(
    members: Sequence[Member],
    spec: SplitSpec | None = None,
    *,
    chosen: Set[str] | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Plan:
    """Assign every sample to a split, or give the reason why it gets none.

    Args:
        members: all samples of the dataset, oldest first.
        spec: the settings; by default given splits are kept.
        chosen: ids of the samples that count, for shares and numbers; ``None`` for all. Groups are of all members.
        remembered: split by ``Member.memory_key`` of earlier draws with this spec.

    Raises:
        InputError: the spec cannot be fulfilled; the message gives the nearest possible one.
    """
    spec = spec or SplitSpec()
    spec.check()
    counted = {member.id for member in members} if chosen is None else chosen
    shares, members = _redone(spec, members, spec.shares())
    members = _given_stay(members) if spec.keeps_given else list(members)
    outcome = Plan()
    targets = _targets(groups(members), spec, shares, counted, remembered or {}, outcome)
    by_key: dict[str, str] = {}
    for group, target in targets:
        seeded = {by_key[key] for key in group.seeds if key in by_key}
        if len(seeded) > 1:
            text = ", ".join(sorted(seeded))
            reason = f"made from samples of several splits ({text}), so they belong to none of them"
            outcome.left_out += [LeftOut(m.id, reason) for m in group.members]
            continue
        target = seeded.pop() if seeded else target
        if target is None:
            outcome.left_out += [
                LeftOut(m.id, "not needed for the requested numbers of samples") for m in group.members
            ]
            continue
        by_key.setdefault(group.key, target)
        _place(group, target, shares, outcome, spec)
    _without_fitted(members, outcome, spec)
    return _staged(members, outcome) if spec.stages else outcome


def _redone(
    spec: SplitSpec, members: Sequence[Member], shares: dict[str, float]
) -> tuple[dict[str, float], Sequence[Member]]:
    """The split to redraw and the one that it is drawn from lose their samples; their shares stay."""
    if spec.redo is None:
        return shares, members
    sizes = Counter(member.split for member in members if member.split)
    others = [name for name in sizes if name not in (spec.redo, *PROTECTION)]
    if spec.redo not in sizes or not others:
        given = ", ".join(f"{name} {n:,}" for name, n in sorted(sizes.items())) or "none"
        fix = "Name one of the given splits; it is redrawn out of itself and train."
        raise InputError(f"The split {spec.redo!r} cannot be redrawn. Given splits: {given}.", at="redo", fix=fix)
    donor = max(others, key=lambda name: (name == "train", sizes[name], name))
    total = sizes[spec.redo] + sizes[donor]
    freed = (spec.redo, donor)
    loose = [replace(member, split=None) if member.split in freed else member for member in members]
    return {name: sizes[name] / total for name in freed}, loose


def _given_stay(members: Sequence[Member]) -> list[Member]:
    """Near duplicates that were given in several splits stay there: the curator decides about them.

    Those without a split follow the ones in the most protected split.
    """
    given: defaultdict[str, set[str]] = defaultdict(set)
    for member in members:
        if member.near and member.split:
            given[member.near].add(member.split)
    kept = {near: _most_protected(splits) for near, splits in given.items()}
    return [
        replace(member, near=None) if member.near and member.split not in (None, kept.get(member.near)) else member
        for member in members
    ]


def _most_protected(given: Iterable[str]) -> str:
    order = {name: rank for rank, name in enumerate(PROTECTION)}
    return min(given, key=lambda name: (order.get(name, len(order)), name))


def _targets(
    every: Sequence[Group],
    spec: SplitSpec,
    shares: Mapping[str, float],
    counted: Collection[str],
    remembered: Mapping[str, str],
    outcome: Plan,
) -> list[tuple[Group, str | None]]:
    """The split of every group: given, remembered, or drawn now; ``None`` for groups beyond the requested numbers."""
    fixed: dict[int, str] = {}
    old: list[Group] = []
    new: list[Group] = []
    for group in every:
        given = {m.split for m in group.deciding if m.split} if spec.keeps_given else set()
        before = {remembered[m.memory_key] for m in group.deciding if m.memory_key in remembered}
        if given:
            fixed[id(group)] = _most_protected(given)
        elif before & shares.keys() and spec.stratify:
            fixed[id(group)] = _most_protected(before & shares.keys())
            outcome.moved += len(before) > 1
            old.append(group)
        elif not group.seeds or not spec.stratify:  # else it goes where the real ones go that it recreates
            new.append(group)
    if spec.stratify:
        assigned = _balanced(old, new, fixed, spec, shares, counted)
    else:
        assigned = {id(group): drawn(group.key, shares, spec.seed) for group in new}
    if spec.stratify and not spec.redo:
        for group in [*old, *new]:
            split = fixed.get(id(group)) or assigned.get(id(group))
            if split is not None and any(m.id in counted for m in group.members):
                outcome.drawn |= {m.memory_key: split for m in group.deciding if remembered.get(m.memory_key) != split}
    return [(group, fixed.get(id(group)) or assigned.get(id(group))) for group in every]


def _balanced(
    old: Sequence[Group],
    new: Sequence[Group],
    fixed: Mapping[int, str],
    spec: SplitSpec,
    shares: Mapping[str, float],
    counted: Collection[str],
) -> dict[int, str]:
    """Splits of new groups; real ones and synthetic ones without an anchor are balanced separately."""
    fitted = {i for group in [*old, *new] for m in group.members if m.id in counted for i in m.fitted_to}
    assigned: dict[int, str] = {}
    pools = [([g for g in old if real(g) is kind], [g for g in new if real(g) is kind], kind) for kind in (True, False)]
    totals = [_counts_of(pool[0], pool[1], spec, counted) for pool in pools]
    wanted = _wanted_numbers(spec, shares, totals)
    for (kept, fresh, is_real), numbers in zip(pools, wanted, strict=True):
        own = shares if is_real else _synthetic_shares(shares, spec)
        items = {id(g): _item(g, spec, own, counted, fitted) for g in (*kept, *fresh)}
        capacity = Capacity(numbers)
        for group in kept:
            capacity.add(items[id(group)], fixed[id(group)])
        waiting = [items[id(group)] for group in fresh]
        least = spec.at_least if is_real else 0
        names = balance(waiting, capacity, own, spec.seed, at_least=least, strict=spec.is_counts)
        names = swap(waiting, names, capacity, own, keep_cells=bool(least))
        assigned |= {id(g): names[items[id(g)].name] for g in fresh if items[id(g)].name in names}
    return assigned


def real(group: Group) -> bool:
    """Whether a group has real members, which then decide."""
    return any(not member.synthetic for member in group.members)


def _counts_of(old: Sequence[Group], new: Sequence[Group], spec: SplitSpec, counted: Collection[str]) -> int:
    """Number of samples of a pool that count; with numbers of samples in the spec, children count too."""
    pool = [*old, *new]
    return sum(m.id in counted for g in pool for m in (g.members if spec.is_counts else g.deciding))


def _wanted_numbers(spec: SplitSpec, shares: Mapping[str, float], totals: Sequence[int]) -> list[dict[str, int]]:
    """Samples by split of the real and of the synthetic pool.

    Raises:
        InputError: the spec needs more samples than there are.
    """
    n_real, n_synthetic = totals
    if not spec.is_counts:
        return [quotas(shares, n_real), quotas(_synthetic_shares(shares, spec), n_synthetic)]
    given = {name: int((spec.splits or {}).get(name, 0)) for name in shares}
    if spec.folds:
        train = int((spec.splits or {}).get("train", 0))
        given |= quotas({name: 1 / spec.folds for name in shares if name.startswith("fold")}, train)
    closed = sum(n for name, n in given.items() if name in spec.real_only)
    if closed > n_real or sum(given.values()) > n_real + n_synthetic:
        room = min(1.0, n_real / max(closed, 1), (n_real + n_synthetic) / sum(given.values()))
        near = ", ".join(f"{name}={int(n * room):,}" for name, n in given.items())
        wanted = f"{counted(sum(given.values()), 'sample')}, {closed:,} of them real only"
        problem = f"The splits need {wanted}, but there are {n_real:,} real and {n_synthetic:,} synthetic ones."
        raise InputError(problem, at="splits", fix=f"The nearest possible is {near}.")
    part = (n_real - closed) / max(n_real - closed + n_synthetic, 1)
    for_real = {name: n if name in spec.real_only else round(n * part) for name, n in given.items()}
    return [for_real, {name: n - for_real[name] for name, n in given.items()}]


def _synthetic_shares(shares: Mapping[str, float], spec: SplitSpec) -> dict[str, float]:
    """Shares of synthetic samples: what splits of real ones cannot take goes to the largest other."""
    open_to = {name: share for name, share in shares.items() if share > 0 and name not in spec.real_only}
    if not open_to:
        return dict(shares)
    largest = max(open_to, key=lambda name: (open_to[name], name == "train"))
    closed = sum(share for name, share in shares.items() if name in spec.real_only)
    return {name: open_to.get(name, 0.0) + (closed if name == largest else 0.0) for name in shares}


def _item(
    group: Group, spec: SplitSpec, shares: Mapping[str, float], counted: Collection[str], fitted: Collection[str]
) -> Item:
    """A group as it is balanced; one that a scenario was fitted to stays out of real-only splits if it can."""
    deciding = [m for m in group.deciding if m.id in counted]
    everyone = [m for m in group.members if m.id in counted] if spec.is_counts else deciding
    strata = _counted(tuple(sorted(s for m in deciding for s in m.strata)))
    cells = _counted(tuple(sorted(m.cell for m in deciding if m.cell is not None)))
    names = [name for name, share in shares.items() if share > 0]
    seen = any(m.id in fitted for m in group.members)
    outside = [name for name in names if name not in spec.real_only] if seen else names
    closed = tuple(spec.real_only) if real(group) else ()
    weight = _weights(tuple(shares), closed, len(deciding), len(everyone))
    return Item(group.name, weight, strata, cells, same(tuple(outside or names)))


@functools.lru_cache(maxsize=4096)
def _weights(names: tuple[str, ...], closed: tuple[str, ...], deciding: int, everyone: int) -> Mapping[str, int]:
    """Samples of a group that count in each split: in closed ones only those that decide; shared as ``_counted``."""
    return {name: deciding if name in closed else everyone for name in names}


@functools.lru_cache(maxsize=4096)
def _counted(names: tuple[str, ...]) -> Mapping[str, int]:
    """The same object for the same names: most groups are of one sample, and like many others."""
    return Counter(names)


def _place(group: Group, target: str, shares: Mapping[str, float], outcome: Plan, spec: SplitSpec) -> None:
    elsewhere = [name for name, share in shares.items() if share > 0 and name not in spec.real_only]
    bound = bool(group.seeds) or real(group)
    for member in group.members:
        given = member.split if spec.keeps_given else None
        if given is not None and given != target:
            outcome.left_out.append(LeftOut(member.id, f"given in {given}, but its group also lies in {target}"))
        elif not member.synthetic or target not in spec.real_only:
            outcome.splits[member.id] = target
        elif bound:
            outcome.left_out.append(LeftOut(member.id, f"synthetic, recreates a real sample of {target}"))
        elif given is not None or not elsewhere:
            outcome.left_out.append(LeftOut(member.id, f"synthetic, in {target}, which holds real samples only"))
        else:
            outcome.splits[member.id] = max(elsewhere, key=lambda name: (shares[name], name == "train"))


def _without_fitted(members: Sequence[Member], outcome: Plan, spec: SplitSpec) -> None:
    """Samples that a scenario was fitted to never count as test data while samples of it are trained on."""
    scenarios = {m.fitted_to for m in members if m.fitted_to and outcome.splits.get(m.id, "test") != "test"}
    seen = {sample_id for ids in scenarios for sample_id in ids}
    closed = {*spec.real_only, "test"}
    for member in members:
        split = outcome.splits.get(member.id)
        if split in closed and member.id in seen and not member.synthetic:
            del outcome.splits[member.id]
            reason = f"generated training samples were fitted to them, so they cannot be in {split}"
            outcome.left_out.append(LeftOut(member.id, reason))


def _staged(members: Sequence[Member], outcome: Plan) -> Plan:
    """``train`` becomes two stages: synthetic samples first, then real ones."""
    stage = {member.id: STAGES[0] if member.synthetic else STAGES[1] for member in members}
    splits = {i: stage[i] if split == "train" else split for i, split in outcome.splits.items()}
    return replace(outcome, splits=splits)
